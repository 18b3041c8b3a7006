"""What the cells of a list say: values by their form, and what is told of them."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from mithaq.clock import text as instant_text
from mithaq.errors import InputError
from mithaq.formats.lists.words import BadEntry
from mithaq.model import values
from mithaq.model.canonical import Json
from mithaq.model.labels import tlp
from mithaq.model.markings import tlp_id
from mithaq.model.values import Value

_NO = frozenset({"0", "no", "false", "?"})  # the last: nobody has decided
_SURE = {"low": 15, "medium": 50, "high": 85}  # STIX 2.1 appendix A, the middles
_MOST_SURE = 100
TOLD = "description"
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,64}")
_LINK = re.compile(r"https?://\S+")
# As hosts files and advertisement blockers write a domain.
BLOCKED = re.compile(
    r"(?:(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+([^\s^#/]+)|\|\|([^\s^#/$]+)\^?(?:\$\S*)?)\s*(?:#.*)?"
)
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:[-/]?[0-9]{2}){2}(?![0-9])")
_EPOCH = re.compile(r"1[0-9]{9}")  # seconds, of this century
Body: TypeAlias = dict[str, Json]
Writer: TypeAlias = Callable[[Body, str], None]


def value_of(written: str, kind: str) -> Value:
    """Return the value of a cell, of a kind or told by its form.

    Raises:
        InputError: it is none, or nothing says of what kind it is.
    """
    if kind:
        return values.of_kind(kind, written)
    found = values.recognised(written) or _blocked(written)
    if found is not None:
        return found
    if _HEX.fullmatch(written):
        raise BadEntry("a hash, and nothing says of what kind: give it with --kind", cause="hash")
    raise BadEntry("no address, domain, URL or mail address", cause="form")


def _blocked(written: str) -> Value | None:
    found = BLOCKED.fullmatch(written)
    known = values.recognised(found[1] or found[2]) if found is not None else None
    return None if known is None or (found and found[1] and known.kind != "domain") else known


def is_value(written: str) -> bool:
    """Say whether a text is a value by its form, or a domain as those write it who block it."""
    return values.recognised(written) is not None or BLOCKED.fullmatch(written) is not None


def looks(written: str) -> bool:
    """Say whether a text looks like a value or a hash."""
    return _HEX.fullmatch(written) is not None or is_value(written)


def say(body: Body, told: str) -> None:
    """Add a line to what is told."""
    body[TOLD] = f"{body[TOLD]}\n{told}" if TOLD in body else told


def _labels(body: Body, written: str) -> None:
    """Take tags; one of TLP is a marking."""
    marks = [each.strip(" \"'[]") for each in re.split(r"[,;|]", written)]
    for mark in marks:
        if mark[:4].lower() == "tlp:":
            _tlp(body, mark)
    borne = body.get("labels")
    tags = [m for m in marks if m and m[:4].lower() != "tlp:"]
    if tags:
        body["labels"] = [*dict.fromkeys([*(borne if isinstance(borne, list) else ()), *tags])]


def _tlp(body: Body, written: str) -> None:
    try:
        marking = tlp_id(tlp(written))
    except InputError as error:
        raise BadEntry(str(error), cause="tlp") from None
    borne = body.setdefault("object_marking_refs", [])
    if isinstance(borne, list) and marking not in borne:
        borne.append(marking)


def _since(body: Body, written: str) -> None:
    """Take a date, in UTC unless it says another; one that is not understood is told as it stands."""
    instant = _instant(written)
    if instant is None:
        say(body, f"since: {written}")
    else:
        body["valid_from"] = instant_text(instant)


def _instant(written: str) -> datetime | None:
    if _EPOCH.fullmatch(written):
        return datetime.fromtimestamp(int(written), UTC)
    if not _DATE.match(written):
        return None
    try:
        instant = datetime.fromisoformat(written.removesuffix("UTC").strip().replace("/", "-"))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _confidence(body: Body, written: str) -> None:
    """Take how sure a source is; what is not understood is told as it stands."""
    number = written.removesuffix("%")
    plain = number.isascii() and number.isdecimal() and len(number) <= len(str(_MOST_SURE))
    sure = int(number) if plain else _SURE.get(written.casefold(), _MOST_SURE + 1)
    if sure > _MOST_SURE:
        say(body, f"confidence: {written}")
    else:
        body["confidence"] = sure


def _reference(body: Body, written: str) -> None:
    known = values.refanged(written)
    where = "url" if _LINK.fullmatch(known) else "description"
    body["external_references"] = [{"source_name": "list", where: known}]


def _detects(_body: Body, written: str) -> None:
    if written.casefold() in _NO:
        raise BadEntry("its source says that nothing is to be detected by it", cause="context")


WRITERS: Mapping[str, Writer] = {
    "name": lambda body, written: body.update(name=written),
    "description": say,
    "labels": _labels,
    "since": _since,
    "confidence": _confidence,
    "tlp": _tlp,
    "reference": _reference,
    "detects": _detects,
}
