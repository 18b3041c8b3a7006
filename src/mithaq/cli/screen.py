"""What people see: sentences, tables and questions in their language, or JSON for programs.

In a terminal, Arabic tables stand from right to left whatever the terminal does with directions: columns are
turned round here, each line is begun with a mark that fixes its direction, and each cell is isolated (UAX #9).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from rich import box
from rich.align import Align
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from mithaq.languages import RIGHT_TO_LEFT, Catalogue, plain

Row = Mapping[str, Any]
Tick = Callable[[int, int], None]
NOTHING = "–"  # noqa: RUF001 an empty cell, so that nobody takes it for a fault
_LRM, _RLM = "\u200e", "\u200f"
_LRI, _RLI, _FSI, _PDI = "\u2066", "\u2067", "\u2068", "\u2069"
_ARABIC = re.compile("[\u0600-\u06ff]")
_WORD = r"[-\w./:|=+]*[A-Za-z](?:[-&\w./:|=+]*[\w/|=+])?"
_LATIN = re.compile(  # a level, what is isolated already, a command, or Latin words, which keep their order
    rf"(?:(?:TLP|PAP):)?\u2068[^\u2069]*\u2069|`[^`]+`|{_WORD}(?:[:,;]? {_WORD})*", re.ASCII
)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d+Z")
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_WHOLE = frozenset(
    {
        "marking",
        "number",
        "clause",
        "goes",
        "waits",
        "stays",
        "leaf",
        "order",
        "asked",
        "missing",
        "overdue",
        "day",
        "machines",
        "events",
        "event_last",
        "running",
    }
)  # never broken
_CRAMPED = 100  # columns, up to which the hour of these stands below the day
_DAY = 10
_DATED = frozenset({"hit_first", "began", "ended_at"})
_TLP = {  # colours of TLP 2.0, on black
    "TLP:CLEAR": "bold #ffffff on black",
    "TLP:GREEN": "bold #33ff00 on black",
    "TLP:AMBER": "bold #ffc000 on black",
    "TLP:AMBER+STRICT": "bold #ffc000 on black",
    "TLP:RED": "bold #ff2b2b on black",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where a command prints: results to ``out``, everything else to ``err``."""

    words: Catalogue
    as_json: bool = False
    out: Console = field(default_factory=lambda: Console(highlight=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @property
    def right_to_left(self) -> bool:
        """Say whether the language is written from right to left."""
        return self.words.language in RIGHT_TO_LEFT

    def has(self, key: str) -> bool:
        """Say whether there is a sentence ``key``."""
        return key in self.words.sentences

    def say(self, key: str, **facts: object) -> None:
        """Print a sentence of the catalogue; programs, who asked for JSON, are not told it."""
        if not self.as_json:
            self.line(self.words.say(key, **facts))

    def note(self, key: str, **facts: object) -> None:
        """Print a sentence beside the result, to the error stream."""
        self.line(self.words.say(key, **facts), console=self.err)

    def line(self, sentence: str, style: str = "", console: Console | None = None) -> None:
        """Print one sentence as it stands; the terminal wraps it."""
        where = console or self.out
        for each in sentence.split("\n"):
            where.print(Text(self.bound(plain(each)), style=style), soft_wrap=True)

    def bound(self, sentence: str) -> str:
        """Return a sentence with its direction said, where the language needs that."""
        return f"{_RLM}{_parted(sentence)}" if self.right_to_left and sentence else sentence

    def raw(self, written: str) -> None:
        """Print text that is no sentence, as it stands: JSON, a table for programs, a key."""
        self.out.file.write(f"{written}\n")

    def exact(self, content: bytes) -> None:
        """Print bytes as they are; a terminal alone gets a line's end after them."""
        end = b"\n" if self.out.is_terminal else b""
        buffer = getattr(self.out.file, "buffer", None)
        if buffer is None:
            self.out.file.write((content + end).decode("utf-8", "backslashreplace"))
        else:
            self.out.file.flush()
            buffer.write(content + end)
            buffer.flush()

    def phrase(self, words: Sequence[str]) -> None:
        """Print words to be read out, four to a line, from left to right in every language."""
        for start in range(0, len(words), 4):
            four = enumerate(words[start : start + 4], start + 1)
            self.raw("  " + "".join(f"{number:>2} {word:<12}" for number, word in four).rstrip())

    def json(self, value: object) -> None:
        """Print a value as JSON, its keys in their order."""
        self.raw(json.dumps(value, ensure_ascii=False, indent=2))

    def rows(
        self,
        columns: Sequence[str],
        rows: Sequence[Row],
        *,
        empty: str = "none.here",
        wide: Sequence[str] = (),
    ) -> None:
        """Print rows: all their keys as JSON, or ``columns`` as a table.

        Args:
            wide: columns that only programs are given, tab-separated as the others.
        """
        if self.as_json:
            self.json(rows)
        elif not rows:
            self.say(empty)
        elif self.out.is_terminal:
            self._table([self.head(name) for name in columns], columns, rows)
        else:
            whole = (*columns, *wide)
            self.raw("\t".join(self.head(name) for name in whole))
            for row in rows:
                self.raw("\t".join(_one_line(self._cell(name, row.get(name))) for name in whole))

    def facts(self, facts: Row, *, whole: bool = False) -> None:
        """Print one thing: its keys as JSON, or a fact per line.

        Args:
            whole: what is empty is shown too, as nothing.
        """
        if self.as_json:
            self.json(facts)
            return
        shown = {
            key: value for key, value in facts.items() if whole or value not in ("", None, [], {})
        }
        pairs = [(self.head(key), self._cell(key, value)) for key, value in shown.items()]
        self.pairs(pairs)

    def pairs(self, pairs: Sequence[tuple[str, str]], indent: int = 0, narrow: int = 30) -> None:
        """Print names and what is said of each, in two columns; a program gets one line each, unbroken."""
        if not self.out.is_terminal:
            width = max((len(name) for name, _ in pairs), default=0)
            for name, said in pairs:
                self.raw(" " * indent + f"{name:<{width}}  {_one_line(plain(said))}".rstrip())
            return
        grid = Table.grid(padding=(0, 2))
        first: dict[str, Any] = {"no_wrap": True, "max_width": narrow, "style": "bold"}
        second: dict[str, Any] = {"ratio": 1, "overflow": "fold"}
        if self.right_to_left:
            grid.add_column(justify="right", **second)
            grid.add_column(justify="right", **first)
        else:
            grid.add_column(**first)
            grid.add_column(**second)
        for name, said in pairs:
            begin = " " * indent
            if self.right_to_left:
                grid.add_row(self._shown(said), Text(f"{name}{begin}"))
            else:
                grid.add_row(Text(f"{begin}{name}"), self._shown(said))
        self._lines(grid)

    def head(self, name: str) -> str:
        """Return the head of a column."""
        return self.words.sentences.get(f"head.{name}", name)

    def value(self, column: str, value: str) -> str:
        """Return a fixed word of a column, such as a state, in the reader's language."""
        return self.words.sentences.get(f"value.{column}.{value}", value)

    def _cell(self, column: str, value: object) -> str:
        match value:
            case None | "":
                return NOTHING
            case bool():
                return self.words.sentences["value.yes" if value else "value.no"]
            case list() | tuple() | set() | frozenset():
                return ", ".join(self._cell(column, each) for each in value) or NOTHING
            case _:
                return self.value(column, plain(str(value)))

    def _shown(self, said: str, *, short: bool = False) -> Text:
        """Return a cell; instants without fractions, and digests cut in a table, which is for looking."""
        if self.out.is_terminal:
            said = _INSTANT.sub(r"\1 \2Z", said)
        if short:
            said = _DIGEST.sub("\\1…", said)
        return Text(said, style=_TLP.get(said, ""))

    def _table(self, heads: Sequence[str], columns: Sequence[str], rows: Sequence[Row]) -> None:
        turn = reversed if self.right_to_left else list
        side: Literal["left", "right"] = "right" if self.right_to_left else "left"
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        cramped = self.out.width <= _CRAMPED
        for head, name in turn(list(zip(heads, columns, strict=True))):
            most = _DAY if cramped and name in _DATED else None
            table.add_column(
                head, justify=side, overflow="fold", no_wrap=name in _WHOLE, max_width=most
            )
        for row in rows:
            cells = [self._shown(self._cell(name, row.get(name)), short=True) for name in columns]
            table.add_row(*turn(cells))
        self._lines(table)

    def _lines(self, table: Table) -> None:
        """Print a table; from right to left every line is given its direction."""
        if not self.right_to_left:
            self.out.print(table)
            return
        for line in self.out.render_lines(Align.right(table), pad=False):
            bound = [Segment(_bound(text), style, control) for text, style, control in line]
            self.out.print(_Line([Segment(_LRM), *bound]), soft_wrap=True)

    @contextmanager
    def progress(self, key: str) -> Iterator[Tick]:
        """Show how far long work has come, on the error stream, if that is a terminal."""
        from rich.progress import Progress  # noqa: PLC0415 only long work needs it

        with Progress(
            console=self.err, transient=True, disable=not self.err.is_terminal or self.as_json
        ) as bar:
            task = bar.add_task(self.words.say(key), total=None)

            def tick(done: int, whole: int) -> None:
                bar.update(task, completed=done, total=whole)

            yield tick

    @contextmanager
    def changing(self) -> Iterator[Callable[[str], None]]:
        """Show one line that changes, on the error stream, if that is a terminal."""
        if not self.err.is_terminal or self.as_json:
            yield lambda _: None
            return
        with self.err.status("") as status:
            yield lambda sentence: status.update(Text(self.bound(plain(sentence))))


# not the narrow blanks of French, at which no line breaks
_BLANKS = re.compile("[ \\t-\\r\\x85\\u2028\\u2029]+")


def _one_line(cell: str) -> str:
    """Keep a value from breaking the line or the columns."""
    return _BLANKS.sub(" ", cell).strip()


def _bound(cell: str) -> str:
    """Isolate one line of a cell between its blanks, in its own direction."""
    core = cell.strip()
    if not any(letter.isalnum() for letter in core):
        return cell
    arabic = _ARABIC.search(core) is not None
    inner = f"{_RLI}{_parted(core)}{_PDI}" if arabic else f"{_FSI}{core}{_PDI}"
    return cell.replace(core, inner, 1)


def _parted(sentence: str) -> str:
    """Isolate the Latin pieces of an Arabic sentence, such as commands and options, each as a whole."""
    return _LATIN.sub(lambda found: _apart(found[0]), sentence)


def _apart(piece: str) -> str:
    if piece[0] == _FSI:
        return piece
    if piece[0] == "`":  # to be copied, and so without a sign that nobody sees
        piece = piece.replace(_FSI, "").replace(_PDI, "")
    return f"{_LRI}{piece}{_PDI}"


@dataclass(frozen=True, slots=True)
class _Line:
    segments: Sequence[Segment]

    def __rich_console__(self, *_: object) -> Iterator[Segment]:
        yield from self.segments
        yield Segment.line()
