"""Pure decisions of the pillar: in which order objects come in, and how caveats are written by people."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.formats import Layout
from mithaq.formats.lists import ROLES
from mithaq.model.labels import Beside, Tlp, pap, tlp
from mithaq.model.markings import FIXED
from mithaq.model.objects import Body, Object
from mithaq.model.values import KINDS

UNREADABLE = "TLP:RED?"  # a marking nobody here can read counts as the strictest
# Objects added in one transaction. What they are found by comes in no order: each writes pages of three indexes, which
# more of them share; but while they are added nobody else writes, for a second or so.
UNIT = 16_000
LINES = 32_000  # as above, of what takes less: an indicator from a line of a list
_LINE = 100  # characters of a text that stands for a name
_FIRST = {"marking-definition": 0, "identity": 1}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveats:
    """What a person gives along with objects, as they write it; empty: nothing."""

    tlp: str = ""
    pap: str = ""
    releasable_to: str = ""  # parties or countries, comma-separated
    embargo: str = ""  # instants or dates
    expiry: str = ""
    originator_control: bool = False
    purpose: str = ""  # comma-separated


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a search is narrowed by, as a person writes it; empty: nothing."""

    type: str = ""
    source: str = ""  # with its kind before it or without
    marking: str = ""  # TLP
    agreement: str = ""
    labels: Sequence[str] = ()  # all of them
    technique: str = ""  # of ATT&CK: its number, or its name
    country: str = ""  # its two letters
    sector: str = ""  # of the industry
    since: str = ""  # instants or dates
    until: str = ""
    confidence: int | None = None  # at least
    revoked: bool | None = None


def caveats(given: Caveats) -> Beside:
    """Read caveats as they are written; a date alone is its first moment, in UTC.

    Raises:
        InputError: a level or an instant is none.
    """
    return Beside(
        tlp=tlp(given.tlp) if given.tlp else None,
        pap=pap(given.pap) if given.pap else None,
        releasable_to=_names(given.releasable_to),
        originator_control=given.originator_control,
        embargo=instant(given.embargo),
        expiry=instant(given.expiry),
        purposes=_names(given.purpose),
    )


def layout(kind: str, columns: Sequence[str]) -> Layout:
    """Read how a list is laid out: the kind of its values, and ``ROLE=COLUMN`` pairs.

    Raises:
        InputError: a kind or a role is none, or a pair is not of that form.
    """
    if kind and kind not in KINDS:
        raise InputError(f"no kind of value {kind!r}; known are {', '.join(KINDS)}", cause="kind")
    found: dict[str, str] = {}
    for each in columns:
        role, equals, column = each.partition("=")
        if not equals or not column or role not in ROLES:
            known = ", ".join(ROLES)
            raise InputError(f"a column is written ROLE=COLUMN; roles are {known}", cause="column")
        found[role] = column
    return Layout(columns=found, kind=kind)


def readers(written: Sequence[str]) -> dict[str, list[str]]:
    """Read ``PARTY:ID`` pairs: the persons a TLP:RED object is for (border.md 2.4).

    Raises:
        InputError: one is not of that form.
    """
    found: dict[str, list[str]] = {}
    for each in written:
        party, colon, id_ = each.partition(":")
        if not colon or not party or not id_:
            raise InputError(f"a reader is written PARTY:ID, not {each!r}", cause="reader")
        found.setdefault(party, []).append(id_)
    return found


def in_order(objects: Iterable[Object]) -> list[Object]:
    """Return objects with markings and identities first, so that what names them finds them."""
    return sorted(objects, key=lambda each: _FIRST.get(each.type, 2))


def parts(many: Sequence[_T], size: int = UNIT) -> Iterator[Sequence[_T]]:
    """Yield ``many`` in parts of at most ``size``."""
    for start in range(0, len(many), size):
        yield many[start : start + size]


def _names(written: str) -> frozenset[str] | None:
    names = frozenset(name.strip() for name in written.split(",") if name.strip())
    return names or None


def instant(written: str) -> str | None:
    """Read an instant; a date alone is its first moment, in UTC.

    Raises:
        InputError: it is none.
    """
    if not written:
        return None
    whole = written if "T" in written.upper() else f"{written}T00:00:00Z"
    return text(parse(whole))


def marking(copy_body: Body, beside: Beside, level: int) -> str:
    """Return the TLP label that readers are shown; empty if there is none on the object or beside it."""
    refs = copy_body.get("object_marking_refs")
    return _marking(tuple(map(str, refs)) if isinstance(refs, list) else (), beside, level)


def level(number: int) -> str:
    """Return the TLP label that a level is written as; what nobody here can read counts as the strictest."""
    return f"TLP:{Tlp(number)}" if number in set(Tlp) else UNREADABLE


@lru_cache(maxsize=1024)  # of an import, most are marked alike
def _marking(refs: tuple[str, ...], beside: Beside, level: int) -> str:
    borne = [FIXED[ref].label.tlp for ref in refs if ref in FIXED]
    marked = beside.tlp is not None or any(one is not None for one in borne)
    if level not in set(Tlp):
        return UNREADABLE
    return f"TLP:{Tlp(level)}" if marked or level > Tlp.AMBER else ""


def _translated_title(body: Body) -> str:
    """Return what an object is called in another language."""
    contents = body.get("contents")
    said = contents.values() if isinstance(contents, dict) else ()
    return next(filter(None, (title(each) for each in said if isinstance(each, dict))), "")


def title(body: Body) -> str:
    """Return what people call an object: its name or value, else what it says in short."""
    if body.get("type") == "language-content":
        return _translated_title(body)
    for name in (
        "name",
        "value",
        "relationship_type",
        "abstract",
        "opinion",
        "pattern",
        "path",
        "key",
        "content",
    ):
        value = body.get(name)
        if isinstance(value, str) and value:
            short = name != "content" or len(value) <= _LINE
            return value if short else f"{value[:_LINE]}…"
    return ""
