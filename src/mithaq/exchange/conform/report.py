"""What was found: a verdict for every rule, and the evidence that it rests on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mithaq.exchange.conform.rules import RULES, Part, Rule

_KEPT = 5  # pieces of evidence of one verdict


class Verdict(StrEnum):
    """How a rule fared."""

    PASS = "pass"  # noqa: S105 a verdict
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"


class Why(StrEnum):
    """Why a rule was not examined."""

    NO_CREDENTIAL = "no-credential"
    NO_COLLECTION = "no-collection"
    NO_OBJECTS = "no-objects"
    NOTHING_WRITABLE = "nothing-writable"
    NO_CONSENT = "no-consent"
    NO_NODE = "no-node"
    NOTHING_SENT = "nothing-sent"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One exchange: what was asked, how it was answered, and the fact that counts."""

    request: str
    status: int
    fact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict on one rule; ``times`` says how often it was put to the test."""

    rule: Rule
    verdict: Verdict
    times: int = 0
    evidence: Sequence[Evidence] = ()
    why: Why | None = None

    def as_json(self) -> dict[str, object]:
        """Return what programs read."""
        return {
            "code": self.rule.code,
            "part": str(self.rule.part),
            "cites": self.rule.cites,
            "level": "MUST" if self.rule.must else "SHOULD",
            "verdict": str(self.verdict),
            "times": self.times,
            "why": None if self.why is None else str(self.why),
            "evidence": [
                {"request": e.request, "status": e.status, "fact": e.fact} for e in self.evidence
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finding for every rule of the parts that were asked for."""

    url: str
    findings: Sequence[Finding]

    @property
    def failed(self) -> bool:
        """Say whether a MUST does not hold."""
        return any(f.verdict is Verdict.FAIL and f.rule.must for f in self.findings)

    def count(self, verdict: Verdict, *, must: bool) -> int:
        """Return how many rules of a level fared so."""
        return sum(f.verdict is verdict and f.rule.must is must for f in self.findings)

    def verdict(self, code: str) -> Verdict:
        """Return how one rule fared."""
        return next(f.verdict for f in self.findings if f.rule.code == code)

    def as_json(self) -> dict[str, object]:
        """Return what programs read."""
        totals = {
            level: {str(verdict): self.count(verdict, must=must) for verdict in Verdict}
            for level, must in (("MUST", True), ("SHOULD", False))
        }
        return {
            "url": self.url,
            "failed": self.failed,
            "totals": totals,
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(slots=True)
class Book:
    """Where verdicts are written down while the examination goes on."""

    _held: Counter[str] = field(default_factory=Counter)
    _broken: Counter[str] = field(default_factory=Counter)
    _evidence: dict[tuple[str, bool], list[Evidence]] = field(default_factory=dict)
    _passed_over: dict[str, Why] = field(default_factory=dict)

    def judge(self, code: str, evidence: Evidence, *, holds: bool) -> bool:
        """Note whether a rule held this once; a rule fails that failed once."""
        (self._held if holds else self._broken)[RULES[code].code] += 1
        kept = self._evidence.setdefault((code, holds), [])
        if len(kept) < _KEPT:
            kept.append(evidence)
        return holds

    def pass_over(self, codes: Iterable[str], why: Why) -> None:
        """Note why rules are not examined; what was judged all the same keeps its verdict."""
        for code in codes:
            self._passed_over.setdefault(RULES[code].code, why)

    def close(self, url: str, parts: Sequence[Part]) -> Report:
        """Return the report."""
        asked = [rule for rule in RULES.values() if rule.part in {Part.LINE, *parts}]
        return Report(url=url, findings=[self._finding(rule) for rule in asked])

    def _finding(self, rule: Rule) -> Finding:
        held, broken = self._held[rule.code], self._broken[rule.code]
        if not held + broken:
            why = self._passed_over.get(rule.code, Why.NOT_REACHED)
            return Finding(rule=rule, verdict=Verdict.NOT_APPLICABLE, why=why)
        return Finding(
            rule=rule,
            verdict=Verdict.FAIL if broken else Verdict.PASS,
            times=held + broken,
            evidence=tuple(self._evidence[rule.code, not broken]),
        )
