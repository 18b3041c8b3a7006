"""What the parts of a brief are made of: sections, tables, notes, labels and names."""

from collections.abc import Iterable, Sequence

from mithaq.brief.gathering import Brief
from mithaq.brief.html import LONGEST, Html, joined, outside, tag, technical, text
from mithaq.brief.writing import Writing
from mithaq.intel import Finding
from mithaq.languages import RIGHT_TO_LEFT
from mithaq.model.labels import Tlp

_NAMES = 3  # sources that a row names
_TECHNICAL = frozenset({"network", "zone", "tld", "asn"})
NOTHING = Html("–")  # noqa: RUF001 an empty cell


def colour_of(level: Tlp) -> str:
    """Return the class of a level's colour."""
    return "strict" if level == Tlp.AMBER_STRICT else str(level).lower()


class Part:
    """Writes a part of one brief."""

    def __init__(self, brief: Brief, writing: Writing) -> None:
        """Keep what is written, and how."""
        self.brief = brief
        self.w = writing

    @property
    def mirrored(self) -> bool:
        """Whether pictures run from right to left."""
        return self.w.language in RIGHT_TO_LEFT

    def label(self, level: Tlp, *, small: bool = False) -> Html:
        """Return the label of a level."""
        size = " small" if small else ""
        return tag("span", text(f"TLP:{level}"), class_=f"tlp {colour_of(level)}{size}", lang="en")

    def section(self, name: str, *inner: Html) -> Html:
        """Return a section under its heading."""
        return tag("section", tag("h2", self.head(name)), *inner)

    def head(self, name: str) -> Html:
        """Return the heading of a section or a column."""
        return text(self.w.say(f"head.{name}"))

    def table(self, heads: Sequence[Html], bodies: Iterable[Html], kind: str = "") -> Html:
        """Return a table with heads of its columns."""
        columns = tag("colgroup", *(Html("<col>") for _ in heads))
        head = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in heads)))
        return tag("table", columns, head, *bodies, class_=kind)

    def row(self, *cells: Html, first: str = "") -> Html:
        """Return a row of a table; ``first`` is the class of its first cell."""
        rest = (tag("td", each) for each in cells[1:])
        return tag("tr", tag("td", cells[0], class_=first), *rest)

    def pairs(self, rows: Iterable[tuple[Html, Html]]) -> Html:
        """Return a table of two columns without heads: what, and how it stands."""
        written = (tag("tr", tag("td", what), tag("td", said, class_="n")) for what, said in rows)
        return tag("table", *written, class_="pairs")

    def note(self, key: str, **counts: int) -> Html:
        """Return a line of small print."""
        facts = {name: self.w.count(count) for name, count in counts.items()}
        return tag("div", self.w.tell(key, **facts), class_="note")

    def sources(self, names: Sequence[str]) -> Html:
        """Return the first of some sources, and how many more there are."""
        shown = self.listed([technical(name.removeprefix("file:")) for name in names[:_NAMES]])
        if len(names) <= _NAMES:
            return shown
        more = self.w.tell("say.more", count=self.w.count(len(names) - _NAMES))
        return joined(shown, more, by=" ")

    def listed(self, some: Sequence[Html]) -> Html:
        """Return names one after the other, each apart."""
        return joined(*some, by=self.w.say("list"))

    def name(self, one: Finding, most: int = LONGEST) -> Html:
        """Return what something that emerges is called."""
        kind, said = one.entity.kind, one.entity.name
        if kind == "sector" and (known := self.w.known(f"sector.{said}")):
            return text(known)
        return (technical if kind in _TECHNICAL else outside)(said, most)

    def kind(self, one: Finding) -> Html:
        """Return what kind of thing emerges."""
        return text(self.w.say(f"kind.{one.entity.kind}"))
