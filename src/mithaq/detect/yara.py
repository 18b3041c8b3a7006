"""YARA rules over bytes: compiled by YARA-X, each rule apart, so that one that is refused takes no other with it.

What a rule may take is bounded: seconds for one piece of bytes, and the places that are told of each of its strings.
What many rules were compiled to may be kept by whoever made it, under the digest of their texts, and is read again
only from there: compiled rules are code.
"""

import io
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from typing import Final, NamedTuple, Protocol

import msgspec
import yara_x

from mithaq.detect.language import Unserved
from mithaq.detect.matches import Match
from mithaq.errors import InputError
from mithaq.model.telemetry import LogSource

EXTERNAL: Final = (
    "filename",
    "filepath",
    "extension",
    "filetype",
    "owner",
)  # what rules ask of a file
FILE: Final = LogSource(category="file")
_COMPILER: Final = (
    "yara 1"  # what changes the meaning of the same text changes this; it is part of every digest
)
SECONDS: Final = 30  # for one piece of bytes
_MANY: Final = 100  # rules; fewer are compiled sooner than they are found
_PLACES: Final = 4  # of one string, of one rule


class TooSlow(InputError):
    """Rules took longer over some bytes than they may."""

    code = "yara-slow"


class Text(NamedTuple):
    """One rule, with all that it needs before it."""

    name: str
    text: str


class Kept(Protocol):
    """Keeps what was compiled, and gives back nothing else than what it was given."""

    def get(self, digest: str) -> bytes | None:
        """Return what is kept under a digest."""

    def put(self, digest: str, content: bytes) -> None:
        """Keep something under a digest; where there is no room it is not kept."""


class _Compiled(msgspec.Struct, frozen=True, array_like=True):
    """Rules as they are kept: what did not compile, by its place, and why; and what did."""

    refused: dict[int, str]
    built: bytes


def digest_of(text: str) -> str:
    """Return what a rule is known by in matches."""
    return "sha256:" + sha256(f"{_COMPILER}\n{text}".encode()).hexdigest()


class Yara:
    """Rules, compiled."""

    def __init__(self, texts: Iterable[Text], kept: Kept | None = None) -> None:
        """Compile rules, those of old syntax too; what does not compile is in ``unserved``."""
        some = list(dict.fromkeys(texts))
        self._built, refused = _ready(some, kept)
        self.unserved = [
            Unserved(id=each.name, title=each.name, code="yara-compile", why=refused[at])
            for at, each in enumerate(some)
            if at in refused
        ]
        self._rules = {
            digest_of(each.text): each for at, each in enumerate(some) if at not in refused
        }

    def __len__(self) -> int:
        """Return how many rules they are."""
        return len(self._rules)

    @cached_property
    def _scanner(self) -> yara_x.Scanner:
        """What scans; made where it is first asked, for no other thread may use it."""
        made = yara_x.Scanner(self._built)
        made.max_matches_per_pattern(_PLACES)
        return made

    def match(self, content: bytes, name: str, seconds: int = SECONDS) -> Iterator[Match]:
        """Yield what is found in bytes: of a file, if they have a name.

        Raises:
            TooSlow: it takes longer than so many seconds.
        """
        self._scanner.set_timeout(seconds)
        filename = name.rpartition("/")[2]
        self._scanner.set_global("filename", filename)
        self._scanner.set_global("filepath", name)
        self._scanner.set_global("extension", filename.rpartition(".")[2])
        try:
            found = self._scanner.scan(content)
        except yara_x.TimeoutError:
            raise TooSlow(f"longer than {seconds} seconds") from None
        event = "sha256:" + sha256(content).hexdigest()
        for rule in found.matching_rules:
            known = self._rules.get(rule.namespace)
            if known is None or known.name != rule.identifier:
                continue  # one that another needs
            yield Match(
                rule=rule.identifier,
                digest=rule.namespace,
                title=rule.identifier,
                event=event,
                source=FILE,
                found={"file": name} | _strings(rule),
            )


def _ready(some: Sequence[Text], kept: Kept | None) -> tuple[yara_x.Rules, dict[int, str]]:
    """Return rules compiled, as they are kept or anew; and why some did not compile, by their places."""
    if kept is None or len(some) < _MANY:
        return _compiled(some)
    known = _known_by(some)
    if found := kept.get(known):
        with suppress(msgspec.MsgspecError, ValueError):  # of another build of what compiles them
            read = msgspec.msgpack.decode(found, type=_Compiled)
            return yara_x.Rules.deserialize_from(io.BytesIO(read.built)), read.refused
    built, refused = _compiled(some)
    written = io.BytesIO()
    built.serialize_into(written)
    kept.put(known, msgspec.msgpack.encode(_Compiled(refused, written.getvalue())))
    return built, refused


def _known_by(some: Sequence[Text]) -> str:
    """Return what the compiled form of some rules is known by: the rules, what compiles them, and for what machine."""
    made = sha256(f"{_COMPILER} {version('yara-x')} {platform.machine()} {EXTERNAL}".encode())
    for each in some:
        made.update(f"{each.name}\0{digest_of(each.text)}\n".encode())
    return f"sha256:{made.hexdigest()}"


def _compiled(some: Sequence[Text]) -> tuple[yara_x.Rules, dict[int, str]]:
    compiler = yara_x.Compiler(relaxed_re_syntax=True)
    compiler.enable_includes(yes=False)
    for name in EXTERNAL:
        compiler.define_global(name, "")
    refused: dict[int, str] = {}
    for at, each in enumerate(some):
        compiler.new_namespace(digest_of(each.text))
        try:
            compiler.add_source(each.text)
        except (yara_x.CompileError, ValueError) as error:
            refused[at] = str(error).partition("\n")[0]
    return compiler.build(), refused


def _strings(
    rule: yara_x.Rule,
) -> dict[str, str | int | float | bool | list[str | int | float | bool | None] | None]:
    """Return where the first strings of a rule stand."""
    named = {
        each.identifier: ", ".join(f"0x{match.offset:x}" for match in list(each.matches)[:_PLACES])
        for each in rule.patterns
    }
    return {name: places for name, places in named.items() if places}
