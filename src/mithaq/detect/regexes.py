"""Regular expressions from anybody: RE2's, which no text makes slow, and what it does not know is refused by name."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import re2

from mithaq.errors import InputError

MOST_CHARACTERS = 4096  # of one expression
# What an expression is made of. Only ``plain`` and ``escaped`` stand for one sign that is surely there.
_TOKEN: Final = re.compile(
    r"""\\(?: [pP](?:\{[^}]*\}|.) | x(?:\{[^}]*\}|..) | [0-7]{1,3} | [a-zA-PR-Z89] | (?P<escaped>[^a-zA-Z0-9]) )
    | \[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\]  # a class
    | (?P<open>\((?:\?[a-zA-Z^-]*)?) | (?P<close>\)) | (?P<either>\|)
    | (?P<count>[*+?]|\{\d*,?\d*\}) | [.^$] | (?P<plain>[^\\\[])""",
    re.DOTALL | re.VERBOSE,
)
_MOST_MEMORY = 1 << 20  # bytes of one, with its states; beyond, RE2 begins these again


class BadRegex(InputError):
    """An expression that RE2 refuses."""

    code = "regex"


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled expression. A sign that is none in UTF-8 is taken for a question mark."""

    compiled: Any = field(repr=False)  # RE2's; its bindings have no types

    def found_in(self, text: str) -> bool:
        """Say whether it is somewhere in a text."""
        return self.compiled.search(text.encode("utf-8", "replace")) is not None

    def is_all_of(self, text: str) -> bool:
        """Say whether a whole text is it."""
        return self.compiled.fullmatch(text.encode("utf-8", "replace")) is not None


@lru_cache(maxsize=1 << 12)
def regex(pattern: str, *, cased: bool = True, lines: bool = False) -> Regex:
    """Compile an expression; with ``lines`` a dot stands for the end of a line too.

    Raises:
        BadRegex: it is too long, or uses what RE2 has not: what looks around, or back.
    """
    if len(pattern) > MOST_CHARACTERS:
        raise BadRegex(f"an expression has at most {MOST_CHARACTERS} characters")
    options = re2.Options()
    options.case_sensitive, options.dot_nl = cased, lines
    options.max_mem, options.never_capture, options.log_errors = _MOST_MEMORY, True, False
    try:
        return Regex(re2.compile(pattern, options))
    except re2.error as error:
        (said, *_) = error.args
        says = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise BadRegex(f"RE2 refuses it: {says}") from None
    except UnicodeEncodeError:
        raise BadRegex("no text in UTF-8") from None


def required(pattern: str, *, cased: bool) -> str:
    """Return the longest text in small letters that is in what an expression is found in, made small; empty: not known.

    Groups, classes and alternatives are not looked into, and of signs only those of ASCII are taken: others may be
    small in ways of their own. A question mark is taken for none, nor an ``s`` that may be a long one.
    """
    runs, depth, at = [""], 0, 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None or (token["either"] and not depth):
            return ""
        at = token.end()
        opened = token["open"]
        if opened:
            depth += 1
            cased = cased and "i" not in opened.partition("?")[2]
        depth -= bool(token["close"])
        sign = token["plain"] or token["escaped"] or ""
        if sign and not depth and sign.isascii() and sign != "?":
            runs[-1] += sign
            continue
        if token["count"]:
            runs[-1] = runs[-1][:-1]
        runs.append("")
    small = [run.lower() for run in runs]
    sure = small if cased else [part for run in small for part in run.split("s")]
    return max(sure, key=len)
