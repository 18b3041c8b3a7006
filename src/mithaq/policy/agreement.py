"""Agreement of Clauses: the document that nations sign and the software enforces (border.md 3)."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from mithaq.countries import is_country
from mithaq.errors import InputError
from mithaq.model.canonical import GateRefused, Json, canonical, digest, parse
from mithaq.model.ids import NAME
from mithaq.model.kinds import is_timestamp
from mithaq.model.labels import Pap, Tlp, pap, tlp

Slug = str
_NO_NAME = "holds letters, digits, '.', '_' and '-' only, 128 at most"
_PLACE = re.compile(r" at `([^`]*)`")  # as msgspec writes it
_MOST_TOML = 1 << 20  # bytes
_MOST_DOTS = 500  # the reader of TOML takes the square of the parts of a dotted key
_LONG = len("2031-01-31T00:00:00.000Z")
_TWO = 2
Kind = Literal["bilateral", "forum", "grant"]
Use = Literal["defensive-only"]
DEFENSIVE: Use = "defensive-only"  # what every text says, and none can leave out
DEFENCE = "defence"  # the purpose of a release for which none is named
JUDICIAL = "judicial"  # only where a clause names it, with the article that it rests on
PURPOSES = (DEFENCE, "response", "warning", "research", "exercise", JUDICIAL)  # there are no others


class InvalidAgreement(InputError):
    """The document is no agreement; the message names the path and what is wrong there."""

    code = "invalid-agreement"


class _Part(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What the parts of an agreement share: exact keys, no others."""


class Party(_Part, frozen=True, kw_only=True):
    """An organisation of a country; a country may have several."""

    name: Slug  # the same in every agreement and on every node
    country: str  # ISO 3166-1 alpha-2, or user-assigned
    organisation: str
    role: Literal["national-csirt", "military-cert", "ministry", "sector-team", "client"] = (
        "national-csirt"
    )
    joined: str = ""  # instant, for a member that came later


class Basis(_Part, frozen=True, kw_only=True):
    """The legal instrument that the agreement rests on."""

    title: str
    article: str = ""
    signatory: str = ""
    digest: str = ""  # of the document's file


class Direction(_Part, frozen=True, kw_only=True):
    """From whom to whom; ``*`` is every party."""

    sender: list[Slug] | Literal["*"] = msgspec.field(name="from", default="*")
    to: list[Slug] | Literal["*"] = "*"


class Duty(_Part, frozen=True, kw_only=True):
    """Something the receiver owes."""

    kind: Literal["receipt", "feedback", "notify-misuse", "answer"]
    hours: int = 0  # 0: without a term


class Clause(_Part, frozen=True, kw_only=True):
    """What may pass in a direction. Clauses are read in order; the first that permits decides alone."""

    id: str
    direction: Direction = Direction()
    kinds: list[str]  # STIX types; "*" is every type
    max_tlp: str = "GREEN"  # highest up to AMBER
    named_levels: list[str] = []  # AMBER+STRICT and RED only if named here
    max_pap: str = "CLEAR"
    labels_any: list[str] = []
    labels_none: list[str] = []
    sectors_any: list[str] = []
    sectors_none: list[str] = []
    attack_any: list[str] = []  # ATT&CK ids; a technique covers its sub-techniques
    attack_none: list[str] = []
    purposes: list[str] = msgspec.field(default_factory=lambda: [DEFENCE])  # of PURPOSES
    releasable_to: list[str] = []  # parties or countries; empty: the agreement's parties
    onward: Literal["none", "scope", "open"] = "none"
    keep: dict[str, list[str]] = {}  # type -> properties kept; a type not listed is not cut
    attribution: Literal["withhold", "hold", "release"] = "hold"
    sighting_counts: Literal["exact", "coarse"] = "exact"  # how often something was seen
    sighting_times: Literal["day", "exact"] = "day"  # when something was seen
    sighting_places: Literal["nation", "named"] = "nation"  # where: whose word it is, or all named
    embargo: str = ""  # instant before which the clause permits nothing
    expiry: str = ""  # instant from which it permits nothing
    retention_days: int = 0  # how long the receiver may keep it; 0: no limit
    duties: list[Duty] = []
    basis: str = ""  # which article covers this clause

    @property
    def receipt_duty(self) -> bool:
        """Say whether the receiver owes receipts."""
        return any(duty.kind == "receipt" for duty in self.duties)

    def covers(self, sender: str, to: str) -> bool:
        """Say whether the clause is for what ``sender`` sends to ``to``."""
        ours, theirs = self.direction.sender, self.direction.to
        return (ours == "*" or sender in ours) and (theirs == "*" or to in theirs)


class Agreement(_Part, frozen=True, kw_only=True):
    """Parties and clauses, one exact text per version."""

    id: Slug
    version: int
    title: str
    kind: Kind
    use: Use = DEFENSIVE  # written in every text: what is exchanged defends, and does nothing else
    parties: list[Party]
    clauses: list[Clause]
    community: list[Slug] = []  # who may see GREEN passed on; empty: the parties
    start: str
    effective: str = ""  # the instant this version takes over; empty: start
    end: str = ""  # empty: open-ended
    shadow: bool = False  # decides and records everything, lets nothing leave
    history: bool = False
    versions: Literal["all", "latest"] = "all"
    recall: Literal["receipts", "best-effort", "none"] = "receipts"
    recall_names: bool = False  # whether receipts name onward recipients
    compare: bool = False  # parties may compare commitments
    witnesses: list[Slug] = []  # parties that keep the heads of the others' logs
    max_frame_bytes: int = 8 << 20
    basis: Basis | None = None
    notes: str = ""

    def party(self, name: str) -> Party | None:
        """Return the party of that name."""
        return next((party for party in self.parties if party.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The parties' names in the document's order."""
        return tuple(party.name for party in self.parties)

    @property
    def members(self) -> frozenset[str]:
        """The community within which GREEN may be passed on (border.md 2.3)."""
        return frozenset(self.community or self.names)

    @property
    def takes_over(self) -> str:
        """The instant this version takes over."""
        return self.effective or self.start


def read(raw: bytes) -> Agreement:
    """Read a document in TOML or JSON, as people write it.

    Raises:
        InvalidAgreement: the message names the path and what is wrong.
    """
    return _sound(_parsed(raw))


def read_exact(raw: bytes) -> Agreement:
    """Read the JSON that parties sign and send each other.

    Raises:
        InvalidAgreement: as ``read``.
    """
    return _sound(_strict(raw))


def _sound(value: Json) -> Agreement:
    agreement = _convert(value)
    if isinstance(value, dict) and "use" not in value:
        fault = f'every agreement says use = "{DEFENSIVE}"; without it there is none to sign'
        raise InvalidAgreement(f"$.use: {fault}", where="$.use")
    for path, fault in _faults(agreement):
        raise InvalidAgreement(f"{path}: {fault}", where=path)
    return agreement


def to_bytes(agreement: Agreement) -> bytes:
    """Return the exact bytes that parties sign: RFC 8785 of the document, with what it is for."""
    return canonical({**msgspec.to_builtins(agreement), "use": agreement.use})


def digest_of(agreement: Agreement) -> str:
    """Return the digest of the exact bytes."""
    return digest(to_bytes(agreement))


def schema() -> Mapping[str, Json]:
    """Return the JSON Schema of the document.

    By it, no text leaves out what it is for, and no clause names a purpose that there is not.
    """
    built = msgspec.json.schema(Agreement)
    whole, clause = built["$defs"]["Agreement"], built["$defs"]["Clause"]
    whole["required"] = [*whole["required"], "use"]
    clause["properties"]["purposes"] = {
        "type": "array",
        "items": {"enum": [*PURPOSES]},
        "default": [DEFENCE],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mithaq agreement",
        **built,
    }


def _parsed(raw: bytes) -> Json:
    if raw.lstrip()[:1] == b"{":
        return _strict(raw)
    if len(raw) > _MOST_TOML or any(line.count(b".") > _MOST_DOTS for line in raw.split(b"\n")):
        raise InvalidAgreement("longer, or with more dots in a line, than any agreement")
    try:
        value: Json = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also of numbers, and of its own stack
        raise InvalidAgreement(f"neither JSON nor TOML: {error}") from error
    return value


def _strict(raw: bytes) -> Json:
    try:
        return parse(raw)
    except GateRefused as error:
        raise InvalidAgreement(f"not strict JSON: {error}") from error


def _convert(value: Json) -> Agreement:
    try:
        return msgspec.convert(value, Agreement)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        raise InvalidAgreement(str(error), where=place[1] if place else "$") from error


def level(clause: Clause) -> Tlp:
    """Return the highest TLP up to AMBER that ``clause`` permits unnamed."""
    return tlp(clause.max_tlp)


def named(clause: Clause) -> frozenset[Tlp]:
    """Return the levels above AMBER that ``clause`` names."""
    return frozenset(tlp(name) for name in clause.named_levels)


def action_level(clause: Clause) -> Pap:
    """Return the highest PAP that ``clause`` permits."""
    return pap(clause.max_pap)


def _faults(agreement: Agreement) -> Iterator[tuple[str, str]]:
    """Yield (path, fault) of everything that types alone do not forbid."""
    yield from _party_faults(agreement)
    if not NAME.fullmatch(agreement.id):
        yield "$.id", _NO_NAME
    if agreement.version < 1:
        yield "$.version", "must be 1 or more"
    if agreement.max_frame_bytes < 1:
        yield "$.max_frame_bytes", "must be 1 or more"
    if not agreement.clauses:
        yield "$.clauses", "at least one clause, or nothing may ever pass"
    if len({clause.id for clause in agreement.clauses}) != len(agreement.clauses):
        yield "$.clauses", "two clauses share an id; reasons cite clauses by id"
    yield from _instant_faults(agreement)
    for name in agreement.witnesses:
        if name not in agreement.names:
            yield "$.witnesses", f"{name!r} is no party"
    for index, clause in enumerate(agreement.clauses):
        for key, fault in _clause_faults(clause, agreement):
            yield f"$.clauses[{index}].{key}", fault


def _party_faults(agreement: Agreement) -> Iterator[tuple[str, str]]:
    names = agreement.names
    if len(set(names)) != len(names):
        yield "$.parties", "a party stands twice"
    many = agreement.kind == "forum"
    if len(names) < _TWO or (len(names) > _TWO and not many):
        needed = "two or more" if many else "two"
        yield "$.parties", f"{agreement.kind} agreements need {needed} parties"
    for index, party in enumerate(agreement.parties):
        if not NAME.fullmatch(party.name):
            yield f"$.parties[{index}].name", _NO_NAME
        if not is_country(party.country):
            yield (
                f"$.parties[{index}].country",
                "no code of a country (ISO 3166-1: two capital letters)",
            )


def _clause_faults(clause: Clause, agreement: Agreement) -> Iterator[tuple[str, str]]:
    yield from _level_faults(clause)
    yield from _purpose_faults(clause, agreement)
    for key, listed in (("kinds", clause.kinds), ("purposes", clause.purposes)):
        if not listed:
            yield key, f"a clause without {key} permits nothing"
    if clause.retention_days < 0:
        yield "retention_days", "cannot be negative"
    for index, duty in enumerate(clause.duties):
        if duty.hours < 0:
            yield f"duties[{index}].hours", "cannot be negative"
    for key, side in (
        ("direction.from", clause.direction.sender),
        ("direction.to", clause.direction.to),
    ):
        for name in () if side == "*" else side:
            if name not in agreement.names:
                yield key, f"{name!r} is no party"


def _purpose_faults(clause: Clause, agreement: Agreement) -> Iterator[tuple[str, str]]:
    for purpose in sorted({*clause.purposes} - {*PURPOSES}):
        yield "purposes", f"{purpose!r} is none of {', '.join(PURPOSES)}"
    if JUDICIAL in clause.purposes and not (clause.basis or agreement.basis):
        yield "basis", "judicial use rests on an article: say which, here or for the agreement"


def _level_faults(clause: Clause) -> Iterator[tuple[str, str]]:
    try:
        if level(clause) > Tlp.AMBER:
            yield "max_tlp", "goes to AMBER at most; name higher levels in named_levels"
    except InputError as error:
        yield "max_tlp", str(error)
    try:
        if named(clause) - {Tlp.AMBER_STRICT, Tlp.RED}:
            yield "named_levels", "holds AMBER+STRICT and RED only"
    except InputError as error:
        yield "named_levels", str(error)
    try:
        action_level(clause)
    except InputError as error:
        yield "max_pap", str(error)


def _instant_faults(agreement: Agreement) -> Iterator[tuple[str, str]]:
    places = {
        "$.start": agreement.start,
        "$.effective": agreement.effective,
        "$.end": agreement.end,
    }
    for index, party in enumerate(agreement.parties):
        places[f"$.parties[{index}].joined"] = party.joined
    for index, clause in enumerate(agreement.clauses):
        places[f"$.clauses[{index}].embargo"] = clause.embargo
        places[f"$.clauses[{index}].expiry"] = clause.expiry
    for path, written in places.items():
        needed = path == "$.start"
        if (written or needed) and not (len(written) == _LONG and is_timestamp(written)):
            yield path, "no instant like 2031-01-31T00:00:00.000Z"
    if agreement.end and agreement.end <= agreement.start:
        yield "$.end", "stands before the start"
