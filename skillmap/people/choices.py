"""Choices of people and organisations; the terms of the government's own texts."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Roles that are granted, with dates; being staff or somebody's mentor needs no grant."""

    COORDINATOR = "coordinator", _("Bureau coordinator")
    EXPERT = "expert", _("Support expert")
    SECRETARIAT = "secretariat", _("Secretariat")
    SUPPORTER = "supporter", _("Secretariat supporter")
    EXECUTIVE = "executive", _("Executive viewer")


class Employer(models.TextChoices):
    """Who employs a person."""

    GOVERNMENT = "government", _("Metropolitan government")
    GOVTECH = "govtech", _("GovTech foundation")
    MUNICIPALITY = "municipality", _("Ward, city, town or village")
    AFFILIATED = "affiliated", _("Affiliated body")


class Occupation(models.TextChoices):
    """職種."""

    ICT = "ict", _("ICT staff")
    EXPERT = "expert", _("Information technology expert")
    CLERICAL = "clerical", _("Clerical staff")
    OTHER = "other", _("Other occupation")


class HiringRoute(models.TextChoices):
    """採用区分."""

    CLASS_1B = "class_1b", _("Class I B examination")
    CAREER_SENIOR = "career_senior", _("Career recruitment (senior officer)")
    CAREER_DEPUTY = "career_deputy", _("Career recruitment (deputy manager)")
    TRANSFER = "transfer", _("Transfer from another occupation")
    FIXED_TERM = "fixed_term", _("Fixed term")
    OTHER = "other", _("Other route")


class Grade(models.IntegerChoices):
    """職層, lowest first; deputy manager is 監督職, section manager and above 管理職."""

    OFFICER = 1, _("Officer")
    SENIOR = 2, _("Senior officer")
    DEPUTY_MANAGER = 3, _("Deputy manager")
    SECTION_MANAGER = 4, _("Section manager")
    DIRECTOR = 5, _("Director")
    BUREAU_HEAD = 6, _("Bureau head level")


class StaffStatus(models.TextChoices):
    """Whether a person is at work; who is joining has a first day that is still to come."""

    JOINING = "joining", _("Joining")
    ACTIVE = "active", _("In post")
    ON_LEAVE = "on_leave", _("On leave")
    LEFT = "left", _("Left")


class OrganisationKind(models.TextChoices):
    """What an organisation is."""

    BUREAU = "bureau", _("Bureau")
    COMMITTEE = "committee", _("Committee")
    PUBLIC_ENTERPRISE = "public_enterprise", _("Public enterprise")
    DIVISION = "division", _("Division")
    SECTION = "section", _("Section")
    FOUNDATION = "foundation", _("Foundation")
    AFFILIATED = "affiliated", _("Affiliated body")
    MUNICIPALITY = "municipality", _("Municipality")
    COMPANY = "company", _("Company")
    NATIONAL = "national", _("National agency")
    GROUP = "group", _("Heading")
    PROGRAMME = "programme", _("Programme")
    FORUM = "forum", _("Forum")

    @classmethod
    def without_members(cls) -> tuple["OrganisationKind", ...]:
        """Kinds that nobody is posted to."""
        return cls.GROUP, cls.PROGRAMME, cls.FORUM


class ChangeKind(models.TextChoices):
    """Kinds of 組織改正."""

    RENAME = "rename", _("Rename")
    MERGE = "merge", _("Merge")
    SPLIT = "split", _("Split")
    MOVE = "move", _("Move in the tree")
    CLOSE = "close", _("Close")
    OPEN = "open", _("New organisation")


class ChangeState(models.TextChoices):
    """Whether a change of organisation is in force."""

    PLANNED = "planned", _("Planned")
    APPLIED = "applied", _("Applied")
    CANCELLED = "cancelled", _("Cancelled")


class DesignationKind(models.TextChoices):
    """Dated appointments beside the occupation."""

    DX_AMBASSADOR = "dx_ambassador", _("DX ambassador")
    RESKILLING = "reskilling", _("Reskilling staff")
