"""Pages of 1on1s: what they show to whom, saving with and without JavaScript, the two-user test of every route."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext as _

from skillmap.assessment.choices import CycleStep, ProposalState, State
from skillmap.assessment.models import (
    Assessment,
    AssessmentEvent,
    MeetingProposal,
    MentorPair,
    OneOnOne,
    PrivateMemo,
    SkillRating,
)
from skillmap.assessment.selectors.meetings.reading import dossier_of
from skillmap.assessment.selectors.mentees import mentees_of
from skillmap.assessment.selectors.talks import talk_of
from skillmap.assessment.services import meetings, mentors, times
from skillmap.assessment.services.meetings import PageEntry, Text, View
from skillmap.assessment.services.mentors import Wanted
from skillmap.assessment.services.transitions import transition
from skillmap.core import clock
from skillmap.core.models import AuditEvent, Notification
from tests.assessment.meeting_support import (
    CANARY,
    DAY,
    actor_of,
    as_user,
    dossier,
    fresh,
    page_of,
    post_json,
    queries,
    rating,
    slot,
    view_of,
)
from tests.factories.assessment import ROLES, World, make_cycle, set_windows
from tests.support.ground import on_ground

# Words and forms; every page is asked for on both databases by test_query_counts.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


laid, world = on_ground(lambda: make_cycle(items=4))


# -------------------------------------------------------------------------------------------------------- mentor's page


def test_only_what_differs_is_shown_and_everything_on_demand() -> None:
    world = make_cycle(items=22)
    check = world.check("submitted")
    check.target_job_type = None
    check.save(update_fields=["target_job_type"])
    # Own levels are those of last time but for two items.
    for row in check.ratings.select_related("skill"):
        row.self_level = max(0, (row.self_level or 0) - 1) if row.skill.number not in (7, 8) else 3
        row.save(update_fields=["self_level"])
    worth_it = {item.skill.number for item in talk_of(dossier(world.mentor, check)).worth_it}
    html = page_of(world, "submitted")
    assert worth_it == {int(number) for number in re.findall(r"<legend>(\d+)\. ", html)}
    assert {7, 8} >= worth_it > set()
    assert page_of(world, "submitted", query="?all=1").count('<fieldset class="talk') == 22


def test_a_check_that_is_being_answered_shows_no_level_to_the_mentor(world: World) -> None:
    for stage in ("untouched", "started", "withdrawn"):
        check = world.check(stage)
        assert talk_of(dossier(world.mentor, check)).items == ()
        html = page_of(world, stage, query="?all=1")
        assert "talk__levels" not in html and "Lv." not in html
        sheet = as_user(world.mentor).get(reverse("assessment:meeting_sheet", args=[check.pk])).content.decode()
        assert "level--" not in sheet
    assert not AuditEvent.objects.filter(verb="levels.read").exists()


def test_a_correction_is_not_read_before_it_is_submitted(world: World) -> None:
    check = world.check("reviewed")
    SkillRating.objects.filter(assessment=check).update(self_level=1, corrected_level=3)
    assert {item.corrected for item in talk_of(dossier(world.mentor, check)).items} == {None}
    assert {item.corrected for item in talk_of(dossier(world.user("reviewed"), check)).items} == {3}
    Assessment.objects.filter(pk=check.pk).update(state=State.CORRECTED)
    assert {item.level for item in talk_of(dossier(world.mentor, check)).items} == {3}


def test_each_look_is_recorded_with_its_purpose(world: World) -> None:
    check = world.check("met")
    page_of(world, "met")
    as_user(world.deputy).get(reverse("assessment:meeting_sheet", args=[check.pk]))
    as_user(world.user("met")).get(reverse("assessment:my_one_on_one", args=[check.pk]))
    as_user(world.user("met")).get(reverse("assessment:meeting_sheet", args=[check.pk]))
    looks = AuditEvent.objects.filter(verb="levels.read").order_by("pk")
    assert [(line.actor_id, line.subject_key, line.purpose) for line in looks] == [
        (world.mentor.pk, f"staff:{check.staff_id}", "mentoring"),
        (world.deputy.pk, f"staff:{check.staff_id}", "mentoring"),
    ]


BUTTONS: dict[str, set[str]] = {
    "untouched": set(),
    "submitted": {"finish", "return"},
    "met": {"finish", "return"},
    "reviewed": {"record", "return"},
    "corrected": {"return"},
    "confirmed": {"record"},
    "met_again": {"record"},
    "received": {"record"},
    "withdrawn": set(),
}


def test_the_page_has_the_buttons_that_the_state_allows(world: World) -> None:
    for stage, buttons in BUTTONS.items():
        found = set(re.findall(r'name="do" value="(finish|record|return)"', page_of(world, stage)))
        assert found == buttons, stage


def test_what_the_mentor_writes_is_saved_by_every_button_without_javascript(world: World) -> None:
    check = world.check("submitted")
    row = rating(check)
    code = row.skill.code
    form = {
        "kind": "first",
        f"version-{code}": row.version,
        f"level-{code}": "3",
        f"reason-{code}": "業務で確認",
        "note-version": "0",
        "note": "一行目\r\n二行目",
        "memo-version": "0",
        "memo": CANARY,
        "do": "return",
        "comment": "",
    }
    client = as_user(world.mentor)
    answer = client.post(reverse("assessment:one_on_one", args=[check.pk]), form)
    assert answer.status_code == 422  # a return needs its reason, but what was written is kept
    after = rating(check)
    assert (after.mentor_level, after.mentor_reason) == (3, "業務で確認")
    assert OneOnOne.objects.get(assessment=check).shared_note == "一行目\n二行目"
    assert PrivateMemo.objects.get(assessment=check).text == CANARY
    answer = client.post(
        reverse("assessment:one_on_one", args=[check.pk]), {"do": "return", "comment": "根拠を足してください"}
    )
    assert answer.status_code == 302
    assert world.check("submitted").state == "draft"
    event = AssessmentEvent.objects.filter(assessment=check).latest("pk")
    assert (event.action, event.comment, event.acting_as) == ("return", "根拠を足してください", "mentor")
    assert Notification.objects.filter(recipient=check.staff.user, kind="assessment.return").exists()


def test_finishing_by_the_button_saves_records_and_hands_over(world: World) -> None:
    check = world.check("submitted")
    form = {"do": "finish", "kind": "first", "note-version": "0", "note": "話した", "way": "in_person"}
    client = as_user(world.mentor)
    wrong = client.post(reverse("assessment:one_on_one", args=[check.pk]), {**form, "held_on": "2999-01-01"})
    assert wrong.status_code == 422
    assert "error-summary" in wrong.content.decode()
    assert "<title>" in wrong.content.decode() and world.check("submitted").state == "submitted"
    # The note was saved on the way, so that its version has moved: sending the same text again is no conflict.
    done = client.post(
        reverse("assessment:one_on_one", args=[check.pk]), {**form, "held_on": clock.today().isoformat()}
    )
    assert done.status_code == 302
    row = OneOnOne.objects.get(assessment=check)
    assert (world.check("submitted").state, row.held_on, row.way, row.shared_note) == (
        "reviewed",
        clock.today(),
        "in_person",
        "話した",
    )


def test_a_conflict_shows_both_texts_and_pressing_again_takes_the_own_one(world: World) -> None:
    check = world.check("submitted")
    row = rating(check)
    code = row.skill.code
    meetings.save_note(assessment_id=check.pk, kind="first", note=Text(0, "代理の文"), actor=world.deputy)
    meetings.save_memo(assessment_id=check.pk, memo=Text(0, "前の窓のメモ"), actor=world.mentor)
    view_of(check, world.deputy, level=1, reason="代理の理由")
    form = {
        "do": "finish",
        "kind": "first",
        "held_on": clock.today().isoformat(),
        "way": "online",
        f"version-{code}": row.version,
        f"level-{code}": "3",
        f"reason-{code}": "メンターの理由",
        "note-version": "0",
        "note": "メンターの文",
        "memo-version": "0",
        "memo": "今の窓のメモ",
    }
    client, url = as_user(world.mentor), reverse("assessment:one_on_one", args=[check.pk])
    answer = client.post(url, form)
    html = answer.content.decode()
    assert answer.status_code == 409
    for text in ("代理の文", "メンターの文", "代理の理由", "メンターの理由", "前の窓のメモ", "今の窓のメモ"):
        assert text in html
    assert world.check("submitted").state == "submitted"
    versions = dict(re.findall(r'name="((?:version|note|memo)-[\w-]+)" value="(\d+)"', html))
    assert client.post(url, {**form, **versions}).status_code == 302
    assert (rating(check).mentor_level, rating(check).mentor_reason) == (3, "メンターの理由")
    assert PrivateMemo.objects.get().text == "今の窓のメモ"
    assert world.check("submitted").state == "reviewed"


def test_a_page_that_comes_too_late_gives_the_texts_back(world: World) -> None:
    check = world.check("submitted")
    yesterday = clock.today() - DAY
    set_windows(world.cycle, opens_on=yesterday - DAY, closes_on=yesterday, steps=[CycleStep.FIRST_ONE_ON_ONE])
    row = rating(check)
    form = {
        "kind": "first",
        "note-version": "0",
        "note": CANARY,
        f"version-{row.skill.code}": row.version,
        f"level-{row.skill.code}": "2",
        f"reason-{row.skill.code}": "遅れた理由",
        "memo-version": "0",
        "memo": "自分用は残る",
    }
    answer = as_user(world.mentor).post(reverse("assessment:one_on_one", args=[check.pk]), form)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert CANARY in html and "遅れた理由" in html
    assert PrivateMemo.objects.get().text == "自分用は残る"
    assert not OneOnOne.objects.filter(assessment=check).exists()


def test_an_old_page_does_not_undo_what_others_wrote(world: World) -> None:
    check = world.check("submitted")
    row = rating(check)
    view_of(check, world.deputy, level=1, reason="代理")
    entry = PageEntry("first", {row.skill.code: (row.version, View(1, "代理"))})
    outcome = meetings.save_page(assessment_id=check.pk, entry=entry, actor=world.mentor)
    assert (outcome.saved, outcome.is_clean) == (0, True)
    assert rating(check).mentor_by == world.deputy


def test_fields_that_are_not_the_mentors_are_not_taken(world: World) -> None:
    """Mass assignment: keys of other columns change nothing."""
    check = world.check("submitted")
    before = Assessment.objects.values().get(pk=check.pk)
    levels = list(check.ratings.order_by("pk").values("self_level", "corrected_level", "confirmed_level", "wish"))
    row = rating(check)
    form = {
        "kind": "first",
        "state": "confirmed",
        "status": "confirmed",
        "confirmed_by": world.mentor.pk,
        "mentor": world.mentor.staff.pk,
        "self_level": 0,
        "version": 99,
        f"self-{row.skill.code}": "0",
        f"version-{row.skill.code}": row.version,
        f"level-{row.skill.code}": "2",
        f"reason-{row.skill.code}": "",
    }
    as_user(world.mentor).post(reverse("assessment:one_on_one", args=[check.pk]), form)
    assert Assessment.objects.values().get(pk=check.pk) == before
    assert levels == list(
        check.ratings.order_by("pk").values("self_level", "corrected_level", "confirmed_level", "wish")
    )
    bodies: list[dict[str, object]] = [
        {"version": row.version + 1, "level": 2, "reason": "", "self_level": 0},
        {"version": row.version + 1, "level": True, "reason": ""},
        {"version": row.version + 1, "level": "2", "reason": ""},
        {"version": "1", "level": 2, "reason": ""},
        {"version": row.version + 1, "level": 2, "reason": "\ud800"},
        {"level": 2},
    ]
    for body in bodies:
        assert (
            post_json(as_user(world.mentor), "one_on_one_view", [check.pk, row.skill.code], body).status_code == 400
        ), body


# ------------------------------------------------------------------------------------------------------ saved by script


def test_parts_are_saved_by_themselves(world: World) -> None:
    check, client = world.check("submitted"), as_user(world.mentor)
    row = rating(check)
    answer = post_json(
        client, "one_on_one_view", [check.pk, row.skill.code], {"version": row.version, "level": 0, "reason": "理由"}
    )
    assert (answer.status_code, answer.json()) == (200, {"version": row.version + 1})
    stale = post_json(
        client, "one_on_one_view", [check.pk, row.skill.code], {"version": row.version, "level": 1, "reason": ""}
    )
    assert stale.status_code == 409
    assert {key: stale.json()[key] for key in ("version", "level", "reason")} == {
        "version": row.version + 1,
        "level": 0,
        "reason": "理由",
    }
    for part in ("note", "memo"):
        answer = post_json(
            client, "one_on_one_text", [check.pk, part], {"version": 0, "kind": "first", "text": f"{part}\r\n2"}
        )
        assert (answer.status_code, answer.json()) == (200, {"version": 1})
        stale = post_json(
            client, "one_on_one_text", [check.pk, part], {"version": 0, "kind": "first", "text": "別の文"}
        )
        assert (stale.status_code, stale.json()["text"], stale.json()["version"]) == (409, f"{part}\n2", 1)
    words = {"version": 0, "kind": "first", "text": "話したいこと"}
    assert post_json(as_user(world.user("submitted")), "one_on_one_text", [check.pk, "words"], words).json() == {
        "version": 1
    }
    assert post_json(client, "one_on_one_text", [check.pk, "words"], words).status_code == 422
    assert post_json(client, "one_on_one_text", [check.pk, "state"], words).status_code == 404
    assert (
        client.post(
            reverse("assessment:one_on_one_text", args=[check.pk, "note"]), "no json", content_type="application/json"
        ).status_code
        == 400
    )


def test_a_script_that_is_signed_out_is_told_so(world: World) -> None:
    check = world.check("submitted")
    body = {"version": 0, "kind": "first", "text": "x"}
    assert post_json(Client(), "one_on_one_text", [check.pk, "note"], body).status_code == 401


def test_a_note_is_inert_text(world: World) -> None:
    check = world.check("met")
    hostile = '<script>alert(1)</script><img src=x onerror=alert(1)> <b hx-get="/">'
    OneOnOne.objects.filter(assessment=check).update(shared_note=hostile, person_note=hostile)
    meetings.save_memo(assessment_id=check.pk, memo=Text(0, hostile), actor=world.mentor)
    view_of(check, world.mentor, level=2, reason=hostile)
    pages = [
        page_of(world, "met", query="?all=1"),
        as_user(world.user("met")).get(reverse("assessment:my_one_on_one", args=[check.pk])).content.decode(),
        as_user(world.mentor).get(reverse("assessment:memos")).content.decode(),
        as_user(world.mentor).get(reverse("assessment:meeting_sheet", args=[check.pk])).content.decode(),
    ]
    for html in pages:
        assert "<script>alert" not in html and "<img src=x" not in html and "<b hx-get" not in html


# -------------------------------------------------------------------------------------------------------- person's page


def test_the_person_sees_the_mentors_view_from_the_recording_on(world: World) -> None:
    check = world.check("submitted")
    view_of(check, world.mentor, level=0, reason=CANARY)
    url = reverse("assessment:my_one_on_one", args=[check.pk])
    client = as_user(world.user("submitted"))
    assert CANARY not in client.get(url).content.decode()
    meetings.finish_first(assessment_id=check.pk, held_on=clock.today(), way="online", actor=world.mentor)
    assert CANARY in client.get(url).content.decode()


def test_the_person_saves_words_without_javascript(world: World) -> None:
    check = world.check("submitted")
    client, url = as_user(world.user("submitted")), reverse("assessment:my_one_on_one", args=[check.pk])
    form = {"kind": "first", "words-version": "0", "words": "一つ目"}
    assert client.post(url, form).status_code == 302
    answer = client.post(url, {**form, "words": "二つ目の窓"})
    assert answer.status_code == 409
    assert "一つ目" in answer.content.decode() and "二つ目の窓" in answer.content.decode()
    late = client.post(url, {**form, "kind": "second", "words": "遅れた文"})
    assert late.status_code == 422 and "遅れた文" in late.content.decode()


def test_the_person_is_led_to_the_own_page(world: World) -> None:
    check = world.check("submitted")
    answer = as_user(world.user("submitted")).get(reverse("assessment:one_on_one", args=[check.pk]))
    assert (answer.status_code, answer["Location"]) == (302, reverse("assessment:my_one_on_one", args=[check.pk]))


# --------------------------------------------------------------------------------------------------------- query counts


def test_pages_take_a_small_and_constant_number_of_queries() -> None:
    counts = []
    for people, items in ((13, 4), (13 * 4, 22)):
        world = make_cycle(people, items=items)
        check, person = world.check("met_again"), world.user("met_again")
        mentor = as_user(world.mentor)
        names = ("one_on_one", "meeting_sheet", "meeting_times")
        queries(mentor, reverse("assessment:one_on_one", args=[check.pk]))  # reads the framework once per process
        counts.append(
            {
                **{name: queries(mentor, reverse(f"assessment:{name}", args=[check.pk])) for name in names},
                "all": queries(mentor, reverse("assessment:one_on_one", args=[check.pk]) + "?all=1"),
                "mine": queries(as_user(person), reverse("assessment:my_one_on_one", args=[check.pk])),
                "memos": queries(mentor, reverse("assessment:memos")),
            }
        )
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 10, counts[0]


def test_the_list_takes_the_same_queries_for_one_mentee_and_for_thirty() -> None:
    one, thirty = make_cycle(1, items=2, stages=("submitted",)), make_cycle(30, items=2, stages=("submitted",))
    MentorPair.objects.active().filter(cycle=thirty.cycle, is_deputy=False).update(mentor=thirty.mentor.staff)
    found = [queries(as_user(world.mentor), reverse("assessment:mentees")) for world in (one, thirty)]
    assert len(mentees_of(fresh(thirty.mentor))) == 30
    assert found[0] == found[1] <= 7


def test_a_save_takes_at_most_eight_queries(world: World) -> None:
    check, client = world.check("submitted"), as_user(world.mentor)
    row = rating(check)
    view = {"version": row.version, "level": 2, "reason": "x"}
    queries(client, reverse("assessment:mentees"))  # the session's first request writes when it began
    assert queries(client, reverse("assessment:one_on_one_view", args=[check.pk, row.skill.code]), view) <= 8
    for part in ("note", "memo"):
        url = reverse("assessment:one_on_one_text", args=[check.pk, part])
        queries(client, url, {"version": 0, "kind": "first", "text": "一"})
        assert queries(client, url, {"version": 1, "kind": "first", "text": "二"}) <= 8


# -------------------------------------------------------------------------------------------------------- two-user test


def routes(check: Assessment) -> dict[str, str]:
    code = rating(check).skill.code
    return {
        **{
            name: reverse(f"assessment:{name}", args=[check.pk])
            for name in ("one_on_one", "my_one_on_one", "meeting_sheet", "meeting_times", "meeting_file")
        },
        "one_on_one_view": reverse("assessment:one_on_one_view", args=[check.pk, code]),
        "note": reverse("assessment:one_on_one_text", args=[check.pk, "note"]),
        "memo": reverse("assessment:one_on_one_text", args=[check.pk, "memo"]),
        "words": reverse("assessment:one_on_one_text", args=[check.pk, "words"]),
    }


BODIES = {
    "one_on_one_view": {"version": 1, "level": 1, "reason": ""},
    "note": {"version": 0, "kind": "first", "text": "x"},
    "memo": {"version": 0, "kind": "first", "text": "x"},
    "words": {"version": 0, "kind": "first", "text": "x"},
}
ORDER = (
    "one_on_one",
    "my_one_on_one",
    "meeting_sheet",
    "meeting_times",
    "meeting_file",
    "one_on_one_view",
    "note",
    "memo",
    "words",
)
ALLOWED = {  # what each role gets on each route of ORDER; everybody not named gets 404 on all of them
    "mentor": (200, 404, 200, 200, 200, 200, 200, 200, 422),
    "deputy": (200, 404, 200, 200, 200, 200, 200, 200, 422),
    "own": (302, 200, 200, 200, 200, 422, 422, 422, 200),
    "secretariat": (403, 404, 403, 403, 403, 422, 422, 422, 422),
}


@pytest.mark.sqlite  # the routes are the same on both databases
def test_every_route_is_closed_to_everybody_else(world: World) -> None:
    check = world.check("submitted")
    (made,) = times.propose(assessment_id=check.pk, slots=[slot(2)], actor=world.user("submitted"))
    times.agree(assessment_id=check.pk, proposal_id=made.pk, actor=world.mentor)
    paths = routes(check)
    for role in (
        "mentor",
        "deputy",
        "own",
        *(name for name in ROLES if name not in ("mentor", "deputy")),
        "other_person",
    ):
        user = world.user("met") if role == "other_person" else actor_of(world, "submitted", role)
        client = as_user(user)
        for name, url in paths.items():
            if name in BODIES:
                answer = client.post(url, json.dumps(BODIES[name]), content_type="application/json")
            else:
                answer = client.get(url)
            assert answer.status_code == ALLOWED.get(role, (404,) * 9)[ORDER.index(name)], (role, name)
    nothing = as_user(world.stranger).get(reverse("assessment:one_on_one", args=[10**9]))
    somebody = as_user(world.stranger).get(paths["one_on_one"])
    strip = re.compile(r'csrf[^>]*>|X-CSRFToken[^}]*|value="/[^"]*"|next=[^"]*')
    assert strip.sub("", nothing.content.decode()) == strip.sub("", somebody.content.decode())
    for name, url in paths.items():
        answer = Client().post(url) if name in BODIES else Client().get(url)
        assert answer.status_code == 302 and "/accounts/login/" in answer["Location"], name


def test_changing_routes_answer_no_get(world: World) -> None:
    check, client = world.check("submitted"), as_user(world.mentor)
    for name in BODIES:
        assert client.get(routes(check)[name]).status_code == 405


# ---------------------------------------------------------------------------------------------------------------- sheet


def test_the_sheet_to_print_has_the_differences_last_goals_and_room(world: World) -> None:
    check = world.check("submitted")
    html = as_user(world.mentor).get(reverse("assessment:meeting_sheet", args=[check.pk])).content.decode()
    assert "ruled" in html and "data-print" in html
    assert html.count('<th scope="row">') == len(talk_of(dossier(world.mentor, check)).worth_it)
    PrivateMemo.objects.create(assessment=check, author=world.mentor, text=CANARY)
    assert (
        CANARY not in as_user(world.mentor).get(reverse("assessment:meeting_sheet", args=[check.pk])).content.decode()
    )


def test_only_recording_asks_for_the_day_and_the_way(world: World) -> None:
    check = world.check("submitted")
    html = page_of(world, "submitted")
    for value in re.findall(r'<button[^>]*name="do" value="([a-z]+)[^"]*"(?![^>]*formnovalidate)', html):
        assert value in ("finish", "record")
    assert 'value="return" formnovalidate' in html
    bare = as_user(world.mentor).post(
        reverse("assessment:one_on_one", args=[check.pk]), {"do": "return", "kind": "first", "comment": ""}
    )
    assert bare.status_code == 422
    assert '<details class="disclosure" id="return" open>' in bare.content.decode()
    assert '<a href="#comment">' in bare.content.decode()


def test_a_finished_check_promises_no_mentor(world: World) -> None:
    check = world.check("received")
    now = clock.now()
    MentorPair.objects.active().filter(mentee=check.staff_id).update(ended_at=now)
    page = as_user(world.user("received")).get(reverse("assessment:my_one_on_one", args=[check.pk]))
    assert page.context["is_over"]
    assert str(_("not assigned yet")) not in page.content.decode()
    running = world.check("submitted")
    MentorPair.objects.active().filter(mentee=running.staff_id).update(ended_at=now)
    page = as_user(world.user("submitted")).get(reverse("assessment:my_one_on_one", args=[running.pk]))
    assert str(_("not assigned yet")) in page.content.decode()


def test_a_number_of_five_thousand_digits_is_no_fault_of_the_server(world: World) -> None:
    check = world.check("submitted")
    answer = as_user(world.mentor).post(
        reverse("assessment:one_on_one", args=[check.pk]), {"do": "reached-1-" + "9" * 5000, "kind": "first"}
    )
    assert answer.status_code < 500


def test_a_step_that_was_refused_can_be_pressed_again_on_the_same_page(world: World) -> None:
    """Back in the browser shows the same form with the same token: what was refused was not done."""
    check, person = world.check("confirmed"), world.user("confirmed")
    client = as_user(person)
    form = {"action": "receive", "version": check.version, "csrfmiddlewaretoken": "x" * 64}
    client.post(reverse("assessment:check_step", args=[check.pk]), form)
    assert world.check("confirmed").state == "confirmed"  # refused: the second 1on1 is not recorded
    OneOnOne.objects.create(
        assessment=check,
        kind="second",
        held_on=clock.today(),
        way="online",
        mentor=world.mentor.staff,
        created_by=world.mentor,
    )

    client.post(reverse("assessment:check_step", args=[check.pk]), form)

    assert world.check("confirmed").state == "received"


def test_a_new_mentor_has_not_agreed_to_the_old_ones_time(world: World) -> None:
    check = world.check("submitted")
    MeetingProposal.objects.create(
        assessment=check,
        kind="first",
        starts_at=clock.now() + timedelta(days=3),
        state=ProposalState.ACCEPTED,
        proposed_by=world.mentor,
    )
    MentorPair.objects.active().filter(mentee=check.staff, is_deputy=True).update(ended_at=clock.now())
    mentors.assign(
        cycle_id=world.cycle.pk,
        wanted=[Wanted(check.staff_id, world.other_mentor.staff.pk)],
        not_evaluator=True,
        actor=world.secretariat,
    )
    dossier = dossier_of(world.user("submitted"), check.pk)
    assert dossier is not None and dossier.agreed is None
    told = Notification.objects.get(recipient=world.user("submitted"), kind="meeting.cancelled")
    assert told.path == reverse("assessment:meeting_times", args=[check.pk])


def test_a_withdrawn_check_has_no_times_left(world: World) -> None:
    check = world.check("submitted")
    rows = [
        MeetingProposal.objects.create(
            assessment=check,
            kind="first",
            starts_at=clock.now() + timedelta(days=days),
            state=state,
            proposed_by=world.mentor,
        )
        for days, state in ((-3, ProposalState.ACCEPTED), (3, ProposalState.OPEN))
    ]
    transition(assessment_id=check.pk, action="withdraw", actor=world.secretariat, comment="休職")
    states = dict(MeetingProposal.objects.filter(assessment=check).values_list("pk", "state"))
    assert states == {rows[0].pk: ProposalState.ACCEPTED, rows[1].pk: ProposalState.DROPPED}, "what is past stays"
    assert not Notification.objects.filter(kind="meeting.cancelled").exists(), "the withdrawal itself is told"
