"""The first glance, and the last: what stands out, the figures of the period, and how they were made."""

from mithaq.brief.gathering import OURS
from mithaq.brief.html import Html, joined, number, tag, technical, text
from mithaq.brief.parts import Part
from mithaq.intel import Finding
from mithaq.intel.trends.emerged import news
from mithaq.model.mentions import Family

_STANDS_OUT = 3  # things that the first sentence names
_SURE = 1e-6  # what is less likely than this is all the same
_FIRST = (Family.MALWARE, Family.TECHNIQUES, Family.TARGETS, Family.INFRASTRUCTURE)


class Glance(Part):
    """Writes what a minister reads, and the small print."""

    def lead(self) -> Html:
        """Return what stands out, in a sentence."""
        families = self.brief.emerging.families
        if not any(each.established for each in families):
            return text(self.w.say("no-baseline"))
        ranked = sorted(
            ((each.family, one) for each in families for one in each.findings), key=_notable
        )
        if not ranked:
            said = text(self.w.say("nothing-stands-out"))
        else:
            what = joined(
                *(self._in_short(one) for _, one in ranked[:_STANDS_OUT]), by=self.w.say("and")
            )
            said = self.w.tell("stands-out", what=what)
        behind = text(self.w.say("partly-behind")) if self.brief.emerging.behind else Html("")
        return joined(said, behind, by=" " if behind else "")

    def _in_short(self, one: Finding) -> Html:
        new = text(self.w.say(f"news.{news(one)}"))
        return self.w.tell("in-short", name=tag("b", self.name(one)), kind=self.kind(one), news=new)

    def figures(self) -> Html:
        """Return the figures of the period."""
        given, duties = self.brief.digest.partners, self.brief.duties
        seen = sum(each.seen_by_them.count + each.seen_by_us.count for each in given)
        told = {
            "emerging": self.w.count(
                sum(len(each.findings) for each in self.brief.emerging.families)
            ),
            "came": self.w.count(sum(each.came.count for each in given)),
            "went": self.w.count(sum(each.went.count for each in given)),
            "hits": self.w.count(seen),
        }
        if duties is not None:
            near = sum(not each.silent for each in duties.peers)
            told["touch"] = number(f"{near}/{len(duties.peers)}")
        return tag(
            "div", *(self._figure(name, said) for name, said in told.items()), class_="figures"
        )

    def _figure(self, name: str, said: Html) -> Html:
        return tag("div", tag("b", said), tag("span", text(self.w.say(f"figure.{name}"))))

    def foot(self) -> Html:
        """Return how it was made, and what its figures mean."""
        brief, told = self.brief, []
        if any(each.findings for each in brief.emerging.families):
            told.append(text(self.w.say("say.method")))
        if brief.duties is not None:
            told.append(self.w.tell("say.operations", level=self.label(OURS, small=True)))
        if brief.ordered.up_to is not None:
            level = self.label(brief.ordered.up_to, small=True)
            told.append(self.w.tell("say.ceiling", level=level))
        made = self.w.tell(
            "say.made",
            at=self.w.instant(brief.made_at),
            nation=technical(brief.nation),
            level=self.label(brief.level, small=True),
        )
        lines = (tag("p", each) for each in (made, *told))
        return tag("footer", joined(*lines, by=" "), class_="foot")


def _notable(found: tuple[Family, Finding]) -> tuple[float, int, int, int]:
    """Put first what is no chance; among the like, who attacks before how, whom and from where."""
    family, one = found
    unlikely = 1.0 if one.chance is None else max(one.chance, _SURE)
    return unlikely, _FIRST.index(family), -len(one.sources), -one.claims
