"""The table of inputs by person is empty of meaning: all of it stands by place."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gaps", "0003_gather_inputs")]
    operations: ClassVar = [migrations.DeleteModel("GapInput")]
