"""Which values stand in a text that says them as they are meant: where each begins and ends, and of what kind it is.

Every form is bounded, and none begins inside what another begins with: the time grows with the length of the text,
whatever stands there.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from mithaq.errors import InputError
from mithaq.model import values
from mithaq.model.values import Value

CVE, TECHNIQUE, OTHER = "cve", "technique", "other-hash"  # they are told, and become no indicators


class Candidate(NamedTuple):
    """A value and where it stands."""

    value: Value
    start: int
    end: int


_SIGNS = "a-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f"
_LABEL = rf"[{_SIGNS}_-]{{1,63}}\."
_NAME = (
    rf"[{_SIGNS}-][{_SIGNS}_-]{{0,62}}\.(?:{_LABEL}){{0,40}}"
    r"(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59}|[\u0400-\u052f]{2,24})"
)
_END = rf"(?!_{{0,2}}[{_SIGNS}-])"  # marks of emphasis end a name
_QUAD = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_BLANK = r"\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_QUOTES = "\u2018-\u201d\u00ab\u00bb\u060c\u061b\u061f\u06d4\u3001\u3002\uff09\uff0c\uff1b"
_TAIL = rf"[^{_BLANK}<>\"'`|\\^{_QUOTES}]"
_KEY = rf"\\[^{_BLANK}\\\"'<>|,;:*?`]{{1,100}}(?:(?: [\w.()-]{{1,40}}){{1,3}}(?=\\))?"
_FORMS = re.compile(
    "|".join(
        (
            rf"(?<![a-z0-9])(?P<url>(?:https?|[st]?ftps?|tcp|udp|wss?|ssh|smb|ldaps?)://{_TAIL}{{1,4096}})",
            (
                r"(?<![\w.%+=-])(?P<email>[a-z0-9][a-z0-9._%+-]{0,63}@"
                rf"(?:{_LABEL}){{1,40}}[a-z]{{2,24}}){_END}"
            ),
            r"(?<![0-9a-f:])(?P<print>(?:[0-9a-f]{2}:){19}(?:(?:[0-9a-f]{2}:){12})?[0-9a-f]{2})(?![0-9a-f:])",
            r"(?<![0-9a-f:-])(?P<mac>[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5}))(?![\w:-])",
            (
                rf"(?<![\w.])(?P<quad>{_QUAD}(?:/[0-9]{{1,2}}(?![\w/])|(?::[0-9]{{1,5}}(?!\w))?"
                rf"(?:/{_TAIL}{{0,2048}})?))(?!\w|\.\w)"
            ),
            r"(?<!\w)(?P<port6>\[[0-9a-f:]{3,39}\]:[0-9]{1,5})(?!\w)",
            r"(?<![\w:.])(?P<ipv6>(?:[0-9a-f]{1,4}:{1,2}){2,7}(?:[0-9a-f]{1,4}|:)?(?:/[0-9]{1,3})?)(?![\w:])",
            r"(?<!\w)(?P<ssdeep>[0-9]{1,10}:[a-z0-9+/]{8,64}:[a-z0-9+/]{4,64})(?![\w+/:])",
            r"(?<![0-9a-z])(?P<tlsh>T1[0-9a-f]{70})(?![0-9a-z])",
            r"(?<!\w)(?P<cve>CVE[-\u2010-\u2013][0-9]{4}[-\u2010-\u2013][0-9]{4,7})(?!\w)",
            r"(?<![\w./-])(?P<technique>T[01][0-9]{3}(?:[./][0-9]{3})?)(?![\w-])",
            r"(?<![\w-])(?P<asn>AS[0-9]{3,10})(?![\w-])",
            rf"(?<![\w\\])(?P<key>(?:HK(?:LM|CU|CR|U|CC)|HKEY_[A-Z_]{{4,30}}):?(?:{_KEY}){{1,20}})",
            (
                rf"(?<![{_SIGNS}.@%+=-])_{{0,2}}(?P<name>{_NAME}"
                rf"(?:(?::[0-9]{{1,5}})?/{_TAIL}{{0,2048}}|:[0-9]{{1,5}}(?!\w))?){_END}"
            ),
            r"(?<![0-9a-z])(?P<hash>[0-9a-f]{32,128})(?![0-9a-z])",
        )
    ),
    re.IGNORECASE | re.ASCII,
)
_WORDS = re.compile(r"\S+")
_SEED = re.compile(  # in every value
    r"\w\.\w|:[^\s:]|@|\\|[0-9a-f]{32}|CVE|T[01][0-9]|AS[0-9]", re.IGNORECASE
)
_WITH_BLANKS = 400  # signs of a registry key behind its first blank
_SIGN = re.compile(r"\W")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_NEVER_LAST = frozenset(".,;:!?*_")
_SEVERAL = re.compile(r"[,;]?(?:https?|ftp)://", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]+")
_LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}


def candidates(text: str) -> Iterator[Candidate]:
    """Yield every value of a text, in its order."""
    done = 0
    for word in _WORDS.finditer(text):
        start, end = word.span()
        if start < done or _SEED.search(text, start, end) is None:
            continue
        if "\\" in word[0]:
            end = max(end, text.rfind(" ", end, end + _WITH_BLANKS))
        yield from _within(text, start, end)
        done = end


def _within(text: str, at: int, end: int) -> Iterator[Candidate]:
    while found := _FORMS.search(text, at, end):
        kind = found.lastgroup or ""
        made = _made(kind, found[kind])
        if made is None:
            # What looked like a value may hide another behind its first part.
            at = found.end() if kind in {"hash", "name", "url", "key"} else _next(found)
            continue
        value, length = made
        start = found.start(kind)
        yield Candidate(value, start, start + length)
        at = start + length


def _next(found: re.Match[str]) -> int:
    rest = _SIGN.search(found.string, found.start() + 1, found.end())
    return rest.end() if rest is not None else found.end()


def _made(kind: str, written: str) -> tuple[Value, int] | None:  # noqa: PLR0911 a kind each
    """Return the value of a form and how much of it that takes; None if it is none after all."""
    if kind in {"url", "quad", "name"}:
        return _placed(kind, written) or (_named(written) if kind == "name" else None)
    if kind == "ipv6":
        return _ipv6(written)
    if kind == "cve":
        return Value(CVE, re.sub("[\u2010-\u2013]", "-", written).upper()), len(written)
    if kind == "technique":
        return Value(TECHNIQUE, written.replace("/", ".").upper()), len(written)
    if kind == "hash":
        of = _LENGTHS.get(len(written))
        return (Value(of, written.lower()), len(written)) if of else None
    if kind == "print":
        kind = f"certificate-{_LENGTHS[len(written.replace(':', ''))]}"
    if kind == "port6":
        kind = "ip-port"
    if kind == "key":
        kind, written = "registry-key", written.rstrip(".)]}").replace(":\\", "\\", 1)
    try:
        return values.of_kind(kind, written), len(written)
    except InputError:
        return None


def _named(written: str) -> tuple[Value, int] | None:
    """Return the hash by which a file is named, where a name is no host."""
    first = written.partition(".")[0]
    of = _LENGTHS.get(len(first))
    return (Value(of, first.lower()), len(first)) if of and _HEX.fullmatch(first) else None


def _ipv6(written: str) -> tuple[Value, int] | None:
    bare = written if written.endswith("::") else written.rstrip(":")
    address = bare.partition("/")[0]
    few = address.count(":") < 4 and not any(sign.isdigit() for sign in address)  # noqa: PLR2004
    try:
        if few or "%" in address or ip_address(address).version != 6:  # noqa: PLR2004
            return None
        return values.of_kind("ipv6", bare), len(bare)
    except (ValueError, InputError):
        return None


def _placed(kind: str, written: str) -> tuple[Value, int] | None:
    """Return a URL, a host, or an address, alone or with a port."""
    whole = _trimmed(written)
    while True:
        value = values.recognised(whole)
        if value is not None:
            break
        if kind == "url":
            return None
        whole = _shorter(whole)
        if not whole:
            return None
    if value.kind == "email":
        return None
    return value, len(whole)


def _shorter(whole: str) -> str:
    """Return what is left without what may belong to the text behind: a path, a port, a next sentence."""
    for sign in ("/", ":"):
        bare, found, _ = whole.partition(sign)
        if found:
            return bare
    bare, _, last = whole.rpartition(".")
    return bare if "." in bare and last[:1].isupper() else ""


def _trimmed(written: str) -> str:
    """Return a URL without the signs behind it that belong to the sentence."""
    begins = written.find("://") + 3
    more = _SEVERAL.search(written, begins)
    if more is not None and written[more.start() - 1 : more.start()] not in {"/", "=", "?", "&"}:
        written = written[: more.start()]
    while written:
        last = written[-1]
        opening = _CLOSING.get(last)
        if last in _NEVER_LAST or (opening and written.count(opening) < written.count(last)):
            written = written[:-1]
        else:
            break
    return written
