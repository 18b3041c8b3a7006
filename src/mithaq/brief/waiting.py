"""What waits for a person, the alarms that ring, the questions without an answer, and how feeds do."""

from collections.abc import Iterator, Sequence
from datetime import date

from mithaq.brief.gathering import Duties, FeedHealth
from mithaq.brief.html import Html, joined, number, outside, tag, technical, text
from mithaq.brief.parts import Part
from mithaq.intel.needs.answers import Report
from mithaq.store.alarms import Alarm

_WELL = frozenset({"taken", "same"})
_BAD = frozenset({"failed", "empty"})
_ALARMS = frozenset({"equivocation", "fork", "silence", "ahead", "log", "feed"})


class Waiting(Part):
    """Writes what somebody has to do."""

    def duties(self) -> Html:
        """Return what waits for a person, and how feeds and partners do."""
        duties = self.brief.duties
        if duties is None:
            return Html("")
        waits = [*self._waits(duties), *map(self._alarm, duties.alarms or ())]
        body = self.pairs(waits) if waits else tag("p", text(self.w.say("say.all-well")))
        sections = [self.section("duties", body)]
        if duties.feeds is not None:
            sections.append(self.section("feeds", self._feeds(duties.feeds)))
        return joined(tag("div", *sections, class_="columns"), self._gaps(duties.gaps))

    def _waits(self, duties: Duties) -> Iterator[tuple[Html, Html]]:
        counts = {"second": duties.second, "quarantined": duties.quarantined, "review": duties.review}  # fmt: skip
        for name, count in counts.items():
            if count:
                yield text(self.w.say(f"say.{name}")), tag("b", self.w.count(count))
        missing, overdue = duties.receipts or (0, 0)
        if missing:
            said = tag("b", self.w.count(missing))
            if overdue:
                late = tag("b", self.w.count(overdue), class_="bad")
                said = self.w.tell("say.overdue", missing=said, overdue=late)
            yield text(self.w.say("say.missing")), said
        silent = [each.name for each in duties.peers if each.silent]
        if silent:
            yield text(self.w.say("say.silent")), self.sources(silent)

    def _alarm(self, alarm: Alarm) -> tuple[Html, Html]:
        kind = alarm.kind if alarm.kind in _ALARMS else "other"
        facts = {"kind": text(self.w.say(f"alarm.{kind}")), "subject": technical(alarm.subject)}
        at = self._day(alarm.at)
        said = tag("span", self.w.tell("say.alarm", **facts), class_="bad")
        return said, joined(number(f"#{alarm.seq}"), at, by=" ")

    def _gaps(self, gaps: Sequence[Report]) -> Html:
        if not gaps:
            return Html("")
        return self.section("gaps", self.pairs(map(self._gap, gaps)))

    def _gap(self, each: Report) -> tuple[Html, Html]:
        question = outside(each.requirement.terms.question)
        name = tag("div", technical(each.requirement.row.name), class_="kind")
        reasons = (text(self.w.say(f"gap.{one}")) for one in each.reasons)
        return joined(question, name), joined(*reasons, by=self.w.say("and"))

    # --- feeds -----------------------------------------------------------------------------------------
    def _feeds(self, feeds: Sequence[FeedHealth]) -> Html:
        """Return how feeds do: each that is not well, and the names of the others."""
        if not feeds:
            return tag("p", text(self.w.say("say.no-feeds")))
        well = [each for each in feeds if _state(each) in _WELL]
        ranked = sorted(feeds, key=lambda each: (_state(each) not in _BAD, each.name))
        rows = [self._feed(each) for each in ranked if each not in well]
        if well:
            names = self.sources([each.name for each in well])
            rows.append((text(self.w.say("say.feeds-well")), names))
        return self.pairs(rows)

    def _feed(self, feed: FeedHealth) -> tuple[Html, Html]:
        state, since = _state(feed), feed.health.failing_since
        day = self._day(since) if since else Html("")
        said = tag("span", self.w.tell(f"feed.{state}", since=day), class_=_colour(state))
        last = feed.health.answered_at
        if state not in _BAD or not last:
            return technical(feed.name), said
        told = self.w.tell("say.answered", at=self._day(last))
        return technical(feed.name), joined(said, tag("div", told, class_="note"))

    def _day(self, written: str) -> Html:
        return self.w.day(date.fromisoformat(written[:10]))


def _state(feed: FeedHealth) -> str:
    return feed.state if feed.state == "paused" else feed.health.outcome


def _colour(state: str) -> str:
    return "bad" if state in _BAD else ""
