"""How much an uploaded file may ask of the machine."""

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one uploaded file; a file beyond any of them is refused, never cut short.

    The defaults hold for lists of 20,000 people. They were chosen from measurements: a 47 kB workbook can hold 15 MB of
    XML and keep a parser busy for 20 seconds, a full sheet of 20,000 x 60 cells needs about 35 MB of XML.
    """

    file_bytes: int = 10 * MEGABYTE
    zip_entries: int = 200
    unpacked_bytes: int = 100 * MEGABYTE
    ratio: int = 100  # unpacked size to packed size, over all and for each part
    rows: int = 20_000  # rows with data, the header not counted
    columns: int = 60
    cell_chars: int = 32_767  # what a cell of a workbook can hold
    text_chars: int = 20_000_000  # all cells together, shared strings counted each time they are used
    cells: int = 2_000_000  # cell elements in the sheet, empty ones with a format too; a full sheet has 1.2 million
    elements: int = 4_000_000  # XML elements in one part; a full sheet has 3.6 million
    depth: int = 40  # nesting of XML elements
    flagged_cells: int = 20_000  # formulas and error values noted one by one
    header_rows: int = 20  # the header is looked for in this many rows
    cpu_seconds: int = 30
    wall_seconds: int = 90  # the machine may be busy with other things
    memory_bytes: int = 512 * MEGABYTE


DEFAULT = Limits()
