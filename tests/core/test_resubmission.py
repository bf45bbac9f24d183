"""A form that is sent twice is taken once: by the token of its page and all that stands in it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory

from skillmap.core import clock, resubmission
from skillmap.core.models import SubmittedForm
from skillmap.core.resubmission import SubmittedOnceMiddleware, forget_submitted, leads_on
from skillmap.people.models import User
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/somewhere/"


class Site:
    """A view that makes something and leads to it; it refuses what says `no`, and breaks at `boom`."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.take = SubmittedOnceMiddleware(self.view)

    def view(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("text", "")
        if text == "boom":
            raise ValueError
        if text == "no":
            return HttpResponse("no", status=422)
        self.made.append(text)
        return HttpResponseRedirect(f"/made/{len(self.made)}/")

    def post(
        self,
        user: User | AnonymousUser,
        token: str = "t",
        *,
        path: str = PAGE,
        text: str = "a",
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> HttpResponse:
        fields = {"csrfmiddlewaretoken": token, "text": text, **more}
        request = RequestFactory().post(path, fields, headers=headers)
        request.user = user
        return self.take(request)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def test_the_second_press_is_led_to_what_the_first_one_made(site: Site, user: User) -> None:
    answers = [site.post(user) for _press in range(3)]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/made/1/")}
    assert site.made == ["a"]


@pytest.mark.parametrize("other", [{"token": "drawn anew"}, {"text": "b"}, {"path": "/elsewhere/"}])
def test_another_page_or_another_text_is_another_form(site: Site, user: User, other: Any) -> None:
    site.post(user)
    site.post(user, **other)
    assert len(site.made) == 2


def test_another_file_of_the_same_name_is_another_form(site: Site, user: User) -> None:
    for content in (b"one", b"two", b"two"):
        site.post(user, file=SimpleUploadedFile("table.csv", content))
    assert len(site.made) == 2


def test_another_person_is_another_form(site: Site, user: User) -> None:
    site.post(user)
    site.post(UserFactory.create())
    assert len(site.made) == 2


def test_what_was_refused_or_broke_may_be_sent_again(site: Site, user: User) -> None:
    assert [site.post(user, text="no").status_code for _press in range(2)] == [422, 422]
    for _press in range(2):
        with pytest.raises(ValueError):
            site.post(user, text="boom")
    assert not SubmittedForm.objects.exists()


def test_what_scripts_send_is_not_looked_at(site: Site, user: User) -> None:
    for _press in range(2):
        site.post(user, headers={"HX-Request": "true"})
        site.post(user, token="")
    assert len(site.made) == 4
    assert not SubmittedForm.objects.exists()


def test_after_a_while_the_same_form_counts_as_new(site: Site, user: User) -> None:
    site.post(user)
    SubmittedForm.objects.update(created_at=clock.now() - resubmission.KEPT - timedelta(seconds=1))
    assert site.post(user)["Location"] == "/made/2/"


def test_a_first_press_whose_process_died_gives_way(site: Site, user: User) -> None:
    site.post(user)
    SubmittedForm.objects.update(location="", created_at=clock.now() - resubmission.PATIENCE - timedelta(seconds=1))
    assert site.post(user)["Location"] == "/made/2/"


def test_what_is_not_answered_again_is_forgotten(user: User) -> None:
    for age in (resubmission.KEPT * 2, timedelta(0)):
        row = SubmittedForm.objects.create(user=user, key=uuid.uuid4(), location="/made/1/")
        SubmittedForm.objects.filter(pk=row.pk).update(created_at=clock.now() - age)
    forget_submitted()
    assert SubmittedForm.objects.count() == 1


def test_a_form_held_up_to_sign_in_again_is_not_done(site: Site) -> None:
    """Whoever has shown who they are and sends it once more gets what it asks for."""
    user, locked = UserFactory.create(), True
    view = site.view

    def ask_first(request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect("/accounts/reauthenticate/?next=/somewhere/") if locked else view(request)

    site.take = SubmittedOnceMiddleware(ask_first)
    assert site.post(user).headers["Location"].startswith("/accounts/reauthenticate/")
    locked = False
    assert site.post(user).headers["Location"] == "/made/1/"
    assert site.post(user).headers["Location"] == "/made/1/"
    assert len(site.made) == 1


def test_the_address_with_all_that_stands_in_it_tells_forms_apart(site: Site) -> None:
    user = UserFactory.create()
    for path in (f"{PAGE}?of=1", f"{PAGE}?of=2", f"{PAGE}?of=1"):
        site.post(user, path=path)
    assert len(site.made) == 2


def test_a_long_way_on_is_remembered_without_what_narrowed_it_down(site: Site) -> None:
    user = UserFactory.create()

    def narrow_down(_request: HttpRequest) -> HttpResponse:
        site.made.append("x")
        return HttpResponseRedirect(f"/list/?q={'a' * 400}")

    site.take = SubmittedOnceMiddleware(narrow_down)
    assert len(site.post(user).headers["Location"]) > 400
    assert site.post(user).headers["Location"] == "/list/"
    assert len(site.made) == 1


def test_an_answer_that_is_shown_once_leads_on_when_its_form_comes_again(site: Site) -> None:
    user = UserFactory.create()

    def show(request: HttpRequest) -> HttpResponse:
        site.made.append("x")
        return leads_on(HttpResponse("the value"), "/tokens/")

    site.take = SubmittedOnceMiddleware(show)
    assert site.post(user).content == b"the value"
    assert site.post(user).headers["Location"] == "/tokens/"
    assert len(site.made) == 1
