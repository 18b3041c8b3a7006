"""XML from anybody: elements with their texts, and nothing that a text could blow up to or fetch.

A document type is refused before anything of it is read: it is where entities are declared, the ones that grow without
end and the ones that name files and addresses.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from mithaq.errors import InputError

_DEEPEST, _MOST = 64, 1 << 18  # elements in one another, and of a document


class BadXml(InputError):
    """A document that is no XML, or more than anybody may say in it; its code is ``openioc-`` and the cause."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what is wrong with it."""
        super().__init__(says, cause=cause, where="")
        self.code = f"openioc-{cause}"


@dataclass(slots=True)
class Element:
    """An element: its name without a prefix, its attributes, what stands in it, and the line it begins in, from 1."""

    name: str
    attributes: dict[str, str]
    line: int
    parts: "list[Element]" = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text."""
        return "".join(self.pieces).strip()

    def every(self, name: str) -> "Iterator[Element]":
        """Yield what bears a name below it, in the order of the document; not what stands inside of such."""
        for part in self.parts:
            if part.name == name:
                yield part
            else:
                yield from part.every(name)

    def first(self, name: str) -> str:
        """Return the text of the first that bears a name; empty if there is none."""
        return next((each.text for each in self.every(name)), "")


def read(raw: bytes) -> Element:
    """Read a document.

    Raises:
        BadXml: it is none, or holds what is refused.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _doctype
    parser.StartElementHandler = lambda name, said: reader.begin(
        name, said, parser.CurrentLineNumber
    )
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.say
    try:
        parser.Parse(raw, True)  # noqa: FBT003 the last argument of expat is by place
    except (expat.ExpatError, ValueError, LookupError):
        raise BadXml("no XML", cause="form") from None
    return reader.root.parts[0]


def _doctype(*_said: object) -> NoReturn:
    raise BadXml("a document type, which may declare entities", cause="doctype")


class _Reader:
    """Builds the elements of a document."""

    def __init__(self) -> None:
        self.root = Element("", {}, 0)
        self._open = [self.root]
        self._many = 0

    def begin(self, name: str, said: dict[str, str], line: int) -> None:
        self._many += 1
        if self._many > _MOST or len(self._open) > _DEEPEST:
            says = f"more than {_MOST} elements, or {_DEEPEST} in one another"
            raise BadXml(says, cause="large")
        element = Element(name.rpartition(":")[2], said, line)
        self._open[-1].parts.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def say(self, text: str) -> None:
        self._open[-1].pieces.append(text)
