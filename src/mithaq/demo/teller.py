"""How the story is told: acts, sentences, tables and compared texts, as wide as the terminal and in its direction.

In a terminal, sentences are wrapped here and Arabic stands at the right edge, each line bound to its direction
and each Latin piece isolated (UAX #9), whatever the terminal itself does with directions. Elsewhere (a file, a
pipe) a sentence is a line, without colour and without blanks at its end.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mithaq.clock import monotonic
from mithaq.languages import RIGHT_TO_LEFT, Catalogue
from mithaq.policy.explain import LANGUAGES, Language
from mithaq.seal.words import LANGUAGES as PHRASES

WIDEST = 110  # columns; longer lines are hard to read
GAP = "   "  # between columns
_RLM, _LRI, _RLI, _PDI = "\u200f", "\u2066", "\u2067", "\u2069"
_ARABIC = re.compile("[\u0600-\u06ff]")
_WORD = r"[-\w./:|=+&]*[A-Za-z](?:[-\w./:|=+&]*[\w/|=+])?"
_LATIN = re.compile(rf"{_WORD}(?: {_WORD})*", re.ASCII)
_JOINING = {"\u00a0": "\ue000", "\u202f": "\ue001"}  # blanks at which no line breaks, and stand-ins
_STAND_IN = str.maketrans(_JOINING)
_BACK = str.maketrans({stand_in: blank for blank, stand_in in _JOINING.items()})
_MARKS = {" ": "dim", "−": "red", "+": "green"}  # noqa: RUF001 a minus as wide as the plus


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Writes the story to a console in one language."""

    words: Catalogue
    console: Console
    began: float

    @property
    def language(self) -> Language:
        """The language of reasons, which the policy words itself."""
        return next((each for each in LANGUAGES if each == self.words.language), "en")

    @property
    def phrase(self) -> str:
        """The language in which people read words to each other; digits where there is no list."""
        return self.words.language if self.words.language in PHRASES else "digits"

    @property
    def right_to_left(self) -> bool:
        """Say whether the language is written from right to left."""
        return self.words.language in RIGHT_TO_LEFT

    @property
    def width(self) -> int:
        """Columns to write in."""
        return min(self.console.width, WIDEST)

    def act(self, key: str) -> None:
        """Begin an act, with the seconds since the story began."""
        title, seconds = self.words.say(key), f"{monotonic() - self.began:.1f} s"
        self.console.print()
        if not self.console.is_terminal:
            self._put(Text(f"{self._bound(title)}  ({seconds})"))
            return
        rule = "─" * (self.width - cell_len(title) - len(seconds) - 4)
        parts = [(self._bound(title), "bold"), (f"  {seconds}  ", "dim"), (rule, "dim")]
        turned = reversed(parts) if self.right_to_left else parts
        self._put(Text.assemble(*turned))

    def say(self, key: str, **facts: object) -> None:
        """Tell a sentence."""
        self.line(self.words.say(key, **facts))

    def line(self, said: str, *, indent: int = 2, style: str = "") -> None:
        """Tell a sentence that is worded already."""
        if not self.console.is_terminal:
            self._put(Text(f"{' ' * indent}{self._bound(said)}"))
            return
        room = self.width - indent
        for piece in Text(said.translate(_STAND_IN)).wrap(self.console, room):
            plain = piece.plain.rstrip().translate(_BACK)
            before = self.width - indent - cell_len(plain) if self.right_to_left else indent
            self._put(Text(f"{' ' * before}{self._bound(plain)}", style=style))

    def verbatim(self, written: str, *, indent: int = 4, style: str = "") -> None:
        """Write a line that is no sentence, such as a command, as it stands and from left to right."""
        self._put(Text(f"{' ' * indent}{written}", style=style))

    def compared(self, ours: str, theirs: str) -> None:
        """Show two texts as one: minus before what only the first has, plus before what only the second has."""
        for mark, line in annotated(ours.splitlines(), theirs.splitlines()):
            self.verbatim(f"{mark} {line}", style=_MARKS[mark])

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show rows under translated heads; from right to left the first column stands at the right."""
        lines = [[self.words.say(f"head.{head}") for head in heads], *map(list, rows)]
        widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
        whole = sum(widths) + len(GAP) * (len(widths) - 1)
        for number, line in enumerate(lines):
            self._put(Text(self._row(line, widths, whole), style="" if number else "dim"))

    def _row(self, cells: Sequence[str], widths: Sequence[int], whole: int) -> str:
        padded = [
            " " * (width - cell_len(cell)) + (self._bound(cell) if _ARABIC.search(cell) else cell)
            if self.right_to_left
            else cell + " " * (width - cell_len(cell))
            for cell, width in zip(cells, widths, strict=True)
        ]
        if not self.right_to_left:
            return f"  {GAP.join(padded).rstrip()}"
        before = self.width - whole - 2 if self.console.is_terminal else 2
        return " " * before + GAP.join(reversed(padded))

    def _put(self, line: Text) -> None:
        self.console.print(line, soft_wrap=True)

    def _bound(self, said: str) -> str:
        """Bind what is said to its direction, whatever stands at its edges."""
        if not self.right_to_left:
            return said
        parted = _LATIN.sub(lambda found: f"{_LRI}{found[0]}{_PDI}", said)
        return f"{_RLI}{_RLM}{parted}{_PDI}"


def annotated(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each line of two JSON texts once, with the mark of those who have it.

    A comma that is there only because something follows makes no difference.
    """
    bare = [[line.rstrip(",") for line in lines] for lines in (ours, theirs)]
    for tag, a, b, c, d in SequenceMatcher(a=bare[0], b=bare[1], autojunk=False).get_opcodes():
        if tag == "equal":
            yield from ((" ", line) for line in ours[a:b])
        else:
            yield from (("−", line) for line in ours[a:b])  # noqa: RUF001 as above
            yield from (("+", line) for line in theirs[c:d])
