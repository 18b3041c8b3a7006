"""YARA rules over bytes: compiled by YARA-X, each rule apart, so that one that is refused takes no other with it.

What a rule may take is bounded: seconds for one piece of bytes, and the places that are told of each of its strings.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

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
_SECONDS: Final = 30  # for one piece of bytes
_PLACES: Final = 4  # of one string, of one rule


class TooSlow(InputError):
    """Rules took longer over some bytes than they may."""

    code = "yara-slow"


class Text(NamedTuple):
    """One rule, with all that it needs before it."""

    name: str
    text: str


def digest_of(text: str) -> str:
    """Return what a rule is known by in matches."""
    return "sha256:" + sha256(f"{_COMPILER}\n{text}".encode()).hexdigest()


class Yara:
    """Rules, compiled."""

    def __init__(self, texts: Iterable[Text]) -> None:
        """Compile rules, those of old syntax too; what does not compile is in ``unserved``."""
        self.unserved: list[Unserved] = []
        self._rules: dict[str, tuple[Text, str]] = {}
        compiler = yara_x.Compiler(relaxed_re_syntax=True)
        compiler.enable_includes(yes=False)
        for name in EXTERNAL:
            compiler.define_global(name, "")
        for each in dict.fromkeys(texts):
            digest = digest_of(each.text)
            compiler.new_namespace(digest)
            try:
                compiler.add_source(each.text)
            except (yara_x.CompileError, ValueError) as error:
                why = str(error).partition("\n")[0]
                self.unserved.append(
                    Unserved(id=each.name, title=each.name, code="yara-compile", why=why)
                )
            else:
                self._rules[digest] = (each, digest)
        self._built = compiler.build()

    def __len__(self) -> int:
        """Return how many rules they are."""
        return len(self._rules)

    @cached_property
    def _scanner(self) -> yara_x.Scanner:
        """What scans; made where it is first asked, for no other thread may use it."""
        made = yara_x.Scanner(self._built)
        made.set_timeout(_SECONDS)
        made.max_matches_per_pattern(_PLACES)
        return made

    def match(self, content: bytes, name: str) -> Iterator[Match]:
        """Yield what is found in the bytes of a file.

        Raises:
            TooSlow: it takes too long.
        """
        filename = name.rpartition("/")[2]
        self._scanner.set_global("filename", filename)
        self._scanner.set_global("filepath", name)
        self._scanner.set_global("extension", filename.rpartition(".")[2])
        try:
            found = self._scanner.scan(content)
        except yara_x.TimeoutError:
            raise TooSlow(f"longer than {_SECONDS} seconds") from None
        event = "sha256:" + sha256(content).hexdigest()
        for rule in found.matching_rules:
            known = self._rules.get(rule.namespace)
            if known is None or known[0].name != rule.identifier:
                continue  # one that another needs
            yield Match(
                rule=rule.identifier,
                digest=known[1],
                title=rule.identifier,
                event=event,
                source=FILE,
                found={"file": name} | _strings(rule),
            )


def _strings(
    rule: yara_x.Rule,
) -> dict[str, str | int | float | bool | list[str | int | float | bool | None] | None]:
    """Return where the first strings of a rule stand."""
    named = {
        each.identifier: ", ".join(f"0x{match.offset:x}" for match in list(each.matches)[:_PLACES])
        for each in rule.patterns
    }
    return {name: places for name, places in named.items() if places}
