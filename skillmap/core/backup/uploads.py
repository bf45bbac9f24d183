"""The folder of uploads, exchanged in a way that can be undone."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.manifest import FileSum, file_sum


class Uploads:
    """What people handed in: `set_aside`, `bring_in`, then `finish`, or `undo`, as an Engine does it."""

    def __init__(self) -> None:
        self.folder = Path(settings.MEDIA_ROOT)
        self.aside = self.folder.with_name(f"{self.folder.name}.before-restore")
        self.arriving = self.folder.with_name(f"{self.folder.name}.restoring")

    def is_empty(self) -> bool:
        """Whether no upload is there."""
        return not any(path.is_file() for path in self.folder.rglob("*"))

    def set_aside(self) -> None:
        """Keep what is there under another name; undoes an interrupted restore first."""
        self.undo()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.rename(self.aside)

    def bring_in(self, source: Path, wanted: Mapping[str, FileSum]) -> None:
        """Copy a backup's uploads to their place; BackupError where a copy is not what the manifest says."""
        shutil.rmtree(self.arriving, ignore_errors=True)
        self.arriving.mkdir(mode=0o700, parents=True)
        for path, known in wanted.items():
            target = self.arriving / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, target)
            if file_sum(target) != known:
                raise BackupError(f"The upload {path} did not arrive as it was.")
        self.arriving.rename(self.folder)

    def undo(self) -> bool:
        """Put back what was set aside; False where nothing was."""
        shutil.rmtree(self.arriving, ignore_errors=True)
        if not self.aside.exists():
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        self.aside.rename(self.folder)
        return True

    def finish(self) -> None:
        """Forget what was set aside."""
        shutil.rmtree(self.aside, ignore_errors=True)
