"""The texts of the reminders: which there are, one of them with its preview."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from skillmap.assessment import cycle_rules, mail_texts
from skillmap.assessment.choices import CycleStep
from skillmap.assessment.forms.cycles import MailTextForm
from skillmap.assessment.models import MailText
from skillmap.assessment.services import reminders
from skillmap.assessment.views.office import office_of
from skillmap.core import clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.htmx import sign_in_required
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.people.access import user_of


@sign_in_required
@require_GET
def mail_text_list(request: HttpRequest) -> HttpResponse:
    """The texts of reminders: when each is sent, and whether its words are the built-in ones."""
    office_of(request)
    kept = {row.kind: row for row in MailText.objects.select_related("updated_by")}
    rows = [(text, kept.get(kind)) for kind, text in mail_texts.TEXTS.items()]
    return render(request, "assessment/mail_text_list.html", {"rows": rows})


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def mail_text(request: HttpRequest, kind: str) -> HttpResponse:
    """Edit the words of one kind, with a preview."""
    office_of(request)
    text = mail_texts.TEXTS.get(kind)
    if text is None:
        raise Http404
    kept = MailText.objects.filter(kind=kind).first()
    subject, body = (kept.subject, kept.body) if kept is not None else (str(text.subject), str(text.body))
    initial = {"subject": subject, "body": body, "version": kept.version if kept is not None else 0}
    form = MailTextForm(request.POST or None, initial=initial)
    present: dict[str, Any] = {}
    if request.method == "POST" and "reset" in request.POST:
        reminders.mail_text_reset(kind=kind, actor=user_of(request))
        messages.success(request, _("The built-in words are back."))
        return redirect("assessment:mail_texts")
    if request.method == "POST" and form.is_valid():
        subject, body = form.cleaned_data["subject"], form.cleaned_data["body"]
        if "preview" not in request.POST:
            refusal = _save_mail_text(request, kind, form)
            if refusal is None:
                messages.success(request, _("Saved. The next mail has these words."))
                return redirect("assessment:mail_texts")
            present = refusal.details
    example = _example(user_of(request).name)
    context = {
        "form": form,
        "text": text,
        "kept": kept,
        "present": present,
        "placeholders": [(f"{{{name}}}", words, example[name]) for name, words in mail_texts.PLACEHOLDERS.items()],
        "preview_subject": mail_texts.filled(subject, example),
        "preview_body": mail_texts.filled(body, example),
        "unknown": [f"{{{name}}}" for name in mail_texts.unknown_placeholders(f"{subject}\n{body}")],
    }
    return render(request, "assessment/mail_text.html", context, status=422 if form.errors else 200)


def _save_mail_text(request: HttpRequest, kind: str, form: MailTextForm) -> RuleViolation | None:
    """None where it is saved; else the refusal, which stands in the form too."""
    try:
        reminders.mail_text_save(kind=kind, actor=user_of(request), **form.cleaned_data)
    except RuleViolation as refusal:
        form.add_error(None if isinstance(refusal, Conflict) else "body", str(refusal))
        return refusal
    return None


def _example(name: str) -> dict[str, object]:
    """Values for the preview."""
    year = clock.today().year
    window = cycle_rules.default_windows(year)["self_check"]
    return {
        "name": name,
        "cycle": _("FY%(year)s skill check") % {"year": year},
        "step": CycleStep.SELF_CHECK.label,
        "opens_on": jp_date(window.opens_on),
        "closes_on": jp_date(window.closes_on),
        "days_left": 7,
        "count": 3,
    }
