"""People of the demo world: made up, the same for the same size and seed; written in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from skillmap.core.bulk import insert
from skillmap.core.progress import Progress
from skillmap.people.choices import (
    DesignationKind,
    Employer,
    Grade,
    HiringRoute,
    Occupation,
    OrganisationKind,
    Role,
)
from skillmap.people.models import Designation, Membership, Organisation, OrganisationVersion, RoleGrant, Staff, User

DOMAIN = "demo.example"
PASSWORD = "skillmap-demo"  # noqa: S105  known on purpose; only this demo makes accounts with it
SURNAMES = (
    ("青木", "あおき"), ("池田", "いけだ"), ("石川", "いしかわ"), ("上野", "うえの"), ("大野", "おおの"), ("小川", "おがわ"),
    ("加藤", "かとう"), ("菊地", "きくち"), ("工藤", "くどう"), ("小林", "こばやし"), ("斎藤", "さいとう"), ("佐々木", "ささき"),
    ("清水", "しみず"), ("杉山", "すぎやま"), ("髙橋", "たかはし"), ("竹内", "たけうち"), ("千葉", "ちば"), ("土屋", "つちや"),
    ("中川", "なかがわ"), ("西村", "にしむら"), ("野口", "のぐち"), ("橋本", "はしもと"), ("平野", "ひらの"), ("藤田", "ふじた"),
    ("星野", "ほしの"), ("前田", "まえだ"), ("宮﨑", "みやざき"), ("村上", "むらかみ"), ("森", "もり"), ("山口", "やまぐち"),
    ("横山", "よこやま"), ("吉田", "よしだ"), ("和田", "わだ"), ("岩崎", "いわさき"), ("河野", "こうの"), ("島田", "しまだ"),
)  # fmt: skip
GIVEN = (
    ("葵", "あおい"), ("明日香", "あすか"), ("樹", "いつき"), ("恵美", "えみ"), ("薫", "かおる"), ("健太", "けんた"),
    ("浩二", "こうじ"), ("彩", "あや"), ("翔", "しょう"), ("真一", "しんいち"), ("大輔", "だいすけ"), ("千尋", "ちひろ"),
    ("直樹", "なおき"), ("夏美", "なつみ"), ("光", "ひかる"), ("弘", "ひろし"), ("舞", "まい"), ("学", "まなぶ"),
    ("美咲", "みさき"), ("優", "ゆう"), ("裕子", "ゆうこ"), ("陽介", "ようすけ"), ("涼", "りょう"), ("玲奈", "れな"),
    ("亮", "りょう"), ("和也", "かずや"), ("聡", "さとし"), ("智子", "ともこ"), ("香織", "かおり"), ("隆", "たかし"),
)  # fmt: skip
# Sections are the demo's own: the sources print bureaus and divisions only.
SECTIONS = (("計画課", "planning"), ("デジタル推進課", "digital"), ("システム課", "systems"))
WEIGHTS = {"bods": 42, "soumu": 14, "seisaku": 8, "kodomo": 6, "hoken": 20, "fukushi": 20, "sangyo": 18, "kouwan": 12,
           "kyouiku": 24, "senkan": 4, "jinjii": 3, "kansa": 3}  # fmt: skip


@dataclass(frozen=True)
class DemoPeople:
    """Everyone of the demo, and the accounts of its roles by name."""

    ict: list[Staff]
    experts: list[Staff]
    ambassadors: list[Staff]
    coordinators: dict[int, User]
    accounts: dict[str, User]


def _names(rng: Random) -> Iterator[tuple[str, str]]:
    while True:
        (surname, surname_kana), (given, given_kana) = rng.choice(SURNAMES), rng.choice(GIVEN)
        yield f"{surname} {given}", f"{surname_kana} {given_kana}"


def _section_names(people: int, bureaus: int) -> Sequence[tuple[str, str]]:
    """Three sections a bureau, in larger worlds one for every sixty people."""
    more = max(0, people // (bureaus * 60) - len(SECTIONS))
    return (*SECTIONS, *((f"事業第{number}課", f"works{number}") for number in range(1, more + 1)))


def _sections(
    bureaus: Sequence[Organisation], names: Sequence[tuple[str, str]], opened: date
) -> dict[str, list[Organisation]]:
    """Sections below each bureau, written in bulk; by bureau code."""
    rows = [
        Organisation(
            code=f"{bureau.code}_{code}",
            name=name,
            kind=OrganisationKind.SECTION,
            parent=bureau,
            sort_order=bureau.sort_order * 10 + min(index, 9),
            provenance="inferred",
            source="demo",
            bureau_group=bureau.bureau_group,
            valid_from=opened,
        )
        for bureau in bureaus
        for index, (name, code) in enumerate(names)
    ]
    Organisation.objects.bulk_create(rows)
    for row in rows:
        row.path = f"{row.parent.path}{row.pk}/" if row.parent else f"/{row.pk}/"
    Organisation.objects.bulk_update(rows, ["path"], batch_size=500)
    OrganisationVersion.objects.bulk_create(
        OrganisationVersion(
            organisation=row, name=row.name, parent=row.parent, bureau_group=row.bureau_group, valid_from=opened
        )
        for row in rows
    )
    found: dict[str, list[Organisation]] = {}
    for row in rows:
        found.setdefault(row.parent.code if row.parent else "", []).append(row)
    return found


def build(*, people: int, rng: Random, today: date, progress: Progress) -> DemoPeople:
    """Write sections, accounts, staff, memberships, designations and roles.

    Args:
        people: how many ICT staff; experts are one in twelve, DX ambassadors one in six beside them.
        rng: the only source of chance.
        today: hire dates and roles lie before it.
        progress: is told how far the accounts are.
    """
    bureaus = list(Organisation.objects.current().filter(code__in=WEIGHTS).order_by("sort_order"))
    sections = _sections(bureaus, _section_names(people, len(bureaus)), date(2020, 4, 1))
    places = [section for bureau in bureaus for section in sections[bureau.code]]
    weights = [WEIGHTS[bureau.code] for bureau in bureaus for _section in sections[bureau.code]]
    govtech = Organisation.objects.get(code="govtech_tokyo")
    names = _names(rng)
    counter = iter(range(1, 10_000_000))

    def staff(occupation: Occupation, grade: Grade, place: Organisation, **more: object) -> Staff:
        name, kana = next(names)
        return Staff(
            number=f"{next(counter):07d}",
            name=name,
            kana=kana,
            occupation=occupation,
            grade=grade,
            organisation=place,
            hired_on=date(today.year - rng.randint(1, 20), 4, 1),
            **more,
        )

    grades = rng.choices(
        [Grade.OFFICER, Grade.SENIOR, Grade.DEPUTY_MANAGER, Grade.SECTION_MANAGER], [40, 32, 22, 6], k=people
    )
    routes = rng.choices(list(HiringRoute), [45, 15, 10, 25, 3, 2], k=people)
    where = rng.choices(places, weights, k=people)
    ict = [
        staff(Occupation.ICT, grade, place, hiring_route=route)
        for grade, route, place in zip(grades, routes, where, strict=True)
    ]
    experts = [
        staff(
            Occupation.EXPERT,
            Grade.DEPUTY_MANAGER,
            govtech,
            employer=Employer.GOVTECH,
            hiring_route=HiringRoute.FIXED_TERM,
            expert_until=date(today.year + 2, 3, 31),
        )
        for _ in range(max(3, people // 12))
    ]
    clerical = [staff(Occupation.CLERICAL, Grade.SENIOR, place) for place in rng.choices(places, k=max(4, people // 6))]
    heads = [staff(Occupation.CLERICAL, Grade.DEPUTY_MANAGER, sections[bureau.code][1]) for bureau in bureaus]
    office = staff(Occupation.CLERICAL, Grade.DEPUTY_MANAGER, sections["bods"][0])
    office_two = staff(Occupation.CLERICAL, Grade.SENIOR, sections["bods"][0])
    # The two demo people with a check stand in the same bureau, in different sections.
    ict[0].grade, ict[0].organisation = Grade.SENIOR, sections["fukushi"][2]
    ict[1].grade, ict[1].organisation = Grade.DEPUTY_MANAGER, sections["fukushi"][0]
    everyone = [*ict, *experts, *clerical, *heads, office, office_two]
    named = {"staff": ict[0], "mentor": ict[1], "expert": experts[0], "secretariat": office}
    named["coordinator"] = next(
        head for head in heads if head.organisation.parent_id == sections["fukushi"][0].parent_id
    )
    progress.stage("people", len(everyone))
    accounts = _accounts(everyone, named, progress)
    _memberships(everyone, today)
    designations = (
        Designation(
            staff=person,
            kind=DesignationKind.DX_AMBASSADOR,
            organisation=person.organisation,
            valid_from=date(2024, 4, 1),
        )
        for person in clerical
    )
    insert(designations, Designation)
    start = date(2020, 4, 1)
    RoleGrant.objects.bulk_create(
        [
            RoleGrant(user=accounts["secretariat"], role=Role.SECRETARIAT, valid_from=start),
            RoleGrant(user=office_two.user, role=Role.SECRETARIAT, valid_from=start),
            RoleGrant(user=accounts["executive"], role=Role.EXECUTIVE, valid_from=start),
            *(RoleGrant(user=person.user, role=Role.EXPERT, valid_from=start) for person in experts),
            *(
                RoleGrant(user=head.user, role=Role.COORDINATOR, organisation=bureau, valid_from=start)
                for head, bureau in zip(heads, bureaus, strict=True)
            ),
        ]
    )
    coordinators = {bureau.pk: head.user for head, bureau in zip(heads, bureaus, strict=True) if head.user is not None}
    return DemoPeople(ict, experts, clerical, coordinators, accounts)


def _accounts(everyone: Sequence[Staff], named: dict[str, Staff], progress: Progress) -> dict[str, User]:
    """An account for everyone; those of the demo's roles get the known password, the others none."""
    words = {id(person): word for word, person in named.items()}
    password, unusable = make_password(PASSWORD), make_password(None)
    users = [
        User(
            email=f"{words.get(id(person), f's{person.number}')}@{DOMAIN}",
            name=person.name,
            password=password if id(person) in words else unusable,
        )
        for person in everyone
    ]
    executive = User(email=f"executive@{DOMAIN}", name="CIO補佐 閲覧者", password=password)
    insert([*users, executive], User)
    # Who signs in with the known password can have a second factor too: that wants an address that is known to be theirs.
    known = [user for user in (*users, executive) if user.password == password]
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, primary=True, verified=True) for user in known]
    )
    for person, user in zip(everyone, users, strict=True):
        person.user, person.email = user, user.email
    insert(progress.over(everyone), Staff)
    return {word: person.user for word, person in named.items() if person.user is not None} | {"executive": executive}


def _memberships(everyone: Sequence[Staff], today: date) -> None:
    rows = (
        Membership(
            staff=person,
            organisation=person.organisation,
            grade=person.grade,
            occupation=person.occupation,
            valid_from=person.hired_on or today - timedelta(days=365),
        )
        for person in everyone
    )
    insert(rows, Membership)
