"""The parts of a brief: each figure stands beside what it counts, or leads there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from mithaq.brief.gathering import BASELINE, DAYS, Brief, Duties, FeedHealth
from mithaq.brief.html import Html, commands, joined, number, outside, tag, technical, text
from mithaq.brief.pictures import sparkline
from mithaq.brief.writing import Writing
from mithaq.intel import Copy, Finding, OfFamily
from mithaq.intel.partners.digest import Exchanged, Given
from mithaq.intel.trends.emerged import in_odds, news
from mithaq.languages import RIGHT_TO_LEFT
from mithaq.model.labels import Tlp
from mithaq.model.mentions import day_of, day_written

_STANDS_OUT = 3  # things that the first sentence names
_NAMES = 4  # sources that a row names
_TYPES = 3  # of objects that a row names
_BAD_FEEDS = frozenset({"failed", "empty"})
_ALARMS = frozenset({"equivocation", "fork", "silence", "ahead", "log", "feed"})
_TECHNICAL = frozenset({"network", "zone", "tld", "asn"})


def colour_of(level: Tlp) -> str:
    """Return the class of a level's colour."""
    return "strict" if level == Tlp.AMBER_STRICT else str(level).lower()


class Parts:
    """Writes the parts of one brief."""

    def __init__(self, brief: Brief, writing: Writing) -> None:
        """Keep what is written, and how."""
        self.brief = brief
        self.w = writing

    @cached_property
    def _findings(self) -> list[tuple[OfFamily, Finding]]:
        return [(each, one) for each in self.brief.emerging.families for one in each.findings]

    def label(self, level: Tlp, *, small: bool = False) -> Html:
        """Return the label of a level."""
        size = " small" if small else ""
        return tag("span", text(f"TLP:{level}"), class_=f"tlp {colour_of(level)}{size}", lang="en")

    # --- the first glance ------------------------------------------------------------------------------
    def lead(self) -> Html:
        """Return what a minister reads."""
        if not any(each.established for each in self.brief.emerging.families):
            return text(self.w.say("no-baseline"))
        first = sorted((one for _, one in self._findings), key=_notable)[:_STANDS_OUT]
        if not first:
            said = text(self.w.say("nothing-stands-out"))
        else:
            what = joined(*map(self._in_short, first), by=self.w.say("and"))
            said = self.w.tell("stands-out", what=what)
        behind = text(self.w.say("partly-behind")) if self.brief.emerging.behind else Html("")
        return joined(said, behind, by=" " if behind else "")

    def _in_short(self, one: Finding) -> Html:
        kind, new = text(self._kind(one)), text(self.w.say(f"news.{news(one)}"))
        return self.w.tell("in-short", name=tag("b", self._name(one)), kind=kind, news=new)

    def figures(self) -> Html:
        """Return the figures of the period."""
        given, duties = self.brief.digest.partners, self.brief.duties
        told = {
            "emerging": self.w.count(len(self._findings)),
            "came": self.w.count(sum(each.came.count for each in given)),
            "went": self.w.count(sum(each.went.count for each in given)),
            "hits": self.w.count(
                sum(each.seen_by_them.count + each.seen_by_us.count for each in given)
            ),
        }
        if duties is not None:
            near = sum(not each.silent for each in duties.peers)
            told["touch"] = number(f"{near}/{len(duties.peers)}")
        return tag(
            "div", *(self._figure(name, said) for name, said in told.items()), class_="figures"
        )

    def _figure(self, name: str, said: Html) -> Html:
        return tag("div", tag("b", said), tag("span", text(self.w.say(f"figure.{name}"))))

    # --- what is emerging ------------------------------------------------------------------------------
    def emerging(self) -> Html:
        """Return what is emerging, family by family."""
        if not self._findings:
            return Html("")
        period = DAYS[self.brief.ordered.period]
        course = self.w.tell(
            "head.course",
            days=number(str(BASELINE + period)), period=number(str(period)),
        )  # fmt: skip
        heads = [self._head("what"), course, *map(self._head, ("claims", "named", "odds", "who"))]
        rows = [
            tag("tbody", self._family_row(each), *map(self._emerging_row, each.findings))
            for each in self.brief.emerging.families
            if each.findings
        ]
        table = self._table(heads, rows, kind="emerging")
        return self._section("emerging", table, self._young())

    def _young(self) -> Html:
        """Say who has no baseline, and of what."""
        told = [
            self.w.tell("say.young-of", family=title, names=self._sources(each.young))
            for each in self.brief.emerging.families
            if each.young
            for title in (text(self.w.say(f"family.{each.family}")),)
        ]
        if not told:
            return Html("")
        said = self.w.tell("say.young", names=joined(*told, by=self.w.say("and")))
        return tag("p", said, class_="note")

    def _family_row(self, each: OfFamily) -> Html:
        title = tag("h3", text(self.w.say(f"family.{each.family}")))
        return tag("tr", tag("td", title, colspan="6"), class_="family")

    def _emerging_row(self, one: Finding) -> Html:
        days, anchor = one.days, self._anchor(one)
        named = joined(
            self.w.tell("say.days", now=self.w.count(days.loud_now), of=self.w.count(days.now)),
            self._note("say.days-before", before=days.loud_before, of=days.before),
        )
        chance = Html("–")  # noqa: RUF001 an empty cell
        if one.chance is not None:
            chance = self.w.tell("say.odds", odds=self.w.count(in_odds(one.chance)))
        claims = tag("a", self.w.count(one.claims), href=f"#{anchor}")
        picture = sparkline(
            one.daily, DAYS[self.brief.ordered.period], mirrored=self.w.language in RIGHT_TO_LEFT
        )
        return self._row(
            joined(
                tag("b", self._name(one)),
                Html(" "),
                tag("span", text(self.w.say(f"news.{news(one)}")), class_="news"),
                tag("div", text(self._kind(one)), class_="kind"),
            ),
            picture,
            joined(claims, self._note("say.before", count=one.before)),
            named,
            chance,
            self._who(one),
            first="what",
        )

    def _who(self, one: Finding) -> Html:
        nation = self.brief.nation
        names = [each.source for each in one.sources]
        partners = [name for name in names if ":" not in name and name != nation]
        ours = [name for name in names if name not in partners]
        told: list[Html] = []
        if partners:
            told.append(self.w.tell("say.partners", count=self.w.count(len(partners))))
        if one.agreements:
            told.append(self.w.tell("say.agreements", count=self.w.count(len(one.agreements))))
        first = joined(*told, by=self.w.say("and"))
        rest = [self._sources(partners)] if partners else []
        if ours:
            rest.append(self.w.tell("say.own-sources", names=self._sources(ours)))
        return joined(first, *(tag("div", each, class_="note") for each in rest))

    def _name(self, one: Finding) -> Html:
        kind = one.entity.kind
        return technical(one.entity.name) if kind in _TECHNICAL else outside(one.entity.name)

    def _kind(self, one: Finding) -> str:
        return self.w.say(f"kind.{one.entity.kind}")

    def _sources(self, names: Sequence[str]) -> Html:
        shown = [technical(name.removeprefix("file:")) for name in names[:_NAMES]]
        if len(names) > _NAMES:
            shown.append(self.w.tell("say.more", count=self.w.count(len(names) - _NAMES)))
        return joined(*shown, by=" ")

    # --- what passed -----------------------------------------------------------------------------------
    def exchanged(self) -> Html:
        """Return what partners and we gave each other."""
        given = self.brief.digest.partners
        columns = ("partner", "came", "went", "seen-by-them", "seen-by-us")
        some = [each for each in given if _passed(each)]
        rows = [tag("tbody", *map(self._exchanged_row, some))]
        table = self._table([self._head(name) for name in columns], rows)
        inner = table if some else tag("p", text(self.w.say("say.nothing-passed")))
        return self._section("partners", inner, self._own_sources())

    def _exchanged_row(self, each: Exchanged) -> Html:
        came = joined(
            self.w.count(each.came.count),
            self._types(each.types),
            self._examples(each.came) if each.came.count else Html(""),
        )
        rest = (each.went, each.seen_by_them, each.seen_by_us)
        cells = [joined(self.w.count(one.count), self._examples(one)) for one in rest]
        return self._row(technical(each.partner), came, *cells)

    def _types(self, types: Mapping[str, int]) -> Html:
        # what ties things is told last: it says least to whoever reads
        told = sorted(types.items(), key=lambda each: (each[0] == "relationship", -each[1]))
        pairs = [Html(f"{technical(name)} {self.w.count(n)}") for name, n in told[:_TYPES]]
        shown = [tag("bdi", each, dir="ltr") for each in pairs]
        return tag("div", joined(*shown, by=" · "), class_="note") if shown else Html("")

    def _examples(self, some: Given) -> Html:
        if not some.examples:
            return Html("")
        what = joined(*(number(f"#{copy.seq}") for copy in some.examples), by=" ")
        return tag("div", self.w.tell("say.examples", what=what), class_="note")

    def _own_sources(self) -> Html:
        own = self.brief.digest.own_sources
        if not own:
            return Html("")
        shown = [
            Html(f"{technical(name)} {self.w.count(n)}") for name, n in [*own.items()][: 2 * _NAMES]
        ]
        return tag(
            "p", self.w.tell("say.from-sources", what=joined(*shown, by=", ")), class_="note"
        )

    # --- what waits ------------------------------------------------------------------------------------
    def duties(self) -> Html:
        """Return what waits for a person, and how feeds and partners do."""
        duties = self.brief.duties
        if duties is None:
            return Html("")
        waits = [
            tag("tr", tag("td", what), tag("td", said, class_="n"))
            for what, said in self._waits(duties)
        ]
        body = tag("table", *waits) if waits else tag("p", text(self.w.say("say.all-well")))
        sections = [self._section("duties", body)]
        if duties.feeds is not None:
            sections.append(self._section("feeds", self._feeds(duties.feeds)))
        return tag("div", *sections, class_="columns")

    def _waits(self, duties: Duties) -> Iterator[tuple[Html, Html]]:
        missing, overdue = duties.receipts or (0, 0)
        counts = {
            "second": duties.second, "quarantined": duties.quarantined, "review": duties.review,
            "missing": missing, "overdue": overdue,
        }  # fmt: skip
        for name, count in counts.items():
            if count:
                bad = "bad" if name == "overdue" else ""
                yield text(self.w.say(f"say.{name}")), tag("b", self.w.count(count), class_=bad)
        silent = [each.name for each in duties.peers if each.silent]
        if silent:
            yield text(self.w.say("say.silent")), self._sources(silent)
        for alarm in duties.alarms or ():
            kind = alarm.kind if alarm.kind in _ALARMS else "other"
            facts = {"kind": text(self.w.say(f"alarm.{kind}")), "subject": technical(alarm.subject)}
            at = self.w.day(date.fromisoformat(alarm.at[:10]))
            yield self.w.tell("say.alarm", **facts), joined(number(f"#{alarm.seq}"), at, by=" ")
        for each in duties.gaps:
            name = technical(each.requirement.row.name)
            question = outside(each.requirement.terms.question)
            why = joined(
                *(text(self.w.say(f"gap.{one}")) for one in each.reasons), by=self.w.say("and")
            )
            yield joined(name, Html(" "), question), why

    def _feeds(self, feeds: Sequence[FeedHealth]) -> Html:
        if not feeds:
            return tag("p", text(self.w.say("say.no-feeds")))
        columns = [self._head(name) for name in ("feed", "state", "answered")]
        ranked = sorted(feeds, key=lambda each: (each.health.outcome not in _BAD_FEEDS, each.name))
        return self._table(columns, [tag("tbody", *map(self._feed_row, ranked))], kind="feeds")

    def _feed_row(self, feed: FeedHealth) -> Html:
        health = feed.health
        state = feed.state if feed.state == "paused" else health.outcome
        since = self.w.instant(health.failing_since) if health.failing_since else Html("")
        said = self.w.tell(f"feed.{state}", since=since)
        bad = "bad" if health.outcome in _BAD_FEEDS else ""
        answered = self.w.instant(health.answered_at) if health.answered_at else Html("–")  # noqa: RUF001 empty
        return self._row(technical(feed.name), tag("span", said, class_=bad), answered)

    # --- what it rests on ------------------------------------------------------------------------------
    def evidence(self) -> Html:
        """Return the objects that what emerges comes of."""
        if not self._findings:
            return Html("")
        rows = [
            tag(
                "tr",
                tag("td", self._name(one)),
                tag("td", *map(self._proof, one.evidence)),
                id=self._anchor(one),
            )
            for _, one in self._findings
        ]
        said = tag("p", commands(text(self.w.say("say.evidence"))), class_="note")
        return self._section("evidence", tag("table", *rows, class_="evidence"), said)

    def _proof(self, copy: Copy) -> Html:
        day = day_written(day_of(copy.object.body, copy.received_at))
        told = (
            self.label(Tlp(copy.level), small=True),
            technical(f"#{copy.seq}"),
            technical(copy.voucher),
            number(day),
        )
        return tag("span", joined(*told, by=" "), class_="proof", title=copy.object.id)

    def _anchor(self, one: Finding) -> str:
        return f"e{next(at for at, (_, each) in enumerate(self._findings, 1) if each is one)}"

    def foot(self) -> Html:
        """Return how it was made, and what its figures mean."""
        told = [
            self.w.tell(
                "say.made",
                at=self.w.instant(self.brief.made_at),
                nation=technical(self.brief.nation),
                level=technical(f"TLP:{self.brief.level}"),
            )
        ]
        ceiling = self.brief.ordered.up_to
        if ceiling is not None:
            told.append(self.w.tell("say.ceiling", level=technical(f"TLP:{ceiling}")))
        if self.brief.duties is not None:
            told.append(text(self.w.say("say.operations")))
        if self._findings:
            told.append(text(self.w.say("say.method")))
        return tag("footer", *(tag("p", each) for each in told), class_="foot")

    # --- what they are made of -------------------------------------------------------------------------
    def _section(self, name: str, *inner: Html) -> Html:
        return tag("section", tag("h2", self._head(name)), *inner)

    def _head(self, name: str) -> Html:
        return text(self.w.say(f"head.{name}"))

    def _table(self, heads: Sequence[Html], bodies: Iterable[Html], kind: str = "") -> Html:
        columns = tag("colgroup", *(Html("<col>") for _ in heads))
        head = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in heads)))
        return tag("table", columns, head, *bodies, class_=kind)

    def _row(self, *cells: Html, first: str = "") -> Html:
        rest = (tag("td", each) for each in cells[1:])
        return tag("tr", tag("td", cells[0], class_=first), *rest)

    def _note(self, key: str, **counts: int) -> Html:
        facts = {name: self.w.count(count) for name, count in counts.items()}
        return tag("div", self.w.tell(key, **facts), class_="note")


def _passed(each: Exchanged) -> bool:
    return any(one.count for one in (each.came, each.went, each.seen_by_them, each.seen_by_us))


def _notable(one: Finding) -> tuple[float, int, int]:
    return 1.0 if one.chance is None else one.chance, -len(one.sources), -one.claims
