"""Every form of every page, sent as it stands: what people can make the product write."""

from __future__ import annotations

from tests.access_world import ACTORS, AccessWorld, address, routes
from tests.hostile.asking import Asker
from tests.hostile.forms import FORM, encoded, forms_of
from tests.test_access_matrix import matrix


def send_every_form(asker: Asker, world: AccessWorld, actor: str, *, text: str) -> None:
    """Each form of an actor's pages, once per button, with a text in what is empty; what it writes stays."""
    table, column = matrix(), ACTORS.index(actor)
    for route, names in routes():
        if table[route, "GET"][column] != "200" or ":" not in route:
            continue
        url = address(world, route, names)
        answer = asker.ask(actor, "GET", url)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for form in forms_of(url, answer.content.decode(), text=text):
            wanted = form.method == "POST" and not form.multipart and "/accounts/" not in form.action
            for body in form.bodies() if wanted else ():
                asker.ask(actor, "POST", form.action, encoded(body), FORM, keep=True)
