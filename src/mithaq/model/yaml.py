"""YAML (1.1, as libyaml reads it) from anybody: texts, lists and mappings, and nothing that a text could blow up to.

Every scalar is a text, so that no date, number or truth is made of what somebody wrote; ``values`` reads as well what
is plainly one of these. Anchors and aliases (a few lines of them make gigabytes), tags that make anything but these
three, and a key that is given twice are refused.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

import yaml

from mithaq.errors import InputError

Node: TypeAlias = "str | list[Node] | dict[str, Node]"
Valued: TypeAlias = "str | int | float | bool | list[Valued] | dict[str, Valued] | None"

MOST_CHARACTERS = 1 << 20  # of one document
_MOST_NODES, _DEEPEST = 1 << 16, 32
_BREAK = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)  # in no other place (YAML 1.1 section 9.1.2)
_WORDS: dict[str, Valued] = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_FRACTION = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}", re.ASCII)
_PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's, where it was built in


class BadYaml(InputError):
    """A document that is no YAML, or more than anybody may say in it; its code is ``yaml-`` and the cause."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what is wrong with it."""
        super().__init__(says, cause=cause)
        self.code = f"yaml-{cause}"


class Document(NamedTuple):
    """One document of a file: the line it begins in, from 0, and its text."""

    line: int
    text: str


def documents(text: str) -> Iterator[Document]:
    """Yield the documents of a file, unread; what is blank or comments alone is none."""
    begins = [0, *(found.end() for found in _BREAK.finditer(text))]
    ends = [*(found.start() for found in _BREAK.finditer(text)), len(text)]
    line = at = 0
    for begin, end in zip(begins, ends, strict=True):
        piece = text[begin:end]
        if not any(map(_says, piece.splitlines())):
            continue
        blank = len(piece) - len(piece.lstrip("\r\n \t"))
        first = piece.rfind("\n", 0, blank) + 1  # what indents the first line stays
        line += text.count("\n", at, begin + first)
        at = begin + first
        yield Document(line, piece[first:].rstrip())


def _says(line: str) -> bool:
    """Say whether a line is more than blank, a comment, a directive or the end of a document."""
    return line.strip() not in {"", "..."} and line.lstrip()[0] not in "#%"


def read(text: str) -> Node:
    """Read one document.

    Raises:
        BadYaml: it is none, or holds what is refused.
    """
    return cast("Node", _read(text, lambda written: written))


def values(text: str) -> Valued:
    """Read one document in which an unquoted decimal number, a truth and a null are what they look like.

    Raises:
        BadYaml: it is none, or holds what is refused.
    """
    return _read(text, _value)


def _value(written: str) -> Valued:
    """Return what an unquoted scalar is (YAML 1.2.2 section 10.3.2); as 1.1 and 1.2 differ, the rest stays a text."""
    if written in _WORDS:
        return _WORDS[written]
    if _WHOLE.fullmatch(written):
        return int(written)
    return float(written) if _FRACTION.fullmatch(written) else written


def _read(text: str, plain: Callable[[str], Valued]) -> Valued:
    if len(text) > MOST_CHARACTERS:
        raise BadYaml(f"a document has at most {MOST_CHARACTERS} characters", cause="long")
    building = _Building(plain)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            building.take(event)
    except (yaml.YAMLError, UnicodeError):
        raise BadYaml("no YAML", cause="form") from None
    if building.nodes == 0:
        raise BadYaml("no YAML", cause="form")
    return building.whole


@dataclass(slots=True)
class _Building:
    """A document as far as it was read; what is open has no depth that a call stack would have to bear."""

    plain: Callable[[str], Valued]  # what an unquoted scalar that is no key comes to
    whole: Valued = None
    nodes: int = 0
    open: list[list[Valued] | dict[str, Valued]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)  # of what is open, the one that waits

    def take(self, event: Any) -> None:  # noqa: ANN401 libyaml's events have no common type
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadYaml("an anchor or an alias: write out what is meant", cause="alias")
        if getattr(event, "tag", None) not in {None, "!", *_PLAIN}:
            raise BadYaml("a tag that makes something else of a text", cause="tag")
        if isinstance(event, yaml.ScalarEvent):
            written, key = str(event.value), self._awaits_key()
            self._put(self.plain(written) if event.implicit[0] and not key else written)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open([])
        elif isinstance(event, yaml.MappingStartEvent):
            self._open({})
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self.keys.pop()

    def _awaits_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1], dict) and self.keys[-1] is None

    def _open(self, some: list[Valued] | dict[str, Valued]) -> None:
        self._put(some)
        self.open.append(some)
        self.keys.append(None)
        if len(self.open) > _DEEPEST:
            raise BadYaml(f"more than {_DEEPEST} levels", cause="deep")

    def _put(self, node: Valued) -> None:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise BadYaml(f"more than {_MOST_NODES} values", cause="many")
        around = self.open[-1] if self.open else None
        if around is None:
            self.whole = node
        elif isinstance(around, list):
            around.append(node)
        elif (key := self.keys[-1]) is not None:
            around[key] = node
            self.keys[-1] = None
        elif not isinstance(node, str):
            raise BadYaml("a key that is no text", cause="key")
        elif node in around:
            raise BadYaml("a key that is given twice", cause="key")
        else:
            self.keys[-1] = node
