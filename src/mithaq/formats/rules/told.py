"""What rules say of themselves, said as STIX does: levels, techniques, references, dates."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TypeAlias

from mithaq.clock import text as instant_text
from mithaq.errors import InputError
from mithaq.model.canonical import Json
from mithaq.model.kinds import URL
from mithaq.model.labels import pap, tlp
from mithaq.model.markings import pap_id, tlp_id

Body: TypeAlias = dict[str, Json]

_TECHNIQUE = re.compile(r"(?:TA|DET|AN|DC|DS|[TGSCM])[0-9]{4}(?:\.[0-9]{3})?", re.IGNORECASE)
_CVE = re.compile(r"(?:CVE-)?([0-9]{4})[.-]((?:0[0-9]{3}|[1-9][0-9]{3,18}))", re.IGNORECASE)
_LEVEL = re.compile(
    r"\bTLP[:.=_ -]{1,3}((?:AMBER[+_ -]?STRICT)|RED|AMBER|GREEN|CLEAR|WHITE)\b", re.IGNORECASE
)
_DAY = re.compile(r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")


class BadRule(InputError):
    """A rule that cannot be taken; ``code`` is its language and the fact ``cause``."""

    def __init__(self, language: str, says: str, *, cause: str) -> None:
        """Say what is wrong with it."""
        super().__init__(says, cause=cause)
        self.code = f"{language}-{cause}"


def level(written: str) -> list[str]:
    """Return the marking that a tag of TLP or PAP means; none if it is neither.

    Raises:
        InputError: it is one of these, and nobody knows such a level.
    """
    low = written.strip().lower()
    if low.startswith("tlp"):
        return [tlp_id(tlp(low[3:].lstrip(":.-_ ")))]
    if low.startswith("pap"):
        return [pap_id(pap(low[3:].lstrip(":.-_ ")))]
    return []


def levels(written: str) -> list[str]:
    """Return the markings of all levels of TLP that a text names, as comments and licences do."""
    names = (re.sub(r"(?i)amber.?strict", "amber+strict", each) for each in _LEVEL.findall(written))
    return [tlp_id(tlp(each)) for each in names]


def technique(written: str) -> Body | None:
    """Return the reference to what ATT&CK knows by a number: T1105, g0016."""
    if not _TECHNIQUE.fullmatch(written):
        return None
    return {"source_name": "mitre-attack", "external_id": written.upper()}


def vulnerability(written: str) -> Body | None:
    """Return the reference to a CVE: 2021-44228, cve.2021.44228."""
    found = _CVE.fullmatch(written)
    return found and {"source_name": "cve", "external_id": f"CVE-{found[1]}-{found[2]}"}


def reference(source: str, written: str) -> Body:
    """Return the reference to something that is a URL, or a text that says where it is told of."""
    where = "url" if URL.holds(written) else "description"
    return {"source_name": source, where: written}


def day(written: str) -> str:
    """Return the first moment of a day as rules write it; empty if it is none."""
    found = _DAY.match(written.strip())
    try:
        at = date(*map(int, found.groups())) if found else None
    except ValueError:
        return ""
    return "" if at is None else instant_text(datetime(at.year, at.month, at.day, tzinfo=UTC))


def put(body: Body, name: str, some: Sequence[Json]) -> None:
    """Put a list that is not empty, of each thing once, under a name."""
    once = [*{repr(each): each for each in some}.values()]
    if once:
        body[name] = once
