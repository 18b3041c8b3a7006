"""What partners and we gave each other, and who saw what of it."""

from collections.abc import Mapping

from mithaq.brief.html import Html, commands, joined, tag, technical, text
from mithaq.brief.parts import NOTHING, Part
from mithaq.brief.pictures import bar
from mithaq.intel.partners.digest import Exchanged

_TYPES = 3  # of objects that a row names
_OWN = 8  # sources of ours that are named
_COLUMNS = ("partner", "came", "went", "seen-by-them", "seen-by-us")


class Passed(Part):
    """Writes what passed in the period."""

    def exchanged(self) -> Html:
        """Return what partners and we gave each other."""
        some = [each for each in self.brief.digest.partners if _passed(each)]
        if not some:
            said = tag("p", text(self.w.say("say.nothing-passed")))
            return self.section("partners", said, self._own_sources())
        most = max(max(each.came.count, each.went.count) for each in some)
        rows = [tag("tbody", *(self._row(each, most) for each in some))]
        table = self.table([self.head(name) for name in _COLUMNS], rows, kind="passed")
        more = tag("p", commands(text(self.w.say("say.passed-more"))), class_="note")
        return self.section("partners", table, self._own_sources(), more)

    def _row(self, each: Exchanged, most: int) -> Html:
        seen = (each.seen_by_them.count, each.seen_by_us.count)
        return self.row(
            technical(each.partner),
            joined(self._many(each.came.count, most), self._types(each.types), by=" "),
            self._many(each.went.count, most),
            *(self.w.count(count) if count else NOTHING for count in seen),
        )

    def _many(self, count: int, most: int) -> Html:
        if not count:
            return NOTHING
        return joined(
            tag("span", self.w.count(count), class_="many"),
            bar(count, most, mirrored=self.mirrored),
        )

    def _types(self, types: Mapping[str, int]) -> Html:
        # what ties things is told last: it says least to whoever reads
        told = sorted(types.items(), key=lambda each: (each[0] == "relationship", -each[1]))
        shown = [
            self.w.tell("say.of-type", type=self._type(name), count=self.w.count(count))
            for name, count in told[:_TYPES]
        ]
        return tag("span", self.listed(shown), class_="note") if shown else Html("")

    def _type(self, name: str) -> Html:
        known = self.w.known(f"type.{name}")
        return text(known) if known else technical(name)

    def _own_sources(self) -> Html:
        own = self.brief.digest.own_sources
        if not own:
            return Html("")
        shown = [
            self.w.tell("say.of-type", type=technical(name), count=self.w.count(count))
            for name, count in [*own.items()][:_OWN]
        ]
        return tag("p", self.w.tell("say.from-sources", what=self.listed(shown)), class_="note")


def _passed(each: Exchanged) -> bool:
    return any(one.count for one in (each.came, each.went, each.seen_by_them, each.seen_by_us))
