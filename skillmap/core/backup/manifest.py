"""What a backup says about itself: every file with its checksum, every table with its rows, whose keys it needs.

The keys themselves are in no backup: they come from the environment. The manifest holds a fingerprint of each, from
which no key can be found out, so that a restore under another key is noticed, and it is sealed with TOKEN_PEPPER, so
that nobody without it can change what a backup says.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from skillmap.core.backup.errors import BackupError
from skillmap.core.backup.reading import TableSum

NAME = "manifest.json"
SCHEMA = "schema.txt"
FORMAT = 1
CHUNK = 1024 * 1024
# Without TOKEN_PEPPER second factors can't be read any more. SECRET_KEY signs what ends with a restore anyway.
NEEDED, NAMED = "TOKEN_PEPPER", ("TOKEN_PEPPER", "SECRET_KEY")


@dataclass(frozen=True, slots=True)
class FileSum:
    """One file: its size in bytes, and the SHA-256 of it in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A backup in figures.

    Args:
        made_at: ISO 8601 with offset; the moment that the data is of.
        versions: of the database, Django and Python.
        keys: a fingerprint of each key.
        migrations: `app.name` of those applied, in order.
        tables: rows and checksum of each.
        audit: sealed lines, and the digest at the chain's end.
        missing: uploads that a row names and that were not there.
        files: path in the backup's folder to size and checksum.
    """

    made_at: str
    vendor: str
    versions: Mapping[str, str]
    keys: Mapping[str, str]
    migrations: tuple[str, ...]
    tables: Mapping[str, TableSum]
    audit: Mapping[str, Any]
    missing: tuple[str, ...]
    files: Mapping[str, FileSum]
    format: int = FORMAT
    seal: str = field(default="", compare=False)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(each.rows for each in self.tables.values())

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(each.bytes for each in self.files.values())

    def write(self, folder: Path) -> None:
        """Seal it and put it into a backup's folder."""
        values = asdict(self) | {"seal": ""}
        values["seal"] = _seal(values)
        (folder / NAME).write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a backup's folder; BackupError where there is none that can be read."""
        try:
            values = json.loads((folder / NAME).read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise BackupError(f"This backup is of format {values['format']}; this version reads format {FORMAT}.")
            return cls(
                **values
                | {
                    "migrations": tuple(values["migrations"]),
                    "missing": tuple(values["missing"]),
                    "tables": {name: TableSum(**each) for name, each in values["tables"].items()},
                    "files": {name: FileSum(**each) for name, each in values["files"].items()},
                }
            )
        except FileNotFoundError as error:
            raise BackupError(f"{folder} holds no {NAME}: it is no backup, or one that was not finished.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(f"{NAME} can't be read: {error}") from error

    def other_keys(self) -> list[str]:
        """Names of the keys that are not those of this installation."""
        return [name for name, known in fingerprints().items() if self.keys.get(name) != known]

    def is_sealed(self) -> bool:
        """Whether the seal is that of this manifest, under the present TOKEN_PEPPER."""
        return hmac.compare_digest(self.seal, _seal(asdict(self) | {"seal": ""}))


def fingerprints() -> dict[str, str]:
    """A fingerprint of each key; the key can't be found out from it."""
    return {name: _keyed(str(getattr(settings, name)), b"fingerprint of a backup's key")[:32] for name in NAMED}


def _keyed(key: str, text: bytes) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def _seal(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _keyed(settings.TOKEN_PEPPER, b"manifest of a backup\n" + text.encode())


def file_sum(path: Path) -> FileSum:
    """Size and checksum of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileSum(size, digest.hexdigest())
