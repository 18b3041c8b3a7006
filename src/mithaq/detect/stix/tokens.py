"""A STIX pattern cut into tokens (STIX 2.1 section 9.3 and its grammar).

One expression finds each token where the one before it ended, so the time is that of the pattern's length. What is in
no token of the language refuses the pattern.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from mithaq.detect.stix.language import Constant, refusal

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*+\*/)
    |(?P<text>[thb]?'(?:[^'\\]|\\.)*')
    |(?P<number>[+-]?(?:[0-9]*\.[0-9]+|[0-9]+)(?![A-Za-z_]))
    |(?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    |(?P<sign>==|!=|<>|<=|>=|[=<>()\[\].,:*])""",
    re.DOTALL | re.VERBOSE,
)
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")
_ESCAPED = re.compile(r"\\(['\\])")
_ALONE = re.compile(r"\\[^'\\]", re.DOTALL)
_MOST_DIGITS = 64  # of a number; a number of STIX has 53 bits (section 2.8)


class Token(NamedTuple):
    """One token: what it is, as it is written, and where it begins."""

    kind: str  # text, number, name or sign; empty: the end
    written: str
    at: int


def tokens(pattern: str) -> Iterator[Token]:
    """Yield the tokens of a pattern, and one of no kind at its end.

    Raises:
        PatternRefused: something in it is no token.
    """
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise refusal(
                "unterminated" if pattern[at] == "'" or pattern[at + 1 : at + 2] == "'" else "sign",
                "a text without an end, or a sign that no pattern has",
                at=at,
            )
        if found.lastgroup != "blank":
            yield Token(found.lastgroup or "", found[0], at)
        at = found.end()
    yield Token("", "", at)


def text_of(written: str) -> tuple[str, bool]:
    """Return the text that is quoted, and whether a backslash in it stood for itself, as in paths of Windows."""
    text = written[1:-1]
    if "\\" not in text:
        return text, False
    return _ESCAPED.sub(r"\1", text), _ALONE.search(text.replace("\\\\", "")) is not None


def constant_of(token: Token) -> Constant:
    """Return what a token that is no plain text says.

    Raises:
        PatternRefused: it says none, or no such instant, bytes or number.
    """
    written = token.written
    if token.kind == "number":
        return _number(token)
    if token.kind == "name":
        return written.lower() == "true"
    body = written[2:-1]
    try:
        if written[0] == "t":
            return instant(body, token.at)
        return bytes.fromhex(body) if written[0] == "h" else b64decode(body, validate=True)
    except (ValueError, NotBase64):
        raise refusal("constant", "no hexadecimal or base64 digits", at=token.at) from None


def instant(written: str, at: int) -> datetime:
    """Read a timestamp (STIX 2.1 section 3.2).

    Raises:
        PatternRefused: it is none.
    """
    try:
        if _TIMESTAMP.fullmatch(written):
            return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refusal("timestamp", "no timestamp: one is written 2026-11-30T12:00:00Z", at=at)


def _number(token: Token) -> int | float:
    if len(token.written) > _MOST_DIGITS:
        raise refusal("constant", "a number of too many digits", at=token.at)
    return float(token.written) if "." in token.written else int(token.written)
