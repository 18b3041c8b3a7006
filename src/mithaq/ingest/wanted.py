"""What to look for: rules and indicators, read from files and from what a node holds."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from mithaq.config import Config
from mithaq.detect import sigma
from mithaq.detect.about import Named, in_yara
from mithaq.detect.carried import Carried
from mithaq.detect.collected import Needs
from mithaq.detect.engine import Engine
from mithaq.detect.indicators import Indicators
from mithaq.detect.language import Rule, Unserved
from mithaq.detect.matches import Match
from mithaq.detect.stix.patterns import Patterns
from mithaq.detect.tallies import Matcher, rank
from mithaq.detect.veiled import Veiled
from mithaq.detect.yara import Kept, Text
from mithaq.errors import InputError
from mithaq.ingest import telemetry
from mithaq.ingest.hunted import Scanner, Sought, sought, yara_texts
from mithaq.model.objects import Body
from mithaq.model.telemetry import Event
from mithaq.model.whose import Word
from mithaq.store.compiled import Compiled

_SIGMA: Final = frozenset({".yml", ".yaml"})  # what is read in folders
_YARA: Final = frozenset({".yar", ".yara", ".rule"})
_MOST_TEXT: Final = 64 << 20  # bytes of a file of rules


class NoRules(InputError):
    """There is nothing to hunt with."""

    code = "no-rules"


class NoneServed(InputError):
    """There is something to hunt with, and none of it can be evaluated."""

    code = "none-served"

    def __init__(self, unserved: Sequence[Unserved]) -> None:
        """Say how much it is."""
        super().__init__(
            f"nothing of what is to be looked for can be evaluated: {len(unserved)} have a reason",
            count=len(unserved),
        )
        self.unserved = unserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What to look for."""

    rules: Sequence[Rule] = ()
    correlations: Sequence[sigma.Correlation] = ()
    yara: Scanner | None = None
    indicators: Sought | None = None
    veiled: Veiled | None = None
    unserved: Sequence[Unserved] = ()
    needs: Mapping[str, Needs] = field(default_factory=dict)  # digest of a rule -> log sources
    named: Sequence[Named] = ()  # of the others, those that name techniques

    @property
    def count(self) -> int:
        """How many rules there are that can be evaluated; one for several log sources is one."""
        alone = {each.digest for each in self.rules}
        values = self.indicators.count if self.indicators else 0
        values += len(self.veiled) if self.veiled else 0
        return len(alone) + len(self.correlations) + (len(self.yara) if self.yara else 0) + values

    @property
    def digest(self) -> str:
        """What tells one hunt's content from another's: the same finds the same."""
        made = sha256()
        for each in sorted({*self._digests()}):
            made.update(each.encode() + b"\n")
        if self.indicators:
            made.update(bytes(self.indicators.values.digests))
            made.update(self.indicators.patterns.fingerprint)
        return f"sha256:{made.hexdigest()}"

    def _digests(self) -> Iterator[str]:
        yield from (each.digest for each in self.rules)
        yield from (each.digest for each in self.correlations)
        yield from self.yara.owned if self.yara else ()


def content(  # noqa: PLR0913 an argument for each that is looked for
    rules: Iterable[Path],
    yara: Iterable[Path],
    indicators: Iterable[Path] = (),
    level: str = "",
    held: Iterable[tuple[Word, Body]] = (),
    kept: Kept | None = None,
) -> Content:
    """Read what to look for, as ``gathered`` does.

    Raises:
        InputError: one of them is not there, or cannot be read. NoRules: there is no rule in them, none of the
            level. NoneServed: none of them can be evaluated.
    """
    made = gathered(rules, yara, indicators, level, held, kept)
    if made.count:
        return made
    if made.unserved:
        raise NoneServed(made.unserved)
    raise NoRules(
        f"no rule of the level {level} or of a graver one is in these files"
        if level
        else "no rule and no indicator is in these files"
    )


def gathered(  # noqa: PLR0913 as above
    rules: Iterable[Path] = (),
    yara: Iterable[Path] = (),
    indicators: Iterable[Path] = (),
    level: str = "",
    held: Iterable[tuple[Word, Body]] = (),
    kept: Kept | None = None,
) -> Content:
    """Read what to look for; it may be nothing.

    Args:
        rules: files of Sigma rules, and folders of them.
        yara: files of YARA rules, and folders of them.
        indicators: files of indicators in any format, and folders of them.
        level: Sigma rules of a lower one are left out, and those that say none.
        held: indicators that are at hand, with whose word they are.
        kept: keeps what YARA rules were compiled to.

    Raises:
        InputError: one of them is not there, or cannot be read.
    """
    found: list[Rule] = []
    unserved: list[Unserved] = []
    correlations: list[sigma.Correlation] = []
    needs: dict[str, Needs] = {}
    for file in _chosen(rules, _SIGMA):
        compiled = sigma.compiled(_text(file).decode("utf-8-sig", "replace"))
        found += compiled.rules
        correlations += compiled.correlations
        unserved += (_placed(each, file) for each in compiled.unserved)
        needs |= compiled.needs
    texts: list[tuple[Text, Word | None]] = []
    for file in _chosen(yara, _YARA):
        some, refused = yara_texts(_text(file), file.name)
        texts += [(each, None) for each in some]
        unserved += refused
    values = sought(((file.name, _text(file)) for file in telemetry.files(indicators)), held)
    scanner = Scanner([*texts, *values.texts], kept)
    found += values.rules
    correlations += values.correlations
    return Content(
        rules=[each for each in found if rank(each.level) >= rank(level)],
        correlations=[each for each in correlations if rank(each.level) >= rank(level)],
        yara=scanner if len(scanner) else None,
        indicators=values if values.count else None,
        unserved=[*unserved, *values.unserved, *scanner.unserved],
        needs=needs,
        named=[
            *values.named,
            *filter(None, (in_yara(*text) for text, whose in texts if not whose)),
        ],
    )


def _placed(each: Unserved, file: Path) -> Unserved:
    """Return what cannot be looked for with its place for its name, where it has none."""
    place = f"{file.name}:{each.line}"
    return replace(each, id=each.id or place, title=each.title or place)


def _chosen(paths: Iterable[Path], ends: frozenset[str]) -> Iterator[Path]:
    """Yield files that were named, and of folders those that look like rules."""
    for path in paths:
        for file in telemetry.files([path]):
            if file == path or file.suffix.lower() in ends:
                yield file


def _text(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MOST_TEXT + 1)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    if len(raw) > _MOST_TEXT:
        raise InputError(f"{file} is longer than a file of rules may be")
    return raw


Ready = Callable[[Engine], Matcher]


def as_is(engine: Engine) -> Matcher:
    """Return an engine as it is."""
    return engine


def matchers(content: Content, ready: Ready = as_is) -> list[Matcher]:
    """Compile what is looked for in events; ``ready`` makes each engine what is asked."""
    made: list[Matcher] = []
    if content.rules:
        made.append(ready(Engine(content.rules)))
    if content.correlations:
        made.append(Correlated(content.correlations, ready))
    if content.indicators:
        some: tuple[Indicators | Patterns, ...] = (
            content.indicators.values,
            content.indicators.patterns,
        )
        made += [each for each in some if len(each)]
    if content.veiled:
        made.append(content.veiled)
    if content.yara:
        made.append(Carried(content.yara))
    return made


class Correlated:
    """Correlations, and the rules that they are about."""

    def __init__(self, correlations: Sequence[sigma.Correlation], ready: Ready = as_is) -> None:
        self._correlator = sigma.Correlator(correlations)
        self.engine = ready(Engine(self._correlator.rules))

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what is completed by each event, in their order."""
        events = {event.digest: event for event in batch}
        for match in self.engine.match(batch):
            yield from self._correlator.take(match, events[match.event])


def compiled(config: Config) -> Kept:
    """Return what keeps in a node what YARA rules were compiled to."""
    return Compiled(config.compiled)
