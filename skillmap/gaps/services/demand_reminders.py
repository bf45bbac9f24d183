"""The reminders of a day: to coordinators whose answer is due in a week, tomorrow, is late, or was asked back about."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from skillmap.core import clock, notifications
from skillmap.core.models import Notification
from skillmap.core.templatetags.ui.words import jp_date
from skillmap.gaps import demand_rules
from skillmap.gaps.choices import ResponseState, SurveyState
from skillmap.gaps.models import DemandResponse
from skillmap.gaps.selectors.demand import situation_of, with_counts
from skillmap.gaps.selectors.demand_surveys import coordinators
from skillmap.gaps.services.demand_notices import notices

KIND = "demand.due"


def remind_of_demand() -> int:
    """Write the reminders that fall on today for all running surveys; returns how many people they go to.

    Each stage (a week before, the day before, each week after) is told once per answer, person and closing day: running
    it again writes nothing, and a closing day that is moved begins anew.
    """
    waiting = with_counts(DemandResponse.objects.waiting().filter(survey__state=SurveyState.OPEN))
    answers = list(waiting.select_related("survey", "organisation").order_by("pk"))
    due = [(answer, stage) for answer in answers if (stage := demand_rules.reminder(situation_of(answer)))]
    if not due:
        return 0
    rows = _rows(due)
    notifications.notify_many(rows)
    return len({row.recipient_id for row in rows})


def _rows(due: Sequence[tuple[DemandResponse, demand_rules.Reminder]]) -> list[Notification]:
    stages = {answer.pk: stage for answer, stage in due}

    def closes(answer: DemandResponse) -> str:
        return (answer.extended_to or answer.survey.closes_on).isoformat()

    return notices(
        [answer for answer, _stage in due],
        kind=KIND,
        subject=lambda answer: _subject(answer, stages[answer.pk]),
        body=lambda answer: _body(answer, stages[answer.pk]),
        key=lambda answer: f"{closes(answer)}:{stages[answer.pk].kind}:{stages[answer.pk].number}",
        known=coordinators(),
    )


def _subject(answer: DemandResponse, stage: demand_rules.Reminder) -> str:
    if answer.state == ResponseState.QUESTIONED:
        return _("The answer to the demand survey waits to be submitted again")
    if stage.kind == demand_rules.OVER:
        return _("The closing day of the demand survey has passed")
    return _("The demand survey closes soon")


def _body(answer: DemandResponse, stage: demand_rules.Reminder) -> str:
    closes_on = answer.extended_to or answer.survey.closes_on
    values = {"name": answer.survey.name, "day": jp_date(closes_on), "left": max(0, (closes_on - clock.today()).days)}
    if answer.state == ResponseState.QUESTIONED:  # the closing day ends no dialogue: nobody has to ask for more time
        text = _(
            "The secretariat has asked back about the answer to “%(name)s”. Reply to the question, change lines where "
            "needed, and submit again. This is possible after the closing day (%(day)s) too."
        )
    elif stage.kind == demand_rules.OVER:
        text = _(
            "The answer to “%(name)s” was due by %(day)s. What was entered is kept. Ask the secretariat for more time."
        )
    else:
        text = _(
            "The answer to “%(name)s” is due by %(day)s (%(left)d days left). Where there is nothing to report, choose "
            "“Nothing to report”."
        )
    return text % values
