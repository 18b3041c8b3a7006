"""The defence cycle as one page: threats, the matrix of what we would see and stop, and the gaps with their owners.

A state is told by a sign and a word, never by a colour alone; the matrix is lists under headings, so that it is read in
order by whoever does not see it.
"""

from collections.abc import Sequence
from typing import Final

from mithaq.brief.framing import framed
from mithaq.brief.html import Html, joined, number, outside, tag, technical, text
from mithaq.brief.parts import colour_of
from mithaq.brief.pictures import bar, star
from mithaq.brief.writing import Writing
from mithaq.clock import parse
from mithaq.defence.cycle import Cycle, Technique
from mithaq.detect.coverage import Seen, Stopped, Threat
from mithaq.languages import RIGHT_TO_LEFT, catalogue

_MOST_THREATS, _MOST_GAPS = 15, 40
_SIGNS: Final = {
    Seen.NONE: "✗",
    Seen.BLIND: "✗",
    Seen.IDLE: "◐",
    Seen.WATCHED: "✓",
    Seen.PROVED: "★",
}
_SEEN: Final = (Seen.WATCHED, Seen.PROVED)


def matrix(stands: Cycle, organisation: str, language: str) -> str:
    """Write how the defence stands, in a language."""
    return _Page(stands, organisation, Writing(catalogue("mithaq.brief", language))).page()


class _Page:
    def __init__(self, stands: Cycle, organisation: str, writing: Writing) -> None:
        self.stands, self.organisation, self.w = stands, organisation, writing
        self.used = stands.used()
        self.mirrored = writing.language in RIGHT_TO_LEFT

    def page(self) -> str:
        """Return it whole."""
        title = self.w.say("cycle.title")
        day = self.w.day(parse(f"{self.stands.day}T00:00:00Z").date())
        band = tag("div", self._label(), class_="band")
        body = joined(
            band,
            tag(
                "header",
                tag("h1", star(), text(f" {title}")),
                tag("p", outside(self.organisation), text(" · "), day, class_="when"),
                class_="masthead",
            ),
            self._figures(),
            self._threats(),
            self._matrix(),
            self._gaps(),
            tag("footer", tag("p", text(self.w.say("cycle.method"))), class_="foot"),
            band,
        )
        head = f"TLP:{self.stands.marking} {title}, {self.stands.day}"
        return framed(body, head, self.stands.marking, self.w.language, "matrix.css")

    def _label(self) -> Html:
        level = self.stands.marking
        return tag("span", text(f"TLP:{level}"), class_=f"tlp {colour_of(level)}", lang="en")

    def _figures(self) -> Html:
        seen = sum(each.standing.seen in _SEEN for each in self.used)
        proved = sum(each.standing.seen is Seen.PROVED for each in self.used)
        stopped = sum(each.standing.stopped is Stopped.FULLY for each in self.used)
        late = sum(each.overdue(self.stands.day) for each in self.used)
        whole = len(self.used)
        told = [
            (number(f"{self.stands.score or 0}/100"), "score"),
            (number(f"{seen}/{whole}"), "seen"),
            (number(f"{proved}/{whole}"), "proved"),
            (number(f"{stopped}/{whole}"), "stopped"),
            (self.w.count(len(self.stands.gaps())), "gaps"),
            (self.w.count(late), "overdue"),
        ]
        boxes = [tag("div", tag("b", figure), tag("span", self._word(key))) for figure, key in told]
        return tag("div", *boxes, class_="figures")

    def _word(self, key: str) -> Html:
        return text(self.w.say(f"cycle.{key}"))

    # --- threats ---------------------------------------------------------------------------------------
    def _threats(self) -> Html:
        some = self.stands.threats[:_MOST_THREATS]
        heads = ("priority", "threat", "why", "seen", "stopped", "gaps")
        return tag(
            "section", tag("h2", self._word("threats")), self._table(heads, map(self._threat, some))
        )

    def _table(self, heads: Sequence[str], rows: "map[Html]") -> Html:
        first = tag("tr", *(tag("th", self._word(each), scope="col") for each in heads))
        return tag("table", tag("thead", first), tag("tbody", *rows), class_="pairs cycle")

    def _threat(self, each: Threat) -> Html:
        used = self.stands.used(each)
        whole = len(used)
        seen = sum(e.standing.seen in _SEEN for e in used)
        stopped = sum(e.standing.stopped is Stopped.FULLY for e in used)
        gaps = sum(e.wanting for e in used)
        why = [text(self.w.say(f"cycle.reason.{r}")) for r in each.reasons]
        if each.set_priority:
            why = [outside(each.why)]
        return tag(
            "tr",
            tag("td", number(str(each.priority))),
            tag(
                "th",
                outside(each.name),
                text(" "),
                tag("span", technical(_short(each.key)), class_="note"),
                scope="row",
            ),
            tag("td", joined(*why, by=self.w.say("list"))),
            *(tag("td", self._bar(count, whole)) for count in (seen, stopped, gaps)),
        )

    def _bar(self, count: int, whole: int) -> Html:
        figure = tag("span", number(f"{count}/{whole}"), class_="many")
        return joined(figure, bar(count, whole, mirrored=self.mirrored) if count else Html(""))

    # --- the matrix ------------------------------------------------------------------------------------
    def _matrix(self) -> Html:
        columns = [self._tactic(short, name) for short, name in self.stands.lore.tactics.items()]
        return tag(
            "section",
            tag("h2", self._word("matrix")),
            self._legend(),
            tag("div", *filter(None, columns), class_="matrix", tabindex="0", role="group"),
        )

    def _legend(self) -> Html:
        parts = [
            tag(
                "li",
                tag("span", text(sign), class_=f"cell s-{seen}"),
                text(" "),
                self._word(f"state.{seen}"),
            )
            for seen, sign in _SIGNS.items()
        ]
        parts.append(
            tag("li", tag("span", text("!"), class_="cell late"), text(" "), self._word("overdue"))
        )
        return tag("ul", *parts, class_="legend")

    def _tactic(self, short: str, name: str) -> Html | None:
        some = [each for each in self.used if short in each.tactics]
        if not some:
            return None
        whole: dict[str, list[Technique]] = {}
        for each in some:
            whole.setdefault(each.number.partition(".")[0], []).append(each)
        cells = [self._cell(number_, parts) for number_, parts in sorted(whole.items())]
        seen = sum(each.standing.seen in _SEEN for each in some)
        head = tag(
            "h3",
            outside(name),
            text(" "),
            tag("span", number(f"{seen}/{len(some)}"), class_="note"),
        )
        return tag("section", head, tag("ul", *cells), class_="tactic")

    def _cell(self, own: str, parts: Sequence[Technique]) -> Html:
        """Return a technique with its parts; one that only its parts are used of stands for them."""
        known = self.stands.techniques[own] if own in self.stands.techniques else parts[0]
        used = any(each.number == own for each in parts)
        marked = self._signed(known) if used else Html("")
        chips = [self._chip(each) for each in parts if each.number != own]
        name = tag("span", technical(own), text(" "), outside(known.name, 40), class_="what")
        state = f"cell s-{known.standing.seen}" if used else "cell s-part"
        return tag(
            "li",
            tag("div", marked, name, class_=state),
            tag("div", *chips, class_="chips") if chips else Html(""),
        )

    def _signed(self, each: Technique) -> Html:
        late = each.overdue(self.stands.day)
        word = self.w.say(f"cycle.state.{each.standing.seen}")
        said = f"{word}; {self.w.say('cycle.overdue')}" if late else word
        sign = "!" if late else _SIGNS[each.standing.seen]
        return joined(
            tag("span", text(sign), class_="sign late" if late else "sign", aria_hidden="true"),
            tag("span", text(f"{said}: "), class_="unseen"),
        )

    def _chip(self, each: Technique) -> Html:
        part = each.number.partition(".")[2]
        inner = joined(self._signed(each), technical(f".{part}"))
        return tag(
            "span", inner, class_=f"cell s-{each.standing.seen}", title=f"{each.number} {each.name}"
        )

    # --- gaps ------------------------------------------------------------------------------------------
    def _gaps(self) -> Html:
        some = self.stands.gaps()[:_MOST_GAPS]
        if not some:
            return tag("section", tag("h2", self._word("gaps")), tag("p", self._word("none")))
        heads = ("technique", "threats", "seen", "stopped", "owner", "due")
        return tag(
            "section", tag("h2", self._word("gaps")), self._table(heads, map(self._gap, some))
        )

    def _gap(self, each: Technique) -> Html:
        stop = "–" if each.standing.stop is None else f"{each.standing.stop}/100"  # noqa: RUF001 nothing known
        owner = outside(each.gap.owner) if each.gap and each.gap.owner else text("–")  # noqa: RUF001 nobody
        due = each.gap.due if each.gap else ""
        late = each.overdue(self.stands.day)
        day = tag("span", number(due), class_="bad" if late else "") if due else text("–")  # noqa: RUF001 no day
        more = [text(" "), self._word("overdue")] if late else []
        return tag(
            "tr",
            tag("th", technical(each.number), text(" "), outside(each.name), scope="row"),
            tag("td", self.w.count(len(each.threats))),
            tag("td", self._signed_word(each)),
            tag("td", number(stop)),
            tag("td", owner),
            tag("td", day, *more),
        )

    def _signed_word(self, each: Technique) -> Html:
        sign = tag("span", text(_SIGNS[each.standing.seen]), class_="sign", aria_hidden="true")
        return joined(sign, text(f" {self.w.say(f'cycle.state.{each.standing.seen}')}"))


def _short(key: str) -> str:
    """Return a number; of an id, which says nothing to people, nothing."""
    return "" if "--" in key else key
