"""The second person: yes or no to what waits, over exact bytes and in a key of their own (border.md 2.8)."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border.publish import DECLINED, Outcome, again, text_in_force
from mithaq.border.situation import persons
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import NotFound, Refused
from mithaq.model.canonical import Json
from mithaq.policy.agreement import digest_of
from mithaq.seal.envelope import sign
from mithaq.seal.keys import Signer
from mithaq.seal.messages import APPROVAL, encode
from mithaq.seal.messages import Release as Bound
from mithaq.store import objects, parties, releases
from mithaq.store.journal import record
from mithaq.store.releases import Verdict


def approve(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    approver: tuple[str, Signer],
    seq: int,
    agreement: str,
    now: datetime,
) -> Outcome:
    """Give the second person's yes to a held copy; it is decided again in this transaction.

    Args:
        approver: an actor's name and their own key.

    Raises:
        NotFound: nothing of that copy is held; Refused: this person may not, and why.
    """
    name, signer = approver
    terms = text_in_force(unit, agreement, now)
    waiting = releases.verdicts_where(unit, state="held", copies=[seq], agreement=agreement)
    if not waiting:
        raise NotFound("nothing of that number waits", copy=seq)
    [copy] = objects.by_seq(unit, [seq])
    _may_approve(unit, name, signer, waiting[0], copy.author)
    bound = Bound(
        realm=us.realm,
        id=copy.object.id,
        version=copy.object.version,
        view=waiting[0].view,
        peers=sorted(i.peer for i in waiting),
        agreement=digest_of(terms),
        proposer=waiting[0].proposer,
    )
    releases.add_approval(
        unit,
        releases.ApprovalRow(
            copy=seq,
            agreement=agreement,
            agreement_digest=bound.agreement,
            view=bound.view,
            removed=waiting[0].removed,
            peers=",".join(bound.peers),
            proposer=bound.proposer,
            approver=name,
            envelope=sign(APPROVAL, encode(bound), signer).to_bytes(),
            at=text(now),
        ),
    )
    fact: dict[str, Json] = {"kind": "approved", "by": name, "at": text(now), "view": bound.view}
    fact["removed"] = msgspec.json.decode(waiting[0].removed)
    log.append(unit, [(copy.object.id, {**fact, "id": bound.id})])
    [outcome] = again(unit, us, terms, [seq], now)
    return outcome


def decline(unit: Connection, name: str, seq: int, agreement: str, now: datetime) -> None:
    """Say no to a held copy: it stays until somebody proposes it anew.

    Raises:
        NotFound: nothing of that copy is held.
    """
    waiting = releases.verdicts_where(unit, state="held", copies=[seq], agreement=agreement)
    if not waiting:
        raise NotFound("nothing of that number waits", copy=seq)
    [copy] = objects.by_seq(unit, [seq])
    at = text(now)
    no = [
        msgspec.structs.replace(i, state=DECLINED, declined_by=name, declined_at=at)
        for i in waiting
    ]
    releases.put_verdicts(unit, no)
    fact: dict[str, Json] = {
        "kind": "declined",
        "by": name,
        "at": text(now),
        "agreement": agreement,
    }
    log.append(unit, [(copy.object.id, {**fact, "id": copy.object.id, "view": waiting[0].view})])
    record(unit, now, "declined", copy.object.id, by=name, agreement=agreement)


def _may_approve(
    unit: Connection, name: str, signer: Signer, waiting: Verdict, author: str
) -> None:
    person = persons(unit).get(name)
    keys = {row.name: row.public for row in parties.all_actors(unit)}
    if person is None or keys[name] != signer.public:
        raise Refused("that key is not this person's", actor=name)
    if name == waiting.proposer:
        raise Refused("who proposed it cannot approve it", actor=name)
    if name == author:
        raise Refused("who wrote this version cannot approve it", actor=name)
    if "policy-owner" in waiting.needs.split(",") and "policy-owner" not in person.roles:
        raise Refused("attribution to a State waits for a policy owner", actor=name)
