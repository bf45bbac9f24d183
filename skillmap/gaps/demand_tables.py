"""The tables of the demand survey: the sheet that is filled in and brought back, and the exports."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from skillmap.core.tabular.cells import CellValue
from skillmap.core.tabular.columns import Column, Kind, labels_of
from skillmap.core.tabular.keys import match_key
from skillmap.core.tabular.writing import Form, Out, Table, notes_for
from skillmap.framework.models import Skill
from skillmap.gaps.choices import Phase
from skillmap.gaps.demand_rules import FIRST_DAY, LAST_DAY, MOST_PEOPLE
from skillmap.gaps.models import DemandItem, DemandSurvey
from skillmap.gaps.selectors.demand import SkillTotal
from skillmap.gaps.selectors.demand_surveys import AnswerRow

SHEET = gettext_lazy("Lines of demand")
FORMS = {Kind.INTEGER: Form.INTEGER, Kind.LEVEL: Form.LEVEL, Kind.DATE: Form.DATE}
FILLED = (
    ("filled_staff", gettext_lazy("Filled now by own staff"), "現在の充足(職員)"),
    ("filled_govtech", gettext_lazy("Filled now by GovTech"), "現在の充足(GovTech)"),
    ("filled_vendor", gettext_lazy("Filled now by vendors"), "現在の充足(委託)"),
)


def columns_for(skills: Sequence[Skill]) -> list[Column]:
    """The columns of a sheet of lines, with the items of the survey to choose from; for exports without them."""
    return [
        Column(
            key="business",
            headers=[gettext_lazy("Business or system"), "業務・システム", "業務名", "システム名"],
            required=True,
            max_length=120,
            personal=False,
            width=36,
            hint=gettext_lazy("One line for each business and skill item."),
        ),
        Column(
            key="phase",
            headers=[gettext_lazy("Phase"), "局面"],
            kind=Kind.CHOICE,
            choices=labels_of(Phase),
            required=True,
            width=20,
        ),
        Column(
            key="skill",
            headers=[gettext_lazy("Skill item"), "スキル項目"],
            kind=Kind.CHOICE if skills else Kind.TEXT,
            choices=skill_choices(skills),
            required=True,
            width=30,
        ),
        Column(
            key="level",
            headers=[gettext_lazy("Level"), "レベル"],
            kind=Kind.LEVEL,
            minimum=1,
            required=True,
            hint=gettext_lazy("1 with guidance, 2 independent, 3 guides others."),
        ),
        Column(
            key="headcount",
            headers=[gettext_lazy("Headcount"), "人数", "必要人数"],
            kind=Kind.INTEGER,
            minimum=1,
            maximum=MOST_PEOPLE,
            suffixes=["人", "名"],
            required=True,
            hint=gettext_lazy("People needed, also where some are there already."),
        ),
        *(
            Column(key=key, headers=[label], kind=Kind.DATE, earliest=FIRST_DAY, latest=LAST_DAY, width=14)
            for key, label in (
                ("needed_from", gettext_lazy("Needed from")),
                ("needed_until", gettext_lazy("Needed until")),
            )
        ),
        *(
            Column(
                key=key,
                headers=[label, japanese],
                kind=Kind.INTEGER,
                maximum=MOST_PEOPLE,
                suffixes=["人", "名"],
                width=14,
                hint=gettext_lazy("How many there are now; an empty cell counts as 0."),
            )
            for key, label, japanese in FILLED
        ),
        Column(key="note", headers=[gettext_lazy("Remarks"), "備考"], max_length=300, personal=False, width=40),
    ]


def skill_choices(skills: Sequence[Skill]) -> Mapping[str, Sequence[str]]:
    """Item codes to the texts that a cell may hold: number and name in the reader's language first, then the others.

    A text that would stand for two items is left out; number and name together never do.
    """
    texts = {skill.code: _texts(skill) for skill in skills}
    uses = Counter(key for own in texts.values() for key in {match_key(text) for text in own})
    codes = {match_key(code) for code in texts}
    return {
        code: [own[0], *(text for text in own[1:] if uses[match_key(text)] == 1 and match_key(text) not in codes)]
        for code, own in texts.items()
    }


def _texts(skill: Skill) -> list[str]:
    names = [name for name in (skill.name, skill.name_en) if name]
    numbered = [f"{skill.number}. {name}" for name in (skill.label, *names)]
    spaced = [f"{skill.number} {name}" for name in names]
    return list(dict.fromkeys([*numbered, *spaced, *names, str(skill.number)]))


def sheet_row(item: DemandItem) -> dict[str, CellValue]:
    """One line as a row of the sheet: values by column key, choices as people read them."""
    return {
        "business": item.business,
        "phase": str(Phase(item.phase).label),
        "skill": f"{item.skill.number}. {item.skill.label}",
        "level": item.level,
        "headcount": item.headcount,
        "needed_from": item.needed_from,
        "needed_until": item.needed_until,
        "filled_staff": item.filled_staff,
        "filled_govtech": item.filled_govtech,
        "filled_vendor": item.filled_vendor,
        "note": item.note,
    }


def template_notes(survey: DemandSurvey, organisation: str) -> list[str]:
    """How to fill the sheet in; stands above its heading row."""
    return [
        f"{survey.name} / {organisation}",
        _("One line for each business, skill item and level. Columns marked as required must be filled in."),
        _("Bring the sheet back on the page of the answer: it is checked first, and you see what would change."),
        _("Applied, the sheet replaces all present lines: a line that is no longer in the sheet is removed."),
    ]


# --------------------------------------------------------------------------------------------------------- exports


def _outs(columns: Iterable[Column]) -> list[Out]:
    return [Out(column.headers[0], FORMS.get(column.kind, Form.TEXT), column.width) for column in columns]


def lines_table(survey: DemandSurvey, organisation: str, items: Iterable[DemandItem]) -> Table:
    """The lines of one answer, in the columns of the sheet: what is exported can be brought in again."""
    columns = columns_for(())
    keys = [column.key for column in columns]
    return Table(
        name=SHEET,
        columns=_outs(columns),
        rows=([row[key] for key in keys] for row in map(sheet_row, items)),
        notes=notes_for(filters={_("Survey"): survey.name, _("Organisation"): organisation}, purpose=False),
    )


def survey_lines_table(survey: DemandSurvey, items: Iterable[DemandItem], *, shown: str) -> Table:
    """All lines of a survey, organisation by organisation; `shown` names the view, where there is one."""
    columns = columns_for(())
    keys = [column.key for column in columns]

    def rows() -> Iterator[list[CellValue]]:
        for item in items:
            response, row = item.response, sheet_row(item)
            place = [response.organisation.code, response.organisation.name, response.get_state_display()]
            yield [*place, *(row[key] for key in keys)]

    leading = [Out(_("Organisation code")), Out(_("Organisation"), width=30), Out(_("State"))]
    filters = {_("Survey"): survey.name, _("State"): shown}
    return Table(
        name=SHEET, columns=[*leading, *_outs(columns)], rows=rows(), notes=notes_for(filters=filters, purpose=False)
    )


def answers_table(survey: DemandSurvey, rows: Iterable[AnswerRow]) -> Table:
    """Who has answered."""
    columns = [
        Out(_("Organisation code")),
        Out(_("Organisation"), width=30),
        Out(_("State")),
        Out(_("Lines"), Form.INTEGER),
        Out(_("Headcount"), Form.INTEGER),
        Out(_("Closing day"), Form.DATE),
        Out(_("Submitted on"), Form.TIME),
        Out(_("Submitted by")),
        Out(_("Coordinators"), width=30),
    ]
    return Table(
        name=_("Answers"),
        columns=columns,
        rows=(_answer_row(survey, row) for row in rows),
        notes=notes_for(filters={_("Survey"): survey.name}, purpose=False),
    )


def _answer_row(survey: DemandSurvey, row: AnswerRow) -> list[CellValue]:
    response: Any = row.response
    return [
        response.organisation.code,
        response.organisation.name,
        response.get_state_display(),
        response.line_count,
        response.headcount,
        response.extended_to or survey.closes_on,
        response.submitted_at,
        response.submitted_by.name if response.submitted_by else "",
        "、".join(row.coordinators),
    ]


def totals_table(survey: DemandSurvey, totals: Iterable[SkillTotal]) -> Table:
    """Totals by item."""
    columns = [
        Out(_("No."), Form.INTEGER),
        Out(_("Skill item"), width=30),
        Out(_("Lines"), Form.INTEGER),
        *(Out(f"Lv.{level}", Form.INTEGER) for level in (1, 2, 3)),
        Out(_("Headcount"), Form.INTEGER),
        Out(_("Filled now"), Form.INTEGER),
    ]
    return Table(
        name=_("Totals by skill item"),
        columns=columns,
        rows=([row.number, row.label, row.lines, *row.by_level, row.headcount, row.filled] for row in totals),
        notes=notes_for(filters={_("Survey"): survey.name}, purpose=False),
    )
