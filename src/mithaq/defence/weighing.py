"""What a person weighs who judges what matched: shown beside the reasons against it, and stopping nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import asdict
from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.defence import sightings
from mithaq.defence.gate import Prevalence
from mithaq.defence.seeing import visible
from mithaq.languages import catalogue
from mithaq.model.listed import Effect
from mithaq.store import matches
from mithaq.store.matches import FALSE, TRUE, Group

_SAID = 5  # lists that a person is told of


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """How much speaks for an indicator, and how rare it is here."""

    confidence: int | None  # None: whoever gave it states none
    giver: str
    true: int  # of their indicators so many were judged so here, as far as the reader may see that
    false: int
    prevalence: Prevalence
    listed: Sequence[tuple[str, str, str]]  # value, list, entry: it is said, and is no reason

    def sentences(self, language: str) -> list[str]:
        """Say it in a reader's language."""
        words, seen = catalogue("mithaq.defence", language), self.prevalence
        said = [words.say("weigh.unstated")]
        if self.confidence is not None:
            said = [words.say("weigh.confidence", confidence=self.confidence)]
        said.append(words.say("weigh.record", of=self.giver, true=self.true, false=self.false))
        facts = {"count": seen.assets, "of": seen.of_assets, "days": seen.days}
        said.append(words.say("weigh.prevalence", **facts, of_days=seen.of_days))
        for value, list_, entry in self.listed[:_SAID]:
            said.append(words.say("weigh.listed", value=value, list=list_, entry=entry))
        return said


def limits(us: Us, language: str) -> str:
    """Say in a reader's language from where on something is too common, or worth too little, to be told."""
    return catalogue("mithaq.defence", language).say("weigh.limits", **asdict(us.limits))


def weighed(unit: Connection, us: Us, actor: Actor, group: Group, now: datetime) -> Weighed | None:
    """Return what there is to weigh of a group; None: it is of no indicator that is here."""
    day = sightings.day_of(unit, group, now)
    if day is None:
        return None
    stated = day.indicator.object.body.get("confidence")
    judged = visible(unit, us, actor, matches.judged_of(unit, group.giver))
    rules = {state: {g.rule for g in judged if g.state == state} for state in (TRUE, FALSE)}
    listed: dict[tuple[str, str, str], None] = {}
    for value in sightings.evidence_of(unit, day).observed:
        for hit in us.benign.match(value):
            if hit.effect is Effect.ADVISE:
                listed[value.text, hit.list, hit.entry] = None
    return Weighed(
        confidence=stated if isinstance(stated, int) else None,
        giver=group.giver,
        true=len(rules[TRUE]),
        false=len(rules[FALSE]),
        prevalence=sightings.prevalence(unit, us, day),
        listed=tuple(listed),
    )
