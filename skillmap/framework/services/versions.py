"""The life of a version: copied into a draft, published, retired; or discarded before that."""

from django.db import transaction
from django.utils.translation import gettext as _

from skillmap.core import audit, clock
from skillmap.core.errors import Conflict, RuleViolation
from skillmap.core.locks import queue_to_change
from skillmap.framework import rules
from skillmap.framework.choices import FrameworkState, Provenance
from skillmap.framework.models import (
    CertificationSkill,
    Framework,
    JobTypeRequirement,
    SkillLevelText,
)
from skillmap.framework.selectors import content_of
from skillmap.framework.services.common import check_code, compare_and_set, locked, locked_draft, refused_while_in_use
from skillmap.framework.services.loading import mark_published, refuse_unless_whole, write_content
from skillmap.people.models import User


@transaction.atomic
def framework_draft_from(
    *, source_id: int, code: str, name: str, name_en: str = "", note: str = "", actor: User
) -> Framework:
    """Copy a published or retired version into a new draft.

    Raises:
        RuleViolation: the code is taken or cannot be one, or the source is itself a draft.
    """
    queue_to_change(Framework)  # two copies of different versions may want the same code
    source = locked(source_id, actor)
    if "copy" not in rules.open_actions(source.state):
        text = _("Only a published version can be copied. Publish this draft first, or go on editing it.")
        raise RuleViolation(text, code="wrong_state")
    check_code(code, Framework.objects.filter(code=code).exists())
    draft = Framework.objects.create(
        code=code,
        name=name,
        name_en=name_en,
        note=note,
        based_on=source,
        translation_provenance=source.translation_provenance,
    )
    write_content(draft, content_of(source))
    audit.record(verb="framework.draft", actor=actor, target=draft, source=source.code, code=code)
    return draft


@transaction.atomic
def framework_update(
    *,
    framework_id: int,
    version: int,
    name: str,
    name_en: str,
    note: str,
    confirm_translation: bool,
    actor: User,
) -> None:
    """Change a draft's name and note; optionally confirm its English texts. Conflict where it moved meanwhile."""
    draft = locked_draft(framework_id, actor)
    confirmed = {"translation_provenance": Provenance.CONFIRMED} if confirm_translation else {}
    compare_and_set(draft, version, name=name, name_en=name_en, note=note, **confirmed)
    audit.record(verb="framework.update", actor=actor, target=draft)


@transaction.atomic
def framework_publish(*, framework_id: int, seen: str, actor: User) -> Framework:
    """Publish a draft; from then on nothing in it changes.

    Args:
        seen: `rules.fingerprint` of what the person saw before deciding.

    Raises:
        RuleViolation: not a draft, or not whole (`details["problems"]` lists why).
        Conflict: it was edited after the person looked at it.
    """
    draft = locked_draft(framework_id, actor)
    content = content_of(draft)
    if rules.fingerprint(content, draft.version) != seen:
        text = _("This draft was changed after you opened this page. Please look at it again before you publish it.")
        raise Conflict(text, code="conflict")
    refuse_unless_whole(content)
    mark_published(draft, actor)
    audit.record(verb="framework.publish", actor=actor, target=draft, code=draft.code)
    return draft


@transaction.atomic
def framework_retire(*, framework_id: int, version: int, actor: User) -> None:
    """Take a published version out of use; what refers to it stays readable."""
    framework = locked(framework_id, actor)
    if "retire" not in rules.open_actions(framework.state):
        raise RuleViolation(_("Only a published version can be retired. Nothing was changed."), code="wrong_state")
    compare_and_set(framework, version, state=FrameworkState.RETIRED, retired_at=clock.now())
    audit.record(verb="framework.retire", actor=actor, target=framework, code=framework.code)


@transaction.atomic
def framework_discard(*, framework_id: int, actor: User) -> None:
    """Delete a draft with all that it holds; RuleViolation where something refers to it."""
    draft = locked_draft(framework_id, actor)
    audit.record(verb="framework.discard", actor=actor, target=draft, code=draft.code)
    with refused_while_in_use():
        CertificationSkill.objects.filter(certification__framework=draft).delete()
        draft.certifications.all().delete()
        JobTypeRequirement.objects.filter(job_type__framework=draft).delete()
        draft.job_types.all().delete()
        SkillLevelText.objects.filter(skill__framework=draft).delete()
        for rows in (draft.skills, draft.levels, draft.categories):
            rows.all().delete()
        draft.delete()
