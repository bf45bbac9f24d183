"""Names of files that go out."""

import datetime as dt
import re
import unicodedata
from urllib.parse import quote

from skillmap.core.clock import TOKYO

UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\"*/:<>?\\|%;]+")
LONGEST = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
CONTENT_TYPES = {"xlsx": XLSX, "csv": CSV}


def download_name(*parts: object, ending: str, made_at: dt.datetime | None = None) -> str:
    """A file name from words, such as 「需給分析_2024年度_20260401-0930.xlsx」; made by the server, never by an upload.

    Args:
        parts: words; empty ones are left out.
        ending: "xlsx" or "csv".
        made_at: aware; its Tokyo time is added.
    """
    words = [UNSAFE.sub("_", str(part)).strip(" ._") for part in parts if part not in (None, "")]
    stem = "_".join(word for word in words if word)[:LONGEST].strip(" ._") or "table"
    if made_at is not None:
        stem += made_at.astimezone(TOKYO).strftime("_%Y%m%d-%H%M")
    return f"{stem}.{ending}"


def content_disposition(filename: str) -> str:
    """The header that makes a browser save an answer under this name (RFC 6266, with the name as RFC 5987 writes it).

    Old clients get the ASCII part; nothing in the name can end the header or begin another.
    """
    safe = UNSAFE.sub("_", filename).strip() or "table"
    ascii_only = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()
    stem, dot, ending = ascii_only.rpartition(".")
    fallback = re.sub(r"[^A-Za-z0-9._ -]", "_", f"{stem.strip(' _') or 'table'}{dot}{ending}")
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(safe, safe='')}"
