"""Indicators to be looked for in telemetry: single values are looked up, other patterns held in full."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from mithaq.detect.indicators import Indicators, Listed, of_pattern
from mithaq.detect.language import Unserved
from mithaq.detect.stix.patterns import Asked, Patterns
from mithaq.formats import BUILT_IN, Refusal
from mithaq.model.objects import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Indicators to look for."""

    count: int  # of those that can be
    values: Indicators
    patterns: Patterns
    unserved: tuple[Unserved, ...]


def sought(files: Iterable[tuple[str, bytes]], held: Iterable[tuple[str, Body]] = ()) -> Sought:
    """Read indicators: of files, each with its name, in whatever format they are, and some with their ids.

    Raises:
        InputError: one of the files cannot be read as a whole.
    """
    ids: set[str] = set()
    listed: list[Listed] = []
    asked: list[Asked] = []
    unserved: list[Unserved] = []
    for id_, body in (*_read(files, unserved), *held):
        if body.get("type") != "indicator":
            continue
        title, pattern = str(body.get("name", "")), str(body.get("pattern", ""))
        if body.get("pattern_type", "stix") != "stix":
            why = "no STIX pattern: --rules and --yara take rules"
            unserved.append(Unserved(id=id_, title=title, code="indicator-type", why=why))
            continue
        ids.add(id_)
        found = of_pattern(id_, pattern, title)
        if found is None:
            asked.append(Asked(id_, _digest(id_), title or pattern, pattern))
        else:
            listed += found
    patterns = Patterns(asked)
    titles = {each.id: each.title for each in asked}
    unserved += [
        Unserved(id=id_, title=titles[id_], code=why.code, why=str(why))
        for id_, why in patterns.refused.items()
    ]
    count = len(ids) - len(patterns.refused)
    return Sought(
        count=count, values=Indicators(listed), patterns=patterns, unserved=tuple(unserved)
    )


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


def _digest(id_: str) -> str:
    return "sha256:" + sha256(id_.encode()).hexdigest()
