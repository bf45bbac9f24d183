"""Load a version of the framework from CSV files."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from skillmap.core.errors import RuleViolation
from skillmap.framework import rules, services
from skillmap.framework.tables import content_from


class Command(BaseCommand):
    """The seeds' version by default; docs/framework.md says how to load another one."""

    help = "Load and publish a version of the framework from a folder of CSV files; a second run changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, and what the version is called."""
        parser.add_argument("--folder", type=Path, default=settings.FIXTURE_ROOT, help="folder of the CSV files")
        parser.add_argument("--code", default="2024", help="the version's own code")
        parser.add_argument("--name", default="東京都デジタルスキルマップ 2024年度版")
        parser.add_argument("--name-en", default="Tokyo Digital Skill Map, FY2024 edition")

    def handle(self, *, folder: Path, code: str, name: str, name_en: str, **options: object) -> None:
        """Load, and say what happened; CommandError where the tables cannot be loaded."""
        try:
            content = content_from(folder)
            framework, created = services.framework_load(code=code, name=name, name_en=name_en, content=content)
        except RuleViolation as refusal:
            raise CommandError(str(refusal)) from refusal
        held = counts(content)
        if created:
            self.stdout.write(f"Loaded and published {framework}: {held}.")
        else:
            self.stdout.write(f"{framework} is loaded already; nothing was changed: {held}.")


def counts(content: rules.Content) -> str:
    """What a version holds, in one line."""
    digital = len(content.digital_codes())
    cells = sum(len(job_type.cells) for job_type in content.job_types)
    return (
        f"{len(content.categories)} categories, {digital} digital skills, {len(content.items) - digital} tools, "
        f"{len(content.levels)} levels, {len(content.job_types)} job types, {cells} requirements, "
        f"{len(content.certifications)} certificates"
    )
