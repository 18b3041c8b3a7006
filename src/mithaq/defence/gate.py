"""The false-sighting gate: what was matched and is no sighting, and why. Pure.

Lists of indicators hold what their makers' tools wrote down, and telemetry holds whatever everybody asks for. Where
the two meet is seldom an attack: of 1.45 million entries of lists held against recordings of real attacks, 34
observables met, and none was one. Whoever tells a partner "we saw it" of such a thing does harm, for the partner
believes it. So nothing is said before each of these is answered, whoever wants to say it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mithaq.clock import parse, text
from mithaq.languages import catalogue
from mithaq.model.benign import OWN_ADDRESSES, OWN_NAMES, RESERVED, Hit
from mithaq.model.canonical import Json
from mithaq.model.listed import Effect
from mithaq.model.patterns import groups
from mithaq.model.values import EXACT, Value
from mithaq.model.worth import Worth

_OWN = frozenset({OWN_ADDRESSES, OWN_NAMES})
_HASHES = EXACT | {"imphash", "certificate-sha1", "certificate-sha256"}


class Prevalence(NamedTuple):
    """On how many machines and days something was, of how many that there is telemetry of."""

    assets: int = 0
    of_assets: int = 0
    days: int = 0
    of_days: int = 0


_NOT_KNOWN = Prevalence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on something is too common, or worth too little, to be told."""

    assets: int = 5  # percent of the machines that there is telemetry of
    few_assets: int = 3  # so many are never too many
    days: int = 50  # percent of the days
    few_days: int = 5
    confidence: int = 30  # as the indicator states it
    worth: int = 10  # of what is left of that on the day of the sighting


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An indicator, and what was found of it on one day."""

    indicator: Mapping[str, Json]
    observed: Sequence[Value] = ()  # what stood in the events
    at: datetime  # of the last match
    prevalence: Prevalence = _NOT_KNOWN
    worth: Worth | None = None  # at ``at``
    judged: str = "true"  # by a person: true, false, unsure; empty: by none


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """One reason for which something is no sighting; ``facts`` fill its sentence."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """Say it in a reader's language."""
        return catalogue("mithaq.defence", language).say(f"no.{self.code}", **self.facts)


def gate(case: Case, benign: Callable[[Value], list[Hit]], limits: Limits = LIMITS) -> list[No]:
    """Return every reason against saying that an indicator was seen; none: a person may say so."""
    return [
        *_judged(case),
        *_valid(case),
        *_harmless(case, benign),
        *_confused(case),
        *_common(case.prevalence, limits),
        *_worthless(case, limits),
    ]


def _judged(case: Case) -> Iterator[No]:
    if case.judged in {"false", "unsure"}:
        yield No(code=case.judged)


def _valid(case: Case) -> Iterator[No]:
    """Yield what the indicator says against itself (STIX 2.1 sections 3.6 and 4.7)."""
    body = case.indicator
    if body.get("revoked") is True:
        yield No(code="revoked")
    if body.get("indicator_types") == ["benign"]:
        yield No(code="said-benign")
    since, until = (_instant(body.get(name)) for name in ("valid_from", "valid_until"))
    if until is not None and case.at >= until:
        yield No(code="over", facts={"until": text(until)})
    if since is not None and case.at < since:
        yield No(code="not-yet", facts={"since": text(since)})


def _instant(written: Json) -> datetime | None:
    return parse(written) if isinstance(written, str) else None


def _harmless(case: Case, benign: Callable[[Value], list[Hit]]) -> Iterator[No]:
    """Yield, for each value that matched, that it is ours, nobody's or everybody's.

    What an indicator names besides is left alone: of several ways to match, the one that matched counts. Where nobody
    knows which, all do.
    """
    wanted = list(_wanted(case.indicator))
    for value in dict.fromkeys(case.observed or wanted):
        for hit in benign(value):
            if hit.effect is not Effect.SUPPRESS:
                continue
            facts: dict[str, str | int] = {"value": value.text, "entry": hit.entry}
            if hit.list in _OWN:
                yield No(code="own", facts=facts)
            elif hit.list == RESERVED.name:
                yield No(code="reserved", facts=facts)
            else:
                yield No(code="known-benign", facts=facts | {"list": hit.list})
            break


def _wanted(body: Mapping[str, Json]) -> Iterator[Value]:
    pattern = body.get("pattern")
    if body.get("pattern_type") == "stix" and isinstance(pattern, str):
        for group in groups(pattern) or ():
            yield from group


def _confused(case: Case) -> Iterator[No]:
    """Yield digests that are the indicator's by their letters, and of another kind: an import hash is no MD5."""
    wanted = {value.text: value.kind for value in _wanted(case.indicator) if value.kind in _HASHES}
    for value in dict.fromkeys(case.observed):
        kind = wanted.get(value.text)
        if kind is not None and value.kind in _HASHES and value.kind != kind:
            facts = {"value": value.text, "kind": value.kind, "wanted": kind}
            yield No(code="other-kind", facts=facts)


def _common(seen: Prevalence, limits: Limits) -> Iterator[No]:
    if seen.assets > limits.few_assets and 100 * seen.assets > limits.assets * seen.of_assets > 0:
        yield No(code="common-assets", facts={"count": seen.assets, "of": seen.of_assets})
    if seen.days > limits.few_days and 100 * seen.days > limits.days * seen.of_days > 0:
        yield No(code="common-days", facts={"count": seen.days, "of": seen.of_days})


def _worthless(case: Case, limits: Limits) -> Iterator[No]:
    stated = case.indicator.get("confidence")
    if isinstance(stated, int) and stated < limits.confidence:
        yield No(code="confidence", facts={"confidence": stated, "least": limits.confidence})
    elif case.worth is not None and not case.worth.state and case.worth.score < limits.worth:
        yield No(code="worth", facts={"worth": case.worth.score, "least": limits.worth})


def sentences(reasons: Iterable[No], language: str) -> list[str]:
    """Say reasons in a reader's language."""
    return [each.sentence(language) for each in reasons]
