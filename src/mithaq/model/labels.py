"""TLP 2.0, PAP and the caveats beside them: what a label says, and how two labels join.

Sources: FIRST TLP 2.0; the PAP taxonomy; border.md section 2.1. The owner, also part of a label there, is
not kept here: bytes only claim an owner, the store knows who vouched for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from mithaq.errors import InputError
from mithaq.model.canonical import Json


class Tlp(IntEnum):
    """TLP 2.0 in order of restriction."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    def __str__(self) -> str:
        """Write the level as TLP 2.0 does, without the prefix: ``AMBER+STRICT``."""
        return self.name.replace("_", "+")


class Pap(IntEnum):
    """The Permissible Actions Protocol in order of restriction."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    RED = 3

    def __str__(self) -> str:
        """Write the level without the prefix."""
        return self.name


_TLP_NAMES = {str(level): level for level in Tlp} | {"WHITE": Tlp.CLEAR}
_PAP_NAMES = {str(level): level for level in Pap} | {"WHITE": Pap.CLEAR}


def tlp(written: str) -> Tlp:
    """Read a TLP level as people and tools write it (``TLP:AMBER+STRICT``, ``amber-strict``); WHITE is CLEAR.

    Raises:
        InputError: it is none.
    """
    name = written.strip().upper().removeprefix("TLP:").strip()
    for separator in ("-", "_", " "):
        name = name.replace(separator, "+")
    if name not in _TLP_NAMES:
        known = ", ".join(map(str, Tlp))
        raise InputError(f"no TLP level; known are {known}", cause="tlp")
    return _TLP_NAMES[name]


def pap(written: str) -> Pap:
    """Read a PAP level; WHITE is CLEAR.

    Raises:
        InputError: it is none.
    """
    name = written.strip().upper().removeprefix("PAP:").strip()
    if name not in _PAP_NAMES:
        raise InputError(f"no PAP level; known are {', '.join(map(str, Pap))}", cause="pap")
    return _PAP_NAMES[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What restricts an object, or a path in it; a bounded join semilattice with ``Label()`` at its foot."""

    tlp: Tlp | None = None  # None: no TLP on it
    pap: Pap = Pap.CLEAR  # no PAP is PAP CLEAR
    releasable_to: frozenset[str] | None = None  # parties or countries; None: not limited
    originator_control: bool = False
    embargo: str | None = None  # instant with ms: nothing leaves before
    expiry: str | None = None  # instant with ms: nothing leaves from then on
    purposes: frozenset[str] | None = None  # None: not limited
    unresolved: frozenset[str] = frozenset()  # marking ids nobody can read: most restrictive


FOOT = Label()


def join(*labels: Label) -> Label:
    """Return the least label at least as strict as each of ``labels`` in every respect.

    The places two labels name in ``releasable_to`` are met as they are written; a country on one side and
    its party on the other meet in nothing, which errs towards withholding.
    """
    given = [label for label in labels if label is not FOOT and label != FOOT]
    if len(given) <= 1:
        return given[0] if given else FOOT
    return Label(
        tlp=max((label.tlp for label in given if label.tlp is not None), default=None),
        pap=max((label.pap for label in given), default=Pap.CLEAR),
        releasable_to=_common(label.releasable_to for label in given),
        originator_control=any(label.originator_control for label in given),
        embargo=max((label.embargo for label in given if label.embargo is not None), default=None),
        expiry=min((label.expiry for label in given if label.expiry is not None), default=None),
        purposes=_common(label.purposes for label in given),
        unresolved=frozenset().union(*(label.unresolved for label in given)),
    )


def _common(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Return what all of ``sets`` hold, where None holds everything."""
    limits = [places for places in sets if places is not None]
    return frozenset.intersection(*limits) if limits else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands beside an object's bytes: given on import, a source's terms, a local raise."""

    tlp: Tlp | None = None
    pap: Pap | None = None
    releasable_to: frozenset[str] | None = None
    originator_control: bool = False
    embargo: str | None = None
    expiry: str | None = None
    purposes: frozenset[str] | None = None

    @property
    def label(self) -> Label:
        """The label it puts on the object."""
        return Label(
            tlp=self.tlp,
            pap=Pap.CLEAR if self.pap is None else self.pap,
            releasable_to=self.releasable_to,
            originator_control=self.originator_control,
            embargo=self.embargo,
            expiry=self.expiry,
            purposes=self.purposes,
        )

    def to_json(self) -> dict[str, Json]:
        """Return the form the store keeps: what is not set is left out, sets are sorted."""
        body: dict[str, Json] = {}
        if self.tlp is not None:
            body["tlp"] = str(self.tlp)
        if self.pap is not None:
            body["pap"] = str(self.pap)
        if self.originator_control:
            body["originator_control"] = True
        for name, places in (
            ("releasable_to", self.releasable_to),
            ("purposes", self.purposes),
        ):
            if places is not None:
                body[name] = [*sorted(places)]
        instants = {"embargo": self.embargo, "expiry": self.expiry}
        body |= {name: instant for name, instant in instants.items() if instant is not None}
        return body


_BESIDE = frozenset(
    {
        "tlp",
        "pap",
        "releasable_to",
        "originator_control",
        "embargo",
        "expiry",
        "purposes",
    }
)


def beside(body: Mapping[str, Json]) -> Beside:
    """Read what ``Beside.to_json`` wrote.

    Raises:
        InputError: an unknown field, or a value of the wrong shape; a caveat is never lost in silence.
    """
    for name in body:
        if name not in _BESIDE:
            raise InputError("an unknown field beside an object", where=f"/{name}")
    level, action = _text(body, "tlp"), _text(body, "pap")
    return Beside(
        tlp=None if level is None else tlp(level),
        pap=None if action is None else pap(action),
        releasable_to=_places(body, "releasable_to"),
        originator_control=_flag(body, "originator_control"),
        embargo=_text(body, "embargo"),
        expiry=_text(body, "expiry"),
        purposes=_places(body, "purposes"),
    )


def _text(body: Mapping[str, Json], name: str) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InputError("must be a text", where=f"/{name}")


def _flag(body: Mapping[str, Json], name: str) -> bool:
    value = body.get(name, False)
    if isinstance(value, bool):
        return value
    raise InputError("must be true or false", where=f"/{name}")


def _places(body: Mapping[str, Json], name: str) -> frozenset[str] | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return frozenset(str(item) for item in value)
    raise InputError("must be a list of texts", where=f"/{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """How much a person may read: up to ``tlp``; RED only as one of the ``readers`` named for an object."""

    tlp: Tlp = Tlp.CLEAR
    readers: frozenset[str] = frozenset()  # reader ids this person is bound to
    groups: frozenset[str] = frozenset()  # need-to-know groups and drill cells
