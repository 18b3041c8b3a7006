"""Indicators to be looked for in telemetry: single values are looked up, other patterns held in full, rules compiled.

What a rule of an indicator finds is told under the indicator's id, for that is what people may read or not; the same
rule under two indicators is two.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import chain

from mithaq.detect import sigma
from mithaq.detect.about import Named, named
from mithaq.detect.indicators import Indicators, Listed, of_pattern
from mithaq.detect.language import Rule, Unserved
from mithaq.detect.matches import Match
from mithaq.detect.sigma.correlations import Part
from mithaq.detect.stix.patterns import Asked, Patterns
from mithaq.detect.yara import SECONDS, Kept, Text, Yara, digest_of
from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Refusal
from mithaq.formats.registry import Read, Undated
from mithaq.formats.rules import yara as yara_files
from mithaq.model.objects import Body
from mithaq.model.whose import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Indicators to look for."""

    count: int  # of those whose pattern is one of STIX, and can be evaluated
    values: Indicators
    patterns: Patterns
    rules: Sequence[Rule] = ()
    correlations: Sequence[sigma.Correlation] = ()
    texts: Sequence[tuple[Text, Word | None]] = ()  # YARA rules, each with the indicator that it is
    named: Sequence[Named] = ()  # those of YARA and STIX that name techniques
    unserved: tuple[Unserved, ...]


class Scanner:
    """YARA rules, some of which are indicators."""

    def __init__(self, texts: Iterable[tuple[Text, Word | None]], kept: Kept | None = None) -> None:
        """Compile rules, each with the indicator that it is; None: it is none."""
        self._owners: dict[str, dict[Word | None, None]] = {}
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
        return {digest for digest, owners in self._owners.items() if None in owners}

    @property
    def owned(self) -> list[str]:
        """What each rule is known by, with the indicators whose it is."""
        return [
            f"{digest} {owner.digest if owner else ''}"
            for digest, some in self._owners.items()
            for owner in some
        ]

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

    words: set[Word] = field(default_factory=set)
    listed: list[Listed] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    correlations: list[sigma.Correlation] = field(default_factory=list)
    texts: list[tuple[Text, Word | None]] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    unserved: list[Unserved] = field(default_factory=list)

    def stix(self, word: Word, title: str, pattern: str) -> None:
        self.words.add(word)
        found = of_pattern(word, pattern, title)
        if found is None:
            rule, giver = word
            self.asked.append(Asked(rule, word.digest, title or pattern, pattern, giver))
        else:
            self.listed += found

    def sigma(self, word: Word, title: str, pattern: str) -> None:
        compiled = sigma.compiled(pattern)
        self.rules += [_owned(each, word) for each in compiled.rules]
        self.correlations += [_together(each, word) for each in compiled.correlations]
        self.unserved += [
            replace(each, id=word.rule, title=each.title or title) for each in compiled.unserved
        ]

    def yara(self, word: Word, title: str, pattern: str) -> None:
        raw = pattern.encode("utf-8", "surrogateescape")
        texts, unserved = yara_texts(raw, title or word.rule)
        self.texts += [(text, word) for text in texts]
        self.unserved += [replace(each, id=word.rule) for each in unserved]


def sought(files: Iterable[tuple[str, bytes]], held: Iterable[tuple[Word, Body]] = ()) -> Sought:
    """Read indicators: of files, each with its name, in whatever format they are, and some with whose word they are.

    Raises:
        InputError: one of the files cannot be read as a whole.
    """
    kinds = _Kinds()
    ways = {"stix": kinds.stix, "sigma": kinds.sigma, "yara": kinds.yara}
    for word, body in chain(_read(files, kinds.unserved), held):
        if body.get("type") != "indicator":
            continue
        title, pattern = str(body.get("name", "")), str(body.get("pattern", ""))
        way = ways.get(str(body.get("pattern_type", "stix")), _no_way)
        try:
            way(word, title, pattern)
            if (one := named(word.rule, body)) is not None:
                kinds.named.append(one)
        except InputError as why:
            kinds.unserved.append(Unserved(id=word.rule, title=title, code=why.code, why=str(why)))
    patterns = Patterns(kinds.asked)
    asked = {each.digest: each for each in kinds.asked}
    kinds.unserved += [
        Unserved(id=asked[digest].id, title=asked[digest].title, code=why.code, why=str(why))
        for digest, why in patterns.refused.items()
    ]
    return Sought(
        count=len(kinds.words) - len(patterns.refused),
        values=Indicators(kinds.listed),
        patterns=patterns,
        rules=kinds.rules,
        correlations=kinds.correlations,
        texts=kinds.texts,
        named=kinds.named,
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
) -> Iterator[tuple[Word, Body]]:
    for name, raw in files:
        for each in _parsed(name, raw):
            if isinstance(each, Refusal):
                where = f"{name}:{each.line or each.position}"
                unserved.append(Unserved(id=where, title=where, code=each.code, why=each.why))
            else:
                yield Word(each.id or getattr(each, "key", "")), each.body


def _parsed(name: str, raw: bytes) -> Read:
    """Read a file; what refuses it as a whole says which of them it is."""
    try:
        yield from BUILT_IN.read(raw)
    except InputError as why:
        told = type(why)(f"{name}: {why}", **why.facts)
        told.code = why.code
        raise told from why


def _no_way(_word: Word, _title: str, _pattern: str) -> None:
    raise _OtherType("neither a STIX pattern nor a rule of Sigma or YARA")


class _OtherType(InputError):
    """An indicator of which nothing here can tell when it matches."""

    code = "indicator-type"


def _digest(word: Word, digest: str) -> str:
    said = f"{word.rule} {word.giver} {digest}"
    return "sha256:" + sha256(said.encode()).hexdigest()


def _owned(rule: Rule, word: Word) -> Rule:
    digest = _digest(word, rule.digest)
    return replace(rule, id=word.rule, giver=word.giver, digest=digest)


def _together(correlation: sigma.Correlation, word: Word) -> sigma.Correlation:
    parts = [
        Part(tuple(_owned(rule, word) for rule in part.rules), part.fields)
        for part in correlation.parts
    ]
    digest = _digest(word, correlation.digest)
    return replace(correlation, id=word.rule, giver=word.giver, digest=digest, parts=tuple(parts))


def _told(match: Match, word: Word) -> Match:
    return replace(match, rule=word.rule, giver=word.giver, digest=_digest(word, match.digest))
