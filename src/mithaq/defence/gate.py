"""The false-sighting gate: what was matched and is no sighting, and why. Pure.

Lists of indicators hold what their makers' tools wrote down, and telemetry holds whatever everybody asks for. Where
the two meet is seldom an attack: of 1.45 million entries of lists held against recordings of real attacks, 34
observables met, and none was one. Whoever tells a partner "we saw it" of such a thing does harm, for the partner
believes it. So nothing is said before each of these is answered, whoever wants to say it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mithaq.clock import parse, text
from mithaq.config import Defence as Limits
from mithaq.defence.evidence import Evidence, wanted
from mithaq.languages import catalogue
from mithaq.model.benign import OWN_ADDRESSES, OWN_NAMES, RESERVED, Hit
from mithaq.model.canonical import Json
from mithaq.model.listed import Effect
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
_NOTHING = Evidence()


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An indicator, and what was found of it on one day."""

    indicator: Mapping[str, Json]
    evidence: Evidence = _NOTHING  # what stood in the events
    at: datetime  # of the last match
    prevalence: Prevalence = _NOT_KNOWN
    worth: Worth | None = None  # at ``at``
    judged: str = "true"  # by a person: true, false, unsure; empty: by none
    because: bool = False  # who judged it true said why


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
        *_asked(case, benign),
        *_confused(case),
        *_common(case, limits),
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
    """Yield that nothing that matched is named any more, or is ours, nobody's or everybody's, by entry of a list.

    What an indicator names besides is left alone: of several ways to match, the one that matched counts. Where nobody
    knows which, all do.
    """
    told: set[tuple[str, str]] = set()
    named = wanted(case.indicator)
    if named and case.evidence.events and not case.evidence.observed:
        yield No(code="changed")
        return
    for value in dict.fromkeys(case.evidence.observed or named):
        hit = _first(benign(value))
        if hit is None or (hit.list, hit.entry) in told:
            continue
        told.add((hit.list, hit.entry))
        facts: dict[str, str | int] = {"value": value.text, "entry": hit.entry}
        if hit.list in _OWN:
            yield No(code="own", facts=facts)
        elif hit.list == RESERVED.name:
            yield No(code="reserved", facts=facts)
        else:
            yield No(code="known-benign", facts=facts | {"list": hit.list})


def _first(hits: Iterable[Hit]) -> Hit | None:
    return next((hit for hit in hits if hit.effect is Effect.SUPPRESS), None)


def _asked(case: Case, benign: Callable[[Value], list[Hit]]) -> Iterator[No]:
    """Yield that an address was but an answer, and each time to a name that is harmless: what served that name."""
    found = [(name, _first(benign(name))) for name in case.evidence.asked]
    if found and all(hit is not None for _, hit in found):
        name, hit = found[0]
        if hit is not None:
            yield No(code="asked", facts={"name": name.text, "entry": hit.entry, "list": hit.list})


def _confused(case: Case) -> Iterator[No]:
    """Yield digests that are the indicator's by their letters, and of another kind: an import hash is no MD5."""
    meant = {value.text: value.kind for value in wanted(case.indicator) if value.kind in _HASHES}
    for value in dict.fromkeys(case.evidence.observed):
        kind = meant.get(value.text)
        if kind is not None and value.kind in _HASHES and value.kind != kind:
            facts = {"value": value.text, "kind": value.kind, "wanted": kind}
            yield No(code="other-kind", facts=facts)


def _common(case: Case, limits: Limits) -> Iterator[No]:
    seen, among = case.prevalence, case.evidence.among
    few, part = limits.few_machines, limits.common_machines
    if seen.assets > few and 100 * seen.assets > part * seen.of_assets > 0:
        yield No(code="common-assets", facts={"count": seen.assets, "of": seen.of_assets})
    if seen.days > limits.few_days and 100 * seen.days > limits.common_days * seen.of_days > 0:
        yield No(code="common-days", facts={"count": seen.days, "of": seen.of_days})
    if among > limits.among:
        yield No(code="among", facts={"count": among, "most": limits.among})


def _worthless(case: Case, limits: Limits) -> Iterator[No]:
    stated = case.indicator.get("confidence")
    if not isinstance(stated, int):
        if not case.because:
            yield No(code="unexplained")
    elif stated < limits.confidence:
        yield No(code="confidence", facts={"confidence": stated, "least": limits.confidence})
        return
    if case.worth is not None and not case.worth.state and case.worth.score < limits.worth:
        yield No(code="worth", facts={"worth": case.worth.score, "least": limits.worth})


def sentences(reasons: Iterable[No], language: str) -> list[str]:
    """Say reasons in a reader's language."""
    return [each.sentence(language) for each in reasons]
