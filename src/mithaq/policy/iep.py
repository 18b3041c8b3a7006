"""Agreements as FIRST's IEP 2.0 policies and back, as far as they fit; what does not is named, clause by clause.

An IEP policy is what a receiver may do with something; an agreement also says who gives what to whom. So an export
tells a partner's other tools how to handle what comes under a clause, and an import is a draft that people complete.
Neither ever permits more than what it was made from.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from mithaq.clock import parse as instant
from mithaq.clock import text
from mithaq.errors import InputError
from mithaq.model.canonical import Json, parse
from mithaq.policy.agreement import (
    Agreement,
    Basis,
    Clause,
    Direction,
    Party,
    action_level,
    digest_of,
    level,
)

Actions = Literal[
    "none", "contact-for-instruction", "internally-visible-actions",
    "externally-visible-indirect-actions", "externally-visible-direct-actions",
]  # fmt: skip
_ACTIONS: dict[str, Actions] = {
    "RED": "none",
    "AMBER": "internally-visible-actions",
    "GREEN": "externally-visible-indirect-actions",
    "CLEAR": "externally-visible-direct-actions",
}
_PAP = {actions: pap for pap, actions in _ACTIONS.items()} | {"contact-for-instruction": "RED"}
_TLP: dict[str, Literal["amber", "green", "white"]] = {
    "AMBER": "amber",
    "GREEN": "green",
    "CLEAR": "white",
}
_OURS = uuid.UUID(
    "5b0c9a54-6a3f-4c55-9f1e-0d8f3c1f7a21"
)  # the names that our policies' ids are made in
_PLAIN = Clause(id="", kinds=["*"])


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One IEP 2.0 policy; its field names are FIRST's."""

    id: str
    name: str
    description: str = ""
    iep_version: float = 2.0
    start_date: str | None = None
    end_date: str | None = None
    encrypt_in_transit: Literal["must", "may"] = "may"
    permitted_actions: Actions
    affected_party_notifications: Literal["may", "must-not"] = "must-not"
    tlp: Literal["red", "amber", "green", "white"]
    attribution: Literal["may", "must", "must-not"] = "must-not"
    unmodified_resale: Literal["may", "must-not"] = "must-not"
    external_reference: str | None = None


class BadPolicy(InputError):
    """The file is no IEP 2.0 policy, nor a list of them."""

    code = "bad-iep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Something that the other form cannot say; it was left out."""

    clause: str  # empty: of the agreement as a whole
    field: str
    value: str


def export(agreement: Agreement) -> tuple[list[Policy], list[Unfit]]:
    """Return a policy for each clause, and what no policy says."""
    policies = [_policy(agreement, clause) for clause in agreement.clauses]
    unfit = list(_unfit_whole(agreement))
    for clause in agreement.clauses:
        unfit += _unfit_clause(clause)
    return policies, unfit


def to_bytes(policies: Sequence[Policy]) -> bytes:
    """Return the policies as a JSON file: a list of them."""
    return msgspec.json.format(msgspec.json.encode(list(policies)), indent=1)


def _policy(agreement: Agreement, clause: Clause) -> Policy:
    ends = sorted(filter(None, (agreement.end, clause.expiry)))
    return Policy(
        id=str(uuid.uuid5(_OURS, f"{digest_of(agreement)} {clause.id}")),
        name=clause.id,
        description=" ".join(filter(None, (agreement.title, clause.basis))),
        start_date=max(agreement.takes_over, clause.embargo),
        end_date=ends[0] if ends else None,
        permitted_actions=_ACTIONS[str(action_level(clause))],
        tlp=_TLP[str(level(clause))],
        external_reference=agreement.basis.title if agreement.basis else None,
    )


def _unfit_whole(agreement: Agreement) -> Iterator[Unfit]:
    yield Unfit(clause="", field="parties", value=", ".join(agreement.names))
    # These say which text it is, or are in its policies.
    kept = {
        "id", "version", "title", "kind", "parties", "clauses", "start", "effective", "end", "basis",
    }  # fmt: skip
    for field in msgspec.structs.fields(Agreement):
        value = getattr(agreement, field.name)
        if field.name not in kept and value and value != field.default:
            yield Unfit(clause="", field=field.name, value=_said(value))
    if agreement.basis and agreement.basis != Basis(title=agreement.basis.title):
        yield Unfit(clause="", field="basis", value=_said(agreement.basis))


def _unfit_clause(clause: Clause) -> Iterator[Unfit]:
    kept = {"id", "max_tlp", "max_pap", "embargo", "expiry", "basis"}
    for field in msgspec.structs.fields(Clause):
        value = getattr(clause, field.name)
        if field.name not in kept and value != getattr(_PLAIN, field.name):
            yield Unfit(clause=clause.id, field=field.name, value=_said(value))


def _said(value: object) -> str:
    match value:
        case Direction():
            return f"{_said(value.sender)} > {_said(value.to)}"
        case list():
            return ", ".join(_said(each) for each in value)
        case dict():
            return "; ".join(f"{kind}: {_said(kept)}" for kind, kept in value.items())
        case msgspec.Struct():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def read(raw: bytes) -> list[Policy]:
    """Read a policy or a list of them.

    Raises:
        BadPolicy: it is none; the message says where.
    """
    try:
        value: Json = parse(raw)
        policies = msgspec.convert(value if isinstance(value, list) else [value], list[Policy])
        for policy in policies:
            _ = _instant(policy.start_date), _instant(policy.end_date)
    except (InputError, msgspec.ValidationError) as error:
        raise BadPolicy(f"no IEP 2.0 policy: {error}") from error
    if not policies or any(int(policy.iep_version) != 2 for policy in policies):  # noqa: PLR2004 IEP 2.0
        raise BadPolicy("no IEP 2.0 policy: another version, or none at all")
    return policies


def _instant(written: str | None) -> str:
    """Return a date or an instant as agreements write it; without a zone it is UTC."""
    if not written:
        return ""
    plain = written.replace("Z", "+00:00")
    try:
        zoned = datetime.fromisoformat(plain).tzinfo is not None
    except ValueError as error:
        raise InputError(f"{written!r} is no date") from error
    return text(instant(plain if zoned else f"{plain}{'' if 'T' in plain else 'T00:00:00'}+00:00"))


def draft(
    policies: Sequence[Policy], parties: Sequence[Party], name: str, start: str
) -> tuple[Agreement, list[Unfit]]:
    """Return an agreement to complete, in shadow mode, and what of the policies no clause says."""
    clauses: list[Clause] = []
    unfit: list[Unfit] = []
    for index, policy in enumerate(policies, 1):
        clause = _clause(policy, index, start, {each.id for each in clauses})
        clauses.append(clause)
        unfit += _unfit_policy(policy, clause.id)
    references = [p.external_reference for p in policies if p.external_reference]
    made = Agreement(
        id=name,
        version=1,
        title=name,
        kind="forum" if len(parties) > 2 else "bilateral",  # noqa: PLR2004 more than two parties
        parties=list(parties),
        clauses=clauses,
        start=start,
        shadow=True,
        basis=Basis(title=references[0]) if references else None,
    )
    return made, unfit


def _clause(policy: Policy, index: int, start: str, taken: set[str]) -> Clause:
    begins = _instant(policy.start_date)
    name = policy.name if policy.name and policy.name not in taken else f"iep-{index}"
    return Clause(
        id=name,
        kinds=["*"],
        max_tlp={"white": "CLEAR", "green": "GREEN"}.get(policy.tlp, "AMBER"),
        max_pap=_PAP[policy.permitted_actions],
        embargo=begins if begins > start else "",
        expiry=_instant(policy.end_date),
        basis=policy.id,
    )


def _unfit_policy(policy: Policy, clause: str) -> Iterator[Unfit]:
    """Name what of a policy a clause cannot say; RED is for people to name, never for an import."""
    said = {
        "description": policy.description,
        "encrypt_in_transit": "" if policy.encrypt_in_transit == "may" else "must",
        "permitted_actions": policy.permitted_actions
        if policy.permitted_actions == "contact-for-instruction"
        else "",
        "affected_party_notifications": policy.affected_party_notifications,
        "tlp": "red" if policy.tlp == "red" else "",
        "attribution": policy.attribution,
        "unmodified_resale": policy.unmodified_resale,
    }
    for field, value in said.items():
        if value:
            yield Unfit(clause=clause, field=field, value=value)
