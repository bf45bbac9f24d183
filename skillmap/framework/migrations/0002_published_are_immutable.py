"""A published version cannot be changed, whoever holds the connection."""

from typing import ClassVar

from django.db import migrations

from skillmap.framework.guards import VersionGuards


class Migration(migrations.Migration):
    dependencies: ClassVar = [("framework", "0001_initial")]
    operations: ClassVar = [VersionGuards()]
