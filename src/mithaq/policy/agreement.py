"""Agreement of Clauses: the document that nations sign and the software enforces (border.md 3)."""

import tomllib
from collections.abc import Mapping
from typing import Literal

import msgspec

from mithaq.errors import InputError
from mithaq.model.canonical import GateRefused, Json, canonical, digest, parse
from mithaq.model.labels import Pap, Tlp, pap, tlp

Slug = str
Kind = Literal["bilateral", "forum", "grant"]


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
    purposes: list[str] = msgspec.field(default_factory=lambda: ["defence"])
    releasable_to: list[str] = []  # parties or countries; empty: the agreement's parties
    onward: Literal["none", "scope", "open"] = "none"
    keep: dict[str, list[str]] = {}  # type -> properties kept; a type not listed is not cut
    attribution: Literal["withhold", "hold", "release"] = "hold"
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
    """Read a document in TOML or JSON.

    Raises:
        InvalidAgreement: the message names the path and what is wrong.
    """
    agreement = _convert(_parsed(raw))
    for path, fault in _faults(agreement):
        raise InvalidAgreement(f"{path}: {fault}", where=path)
    return agreement


def to_bytes(agreement: Agreement) -> bytes:
    """Return the exact bytes that parties sign: RFC 8785 of the document."""
    return canonical(msgspec.to_builtins(agreement))


def digest_of(agreement: Agreement) -> str:
    """Return the digest of the exact bytes."""
    return digest(to_bytes(agreement))


def schema() -> Mapping[str, Json]:
    """Return the JSON Schema of the document."""
    built: dict[str, Json] = msgspec.json.schema(Agreement)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mithaq agreement",
        **built,
    }


def _parsed(raw: bytes) -> Json:
    if raw.lstrip()[:1] == b"{":
        try:
            return parse(raw)
        except GateRefused as error:
            raise InvalidAgreement(f"not strict JSON: {error}") from error
    try:
        value: Json = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidAgreement(f"neither JSON nor TOML: {error}") from error
    return value


def _convert(value: Json) -> Agreement:
    try:
        return msgspec.convert(value, Agreement)
    except msgspec.ValidationError as error:
        raise InvalidAgreement(str(error)) from error


def level(clause: Clause) -> Tlp:
    """Return the highest TLP up to AMBER that ``clause`` permits unnamed."""
    return tlp(clause.max_tlp)


def named(clause: Clause) -> frozenset[Tlp]:
    """Return the levels above AMBER that ``clause`` names."""
    return frozenset(tlp(name) for name in clause.named_levels)


def action_level(clause: Clause) -> Pap:
    """Return the highest PAP that ``clause`` permits."""
    return pap(clause.max_pap)


def _faults(agreement: Agreement) -> list[tuple[str, str]]:
    """Return (path, fault) of everything that types alone do not forbid."""
    found: list[tuple[str, str]] = []
    names = agreement.names
    if len(set(names)) != len(names):
        found.append(("$.parties", "a party stands twice"))
    many = {"bilateral": 2, "grant": 2}.get(agreement.kind)
    if (many is not None and len(names) != many) or len(names) < 2:  # noqa: PLR2004
        found.append(
            (
                "$.parties",
                f"{agreement.kind} agreements need {many or 'two or more'} parties",
            )
        )
    if agreement.version < 1:
        found.append(("$.version", "must be 1 or more"))
    if not agreement.clauses:
        found.append(("$.clauses", "at least one clause, or nothing may ever pass"))
    if len({clause.id for clause in agreement.clauses}) != len(agreement.clauses):
        found.append(("$.clauses", "two clauses share an id; reasons cite clauses by id"))
    found += [
        (path, "no instant like 2026-01-31T00:00:00.000Z") for path in _bad_instants(agreement)
    ]
    for index, clause in enumerate(agreement.clauses):
        found += [
            (f"$.clauses[{index}].{key}", fault) for key, fault in _clause_faults(clause, names)
        ]
    return found


def _clause_faults(clause: Clause, names: tuple[str, ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        if level(clause) > Tlp.AMBER:
            found.append(("max_tlp", "goes to AMBER at most; name higher levels in named_levels"))
        if named(clause) - {Tlp.AMBER_STRICT, Tlp.RED}:
            found.append(("named_levels", "holds AMBER+STRICT and RED only"))
        action_level(clause)
    except InputError as error:
        found.append(("max_tlp", str(error)))
    if not clause.kinds:
        found.append(("kinds", "a clause without kinds permits nothing"))
    if not clause.purposes:
        found.append(("purposes", "a clause without purposes permits nothing"))
    for key, side in (
        ("direction.from", clause.direction.sender),
        ("direction.to", clause.direction.to),
    ):
        found += [
            (key, f"{name!r} is no party") for name in side if side != "*" and name not in names
        ]
    return found


def _bad_instants(agreement: Agreement) -> list[str]:
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
    return [path for path, written in places.items() if not _is_instant(path, written)]


def _is_instant(path: str, written: str) -> bool:
    if not written:
        return path != "$.start"
    parts = "dddd-dd-ddTdd:dd:dd.dddZ"
    return len(written) == len(parts) and all(
        c.isascii() and c.isdigit() if p == "d" else c == p
        for c, p in zip(written, parts, strict=True)
    )
