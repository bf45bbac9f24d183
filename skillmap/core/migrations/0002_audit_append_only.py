"""The audit trail and its seals cannot be edited, whoever holds the connection."""

from typing import ClassVar

from django.db import migrations

from skillmap.core.triggers import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0001_initial")]
    operations: ClassVar = [AppendOnly("core_auditevent"), AppendOnly("core_auditseal")]
