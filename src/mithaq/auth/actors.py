"""Who acts here and what each role allows.

A permission opens a verb; what a person sees is a matter of their clearance, and whether an object may go
out is one of policy. The second person of a release must also be another one, cleared and not the author
(border.md 2.8): no role gets around that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mithaq.errors import InputError, Refused
from mithaq.model.labels import Clearance


class UnknownRole(InputError):
    """There is no role of that name."""

    code = "unknown-role"


class Forbidden(Refused):
    """No role of this actor allows the act."""

    code = "forbidden"


class Permission(StrEnum):
    """What an actor may do, as ``noun:verb``."""

    OBJECT_READ = "object:read"
    OBJECT_ADD = "object:add"
    OBJECT_IMPORT = "object:import"
    HIT_READ = "hit:read"  # what was found in our own telemetry
    HIT_JUDGE = "hit:judge"  # and what is made of it
    QUARANTINE_REVIEW = "quarantine:review"
    RELEASE_PREVIEW = "release:preview"
    RELEASE_PROPOSE = "release:propose"
    RELEASE_APPROVE = "release:approve"
    RELEASE_ATTRIBUTE = "release:attribute"  # attribution to a State (border.md 2.10)
    RELEASE_RECALL = "release:recall"
    AGREEMENT_READ = "agreement:read"
    AGREEMENT_DRAFT = "agreement:draft"
    AGREEMENT_SIGN = "agreement:sign"
    AGREEMENT_NARROW = "agreement:narrow"  # suspend, end (border.md 3.3)
    PEER_ADD = "peer:add"
    PEER_CONFIRM = "peer:confirm"
    PEER_REMOVE = "peer:remove"
    PEER_BREAK = "peer:break"  # one person breaks off at once
    PEER_RETURN = "peer:return"  # two persons deal with it again
    STANDING_SIGN = "standing:sign"  # the second person, beforehand
    STANDING_REVIEW = "standing:review"
    RESTRICTION_SET = "restriction:set"  # what stands above every agreement, by law
    SOURCE_SET = "source:set"
    FEED_RUN = "feed:run"  # look at feeds, and read them now
    ACTOR_SET = "actor:set"
    KEY_ROTATE = "key:rotate"
    ALARM_READ = "alarm:read"
    ALARM_CLOSE = "alarm:close"
    LOG_READ = "log:read"
    LOG_PROVE = "log:prove"
    NODE_RUN = "node:run"


class Role(StrEnum):
    """What a person is here for; one person may have several."""

    ANALYST = "analyst"
    DUTY_OFFICER = "duty-officer"
    LIAISON = "liaison"
    POLICY_OWNER = "policy-owner"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    DIRECTOR = "director"
    LEGAL = "legal"


P = Permission
_ANALYST = frozenset(
    {
        P.OBJECT_READ,
        P.OBJECT_ADD,
        P.OBJECT_IMPORT,
        P.HIT_READ,
        P.HIT_JUDGE,
        P.RELEASE_PREVIEW,
        P.RELEASE_PROPOSE,
        P.AGREEMENT_READ,
        P.FEED_RUN,
    }
)
ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.ANALYST: _ANALYST,
    Role.DUTY_OFFICER: _ANALYST
    | {
        P.QUARANTINE_REVIEW,
        P.RELEASE_APPROVE,
        P.RELEASE_RECALL,
        P.AGREEMENT_NARROW,
        P.ALARM_READ,
        P.ALARM_CLOSE,
        P.PEER_BREAK,
    },
    Role.LIAISON: frozenset(
        {
            P.OBJECT_READ,
            P.RELEASE_PREVIEW,
            P.RELEASE_RECALL,
            P.AGREEMENT_READ,
            P.AGREEMENT_DRAFT,
            P.AGREEMENT_NARROW,
            P.ALARM_READ,
            P.PEER_ADD,
            P.PEER_CONFIRM,
        }
    ),
    Role.POLICY_OWNER: frozenset(
        {
            P.OBJECT_READ,
            P.RELEASE_PREVIEW,
            P.RELEASE_APPROVE,
            P.RELEASE_ATTRIBUTE,
            P.RELEASE_RECALL,
            P.AGREEMENT_READ,
            P.AGREEMENT_DRAFT,
            P.AGREEMENT_SIGN,
            P.AGREEMENT_NARROW,
            P.ALARM_READ,
            P.ALARM_CLOSE,
            P.PEER_REMOVE,
            P.PEER_BREAK,
            P.PEER_RETURN,
            P.STANDING_REVIEW,
        }
    ),
    Role.AUDITOR: frozenset({P.AGREEMENT_READ, P.ALARM_READ, P.LOG_READ, P.LOG_PROVE}),
    Role.DIRECTOR: frozenset(
        {
            P.OBJECT_READ,
            P.RELEASE_PREVIEW,
            P.RELEASE_RECALL,
            P.ALARM_READ,
            P.AGREEMENT_READ,
            P.AGREEMENT_NARROW,
            P.PEER_BREAK,
            P.PEER_RETURN,
            P.STANDING_SIGN,
            P.STANDING_REVIEW,
        }
    ),
    Role.LEGAL: frozenset(
        {
            P.OBJECT_READ,
            P.RELEASE_PREVIEW,
            P.AGREEMENT_READ,
            P.AGREEMENT_NARROW,
            P.PEER_BREAK,
            P.RESTRICTION_SET,
        }
    ),
    Role.OPERATOR: frozenset({P.SOURCE_SET, P.FEED_RUN, P.ACTOR_SET, P.KEY_ROTATE, P.NODE_RUN}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person or token acting here.

    ``public_key`` is the raw Ed25519 key their approvals are signed with, 32 bytes; None: they give none.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    clearance: Clearance = field(default_factory=Clearance)
    public_key: bytes | None = None


def roles(names: Iterable[str]) -> frozenset[Role]:
    """Read roles from their names.

    Raises:
        UnknownRole: one of them is none.
    """
    found: set[Role] = set()
    for name in names:
        if name not in set(Role):
            known = ", ".join(Role)
            raise UnknownRole(f"no role {name!r}; there are {known}", role=name)
        found.add(Role(name))
    return frozenset(found)


def may(actor: Actor, permission: Permission) -> bool:
    """Say whether a role of ``actor`` gives ``permission``; without roles nothing is allowed."""
    return any(permission in ROLES[role] for role in actor.roles)


def require(actor: Actor, permission: Permission) -> None:
    """Go on only if ``actor`` may.

    Raises:
        Forbidden: no role of theirs gives ``permission``.
    """
    if not may(actor, permission):
        able = " / ".join(role for role in Role if permission in ROLES[role])
        message = f"{actor.name} may not do this ({permission}); it takes the role {able}"
        raise Forbidden(message, actor=actor.name, permission=str(permission))
