"""What people read, in their language: catalogues of sentences as TOML files, one per language.

A catalogue is a folder of a package with ``en.toml``, ``fr.toml`` and ``ar.toml`` of the same keys. In Arabic,
what is filled in (ids, names, numbers) is wrapped in Unicode isolates, so that left-to-right pieces keep
their order within the sentence (UAX #9). In French, apostrophes and the narrow blanks before signs are set here, so
that whoever writes a sentence types it plainly.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mithaq.errors import Fault

LANGUAGES = ("en", "fr", "ar")
RIGHT_TO_LEFT = frozenset({"ar"})
# What a terminal obeys instead of showing, and what overrides the direction of the text that follows.
_UNSEEN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e]")
_OPEN, _CLOSE = "\u2068", "\u2069"  # first strong isolate, pop directional isolate

# A typewriter's apostrophe in a word, and the blanks that no line breaks at: before ; : ? ! » and after «.
_FRENCH = re.compile(r"(?<=\w)'(?=[\w{])|(?<=«) | (?=[;:?!»])")
_NARROW, _APOSTROPHE = "\u202f", "\u2019"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences of one language; keys are dotted paths in the file."""

    language: str
    sentences: Mapping[str, str]

    def say(self, key: str, /, **facts: object) -> str:
        """Return the sentence ``key`` with ``facts`` filled in.

        Raises:
            Fault: there is no such sentence, or it asks for a fact that is not given.
        """
        try:
            return self.sentences[key].format_map(self._shown(facts))
        except KeyError as error:
            raise Fault(f"no sentence {key}, or no fact {error} for it") from error

    def _shown(self, facts: Mapping[str, object]) -> Mapping[str, str]:
        if self.language not in RIGHT_TO_LEFT:
            return {name: plain(str(value)) for name, value in facts.items()}
        return {name: f"{_OPEN}{plain(str(value))}{_CLOSE}" for name, value in facts.items()}


def plain(written: str) -> str:
    """Return text with control characters and direction overrides made visible: no name steers a screen."""
    return _UNSEEN.sub(lambda mark: f"\\u{{{ord(mark[0]):04x}}}", written)


@cache
def catalogue(package: str, language: str, folder: str = "words") -> Catalogue:
    """Return the sentences that ``package`` keeps in ``folder`` for ``language``; unknown means English."""
    name = language if language in LANGUAGES else "en"
    raw = (files(package) / folder / f"{name}.toml").read_text("utf-8")
    flat = _flat(tomllib.loads(raw), "")
    if name == "fr":
        flat = [(key, _set_in_french(said)) for key, said in flat]
    return Catalogue(name, dict(flat))


def _set_in_french(sentence: str) -> str:
    """Set a sentence as French is printed; what stands between backticks is typed, and stays."""
    parts = sentence.split("`")
    for at in range(0, len(parts), 2):
        parts[at] = _FRENCH.sub(lambda sign: _APOSTROPHE if sign[0] == "'" else _NARROW, parts[at])
    return "`".join(parts)


def _flat(table: Mapping[str, object], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            found += _flat(value, f"{path}.")
        else:
            found.append((path, str(value)))
    return found


def preferred(environment: Mapping[str, str]) -> str:
    """Return the language a person asks for: ``MITHAQ_LANG``, else the locale, else English."""
    for name in ("MITHAQ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        language = environment.get(name, "").partition(".")[0].partition("_")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"
