"""What is emerging, family by family, and the objects that it comes of."""

from functools import cached_property

from mithaq.brief.gathering import BASELINE, DAYS
from mithaq.brief.html import Html, commands, joined, number, tag, technical, text
from mithaq.brief.parts import Part
from mithaq.brief.pictures import sparkline
from mithaq.intel import Copy, Finding, OfFamily
from mithaq.intel.trends.emerged import RAREST, in_odds, news
from mithaq.model.labels import Tlp
from mithaq.model.mentions import day_of, day_written

_SHORT = 36  # signs of a name beside its evidence


class Rising(Part):
    """Writes what is emerging, and the evidence."""

    @cached_property
    def _numbered(self) -> dict[int, str]:
        """Where the evidence of each finding stands."""
        findings = (one for each in self.brief.emerging.families for one in each.findings)
        return {id(one): f"e{at}" for at, one in enumerate(findings, 1)}

    def emerging(self) -> Html:
        """Return what is emerging."""
        rows = [
            tag("tbody", self._family_row(each), *map(self._row, each.findings))
            for each in self.brief.emerging.families
            if each.findings
        ]
        if not rows:
            return Html("")
        days = number(str(BASELINE + DAYS[self.brief.ordered.period]))
        course = self.w.tell(f"head.course-{self.brief.ordered.period}", days=days)
        heads = [self.head("what"), course, *map(self.head, ("claims", "named", "who"))]
        return self.section("emerging", self.table(heads, rows, kind="emerging"), self._young())

    def _young(self) -> Html:
        """Say who has no baseline, and of what."""
        told = [
            self.w.tell("say.young-of", family=title, names=self.sources(each.young))
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
        return tag("tr", tag("td", title, colspan="5"), class_="family")

    def _row(self, one: Finding) -> Html:
        new = tag("span", text(self.w.say(f"news.{news(one)}")), class_="news")
        what = joined(
            tag("b", self.name(one)),
            tag("div", joined(self.kind(one), new, by=" "), class_="kind"),
        )
        period = DAYS[self.brief.ordered.period]
        claims = tag("a", self.w.count(one.claims), href=f"#{self._numbered[id(one)]}")
        return self.row(
            what,
            sparkline(one.daily, period, mirrored=self.mirrored),
            joined(claims, self.note("say.before", count=one.before)),
            self._named(one),
            self._who(one),
            first="what",
        )

    def _named(self, one: Finding) -> Html:
        days = one.days
        now = {"now": self.w.count(days.loud_now), "of": self.w.count(days.now)}
        then = {"before": self.w.count(days.loud_before), "of": self.w.count(days.before)}
        before = tag("span", self.w.tell("say.days-before", **then), class_="note")
        return joined(self.w.tell("say.days", **now), Html(" "), before, self._odds(one))

    def _odds(self, one: Finding) -> Html:
        if one.chance is None:
            return Html("")
        odds = in_odds(one.chance)
        key = "say.odds" if odds <= RAREST else "say.odds-under"
        return self.note(key, odds=min(odds, RAREST))

    def _who(self, one: Finding) -> Html:
        nation = self.brief.nation
        names = [each.source for each in one.sources]
        partners = [name for name in names if ":" not in name and name != nation]
        ours = [name for name in names if name not in partners]
        told = [tag("div", self.sources(partners))] if partners else []
        if ours:
            told.append(tag("div", self.w.tell("say.own-sources", names=self.sources(ours))))
        return joined(*told)

    # --- what it rests on ------------------------------------------------------------------------------
    def evidence(self) -> Html:
        """Return the objects that what emerges comes of."""
        rows = [
            tag(
                "tr",
                tag("td", self.name(one, _SHORT)),
                tag("td", *map(self._proof, one.evidence)),
                id=self._numbered[id(one)],
            )
            for each in self.brief.emerging.families
            for one in each.findings
        ]
        if not rows:
            return Html("")
        said = tag("p", commands(text(self.w.say("say.evidence"))), class_="note")
        return self.section("evidence", tag("table", *rows, class_="evidence"), said)

    def _proof(self, copy: Copy) -> Html:
        day = day_written(day_of(copy.object.body, copy.received_at))
        named = (technical(f"#{copy.seq}"), technical(copy.voucher))
        told = joined(self.label(Tlp(copy.level), small=True), *named, by=" ")
        return tag("span", told, class_="proof", title=f"{copy.object.id} {day}")
