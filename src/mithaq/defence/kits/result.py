"""What a constituent's hunt came to, as it is sent back: counts and times by line and day, and nothing else. Pure.

The form has no field for a name of a machine, a person, a file or a value of an event, so none can be in it. It is
encrypted (HPKE, RFC 9180) to a key that the kit names and only the node that made it has, for it goes by mail. Who
wrote it is not proved: everybody who has the kit can write one. A person takes it, and judges what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from mithaq.clock import parse
from mithaq.defence.kits.pack import Kit, Manifest
from mithaq.errors import InputError
from mithaq.seal.messages import BadMessage, Digest, Instant, Message, Name, Size, decode, encode

MOST: Final = 16 << 20  # bytes
MOST_ROWS: Final = 100_000
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_INFO: Final = b"mithaq hunt kit result 1 "
_SKEW: Final = timedelta(days=1)
_BEFORE: Final = 3650  # days: older logs than that are no news

_Count = Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
_Day = Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")]
_Place = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_/.-]{1,64}\Z")]
_Version = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z.+-]{1,32}\Z")]
_MOST_SITE = 999


class BadResult(InputError):
    """A file that is no result, or not one of that kit; fact ``cause`` says which."""

    code = "bad-kit-result"


class Row(Message, frozen=True, kw_only=True):
    """What one line of the kit found on one day; times are empty where no event said one."""

    line: Annotated[int, msgspec.Meta(ge=1)]
    day: _Day
    count: _Count
    first: Instant | None = None
    last: Instant | None = None


class Result(Message, frozen=True, kw_only=True):
    """All that is said."""

    kit: Digest  # of its manifest
    site: Annotated[int, msgspec.Meta(ge=0, le=_MOST_SITE)] = 0  # of several of one constituent
    at: Instant
    mithaq: _Version
    events: Size  # that were read
    refused: Size  # lines and files that were not
    left: Size  # lines of the kit that could not be looked for
    sources: dict[_Place, Size]  # events by log source, in the words of this list alone
    struck: Size = 0  # rows that the constituent took out
    rows: list[Row]


class _Sealed(Message, frozen=True, kw_only=True):
    name: Name  # of the kit
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The kit that a result is to be of, as the node that made it knows it."""

    digest: str
    lines: int
    made: str


def public(secret: bytes) -> bytes:
    """Return the key that results are encrypted to, of 32 secret bytes."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def sealed(result: Result, manifest: Manifest) -> bytes:
    """Return a result as the file that is sent."""
    key = X25519PublicKey.from_public_bytes(manifest.seal)
    body = _SUITE.encrypt(encode(result), key, _INFO + manifest.name.encode())
    return encode(_Sealed(name=manifest.name, sealed=body))


def name_in(raw: bytes) -> str:
    """Return the name of the kit that a result says to be of.

    Raises:
        BadResult: it is no result.
    """
    return _outer(raw).name


def unsealed(raw: bytes, secret: bytes, asked: Asked, now: datetime) -> Result:
    """Read a result, which whoever has the kit may have written.

    Raises:
        BadResult: it is none of this kit, or says what no result says.
    """
    outer = _outer(raw)
    key = X25519PrivateKey.from_private_bytes(secret)
    try:
        body = _SUITE.decrypt(outer.sealed, key, _INFO + outer.name.encode())
    except (InvalidTag, ValueError) as error:
        raise BadResult("it was altered, or is for another node", cause="seal") from error
    try:
        result = decode(body, Result)
    except BadMessage as error:
        raise BadResult("it says what no result says", cause="form") from error
    if result.kit != asked.digest:
        raise BadResult("it is of another kit", cause="kit")
    _check(result, asked, now)
    return result


def _outer(raw: bytes) -> _Sealed:
    if len(raw) > MOST:
        raise BadResult("a result is not as long as that", cause="size")
    try:
        return decode(raw, _Sealed)
    except BadMessage as error:
        raise BadResult("it is no result of a hunt kit", cause="form") from error


def _check(result: Result, asked: Asked, now: datetime) -> None:
    """Hold each row against the kit and the calendar."""
    if len(result.rows) > MOST_ROWS or len(result.sources) > MOST_ROWS:
        raise BadResult("it says more than a result does", cause="size")
    if len({(row.line, row.day) for row in result.rows}) != len(result.rows):
        raise BadResult("it says one thing twice", cause="rows")
    if any(row.line > asked.lines for row in result.rows):
        raise BadResult("it names a line that is not in the kit", cause="line")
    newest, oldest = now + _SKEW, _instant(asked.made) - timedelta(days=_BEFORE)
    days = [row.day for row in result.rows if row.day]
    if _instant(result.at) > newest or not all(
        oldest <= _instant(f"{day}T00:00:00Z") <= newest for day in days
    ):
        raise BadResult("it names a day that cannot be", cause="day")
    for row in result.rows:
        _in_order(row)


def _instant(written: str) -> datetime:
    try:
        return parse(written)
    except InputError as error:
        raise BadResult("it names a day that cannot be", cause="day") from error


def _in_order(row: Row) -> None:
    """Hold the times of a row against its day."""
    both = [row.first, row.last]
    said = [each for each in both if each]
    if len(said) == 1 or (row.day == "") != (not said):
        raise BadResult("its times and days do not fit", cause="times")
    if said and (said != sorted(said) or any(each[:10] != row.day for each in said)):
        raise BadResult("its times and days do not fit", cause="times")
    for each in said:
        _instant(each)


def without(result: Result, struck: Sequence[int]) -> Result:
    """Return a result without what some lines of the kit found."""
    rows = [row for row in result.rows if row.line not in set(struck)]
    return msgspec.structs.replace(
        result, rows=rows, struck=result.struck + len(result.rows) - len(rows)
    )


def of_kit(kit: Kit) -> Asked:
    """Return a kit as results are held against it."""
    return Asked(digest=kit.digest, lines=len(kit.lines), made=kit.manifest.made)
