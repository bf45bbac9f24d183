"""Tables brought in by people, in two steps: check every row, then apply all of them or none.

An app says what a table is about with an `Importer`, registered under its kind. Everything else is here: the upload is
kept, a job reads and checks it and stages its rows, the person sees what would happen, a second job applies it in one
transaction after looking again whether anything changed meanwhile. Any error means that nothing is written; the same
file with the same options is applied once.
"""

from skillmap.core.imports.applying import apply_job
from skillmap.core.imports.checking import check_job
from skillmap.core.imports.importer import IMPORTERS, LISTED, Checked, Importer, Progress, Staged, register
from skillmap.core.imports.problems import problems_of, report
from skillmap.core.imports.steps import Upload, apply, check_again, discard, upload
from skillmap.core.imports.tidying import forget_old

__all__ = [
    "IMPORTERS",
    "LISTED",
    "Checked",
    "Importer",
    "Progress",
    "Staged",
    "Upload",
    "apply",
    "apply_job",
    "check_again",
    "check_job",
    "discard",
    "forget_old",
    "problems_of",
    "register",
    "report",
    "upload",
]
