"""What a refusal, a problem in a row or a remark says, by code. Three parts: what happened, what is kept, what to do.

The texts are translated when they are shown, so that a stored report reads in the language of whoever opens it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Pair = tuple["StrPromise", "StrPromise"]

KEPT = _("Nothing has been imported; what is stored stays as it is.")
SAVE_AS_NEW = _("Copy the table into a new workbook, save it as .xlsx and upload that file.")
SAVE_AS_UTF8 = _("In Excel choose Save As and the type “CSV UTF-8 (comma delimited)”, or save as .xlsx.")
SPLIT = _("Split the table into several files and upload them one after another.")

# Why a file is not read at all: (what happened, what to do).
REFUSALS: dict[str, Pair] = {
    # the file as such
    "empty_file": (_("The file is empty."), _("Check that the right file was chosen, and upload it again.")),
    "file_too_big": (
        _("The file is larger than %(limit)s MB."),
        _("Remove pictures and sheets that are not needed, or split the table into several files."),
    ),
    "extension": (_("Files of this type cannot be read."), _("Upload an Excel workbook (.xlsx) or a CSV file (.csv).")),
    "old_workbook": (
        _("This is a workbook of the old Excel format (.xls)."),
        _("Open it in Excel, save it as an Excel workbook (.xlsx) and upload that file."),
    ),
    "binary_workbook": (
        _("This is a binary workbook (.xlsb)."),
        _("Open it in Excel, save it as an Excel workbook (.xlsx) and upload that file."),
    ),
    "opendocument": (
        _("This is an OpenDocument file."),
        _("Save it as an Excel workbook (.xlsx) and upload that file."),
    ),
    "web_page": (
        _("The contents are a web page, though the file is named like a table."),
        _("Open it in Excel, save it as an Excel workbook (.xlsx) and upload that file."),
    ),
    "named_workbook": (
        _("The file is named like an Excel workbook, but its contents are something else."),
        _("Open it in the program that made it, save it as .xlsx or .csv and upload that file."),
    ),
    "named_csv": (
        _("The file is named like a CSV file, but its contents are something else."),
        _("Upload an Excel workbook with the ending .xlsx, or save the table as CSV text."),
    ),
    "encrypted": (
        _("The file is protected by a password and cannot be opened here."),
        _("Remove the password in Excel (File, Info, Protect Workbook), save and upload it again."),
    ),
    "damaged": (
        _("The file is damaged, or its inside is not what Excel writes."),
        SAVE_AS_NEW,
    ),
    "damaged_cell": (_("The file is damaged at cell %(cell)s."), SAVE_AS_NEW),
    "not_workbook": (
        _("The file is not an Excel workbook."),
        _("Save the table as .xlsx or .csv and upload that file."),
    ),
    "zip_entries": (
        _("The workbook consists of %(found)s parts; at most %(limit)s are read."),
        SAVE_AS_NEW,
    ),
    "zip_unpacked": (_("The workbook takes more than %(limit)s MB when it is unpacked."), SAVE_AS_NEW),
    "zip_ratio": (
        _(
            "Unpacked, the workbook grows more than %(limit)s times, which points to a great deal of empty formatted "
            "cells or to an attack."
        ),
        SAVE_AS_NEW,
    ),
    "zip_names": (_("The workbook holds parts with names that Excel never gives."), SAVE_AS_NEW),
    "zip_nested": (_("The workbook holds another packed file inside."), SAVE_AS_NEW),
    "macros": (
        _("The workbook contains macros."),
        _("Save it as an Excel workbook without macros (.xlsx) and upload that file."),
    ),
    "external_links": (
        _("The workbook is linked to other files or data sources."),
        _(
            "In Excel break the links (Data, Edit Links) and remove the connections, or copy the table as values "
            "into a new workbook."
        ),
    ),
    "embedded": (_("The workbook contains embedded files or programs."), SAVE_AS_NEW),
    "xml_dtd": (
        _("The workbook contains declarations that Excel never writes and that can be an attack."),
        SAVE_AS_NEW,
    ),
    # the process that reads
    "too_slow": (_("Reading the file took too long and was stopped."), SPLIT),
    "too_heavy": (_("Reading the file needed too much memory and was stopped."), SPLIT),
    "unreadable": (_("The file could not be read."), SAVE_AS_NEW),
    # the sheet
    "no_visible_sheet": (
        _("The workbook has no visible sheet with a table."),
        _("Show the sheet in Excel, save and upload it again."),
    ),
    "sheet_missing": (
        _("The workbook has no visible sheet named “%(sheet)s”. It has: %(found)s."),
        _("Rename the sheet, or use the template."),
    ),
    "too_many_rows": (_("The table has more than %(limit)s rows (content was found in row %(row)s)."), SPLIT),
    "too_many_columns": (
        _("The table has more than %(limit)s columns (content was found in cell %(cell)s)."),
        _("Delete the columns that are not needed, and upload it again."),
    ),
    "too_many_cells": (_("The sheet has too many cells, most of them probably empty but formatted."), SAVE_AS_NEW),
    "too_much_text": (_("The cells together hold more than %(limit)s characters."), SPLIT),
    "too_many_formulas": (
        _("The sheet is full of formulas (for example in %(cells)s). Only values are imported."),
        _("Copy the table and paste it as values (Paste Special, Values), save and upload it again."),
    ),
    "too_many_errors": (
        _("The sheet is full of error values (for example in %(cells)s)."),
        _("Correct these cells in Excel, save and upload it again."),
    ),
    # CSV
    "utf16": (_("The file is saved as “Unicode text” (UTF-16)."), SAVE_AS_UTF8),
    "jis": (_("The file is in the JIS encoding (ISO-2022-JP), which is not read."), SAVE_AS_UTF8),
    "bad_bytes": (
        _(
            "The characters cannot be read: in line %(line)s there are bytes that do not exist in %(encoding)s. The "
            "file may be damaged, or two files in different encodings may have been joined."
        ),
        SAVE_AS_UTF8,
    ),
    "nul": (
        _("Line %(line)s contains a character that is not text (NUL)."),
        _("Save the table anew from Excel as .xlsx or CSV UTF-8, and upload that file."),
    ),
    "bare_cr": (
        _(
            "Line %(line)s has a line break of another kind than the rest of the file, so that rows cannot be told "
            "apart."
        ),
        _("Save the table anew from Excel as .xlsx or CSV UTF-8, and upload that file."),
    ),
    "csv_quote": (
        _('In row %(row)s a quotation mark (") is not closed or stands inside a cell unquoted.'),
        _("Check the quotation marks from that row on, or upload the table as .xlsx."),
    ),
    # the table
    "no_header": (
        _("The heading row was not found. Looked for: %(expected)s."),
        _("Put the headings into one row above the data, or use the template."),
    ),
    "missing_headers": (
        _("These columns are missing: %(missing)s (heading row: row %(row)s)."),
        _("Add the columns with these headings, or use the template."),
    ),
    "unknown_headers": (
        _("These columns are not known: %(unknown)s (heading row: row %(row)s)."),
        _("Remove them or correct their headings, and upload it again."),
    ),
    "duplicate_headers": (
        _("The column “%(header)s” is there more than once (%(cells)s)."),
        _("Keep one of them, and upload it again."),
    ),
    "merged_header": (
        _("Cells are merged in the heading row (%(cells)s)."),
        _("Unmerge them so that each column has its own heading, and upload it again."),
    ),
    "no_rows": (_("There are headings, but no rows below them."), _("Fill in the rows, and upload it again.")),
}

# Why a cell or a row cannot be taken: (reason, how to fix).
PROBLEMS: dict[str, Pair] = {
    "required": (_("This cell must be filled in."), _("Enter a value.")),
    "formula": (
        _("The cell holds a formula; only values are imported."),
        _("Copy the cell and paste it as a value."),
    ),
    "error_value": (_("The cell shows the error %(error)s."), _("Correct the cell in Excel, or clear it.")),
    "merged": (
        _("The cells %(cells)s are merged, so that only the first of them has a value."),
        _("Unmerge them and fill in each cell."),
    ),
    "cell_too_long": (_("The cell holds %(found)s characters."), _("Shorten it to %(limit)s characters.")),
    "too_long": (_("The text has %(found)s characters."), _("Shorten it to %(limit)s characters.")),
    "line_break": (_("The text has a line break."), _("Write it in one line.")),
    "control_character": (
        _("The text contains a character that cannot be shown (%(code)s)."),
        _("Delete the cell's contents and type them again."),
    ),
    "private_character": (
        _("The text contains a character made for one's own computer only (gaiji, %(code)s), which others cannot see."),
        _("Replace it by a common character."),
    ),
    "code": (_("This is not a valid code."), _("Use half-width letters, digits, hyphens and underscores.")),
    "code_pattern": (_("This code does not have the expected form."), _("Compare it with the example: %(example)s.")),
    "code_digits": (_("The number of digits is %(found)s."), _("Write it with %(digits)s digits.")),
    "zeros_lost": (
        _("The cell is a number with fewer than %(digits)s digits; leading zeros were probably lost."),
        _("Format the column as text in Excel and enter it with %(digits)s digits."),
    ),
    "too_precise": (
        _("The cell is a number too long for Excel to keep exactly."),
        _("Format the column as text in Excel and enter it again."),
    ),
    "became_date": (
        _("Excel has turned the entry into a date or a time."),
        _("Format the column as text in Excel and enter it again."),
    ),
    "integer": (_("This is not a whole number."), _("Enter a whole number such as 3.")),
    "integer_range": (_("The number is outside %(minimum)s to %(maximum)s."), _("Enter a number in this range.")),
    "level": (
        _("This is not a level."),
        _("Enter one of the numbers %(minimum)s to %(maximum)s, or leave the cell empty."),
    ),
    "level_required": (_("This is not a level."), _("Enter one of the numbers %(minimum)s to %(maximum)s.")),
    "date": (_("This cannot be read as a date."), _("Write it like 2026/4/1, 2026-04-01 or R8.4.1.")),
    "date_time": (_("The date has a time of day."), _("Enter the date alone, like 2026/4/1.")),
    "date_year": (
        _("The year has two digits and could be read in more than one way."),
        _("Write the year with four digits, like 2026/4/1."),
    ),
    "date_range": (_("The date is outside %(minimum)s to %(maximum)s."), _("Enter a date in this range.")),
    "choice": (_("This is not one of the choices."), _("Enter one of: %(choices)s.")),
    "choice_near": (
        _("This is not one of the choices."),
        _("Did you mean “%(near)s”? If so, enter it exactly like this."),
    ),
    "choice_unknown": (_("This is not one of the choices."), _("Copy the entry from the list in the template.")),
    "email": (_("This is not an e-mail address."), _("Write it like name@example.jp.")),
    "boolean": (_("This is neither yes nor no."), _("Enter ○ or ×, or はい or いいえ.")),
    "duplicate": (
        _("The same %(columns)s appears in the rows %(rows)s."),
        _("Keep one of these rows."),
    ),
    "extra_cells": (
        _("The row has %(found)s cells, the heading row %(expected)s."),
        _("Put cells that contain a separator into quotation marks, or upload the table as .xlsx."),
    ),
}

# What the reader should know though the file can be read.
NOTICES: dict[str, "StrPromise"] = {
    "several_sheets": _("The sheet “%(sheet)s” was read. Not read: %(others)s."),
    "hidden_rows": _("Hidden rows were read as well: %(rows)s."),
    "hidden_columns": _("Hidden columns were read as well: %(columns)s."),
    "ignored_columns": _("Columns that are not needed were not read: %(headers)s."),
    "no_heading": _("Columns without a heading were not read: %(columns)s."),
    "date1904": _("This workbook counts dates from 1904. Please check the dates below."),
    "short_rows": _("Rows with fewer cells than the heading row: %(count)s. The missing cells were taken as empty."),
    "encoding": _("The characters were read as %(encoding)s. Please check below that they look right."),
    "numbers_as_codes": _("The column “%(header)s” holds numbers; leading zeros, if there were any, are lost."),
}

ENCODINGS = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp932": "Shift_JIS"}


AMOUNTS = {"limit", "found", "count", "minimum", "maximum"}  # numbers written with thousands separators


def fill(text: object, params: Mapping[str, Any]) -> str:
    """The text in the present language with its values; lists are joined the way the language does it."""
    shown = {name: _shown(name, value) for name, value in params.items()}
    return str(text) % shown if shown else str(text)


def _shown(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return pgettext("between the items of a list", ", ").join(str(item) for item in value)
    return f"{value:,}" if name in AMOUNTS and isinstance(value, int) else str(value)
