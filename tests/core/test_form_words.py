"""What forms say of an entry that can't be taken: this product's words, not Django's."""

import pytest
from django import forms
from django.utils.translation import override


class Entry(forms.Form):
    """One field of each kind."""

    people = forms.IntegerField(min_value=1, max_value=99, required=False)
    phase = forms.ChoiceField(choices=[("plan", "企画")], required=False)
    phases = forms.MultipleChoiceField(choices=[("plan", "企画")], required=False)
    note = forms.CharField(max_length=3, required=False)
    business = forms.CharField()


@pytest.mark.parametrize(
    ("field", "entered", "said"),
    [
        ("business", "", "必ず入力または選択してください。"),
        ("people", "100", "99以下にしてください。"),
        ("people", "0", "1以上にしてください。"),
        ("phase", "other", "選択肢の中から選んでください。"),
        ("phases", ["other"], "選択肢の中から選んでください。"),
        ("note", "四文字だ", "3文字までです(今は4文字)。短くしてください。"),
    ],
)
def test_an_entry_that_cannot_be_taken(field: str, entered: object, said: str) -> None:
    with override("ja"):
        form = Entry({"business": "予約サービス", field: entered})
        assert form.errors == {field: [said]}


def test_in_english_too() -> None:
    with override("en"):
        form = Entry({"people": "100", "phase": "other", "note": "four"})
        assert form.errors == {
            "business": ["Please fill this in."],
            "people": ["99 or less, please."],
            "phase": ["Please choose one of those that are offered."],
            "note": ["At most 3 characters; this has 4. Please shorten it."],
        }
