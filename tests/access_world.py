"""The world of the access matrix: one account per actor, one object of each kind, and the address of every route."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.urls import URLResolver, get_resolver, reverse

from skillmap.assessment.choices import FindingKind
from skillmap.assessment.models import (
    DevelopmentGoal,
    Evidence,
    Finding,
    MentorPair,
    Objection,
    PrivateMemo,
)
from skillmap.core import clock, jobs
from skillmap.core.models import ImportBatch, Job, Notification
from skillmap.gaps.choices import AreaState, LevelBasis, Phase, SurveyState
from skillmap.gaps.models import DemandItem, DemandQuestion, DemandResponse, DemandSurvey, PriorityArea
from skillmap.gaps.services.runs import run_publish, run_request
from skillmap.people.choices import DesignationKind, Role
from skillmap.people.models import (
    ApiToken,
    BureauGroup,
    Designation,
    Membership,
    OrganisationChange,
    RoleGrant,
    User,
)
from tests.factories.assessment import World, make_cycle, make_staff

ACTORS = (
    "anonymous",
    "stranger",
    "person",
    "mentor",
    "deputy",
    "former_mentor",
    "coordinator",
    "other_coordinator",
    "expert",
    "secretariat",
    "supporter",
    "executive",
)
# Of allauth's pages for signed-out people and of its own flows; each is open to everyone and says so in the table.
MEDIA = {"json": "application/json"}


class AccessWorld:
    """The objects that the addresses name. `person` is the subject: a check that is started, in the own bureau."""

    def __init__(self) -> None:
        self.base: World = make_cycle(items=4)
        base = self.base
        self.check = base.check("started")
        self.done = base.check("confirmed")
        self.cycle = base.cycle
        office = base.secretariat
        self.person = base.user("started")
        self.expert = make_staff(base.other_section, role=Role.EXPERT)
        rating = self.check.ratings.select_related("skill").order_by("skill__number")[0]
        self.code = rating.skill.code
        self.evidence = Evidence.objects.create(rating=rating, work="更改計画", created_by=self.person)
        self.goal = DevelopmentGoal.objects.create(assessment=self.check, text="説明する", created_by=base.mentor)
        self.memo = PrivateMemo.objects.create(assessment=self.check, author=base.mentor, text="覚え書き")
        self.finding = Finding.objects.create(cycle=self.cycle, kind=FindingKind.FINDING, text="x", author=office)
        self.objection = Objection.objects.create(
            assessment=self.done, skill=rating.skill, wanted_level=3, text="根拠があります"
        )
        self.pair = MentorPair.objects.active().get(mentee=self.check.staff, is_deputy=False)
        self._demand()
        self._runs()
        self._people()
        self.job = Job.objects.create(kind="test.none", requested_by=self.person)
        self.notice = Notification.objects.create(recipient=self.person, kind="t", subject="s", dedup_key="k")
        self.batches = {
            kind: ImportBatch.objects.create(
                kind=kind,
                file_name="x.csv",
                sha256="0" * 64,
                fingerprint=kind,
                created_by=office,
                options={"response": self.response.pk},
            )
            for kind in ("people.staff", "assessment.levels", "assessment.mentors", "gaps.demand")
        }

    def _demand(self) -> None:
        base, today = self.base, clock.today()
        self.survey = DemandSurvey.objects.create(
            fiscal_year=2026,
            name="需要調査",
            framework=base.framework,
            state=SurveyState.OPEN,
            opens_on=today - timedelta(days=3),
            closes_on=today + timedelta(days=3),
        )
        self.response = DemandResponse.objects.create(survey=self.survey, organisation=base.bureau)
        self.line = DemandItem.objects.create(
            response=self.response, business="更改", phase=Phase.PLANNING, skill=base.skills[0], level=2, headcount=1
        )
        self.question = DemandQuestion.objects.create(response=self.response, text="?", asked_by=base.secretariat)

    def _runs(self) -> None:
        asked = run_request(
            cycle_id=self.cycle.pk,
            survey_id=self.survey.pk,
            basis=LevelBasis.CONFIRMED,
            parameters={},
            actor=self.base.secretariat,
        )
        jobs.run(asked.job_id or 0)
        self.run = run_publish(run_id=asked.pk, actor=self.base.secretariat)
        self.area = PriorityArea.objects.create(
            fiscal_year=2026, skill=self.base.skills[1], state=AreaState.ADOPTED, decided_on=date(2026, 4, 1)
        )

    def _people(self) -> None:
        base = self.base
        self.subject = self.check.staff
        self.membership = Membership.objects.filter(staff=self.subject).latest("pk")
        self.designation = Designation.objects.create(
            staff=self.subject, kind=DesignationKind.RESKILLING, valid_from=date(2025, 4, 1)
        )
        self.grant = RoleGrant.objects.filter(user=base.coordinator).latest("pk")
        self.group = BureauGroup.objects.create(code="access", name="部門")
        self.change = OrganisationChange.objects.create(
            kind="rename",
            effective_on=clock.today() + timedelta(days=30),
            plan={"organisation": base.bureau.pk, "name": "新局", "name_en": "", "short_name": ""},
        )
        self.token = ApiToken.objects.create(
            user=base.secretariat, name="t", prefix="dsm_access", digest="0" * 64, purpose="support",
            expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
        somebody = make_staff(base.other_section)
        self.key = Authenticator.objects.create(user=somebody, type=Authenticator.Type.WEBAUTHN, data={})

    def users(self) -> dict[str, User | None]:
        """One account per actor, read anew."""
        base = self.base
        found: dict[str, User | None] = {"anonymous": None, "person": self.person, "expert": self.expert}
        for name in ACTORS:
            if name not in found:
                found[name] = getattr(base, name)
        return {name: User.objects.get(pk=user.pk) if user else None for name, user in found.items()}

    # ------------------------------------------------------------------------------------------------- addresses

    def values(self, route: str, names: frozenset[str]) -> dict[str, Any]:
        """A value for each parameter of a route; KeyError for a route that nobody has described."""
        own = {"pk": self._pk(route)} if "pk" in names else {}
        others = {name: self._other(route, name) for name in names - {"pk"}}
        return own | others

    def _pk(self, route: str) -> Any:
        space, _colon, name = route.rpartition(":")
        found: dict[str, Any] = {
            "assessment": self._assessment_pk,
            "assessment-api": lambda name: {"cycle-detail": self.cycle.pk, "profile": self.subject.pk}.get(
                name, self.check.pk
            ),
            "gaps": self._gaps_pk,
            "gaps-api": self._gaps_api_pk,
            "people": self._people_pk,
            "people-api": lambda name: self.base.bureau.pk if "organisation" in name else self.subject.pk,
            "portal": lambda name: {"person_map": self.subject.pk, "notice": self.notice.pk}[name],
            "framework": lambda _name: self._cell(),
            "": lambda _name: self.key.pk,
        }
        return found[space](name)

    def _cell(self) -> int:
        return int(self.base.job_types[0].requirements.order_by("pk")[0].pk)

    def _assessment_pk(self, name: str) -> int:
        if name == "goal_tick":
            return self.goal.pk
        if name == "memo_remove":
            return self.memo.pk
        if name == "objection_answer":
            return self.objection.pk
        if name in ("result", "objection_create"):
            return self.check.pk
        if name.startswith(("cycle", "board", "findings", "finding", "mentors", "mentor_e")):
            return self.cycle.pk
        return self.check.pk

    def _gaps_pk(self, name: str) -> int:
        if name.startswith("demand"):
            return self.response.pk
        if name.startswith("survey"):
            return self.survey.pk
        if name.startswith("area"):
            return self.area.pk
        return self.run.pk

    def _gaps_api_pk(self, name: str) -> int:
        if "survey" in name:
            return self.survey.pk
        if "item" in name:
            return self.line.pk
        return self.run.pk

    def _people_pk(self, name: str) -> int:
        if name == "designation_end":
            return self.designation.pk
        if name.startswith("account_"):
            return self.person.pk
        if name == "role_new":
            return self.person.pk
        if name == "role_revoke":
            return self.grant.pk
        if name.startswith("token_"):
            return self.token.pk
        if name.startswith("organisation"):
            return self.base.bureau.pk
        if name.startswith("group_"):
            return self.group.pk
        if name.startswith("change"):
            return self.change.pk
        return self.subject.pk

    def _other(self, route: str, name: str) -> Any:
        if name == "public_id":
            return self._public_id(route)
        if name == "code":
            if route.startswith("framework:"):
                return self.base.framework.code
            if route == "framework-api:framework-detail":
                return self.base.framework.code
            if route == "framework-api:job-type-detail":
                return self.base.job_types[0].code
            return self.code
        if name == "kind":
            return "split" if route == "people:change_new" else "first"
        values = {
            "evidence_id": self.evidence.pk,
            "check_id": self.check.pk,
            "group_id": self.check.group_id,
            "finding_id": self.finding.pk,
            "staff_id": self.subject.pk,
            "pair_id": self.pair.pk,
            "part": "note" if route.startswith("assessment:") else "job-type",
            "key": self.base.job_types[0].code if route.startswith("framework:") else "abc-def",
            "uidb36": "1",
            "provider_id": "sso",
            "topic": "staff",
            "skill_code": self.base.skills[0].code,
            "job_type_code": self.base.job_types[0].code,
            "question_id": self.question.pk,
            "item_id": self.line.pk,
            "membership": self.membership.pk,
            "area_id": self.area.pk,
            "link": 1,
            "name": "supply",
            "what": "ranks",
            "ending": "csv",
        }
        return values[name]

    def _public_id(self, route: str) -> Any:
        if route.startswith("core:") or route == "assessment:board_result":
            return self.job.public_id
        kinds = {
            "people:": "people.staff",
            "assessment:levels": "assessment.levels",
            "assessment:mentors": "assessment.mentors",
            "gaps:demand": "gaps.demand",
        }
        kind = next(kind for start, kind in kinds.items() if route.startswith(start))
        return self.batches[kind].public_id


def routes() -> Iterator[tuple[str, frozenset[str]]]:
    """Every named route with the names of its parameters, the same name once."""
    seen = set()
    for name, names in _walk(get_resolver(), "", frozenset()):
        if name not in seen:
            seen.add(name)
            yield name, names


def _walk(resolver: URLResolver, space: str, above: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for entry in resolver.url_patterns:
        names = above | set(entry.pattern.converters) | set(entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, f"{space}{entry.namespace}:" if entry.namespace else space, names)
        elif entry.name:
            yield f"{space}{entry.name}", names


def address(world: AccessWorld, route: str, names: frozenset[str]) -> str:
    """The address of a route, with the world's objects."""
    return reverse(route, kwargs=world.values(route, names))
