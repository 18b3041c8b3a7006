"""Texts of Sigma rules become rules that can be evaluated; what cannot be served is told of, never dropped."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import Final

from mithaq.detect.language import Any, Predicate, Rule, Unserved
from mithaq.detect.sigma import correlations
from mithaq.detect.sigma import routes as table
from mithaq.detect.sigma.conditions import condition
from mithaq.detect.sigma.correlations import Correlation, Part
from mithaq.detect.sigma.searches import searches
from mithaq.detect.sigma.sources import Route, both, called, mapped
from mithaq.detect.sigma.trouble import NotServed
from mithaq.errors import InputError
from mithaq.model import yaml
from mithaq.model.telemetry import UNSAID, LogSource
from mithaq.model.yaml import Valued

Said = Mapping[str, Valued]

# What changes the meaning of the same text changes this number; it is part of every digest.
_COMPILER: Final = "sigma 1"
_MOST_DOCUMENTS: Final = 256  # in one text
_LEVELS: Final = frozenset({"informational", "low", "medium", "high", "critical"})
_TECHNIQUE: Final = re.compile(r"attack\.(t[0-9]{4}(?:\.[0-9]{3})?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What texts of rules came to."""

    rules: tuple[Rule, ...] = ()  # of one Sigma rule, one for each source that says who it is
    unserved: tuple[Unserved, ...] = ()
    correlations: tuple[Correlation, ...] = ()  # whose rules alert only if these say so
    on: Mapping[str, frozenset[str]] = field(default_factory=dict)  # digest -> telemetry serving it
    needs: Mapping[str, tuple[frozenset[str], ...]] = field(
        default_factory=dict
    )  # digest -> of each, one log source; by names, see ``sources.called``


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluable:
    """How much of a set of rules can be evaluated, on what, and why the rest cannot."""

    rules: int
    evaluable: int
    on: Mapping[str, int]  # telemetry -> rules that it serves
    why_not: Mapping[str, int]  # code -> rules
    unserved: Sequence[Unserved]


def compiled(text: str, telemetry: Collection[str] | None = None) -> Compiled:
    """Compile the rules of a text for the telemetry that is collected; by default for all that is known."""
    served: list[_Served] = []
    unserved: list[Unserved] = []
    over: list[_Head] = []
    for said, error, line in _documents(text):
        head = _Head(said, text, line)
        if error is not None:
            unserved.append(head.unserved(error))
        elif "correlation" in said:
            over.append(head)
        else:
            try:
                served.append(_serve(head, telemetry))
            except InputError as bad:
                unserved.append(head.unserved(bad))
    found: list[Correlation] = []
    quiet: set[str] = set()
    for head in over:
        try:
            correlation, alerting = _correlation(head, served)
        except InputError as bad:
            unserved.append(head.unserved(bad))
        else:
            found.append(correlation)
            quiet.update(() if alerting else (part.digest for part in correlation.parts))
    on = {each.rules[0].digest: each.on for each in served}
    together = {
        each.digest: frozenset.intersection(*(on[part.digest] for part in each.parts))
        for each in found
    }
    needs = {each.rules[0].digest: (each.needs,) for each in served}
    parts = {e.digest: tuple(n for p in e.parts for n in needs[p.digest]) for e in found}
    return Compiled(
        tuple(rule for each in served for rule in each.rules if rule.digest not in quiet),
        tuple(unserved),
        tuple(found),
        on | together,
        needs | parts,
    )


def _documents(text: str) -> Iterable[tuple[Said, InputError | None, int]]:
    """Yield what each document says, what a global one says before it with it, and its first line."""
    shared: Said = {}
    for number, document in enumerate(yaml.documents(text)):
        line = document.line + 1
        if number >= _MOST_DOCUMENTS:
            large = NotServed(f"a text has at most {_MOST_DOCUMENTS} rules", cause="large")
            yield {}, large, line
            return
        try:
            said = yaml.values(document.text)
        except InputError as error:
            yield {}, error, line
            continue
        if not isinstance(said, dict):
            yield {}, NotServed("no rule: it says nothing by name", cause="form"), line
        elif said.get("action") == "global":
            shared = said
        else:
            yield _over(shared, said), None, line


def _over(shared: Said, said: Said) -> Said:
    """Return what two documents say together; of what both say, what the later one does."""
    together = {**shared, **said}
    for name, value in shared.items():
        own = said.get(name)
        if isinstance(value, dict) and isinstance(own, dict):
            together[name] = {**value, **own}
    return together


class _Head:
    """What a rule says of itself."""

    def __init__(self, said: Said, text: str, line: int) -> None:
        self.said = said
        self._text = text
        self._line = line
        self.title = self._word("title")[:4096]
        self.id = self._word("id") or self._word("name") or self.title

    def _word(self, name: str) -> str:
        value = self.said.get(name)
        return value.strip() if isinstance(value, str) else ""

    def unserved(self, error: InputError) -> Unserved:
        """Return why it is not served."""
        return Unserved(
            id=self.id, title=self.title, code=error.code, why=str(error), line=self._line
        )

    def called(self) -> set[str]:
        """Return what correlations may call it."""
        return {self._word("name"), self._word("id")} - {""}

    def digest(self) -> str:
        """Return the digest of its text with that of the compiler."""
        told = f"{_COMPILER}\n{self.id}\n{self.title}\n{self._text}"
        return "sha256:" + sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def source(self) -> LogSource:
        """Return the log source that it is about.

        Raises:
            NotServed: it does not say.
        """
        said = self.said.get("logsource")
        if not isinstance(said, dict):
            raise NotServed("it does not say what log source it is about", cause="form")
        words = [said.get(name) for name in LogSource._fields]
        return LogSource(*(w.strip().lower() if isinstance(w, str) else "" for w in words))

    def rule(self, source: LogSource, predicate: Predicate) -> Rule:
        """Return it as a rule of events of a source."""
        tags = self.said.get("tags")
        listed = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
        level, author = self._word("level").lower(), self.said.get("author")
        return Rule(
            id=self.id,
            digest=self.digest(),
            title=self.title,
            source=source,
            predicate=predicate,
            level=level if level in _LEVELS else "",
            techniques=tuple(t[1].upper() for tag in listed if (t := _TECHNIQUE.fullmatch(tag))),
            author=author if isinstance(author, str) else "",
        )


@dataclass(frozen=True, slots=True)
class _Served:
    """A Sigma rule that can be evaluated."""

    head: _Head
    rules: tuple[Rule, ...]  # for each source that serves it
    on: frozenset[str]  # telemetry
    needs: frozenset[str]  # one of these log sources
    fields: tuple[Mapping[str, tuple[str, ...]], ...]  # of each route


def _serve(head: _Head, telemetry: Collection[str] | None) -> _Served:
    """Return a rule for each source that serves it.

    Raises:
        NotServed: none does, or it cannot be read.
    """
    predicate, source = _predicate(head.said), head.source()
    serving = [*table.routes(source)]
    said = ", ".join(f"{n} {w}" for n, w in zip(source._fields, source, strict=True) if w)
    if not serving:
        raise NotServed(
            f"no telemetry that is known here has {said or 'what it is about'}", cause="source"
        )
    serving = [each for each in serving if telemetry is None or each.telemetry in telemetry]
    if not serving:
        raise NotServed(f"no telemetry that is collected has {said}", cause="telemetry")
    missing: set[str] = set()
    found = [(route, over) for route in serving if (over := _on(route, predicate, missing))]
    if not found:
        fields = ", ".join(sorted(missing)[:8])
        where = ", ".join(sorted({each.telemetry for each in serving}))
        raise NotServed(f"{where} has not what it needs: {fields}", cause="fields")
    by_source = groupby(
        sorted(found, key=lambda each: each[0].source), key=lambda each: each[0].source
    )
    return _Served(
        head,
        tuple(head.rule(of, _either([over for _, over in some])) for of, some in by_source),
        frozenset(route.telemetry for route, _ in found),
        frozenset(called(route, source) for route, _ in found),
        tuple(route.fields for route, _ in found),
    )


def _correlation(head: _Head, served: Sequence[_Served]) -> tuple[Correlation, bool]:
    """Return a correlation, and whether its rules alert as well.

    Raises:
        NotServed: it cannot be evaluated, or is about rules that are not served.
    """
    said = head.said["correlation"]
    if not isinstance(said, dict):
        raise NotServed("no correlation", cause="form")
    spoken = correlations.said(said)
    known = {name: each for each in served for name in each.head.called()}
    missing = [name for name in spoken.rules if name not in known]
    if missing:
        names = ", ".join(missing[:8])
        says = f"it is about rules that are not in its text, or not served: {names}"
        raise NotServed(says, cause="correlation")
    parts = tuple(
        Part(known[name].rules, correlations.fields(spoken, name, known[name].fields))
        for name in spoken.rules
    )
    like = head.rule(UNSAID, parts[0].rules[0].predicate)
    correlation = Correlation(
        id=like.id,
        digest=like.digest,
        title=like.title,
        level=like.level,
        techniques=like.techniques,
        author=like.author,
        kind=spoken.kind,
        parts=parts,
        group_by=spoken.group_by,
        seconds=spoken.seconds,
        count=spoken.count,
        field=spoken.field,
    )
    return correlation, said.get("generate") is True


def _either(parts: Sequence[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def _on(route: Route, predicate: Predicate, missing: set[str]) -> Predicate | None:
    """Return a predicate over the events of a route; None if it could not tell one from another."""
    over = mapped(predicate, route, missing)
    if isinstance(over, bool):
        return None
    return both(*([route.where] if route.where else []), over)


def _predicate(said: Said) -> Predicate:
    detection = said.get("detection")
    if not isinstance(detection, dict):
        raise NotServed("no detection: it does not say what to look for", cause="form")
    written = detection.get("condition")
    conditions = written if isinstance(written, list) else [written]
    known = searches(detection)
    parts = [condition(each, known) if isinstance(each, str) else None for each in conditions]
    told = [part for part in parts if part is not None]
    if not told or len(told) < len(parts):
        raise NotServed("no condition", cause="condition")
    return _either(told)


def evaluable(texts: Iterable[str], telemetry: Collection[str] | None = None) -> Evaluable:
    """Say how many of the rules of some texts can be evaluated on what is collected, and why the others cannot."""
    on: Counter[str] = Counter()
    served = 0
    unserved: list[Unserved] = []
    for text in texts:
        result = compiled(text, telemetry)
        served += len(result.on)
        unserved += result.unserved
        for serving in result.on.values():
            on.update(serving)
    return Evaluable(
        rules=served + len(unserved),
        evaluable=served,
        on=on,
        why_not=Counter(each.code for each in unserved),
        unserved=unserved,
    )
