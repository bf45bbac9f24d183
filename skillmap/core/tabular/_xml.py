"""XML parts read piece by piece, with document types, entities and deep nesting refused. Plain Python only."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from skillmap.core.tabular._wire import Refused
from skillmap.core.tabular.limits import Limits

Attributes = dict[str, str]


class _NoTree:
    """The parser wants a tree builder; none is built."""

    def close(self) -> None:
        """Nothing was collected."""


class Scanner:
    """Walks one XML part. Subclasses act on `start`, `end` and `text`; `depth` is 1 in the root element.

    A part with millions of elements says by `at_start` and `at_end` what is done for each name, asked once a name.

    Raises:
        Refused: on a document type (`xml_dtd`), on damage, on too many or too deeply nested elements.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.depth = 0
        self.elements = 0
        self._starts: dict[str, Callable[[Attributes], None] | None] = {}  # by name with namespace
        self._ends: dict[str, Callable[[], None] | None] = {}

    def start(self, tag: str, attributes: Attributes) -> None:
        """An element begins; `tag` is its name without the namespace."""

    def end(self, tag: str) -> None:
        """An element ends; `depth` is still its own."""

    def text(self, data: str) -> None:
        """Text inside an element."""

    def at_start(self, tag: str) -> Callable[[Attributes], None] | None:
        """What is called when such an element begins; None where it does not matter."""
        return partial(self.start, tag)

    def at_end(self, tag: str) -> Callable[[], None] | None:
        """What is called when such an element ends; None where it does not matter."""
        return partial(self.end, tag)

    def walk(self, chunks: Iterable[bytes], copy: Callable[[bytes], Any] | None = None) -> None:
        """Read the whole part; `copy` is given each piece once it was found sound so far."""
        # The encoding is fixed: the reader that comes after takes every part for UTF-8, whatever the part claims.
        parser = DefusedXMLParser(target=_NoTree(), encoding="utf-8", forbid_dtd=True)
        # The guards are the parser's own; only the handlers that would build a tree are replaced (2.5 times faster).
        expat: Any = parser.parser
        expat.ordered_attributes = 0
        expat.buffer_text = True
        expat.StartElementHandler = self._start
        expat.EndElementHandler = self._end
        expat.CharacterDataHandler = self.text
        try:
            for chunk in chunks:
                parser.feed(chunk)
                if copy is not None:
                    copy(chunk)
            parser.close()
        except DefusedXmlException as error:
            raise Refused("xml_dtd") from error
        except ParseError as error:
            raise Refused("damaged") from error

    def _start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > self.limits.depth:
            raise Refused("damaged")
        if self.elements > self.limits.elements:
            raise Refused("too_many_cells")
        if name not in self._starts:
            self._learn(name)
        act = self._starts[name]
        if act is not None:
            act(attributes)

    def _end(self, name: str) -> None:
        act = self._ends[name]
        if act is not None:
            act()
        self.depth -= 1

    def _learn(self, name: str) -> None:
        """What is done for a name, without its namespace; a sheet knows a few dozen names, not thousands."""
        if len(self._starts) > 10_000:
            raise Refused("damaged")
        tag = name.rpartition("}")[2]
        self._starts[name], self._ends[name] = self.at_start(tag), self.at_end(tag)
