"""What the top floor shows: the frame's counts, what is next for me, my map, who looked, search."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from skillmap.assessment import rules
from skillmap.assessment.choices import CycleState, CycleStep, ObjectionState, SecondMeeting, State
from skillmap.assessment.models import Assessment, Cycle, CycleWindow, MentorPair, Objection
from skillmap.assessment.selectors.cycles import with_second_held
from skillmap.assessment.selectors.profile import profile
from skillmap.core import clock
from skillmap.core.audit import subject_of
from skillmap.core.choices import JobState, MailState
from skillmap.core.fiscal import fiscal_year_label
from skillmap.core.models import AuditEvent, Job, Notification
from skillmap.framework.catalogue import Catalogue, catalogue_of
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import JobType, Skill, SkillCategory
from skillmap.framework.selectors import current_framework
from skillmap.gaps.choices import AreaState, ResponseState, SurveyState
from skillmap.gaps.models import DemandResponse, PriorityArea
from skillmap.people.access import Access, access_of
from skillmap.people.models import Organisation, Staff, User

SOON = timedelta(days=30)  # what begins later is not named yet


@dataclass(frozen=True)
class Frame:
    """Counts that every page's frame needs."""

    unread: int
    is_mentor: bool


def frame(user: User) -> Frame:
    """Unread notices, and whether the person mentors anybody in an open cycle; one query."""
    unread = Notification.objects.filter(recipient=OuterRef("pk"), read_at=None).values("recipient")
    pairs = MentorPair.objects.active().filter(mentor__user=OuterRef("pk"), cycle__state=CycleState.OPEN)
    row = (
        User.objects.filter(pk=user.pk)
        .annotate(
            unread=Coalesce(Subquery(unread.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0),
            mentors=Exists(pairs),
        )
        .values_list("unread", "mentors")
        .first()
    )
    return Frame(*row) if row else Frame(0, False)


@dataclass(frozen=True)
class Task:
    """One line of "next for me": what, until when, and the one button."""

    title: str
    note: str
    due: date | None
    url: str
    button: str
    is_late: bool = False
    is_ahead: bool = False  # `due` is the day it begins


def _windows(cycle_ids: set[int]) -> dict[tuple[int, str], tuple[date, date]]:
    rows = CycleWindow.objects.filter(cycle__in=cycle_ids).values_list("cycle_id", "step", "opens_on", "closes_on")
    return {(cycle, step): (opens, closes) for cycle, step, opens, closes in rows}


def own_checks(staff_id: int) -> list[Assessment]:
    """The person's checks in open cycles, newest first, with how many items are answered."""
    rows = Assessment.objects.filter(staff=staff_id, cycle__state=CycleState.OPEN).exclude(state=State.WITHDRAWN)
    counted = rows.annotate(
        item_count=Count("ratings"),
        answered_count=Count("ratings", filter=Q(ratings__self_level__isnull=False)),
    )
    return list(counted.select_related("cycle", "group").order_by("-cycle__fiscal_year", "-pk"))


def check_to_open(checks: list[Assessment]) -> Assessment | None:
    """Of the own checks, newest first: one whose self-check has begun, else the newest; one query at most."""
    if len(checks) < 2:
        return checks[0] if checks else None
    windows = _windows({check.cycle_id for check in checks})
    today = clock.today()

    def has_begun(check: Assessment) -> bool:
        opens, _closes = windows.get((check.cycle_id, CycleStep.SELF_CHECK), (today, today))
        return opens <= today

    return next((check for check in checks if has_begun(check)), checks[0])


def own_tasks(checks: list[Assessment]) -> list[Task]:
    """What the person has to do for the own checks, and last what begins soon; one query."""
    windows = _windows({check.cycle_id for check in checks})
    tasks = []
    for check in checks:
        task = _own_task(check, windows)
        if task is not None:
            tasks.append(task)
    return sorted(tasks, key=lambda task: task.is_ahead)


def _own_task(check: Assessment, windows: Mapping[tuple[int, str], tuple[date, date]]) -> Task | None:
    today = clock.today()
    page = reverse("assessment:check", args=[check.pk])
    if check.state == State.DRAFT:
        opens, closes = windows.get((check.cycle_id, "self_check"), (today, today))
        note = _("%(answered)d of %(items)d items answered") % {
            "answered": check.answered_count,  # type: ignore[attr-defined]
            "items": check.item_count,  # type: ignore[attr-defined]
        }
        if today < opens:
            if opens - today > SOON:
                return None
            note = str(check.cycle.name)
            return Task(_("The self-check opens soon"), note, opens, page, _("Have a look"), is_ahead=True)
        begun = check.answered_count > 0  # type: ignore[attr-defined]
        button = _("Continue the self-check") if begun else _("Begin the self-check")
        return Task(_("Self-check"), note, closes, page, button, is_late=closes < today)
    if check.state == State.REVIEWED:
        _opens, closes = windows.get((check.cycle_id, "correction"), (today, today))
        note = _("Your mentor's view stands beside your answers.")
        return Task(_("Self-correction"), note, closes, page, _("Correct and submit"), is_late=closes < today)
    if check.state == State.CONFIRMED:
        _opens, closes = windows.get((check.cycle_id, "second_one_on_one"), (today, today))
        note = _("Your levels are confirmed.")
        url = reverse("assessment:result", args=[check.pk])
        return Task(_("Result sheet"), note, closes, url, _("Read and receive"), is_late=closes < today)
    return None


def mentor_tasks(staff_id: int) -> list[Task]:
    """Mentees who wait for their mentor, at most five by name; two queries."""
    pairs = MentorPair.objects.active().filter(mentor=staff_id, cycle=OuterRef("cycle_id"), mentee=OuterRef("staff_id"))
    waiting = Assessment.objects.filter(Exists(pairs), cycle__state=CycleState.OPEN, state=State.SUBMITTED)
    rows = list(waiting.select_related("staff", "cycle").order_by("submitted_at", "pk")[:5])
    windows = _windows({row.cycle_id for row in rows})
    today = clock.today()
    tasks = []
    for row in rows:
        _opens, closes = windows.get((row.cycle_id, "first_one_on_one"), (today, today))
        tasks.append(
            Task(
                _("First 1on1 with %(name)s") % {"name": row.staff.name},
                _("The self-check is submitted."),
                closes,
                reverse("assessment:one_on_one", args=[row.pk]),
                _("Prepare the 1on1"),
                is_late=closes < today,
            )
        )
    return tasks


def coordinator_tasks(user: User) -> list[Task]:
    """Surveys that wait for the own organisations' answer; one query."""
    waiting = (ResponseState.NOT_STARTED, ResponseState.DRAFT, ResponseState.QUESTIONED)
    rows = DemandResponse.objects.visible_to(user).filter(survey__state=SurveyState.OPEN, state__in=waiting)
    today = clock.today()
    return [
        Task(
            _("Demand survey: %(organisation)s") % {"organisation": row.organisation.label},
            row.get_state_display(),
            row.extended_to or row.survey.closes_on,
            reverse("gaps:demand", args=[row.pk]),
            _("Answer"),
            is_late=(row.extended_to or row.survey.closes_on) < today,
        )
        for row in rows.select_related("survey", "organisation").order_by("survey__closes_on", "pk")[:5]
    ]


@dataclass(frozen=True)
class CycleProgress:
    """How far a running cycle is: people by state, and how many wait for confirmation; as the cycle's board counts."""

    cycle: Cycle
    states: list[tuple[str, int]]
    people: int
    finished: int
    to_confirm: int


def cycles_in_progress() -> list[CycleProgress]:
    """Open cycles with people by state; two queries. For the secretariat, steps only."""
    cycles = list(Cycle.objects.filter(state=CycleState.OPEN).order_by("-fiscal_year", "-pk"))
    checks = Assessment.objects.filter(cycle__in=cycles).exclude(state=State.WITHDRAWN)
    rows = (
        with_second_held(checks)
        .values("cycle", "state")
        .annotate(people=Count("pk"), ready=Count("pk", filter=_WAITS_FOR_CONFIRMATION))
        .order_by()
    )
    counts: dict[tuple[int, str], int] = {}
    ready: dict[int, int] = {}
    for row in rows:
        counts[row["cycle"], row["state"]] = row["people"]
        ready[row["cycle"]] = ready.get(row["cycle"], 0) + row["ready"]
    found = []
    for cycle in cycles:
        states = [
            (str(state.label), counts.get((cycle.pk, state.value), 0)) for state in State if state != State.WITHDRAWN
        ]
        people = sum(n for _label, n in states)
        finished = sum(counts.get((cycle.pk, state), 0) for state in (State.CONFIRMED, State.RECEIVED))
        found.append(CycleProgress(cycle, states, people, finished, ready.get(cycle.pk, 0)))
    return found


# What the board calls waiting for the secretariat: the corrected whose second 1on1, where it comes first, was held,
# and the submitted of groups without 1on1.
_WAITS_FOR_CONFIRMATION = (
    Q(state=State.CORRECTED) & (~Q(cycle__second_meeting=SecondMeeting.BEFORE) | Q(second_held=True))
) | Q(state=State.SUBMITTED, group__with_one_on_one=False)


def secretariat_tasks(progress: list[CycleProgress]) -> list[Task]:
    """What waits for the secretariat: confirmations, objections, given-up jobs and mails; three queries."""
    tasks = []
    for line in progress:
        board = reverse("assessment:board", args=[line.cycle.pk])
        waiting = line.to_confirm
        if waiting:
            title = ngettext("%(n)d check waits for confirmation", "%(n)d checks wait for confirmation", waiting)
            url = f"{board}?step={CycleStep.CONFIRMATION.value}&who={rules.SECRETARIAT}#board-list"
            tasks.append(Task(title % {"n": waiting}, str(line.cycle.name), None, url, _("To the board")))
    objections = Objection.objects.filter(state=ObjectionState.OPEN).count()
    if objections:
        title = ngettext("%(n)d request for correction", "%(n)d requests for correction", objections)
        url = reverse("assessment:objections")
        tasks.append(Task(title % {"n": objections}, _("People object to a confirmed level."), None, url, _("Answer")))
    stuck = Job.objects.filter(state__in=[JobState.DEAD, JobState.FAILED]).count()
    unsent = Notification.objects.filter(mail_state=MailState.FAILED).count()
    if stuck or unsent:
        note = _("Jobs: %(jobs)d, mails: %(mails)d") % {"jobs": stuck, "mails": unsent}
        tasks.append(Task(_("Background work that failed"), note, None, reverse("portal:background"), _("Look")))
    return tasks


def adopted_areas() -> list[PriorityArea]:
    """The adopted priority areas of the newest fiscal year that has any; one query."""
    rows = list(
        PriorityArea.objects.filter(state=AreaState.ADOPTED)
        .select_related("skill")
        .order_by("-fiscal_year", "demand_rank")
    )
    return [row for row in rows if row.fiscal_year == rows[0].fiscal_year] if rows else []


# ---------------------------------------------------------------------------------------------------------------- map


@dataclass(frozen=True)
class MapRow:
    """One item on a person's map: the level that holds, the one before, the target, and reasons to learn it next."""

    skill: Skill
    level: int | None
    since: date | None
    before: int | None
    target: int
    reasons: tuple[str, ...]

    @property
    def lack(self) -> int:
        """Levels missing to the target."""
        return rules.lack(self.level, self.target)

    @property
    def change(self) -> int | None:
        """Levels won or lost since the last confirmation; None where there was none before."""
        return self.level - self.before if self.level is not None and self.before is not None else None


@dataclass(frozen=True)
class PersonMap:
    """A person's confirmed levels against a job type: rows in order, category means, fits, what to learn next."""

    staff: Staff
    catalogue: Catalogue
    job_type: JobType | None
    rows: list[MapRow]
    means: list[tuple[SkillCategory, float | None, float | None]]
    fit: rules.Fit | None
    fits: list[tuple[JobType, rules.Fit]]
    as_of: date | None

    @property
    def has_levels(self) -> bool:
        """Whether any level is confirmed."""
        return any(row.level is not None for row in self.rows)

    @property
    def next_steps(self) -> list[MapRow]:
        """What to learn next: most reasons first, then the largest lack, at most five."""
        wanted = [row for row in self.rows if row.reasons]
        return sorted(wanted, key=lambda row: (-len(row.reasons), -row.lack, row.skill.number))[:5]


def person_map(
    *, viewer: User, staff: Staff, job_type_id: int | None, as_of: date | None, areas: list[PriorityArea]
) -> PersonMap | None:
    """The map of a person whose levels the viewer may see; None without a published framework. Five queries at most."""
    framework = current_framework()
    if framework is None:
        return None
    catalogue = catalogue_of(framework)
    levels = {row.skill_code: row for row in profile(viewer=viewer, staff_id=staff.pk, as_of=as_of)}
    checks = Assessment.objects.filter(staff=staff).exclude(state=State.WITHDRAWN)
    if access_of(viewer).staff_id != staff.pk:
        checks = checks.exclude(state=State.DRAFT)  # what is being answered is the person's own
    newest = checks.order_by("-pk").first()
    wishes = set()
    if newest is not None:
        wishes = set(newest.ratings.filter(wish=True).values_list("skill__code", flat=True))
    before = _levels_before(viewer, staff.pk, as_of)
    job_type = catalogue.job_type(job_type_id) or _same_code(catalogue, newest)
    asked = catalogue.requirements.get(job_type.pk, {}) if job_type else {}
    language = get_language() or "ja"
    priority = {area.skill.code: fiscal_year_label(area.fiscal_year, language) for area in areas}
    held = {code: row.level for code, row in levels.items()}
    rows = [
        MapRow(
            skill=skill,
            level=held.get(skill.code),
            since=levels[skill.code].valid_from if skill.code in levels else None,
            before=before.get(skill.code),
            target=asked.get(skill.code, 0),
            reasons=_reasons(skill, held.get(skill.code), asked.get(skill.code, 0), wishes, priority),
        )
        for skill in catalogue.skills
        if skill.kind == ItemKind.DIGITAL or skill.code in held
    ]
    fits = [(row, rules.fit(held, catalogue.requirements.get(row.pk, {}))) for row in catalogue.job_types]
    return PersonMap(
        staff=staff,
        catalogue=catalogue,
        job_type=job_type,
        rows=rows,
        means=_means(catalogue, held, asked),
        fit=rules.fit(held, asked) if job_type else None,
        fits=sorted(fits, key=lambda pair: -(pair[1].ratio or 0)),
        as_of=as_of,
    )


def _same_code(catalogue: Catalogue, newest: Assessment | None) -> JobType | None:
    """The target that the person chose in the newest check, in the present version."""
    if newest is None or newest.target_job_type_id is None:
        return None
    chosen = catalogue.job_type(newest.target_job_type_id)
    if chosen is not None:
        return chosen
    code = JobType.objects.filter(pk=newest.target_job_type_id).values_list("code", flat=True).first()
    return next((row for row in catalogue.job_types if row.code == code), None)


def _levels_before(viewer: User, staff_id: int, as_of: date | None) -> dict[str, int]:
    """The level that held before the present one, by item code, by the knowledge of that day; one query."""
    from skillmap.assessment.models import ConfirmedLevel

    rows = ConfirmedLevel.objects.visible_to(viewer).known(as_of).filter(staff=staff_id, valid_to__isnull=False)
    if as_of is not None:
        rows = rows.filter(valid_to__lte=as_of)
    return dict(rows.order_by("valid_from").values_list("skill_code", "level"))


def _means(
    catalogue: Catalogue, held: Mapping[str, int], asked: Mapping[str, int]
) -> list[tuple[SkillCategory, float | None, float | None]]:
    """Per digital category: the mean held level, and the mean level asked for."""
    digital = [category for category in catalogue.categories if category.kind == ItemKind.DIGITAL]
    codes = {category.code: [skill.code for skill in catalogue.skills_in(category)] for category in digital}
    own = rules.category_means(held, codes)
    wanted = rules.category_means({code: asked.get(code, 0) for group in codes.values() for code in group}, codes)
    found: list[tuple[SkillCategory, float | None, float | None]] = []
    for category in digital:
        mean, target = own[category.code], wanted[category.code]
        found.append(
            (category, None if mean is None else float(mean), float(target) if asked and target is not None else None)
        )
    return found


def _reasons(
    skill: Skill, level: int | None, target: int, wishes: set[str], priority: Mapping[str, str]
) -> tuple[str, ...]:
    reasons = []
    missing = rules.lack(level, target)
    if missing:
        reasons.append(
            ngettext("%(n)d level below the target", "%(n)d levels below the target", missing) % {"n": missing}
        )
    if skill.code in priority and (level or 0) < 3:
        reasons.append(_("Priority area of %(year)s") % {"year": priority[skill.code]})
    if skill.code in wishes:
        reasons.append(_("You want to grow in it"))
    return tuple(reasons)


# ----------------------------------------------------------------------------------------------------- looks, search


def looks_at(staff_id: int) -> QuerySet[AuditEvent]:
    """Every look of others at a person's levels, newest first."""
    rows = AuditEvent.objects.filter(subject_key=subject_of(staff_id), verb="levels.read")
    return rows.select_related("actor").order_by("-pk")


@dataclass(frozen=True)
class Hit:
    """One thing found."""

    kind: str
    label: str
    note: str
    url: str


def finds_people(access: Access) -> bool:
    """Whether a search looks for organisations and people too."""
    return access.is_secretariat or access.is_supporter or access.is_coordinator


def search(user: User, words: str) -> list[Hit]:
    """Items, job types, organisations and, by right, people whose name or number holds the words; four queries."""
    framework = current_framework()
    hits: list[Hit] = []
    if framework is not None:
        hits += _search_framework(catalogue_of(framework), words)
    organisations = Organisation.objects.current().filter(Q(name__icontains=words) | Q(short_name__icontains=words))
    if finds_people(access_of(user)):
        hits += [
            Hit(_("Organisation"), row.name, "", reverse("people:organisation", args=[row.pk]))
            for row in organisations.order_by("path")[:10]
        ]
        hits += _search_people(user, words)
    return hits


def _search_framework(catalogue: Catalogue, words: str) -> list[Hit]:
    home = reverse("framework:home")
    low = words.casefold()
    found = [
        Hit(_("Skill item"), skill.label, skill.text, f"{home}#skill-{skill.code}")
        for skill in catalogue.skills
        if low in f"{skill.name} {skill.name_en} {skill.definition}".casefold()
    ]
    found += [
        Hit(_("Job type"), row.label, row.text, f"{home}#job-{row.code}")
        for row in catalogue.job_types
        if low in f"{row.name} {row.name_en} {row.definition}".casefold()
    ]
    return found


def _search_people(user: User, words: str) -> list[Hit]:
    people = Staff.objects.visible_to(user).filter(
        Q(name__icontains=words) | Q(kana__icontains=words) | Q(number__iexact=words)
    )
    return [
        Hit(_("Person"), row.name, row.organisation.label, reverse("people:staff", args=[row.pk]))
        for row in people.select_related("organisation").order_by("kana", "pk")[:20]
    ]
