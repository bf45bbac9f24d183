"""The zip container of a workbook: looked over before anything in it is parsed. Plain Python only.

Everything is decided from the central directory first (number, names, sizes, methods), then from the first bytes of
each part. The sheet reader later gets a container that this code has written, holding only the parts it needs with
the bytes that were checked, so that two readers cannot see two different files.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from struct import error as struct_error

from skillmap.core.tabular._wire import Refused
from skillmap.core.tabular.limits import Limits

CHUNK = 64 * 1024
LOCAL_HEADER = 30  # bytes before the name of a part
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ")
PROGRAMS = (b"MZ", b"\x7fELF")

# Parts by the beginning of their lower-case path, and why a file that has them is refused.
FORBIDDEN_FOLDERS = {
    "xl/macrosheets/": "macros",
    "xl/dialogsheets/": "macros",
    "xl/externallinks/": "external_links",
    "xl/querytables/": "external_links",
    "xl/connections.xml": "external_links",
    "xl/model/": "external_links",
    "xl/embeddings/": "embedded",
    "xl/activex/": "embedded",
    "xl/webextensions/": "embedded",
    "customui/": "macros",
}


@contextmanager
def damage_is_refused() -> Iterator[None]:
    """Whatever the zip and inflate code trips over means one thing to the user: the file is damaged."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct_error, NotImplementedError, RuntimeError) as error:
        raise Refused("damaged") from error
    except (OverflowError, UnicodeError, ValueError, OSError) as error:
        raise Refused("damaged") from error


class Package:
    """The parts of one workbook, by lower-case path.

    Raises:
        Refused: where the container is damaged, too large, or holds what a plain table has no use for.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.limits = limits
        with damage_is_refused():
            self._zip = zipfile.ZipFile(BytesIO(data))
        entries = self._zip.infolist()
        if len(entries) > limits.zip_entries:
            raise Refused("zip_entries", limit=limits.zip_entries, found=len(entries))
        self.parts = {_path(entry): entry for entry in entries}
        if len(self.parts) != len(entries):
            raise Refused("zip_names")
        _check_sizes(entries, limits)
        _check_storage(entries)
        self._check_kinds()

    def __contains__(self, path: str) -> bool:
        return path.lower() in self.parts

    def stream(self, path: str) -> Iterator[bytes]:
        """The bytes of a part, unpacked piece by piece; never more than its declared size, which was checked."""
        entry = self.parts.get(path.lower())
        if entry is None:
            raise Refused("damaged")
        with damage_is_refused(), self._zip.open(entry) as part:
            while chunk := part.read(CHUNK):
                yield chunk

    def _check_kinds(self) -> None:
        for path, entry in self.parts.items():
            if "vbaproject" in path or "vbadata" in path:
                raise Refused("macros")
            for folder, code in FORBIDDEN_FOLDERS.items():
                if path.startswith(folder):
                    raise Refused(code)
            if not entry.is_dir():
                _check_beginning(next(self.stream(path), b""))
        if "xl/workbook.bin" in self.parts:
            raise Refused("binary_workbook")
        if "mimetype" in self.parts:
            raise Refused("opendocument")
        if "[content_types].xml" not in self.parts:
            raise Refused("not_workbook")


def _path(entry: zipfile.ZipInfo) -> str:
    """The lower-case path of a part; refused where it could mean a place outside the container."""
    name = entry.orig_filename
    parts = name.rstrip("/").split("/")
    if not name or "\\" in name or "\0" in name or ":" in name or any(part in {"", ".", ".."} for part in parts):
        raise Refused("zip_names")
    return name.lower()


def _check_sizes(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > limits.unpacked_bytes:
        raise Refused("zip_unpacked", limit=limits.unpacked_bytes // 1_048_576)
    if unpacked > packed * limits.ratio or any(
        entry.file_size > entry.compress_size * limits.ratio for entry in entries
    ):
        raise Refused("zip_ratio", limit=limits.ratio)


def _check_storage(entries: list[zipfile.ZipInfo]) -> None:
    """No passwords, no rare methods, and no part laid over another (the trick of the most compact zip bombs)."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.flag_bits & 0x1:
            raise Refused("encrypted")
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or entry.header_offset < end:
            raise Refused("damaged")
        end = entry.header_offset + LOCAL_HEADER + entry.compress_size


def _check_beginning(chunk: bytes) -> None:
    if chunk.startswith(ARCHIVES):
        raise Refused("zip_nested")
    if chunk.startswith((OLE2, *PROGRAMS)):
        raise Refused("embedded")


def resolve(source: str, target: str) -> str:
    """The path of the part that a relationship of `source` points to; empty where it points outside."""
    if target.startswith("/"):
        path = posixpath.normpath(target[1:])
    else:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return "" if path.startswith((".", "/")) else path
