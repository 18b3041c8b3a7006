"""Indicators to be looked for in telemetry: single values are looked up, other patterns held in full, rules compiled.

What a rule of an indicator finds is told under the indicator's id, for that is what people may read or not; the same
rule under two indicators is two.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import chain

from mithaq.detect import sigma
from mithaq.detect.indicators import Indicators, Listed, of_pattern
from mithaq.detect.language import Rule, Unserved
from mithaq.detect.matches import Match
from mithaq.detect.sigma.correlations import Part
from mithaq.detect.stix.patterns import Asked, Patterns
from mithaq.detect.yara import SECONDS, Kept, Text, Yara, digest_of
from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Refusal
from mithaq.formats.registry import Undated
from mithaq.formats.rules import yara as yara_files
from mithaq.model.objects import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Indicators to look for."""

    count: int  # of those whose pattern is one of STIX, and can be evaluated
    values: Indicators
    patterns: Patterns
    rules: Sequence[Rule] = ()
    correlations: Sequence[sigma.Correlation] = ()
    texts: Sequence[tuple[Text, str]] = ()  # YARA rules, each with the indicator's id
    unserved: tuple[Unserved, ...]


class Scanner:
    """YARA rules, some of which are indicators."""

    def __init__(self, texts: Iterable[tuple[Text, str]], kept: Kept | None = None) -> None:
        """Compile rules, each with the id of its indicator; empty: it is none."""
        self._owners: dict[str, dict[str, None]] = {}
        some = dict.fromkeys(texts)
        for text, owner in some:
            self._owners.setdefault(digest_of(text.text), {})[owner] = None
        self._yara = Yara((text for text, _ in some), kept)
        self.unserved = self._yara.unserved

    def __len__(self) -> int:
        """Return how many rules they are."""
        return len(self._yara)

    @property
    def digests(self) -> set[str]:
        """What rules that are no indicators are known by in matches."""
        return {digest for digest, owners in self._owners.items() if "" in owners}

    @property
    def owned(self) -> list[str]:
        """What each rule is known by, with the indicators whose it is."""
        return [f"{digest} {owner}" for digest, some in self._owners.items() for owner in some]

    def match(self, content: bytes, name: str, seconds: int = SECONDS) -> Iterator[Match]:
        """Yield what is found in bytes: of a file, if they have a name.

        Raises:
            TooSlow: it takes longer than so many seconds.
        """
        for match in self._yara.match(content, name, seconds):
            for owner in self._owners[match.digest]:
                yield _told(match, owner) if owner else match


@dataclass(slots=True)
class _Kinds:
    """Indicators by what their patterns are."""

    ids: set[str] = field(default_factory=set)
    listed: list[Listed] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    correlations: list[sigma.Correlation] = field(default_factory=list)
    texts: list[tuple[Text, str]] = field(default_factory=list)
    unserved: list[Unserved] = field(default_factory=list)

    def stix(self, id_: str, title: str, pattern: str) -> None:
        self.ids.add(id_)
        found = of_pattern(id_, pattern, title)
        if found is None:
            self.asked.append(Asked(id_, _digest(id_), title or pattern, pattern))
        else:
            self.listed += found

    def sigma(self, id_: str, title: str, pattern: str) -> None:
        compiled = sigma.compiled(pattern)
        self.rules += [_owned(each, id_) for each in compiled.rules]
        self.correlations += [_together(each, id_) for each in compiled.correlations]
        self.unserved += [
            replace(each, id=id_, title=each.title or title) for each in compiled.unserved
        ]

    def yara(self, id_: str, title: str, pattern: str) -> None:
        texts, unserved = yara_texts(pattern.encode("utf-8", "surrogateescape"), title or id_)
        self.texts += [(text, id_) for text in texts]
        self.unserved += [replace(each, id=id_) for each in unserved]


def sought(files: Iterable[tuple[str, bytes]], held: Iterable[tuple[str, Body]] = ()) -> Sought:
    """Read indicators: of files, each with its name, in whatever format they are, and some with their ids.

    Raises:
        InputError: one of the files cannot be read as a whole.
    """
    kinds = _Kinds()
    ways = {"stix": kinds.stix, "sigma": kinds.sigma, "yara": kinds.yara}
    for id_, body in chain(_read(files, kinds.unserved), held):
        if body.get("type") != "indicator":
            continue
        title, pattern = str(body.get("name", "")), str(body.get("pattern", ""))
        way = ways.get(str(body.get("pattern_type", "stix")), _no_way)
        try:
            way(id_, title, pattern)
        except InputError as why:
            kinds.unserved.append(Unserved(id=id_, title=title, code=why.code, why=str(why)))
    patterns = Patterns(kinds.asked)
    titles = {each.id: each.title for each in kinds.asked}
    kinds.unserved += [
        Unserved(id=id_, title=titles[id_], code=why.code, why=str(why))
        for id_, why in patterns.refused.items()
    ]
    return Sought(
        count=len(kinds.ids) - len(patterns.refused),
        values=Indicators(kinds.listed),
        patterns=patterns,
        rules=kinds.rules,
        correlations=kinds.correlations,
        texts=kinds.texts,
        unserved=tuple(kinds.unserved),
    )


def yara_texts(raw: bytes, name: str) -> tuple[list[Text], list[Unserved]]:
    """Return the rules of a text of YARA, each with what it needs; and those that cannot be read."""
    texts: list[Text] = []
    refused: list[Unserved] = []
    for each in yara_files.Yara().read(raw):
        if isinstance(each, Undated):
            texts.append(Text(each.key.removeprefix("yara "), str(each.body["pattern"])))
        elif isinstance(each, Refusal):
            where = f"{name}:{each.line}"
            refused.append(Unserved(id=where, title=where, code=each.code, why=each.why))
    return texts, refused


def _read(
    files: Iterable[tuple[str, bytes]], unserved: list[Unserved]
) -> Iterator[tuple[str, Body]]:
    for name, raw in files:
        for each in BUILT_IN.read(raw):
            if isinstance(each, Refusal):
                where = f"{name}:{each.line or each.position}"
                unserved.append(Unserved(id=where, title=where, code=each.code, why=each.why))
            else:
                yield each.id or getattr(each, "key", ""), each.body


def _no_way(_id: str, _title: str, _pattern: str) -> None:
    raise _OtherType("neither a STIX pattern nor a rule of Sigma or YARA")


class _OtherType(InputError):
    """An indicator of which nothing here can tell when it matches."""

    code = "indicator-type"


def _digest(text: str) -> str:
    return "sha256:" + sha256(text.encode()).hexdigest()


def _owned(rule: Rule, id_: str) -> Rule:
    return replace(rule, id=id_, digest=_digest(f"{id_} {rule.digest}"))


def _together(correlation: sigma.Correlation, id_: str) -> sigma.Correlation:
    parts = [
        Part(tuple(_owned(rule, id_) for rule in part.rules), part.fields)
        for part in correlation.parts
    ]
    digest = _digest(f"{id_} {correlation.digest}")
    return replace(correlation, id=id_, digest=digest, parts=tuple(parts))


def _told(match: Match, id_: str) -> Match:
    return replace(match, rule=id_, digest=_digest(f"{id_} {match.digest}"))
