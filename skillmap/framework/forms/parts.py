"""A version and the parts of a draft: categories, items, levels, job types, certificates."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from skillmap.core.lines import LineField
from skillmap.framework import rules
from skillmap.framework.choices import ItemKind
from skillmap.framework.models import Certification, Framework, JobType, Skill, SkillCategory, SkillLevel
from skillmap.framework.services import (
    CategoryFields,
    CertificationFields,
    ItemFields,
    JobTypeFields,
    LevelFields,
)

if TYPE_CHECKING:
    CategoryField = forms.ModelChoiceField[SkillCategory]
    SkillsField = forms.ModelMultipleChoiceField[Skill]
else:
    CategoryField = forms.ModelChoiceField
    SkillsField = forms.ModelMultipleChoiceField

CODE_HELP = gettext_lazy("For programs: a-z, 0-9, _ and -. It stays the same in all later versions.")
PLACES = [MinValueValidator(1), MaxValueValidator(9999)]


def code_field(hint: Any) -> forms.CharField:
    """A code that rules.is_code accepts."""
    words = gettext_lazy("Use only a-z, 0-9, _ and -, and begin with a letter or a digit.")
    return forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        validators=[RegexValidator(rf"\A{rules.CODE.pattern}\Z", words)],
        help_text=hint,
    )


def long_text(label: Any, limit: int, *, required: bool = True) -> forms.CharField:
    """A text of some lines."""
    return forms.CharField(label=label, max_length=limit, required=required, widget=forms.Textarea(attrs={"rows": 3}))


class CopyForm(forms.Form):
    """What a new draft is called."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=100)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=100, required=False)
    code = code_field(gettext_lazy("Such as 2026; it appears in addresses. Use a-z, 0-9, _ and -."))
    note = long_text(gettext_lazy("Note for the secretariat"), 2000, required=False)


class VersionForm(forms.Form):
    """What a draft is called; English texts are confirmed here as a whole."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=100)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=100, required=False)
    note = long_text(gettext_lazy("Note for the secretariat"), 2000, required=False)
    confirm_translation = forms.BooleanField(
        label=gettext_lazy("The English texts have been checked"),
        required=False,
        help_text=gettext_lazy("Until then pages say that they are our own translation."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class PartForm(forms.Form):
    """One part of a draft: a row to change, or none to add one.

    `code` can be chosen when a row is added and never again. `version` is the one the page was drawn from.
    """

    has_code = True
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, framework: Framework, row: Any = None) -> None:
        super().__init__(data, initial=self.values_of(row) | {"version": row.version} if row else None)
        self.framework, self.row = framework, row
        if row is None and self.has_code:
            self.fields["code"] = code_field(CODE_HELP)
            self.order_fields(["name", "name_en", "code"])
        if row is None:
            del self.fields["version"]
        self.prepare()

    def prepare(self) -> None:
        """Narrow choices down to the draft."""

    @staticmethod
    def values_of(row: Any) -> dict[str, Any]:
        """What a row holds, by field."""
        raise NotImplementedError

    def entered(self) -> Any:
        """The values for the service; only after is_valid()."""
        raise NotImplementedError


class CategoryForm(PartForm):
    """A category."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=60)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=80, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=ItemKind.choices)
    sort_order = forms.IntegerField(label=gettext_lazy("Place in the list"), validators=PLACES)

    def prepare(self) -> None:
        """The kind is chosen once."""
        if self.row is not None:
            del self.fields["kind"]

    @staticmethod
    def values_of(row: SkillCategory) -> dict[str, Any]:
        """See PartForm."""
        return {"name": row.name, "name_en": row.name_en, "sort_order": row.sort_order}

    def entered(self) -> CategoryFields:
        """See PartForm."""
        data = self.cleaned_data
        return CategoryFields(name=data["name"], name_en=data["name_en"], sort_order=data["sort_order"])


class CategoryChoice(CategoryField):
    """A category, named in the reader's language."""

    def label_from_instance(self, obj: SkillCategory) -> str:
        """Its name."""
        return obj.label


class ItemForm(PartForm):
    """An item, and what each level means for it where the general definition is not enough."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=60)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=80, required=False)
    category = CategoryChoice(SkillCategory.objects.none(), label=gettext_lazy("Category"))
    number = forms.IntegerField(label=gettext_lazy("Number"), validators=PLACES)
    definition = long_text(gettext_lazy("Definition"), 300)
    definition_en = long_text(gettext_lazy("Definition in English"), 400, required=False)
    confirm = forms.BooleanField(
        label=gettext_lazy("Everything on this page has been checked"),
        required=False,
        help_text=gettext_lazy("Defaults on this page then count as confirmed, even where you do not change them."),
    )

    def prepare(self) -> None:
        """Categories of the item's kind, and two fields for each level."""
        categories = SkillCategory.objects.filter(framework=self.framework).order_by("kind", "sort_order")
        if self.row is not None:
            categories = categories.filter(kind=self.row.kind)
            self.fields["definition"].required = self.row.kind == ItemKind.DIGITAL
        else:
            del self.fields["confirm"]
        category = self.fields["category"]
        assert isinstance(category, CategoryChoice)  # noqa: S101  narrows the field's type
        category.queryset = categories
        for level in self.framework.levels.order_by("level"):
            words = {"level": level.label, "name": level.title}
            text = long_text(_("%(level)s %(name)s") % words, 300, required=False)
            text.help_text = level.text
            self.fields[f"level_{level.level}"] = text
            label = _("%(level)s %(name)s, in English") % words
            self.fields[f"level_{level.level}_en"] = long_text(label, 400, required=False)
        if "confirm" in self.fields:
            self.order_fields([name for name in self.fields if name != "confirm"])

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        """All but the levels' meanings."""
        return [field for field in self.visible_fields() if not field.name.startswith(("level_", "confirm"))]

    @property
    def level_fields(self) -> list[forms.BoundField]:
        """The levels' meanings."""
        return [field for field in self.visible_fields() if field.name.startswith("level_")]

    @staticmethod
    def values_of(row: Skill) -> dict[str, Any]:
        """See PartForm."""
        texts: dict[str, Any] = {}
        for text in row.level_texts.all():
            texts |= {f"level_{text.level}": text.text, f"level_{text.level}_en": text.text_en}
        return texts | {
            "name": row.name,
            "name_en": row.name_en,
            "category": row.category_id,
            "number": row.number,
            "definition": row.definition,
            "definition_en": row.definition_en,
        }

    def clean(self) -> dict[str, Any]:
        """A digital item needs a definition; an English meaning needs a Japanese one."""
        data = super().clean() or self.cleaned_data
        category = data.get("category")
        if category and category.kind == ItemKind.DIGITAL and not data.get("definition") and "definition" in data:
            self.add_error("definition", _("Enter the definition."))
        for level in rules.LEVELS:
            if data.get(f"level_{level}_en") and not data.get(f"level_{level}"):
                self.add_error(f"level_{level}", _("Enter the meaning in Japanese too."))
        return data

    def entered(self) -> ItemFields:
        """See PartForm."""
        data = self.cleaned_data
        return ItemFields(
            number=data["number"],
            category_id=data["category"].pk,
            name=data["name"],
            name_en=data["name_en"],
            definition=data["definition"],
            definition_en=data["definition_en"],
            level_texts={
                level: (data[f"level_{level}"], data[f"level_{level}_en"])
                for level in rules.LEVELS
                if f"level_{level}" in data
            },
        )


class LevelForm(PartForm):
    """The general meaning of a level."""

    has_code = False
    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=40)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=60, required=False)
    definition = long_text(gettext_lazy("Definition"), 200)
    definition_en = long_text(gettext_lazy("Definition in English"), 300, required=False)

    @staticmethod
    def values_of(row: SkillLevel) -> dict[str, Any]:
        """See PartForm."""
        return {name: getattr(row, name) for name in ("name", "name_en", "definition", "definition_en")}

    def entered(self) -> LevelFields:
        """See PartForm."""
        data = self.cleaned_data
        return LevelFields(
            name=data["name"],
            name_en=data["name_en"],
            definition=data["definition"],
            definition_en=data["definition_en"],
        )


class JobTypeForm(PartForm):
    """The words of a job type; the levels it asks for are in the grid."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=60)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=80, required=False)
    definition = long_text(gettext_lazy("Definition"), 300)
    definition_en = long_text(gettext_lazy("Definition in English"), 400, required=False)
    core_category = CategoryChoice(
        SkillCategory.objects.none(), label=gettext_lazy("Core category"), required=False, empty_label="—"
    )
    sort_order = forms.IntegerField(label=gettext_lazy("Place in the list"), validators=PLACES)

    def prepare(self) -> None:
        """Categories of the draft's digital items."""
        field = self.fields["core_category"]
        assert isinstance(field, CategoryChoice)  # noqa: S101  narrows the field's type
        field.queryset = SkillCategory.objects.filter(framework=self.framework, kind=ItemKind.DIGITAL).order_by(
            "sort_order"
        )

    @staticmethod
    def values_of(row: JobType) -> dict[str, Any]:
        """See PartForm."""
        names = ("name", "name_en", "definition", "definition_en", "sort_order")
        return {name: getattr(row, name) for name in names} | {"core_category": row.core_category_id}

    def entered(self) -> JobTypeFields:
        """See PartForm."""
        data = self.cleaned_data
        category = data["core_category"]
        return JobTypeFields(
            name=data["name"],
            name_en=data["name_en"],
            definition=data["definition"],
            definition_en=data["definition_en"],
            sort_order=data["sort_order"],
            core_category_id=category.pk if category else None,
        )


class ItemChoices(SkillsField):
    """Items with their numbers, named in the reader's language."""

    def label_from_instance(self, obj: Skill) -> str:
        """Number and name."""
        return f"{obj.number}. {obj.label}"


class CertificationForm(PartForm):
    """An exam and its items."""

    name = LineField(label=pgettext_lazy("thing", "Name"), max_length=100)
    name_en = LineField(label=gettext_lazy("Name in English"), max_length=120, required=False)
    issuer = LineField(label=gettext_lazy("Issuer"), max_length=60, required=False)
    grade = LineField(label=gettext_lazy("Grade"), max_length=20, required=False)
    skills = ItemChoices(
        Skill.objects.none(),
        label=gettext_lazy("Skill items"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The exam is evidence for these items; it never sets a level by itself."),
    )

    def prepare(self) -> None:
        """Items of the draft."""
        field = self.fields["skills"]
        assert isinstance(field, ItemChoices)  # noqa: S101  narrows the field's type
        field.queryset = Skill.objects.filter(framework=self.framework).order_by("kind", "number")

    @staticmethod
    def values_of(row: Certification) -> dict[str, Any]:
        """See PartForm."""
        names = ("name", "name_en", "issuer", "grade")
        return {name: getattr(row, name) for name in names} | {"skills": [skill.pk for skill in row.skills.all()]}

    def entered(self) -> CertificationFields:
        """See PartForm."""
        data = self.cleaned_data
        return CertificationFields(
            name=data["name"],
            name_en=data["name_en"],
            issuer=data["issuer"],
            grade=data["grade"],
            skill_ids=[skill.pk for skill in data["skills"]],
        )
