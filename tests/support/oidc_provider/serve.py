"""The provider process: makes its tables, its people and its one client, and serves until it is stopped."""

import os
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, PASSWORD


class Server(ThreadingMixIn, WSGIServer):
    """One thread a request: browsers keep connections open."""

    daemon_threads = True


def main() -> None:
    """Fill the database and serve."""
    django.setup()
    call_command("migrate", verbosity=0)
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth import get_user_model

    for entry in os.environ["PROVIDER_PEOPLE"].split(","):
        name, _sign, email = entry.partition("=")
        user = get_user_model().objects.create_user(username=name, email=email, password=PASSWORD)
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    client = Client(id=CLIENT_ID, name="Skill map", scopes="openid\nprofile\nemail", skip_consent=True)
    client.redirect_uris = os.environ["PROVIDER_REDIRECT_URI"]
    client.set_secret(CLIENT_SECRET)
    client.save()
    port = int(os.environ["PROVIDER_PORT"])
    with make_server("127.0.0.1", port, get_wsgi_application(), server_class=Server) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
