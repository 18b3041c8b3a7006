"""The way out: decide, record, seal and place, in one transaction (border.md 3 to 5).

publish takes numbers of stored copies, never bytes: it loads, decides and seals itself. Nothing leaves
without a leaf in the log, and nothing is visible before the transaction that put it there.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never, cast

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border import standing
from mithaq.border.agreements import held
from mithaq.border.outbox import Placed, place
from mithaq.border.reasons import decode_reasons, encode_reasons
from mithaq.border.situation import Gathered, Turns, gather, turns
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError
from mithaq.model.canonical import Json
from mithaq.policy import blocks
from mithaq.policy.agreement import DEFENCE, PURPOSES, Agreement
from mithaq.policy.decide import decide
from mithaq.policy.decision import Decision, Hold, Release, View, Withhold
from mithaq.policy.situation import Block, Candidate
from mithaq.policy.views import labels_of
from mithaq.store import objects, pending, releases
from mithaq.store.journal import record
from mithaq.store.releases import Intent, Verdict
from mithaq.store.standings import Use

__all__ = [
    "DECLINED", "DEFENCE", "Decisions", "Outcome", "again", "decode_reasons", "preview", "publish",
    "reconsider", "revisit", "text_in_force",
]  # fmt: skip

Decisions = Mapping[tuple[str, int], Decision]  # (peer, copy number)
Staying = Mapping[tuple[str, int], Hold | Withhold]  # those that are no release
Chosen = dict[tuple[str, str, str], tuple[int, Release]]  # (peer, id, version) -> copy and its view
DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a release came to: every decision, and the copies they are about."""

    agreement: Agreement
    decisions: Decisions
    gathered: Gathered
    beforehand: Sequence[Use] = ()  # of standing approvals, that were the second person of it


def text_in_force(unit: Connection, agreement: str, now: datetime) -> Agreement:
    """Return the text of an agreement in force.

    Raises:
        NotFound: there is no such agreement; Conflict: it is not in force, and says what it is.
    """
    what = held(unit, agreement, now)
    if what.text is None:
        raise Conflict(
            f"agreement {agreement!r} is {what.state}, not in force",
            agreement=agreement,
        )
    return what.text


def preview(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    agreement: Agreement,
    seqs: Iterable[int],
    now: datetime,
    purpose: str = DEFENCE,
) -> Outcome:
    """Decide as ``publish`` would, under any text, signed or not; nothing is recorded or sent."""
    gathered = gather(unit, us, agreement, seqs, purpose, now)
    return Outcome(
        agreement=agreement,
        # The keys of our candidates are the numbers of their copies.
        decisions=cast("Decisions", decide(gathered.situation, agreement, gathered.candidates)),
        gathered=gathered,
    )


def publish(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    proposer: str,
    seqs: Sequence[int],
    agreement: str,
    now: datetime,
    purpose: str = DEFENCE,
) -> Outcome:
    """Propose copies to the parties of an agreement: what may go goes, what needs a person waits.

    Args:
        purpose: what they are given for; a clause permits the purposes it names, and so may the label.

    Raises:
        NotFound, Conflict: the agreement is not here or not in force.
        InputError: nothing to release, or for no purpose that there is.
    """
    if not seqs:
        raise InputError("nothing to release")
    if purpose not in PURPOSES:
        raise InputError(f"{purpose!r} is none of {', '.join(PURPOSES)}", cause="purpose")
    text_now = text_in_force(unit, agreement, now)
    gone: set[str] = set()
    made = _settle(unit, us, (text_now, purpose), dict.fromkeys(seqs, proposer), now, gone)
    _bereave(unit, us, gone, now)
    return made


def reconsider(
    unit: Connection, us: Us, agreement: str, seqs: Sequence[int], now: datetime
) -> None:
    """Decide again what was asked for earlier, and not declined, if the agreement is in force."""
    terms = held(unit, agreement, now).text
    if terms is not None:
        again(unit, us, terms, seqs, now)


def again(
    unit: Connection, us: Us, terms: Agreement, seqs: Sequence[int], now: datetime
) -> list[Outcome]:
    """Decide again under a text in force what was asked for earlier, and not declined; an outcome a purpose."""
    gone: set[str] = set()
    made = _again(unit, us, terms, seqs, now, gone)
    _bereave(unit, us, gone, now)
    return made


def _again(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, terms: Agreement, seqs: Sequence[int], now: datetime, gone: set[str]
) -> list[Outcome]:
    asked: dict[str, dict[int, str]] = defaultdict(dict)  # by purpose
    for intent in releases.intents_where(unit, copies=seqs, agreement=terms.id):
        asked[intent.purpose][intent.copy] = intent.proposer
    return [_settle(unit, us, (terms, p), some, now, gone, anew=False) for p, some in asked.items()]


def _bereave(unit: Connection, us: Us, gone: set[str], now: datetime) -> None:
    """Decide again what refers to ids that were taken off a shelf: its peer may lack them now (border.md 2.5).

    What is queued to be decided again anyway is left to its turn.
    """
    while gone:
        touched = objects.referring_to(unit, gone)
        gone = set()
        for agreement, seqs in releases.standing_of(unit, touched).items():
            terms = held(unit, agreement, now).text
            later = pending.queued_afresh(unit, agreement, seqs)
            if terms is not None and (now_ := [seq for seq in seqs if seq not in later]):
                _again(unit, us, terms, now_, now, gone)


def revisit(unit: Connection, us: Us, ids: Sequence[str], now: datetime) -> None:
    """Decide again what waited for one of ``ids``: its peers may know it now (border.md 2.5)."""
    for agreement, seqs in pending.waiters(unit, ids).items():
        reconsider(unit, us, agreement, seqs, now)


def _settle(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    under: tuple[Agreement, str],
    asked: Mapping[int, str],
    now: datetime,
    gone: set[str],
    *,
    anew: bool = True,
) -> Outcome:
    """Decide, take effect, and go on with what waited for what was released.

    Args:
        under: the text, and the purpose of the release.
        gone: takes the ids of what goes off a shelf.
        anew: a person asks now, also for what was declined before.
    """
    agreement, purpose = under
    first = preview(unit, us, agreement, asked, now, purpose)
    if anew:
        first = _beforehand(unit, us, first, asked, now)
    first = _without_declined(unit, first, asked if anew else ())
    made, turn = first, dict(asked)
    others: list[int] = []  # that waited, proposed for another purpose, or stood and were not asked
    while True:  # each round but the first was opened by a release
        released, fallen = _effect(unit, us, made, turn, now, gone)
        others += fallen
        waiting = pending.released_waiters(unit, agreement.id, released)
        intents = releases.intents_where(unit, copies=waiting, agreement=agreement.id)
        others += [i.copy for i in intents if i.purpose != purpose]
        alike = {i.copy: i.proposer for i in intents if i.purpose == purpose}
        turn = {seq: who for seq, who in alike.items() if seq not in turn}
        if not turn:
            break
        made = _without_declined(unit, preview(unit, us, agreement, turn, now, purpose))
    if others:
        _again(unit, us, agreement, others, now, gone)
    return first


def _beforehand(
    unit: Connection, us: Us, made: Outcome, asked: Mapping[int, str], now: datetime
) -> Outcome:
    """Let standing approvals be the second person of what is proposed now; what they open may open more."""
    found: list[Use] = []
    purpose = made.gathered.situation.purpose
    while more := standing.approve(
        unit, us, made.agreement, (made.gathered, made.decisions), asked, now
    ):
        found += more
        made = preview(unit, us, made.agreement, asked, now, purpose)
    return replace(made, beforehand=found)


def _without_declined(unit: Connection, made: Outcome, anew: Container[int] = ()) -> Outcome:
    """Leave out what a person declined: nothing but a new proposal opens it again.

    Args:
        anew: the copies that are proposed anew; what is looked at with them, for it stands elsewhere, is not.
    """
    named = releases.verdicts_where(
        unit, state=DECLINED, copies=[*made.gathered.copies], agreement=made.agreement.id
    )
    no = {(verdict.peer, verdict.copy) for verdict in named if verdict.copy not in anew}
    return replace(made, decisions={k: d for k, d in made.decisions.items() if k not in no})


def _effect(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    made: Outcome,
    asked: Mapping[int, str],
    now: datetime,
    gone: set[str],
) -> tuple[set[str], list[int]]:
    """Record every decision and place what is released.

    Returns:
        The ids newly released; the copies that stand no more and were not asked about, to be decided as they were
        asked for: so why they stay is kept too, and what they wait for.
    """
    agreement = made.agreement
    stays = {at: d for at, d in made.decisions.items() if not isinstance(d, Release)}
    _record_kept(unit, made, stays, asked, now)
    going: dict[str, list[Placed]] = defaultdict(list)
    chosen = _chosen(made)
    for at, (seq, decision) in chosen.items():
        peer, copy, row = at[0], made.gathered.copies[seq], made.gathered.rows.get(at)
        if row and row.view == decision.view.digest:
            continue
        proposer = asked.get(seq, "")
        going[peer].append(Placed(copy=copy, decision=decision, before=row, proposer=proposer))
    place(unit, us, agreement, going, now)
    fallen = _take_back(unit, made, stays, chosen, gone)
    _keep_outcome(unit, made, stays, asked, now)
    pending.turn_at(unit, agreement.id, _to_come(made, asked))
    waits = [(target, seq) for (_, seq), d in stays.items() for target in _lacking(d)]
    pending.wait_for(unit, agreement.id, waits)
    count = {peer: len(placed) for peer, placed in going.items()}
    record(unit, now, "decided", agreement.id, released=count, candidates=len(asked))
    released = {placed.copy.object.id for many in going.values() for placed in many}
    return released, [seq for seq in fallen if seq not in asked]


def _to_come(made: Outcome, asked: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield (copy, instant) of what time alone will turn: embargoes that end, expiries that come."""
    wanted = set(asked)
    situation = made.gathered.situation
    timed = [block for block in situation.blocks if block.since or block.until]
    known: Turns = {}
    for candidate in made.gathered.candidates:
        instants = turns(candidate, known)
        if timed:
            instants = instants | _of_blocks(timed, candidate)
        if instants and (seq := cast("int", candidate.key)) in wanted:
            yield from ((seq, at) for at in instants if at > situation.instants.opens)


def _of_blocks(timed: Iterable[Block], candidate: Candidate) -> set[str]:
    """Return the instants at which a block that is about a candidate begins or ends."""
    labels = labels_of(candidate)
    about = (block for block in timed if blocks.names(block, candidate, labels))
    return {at for block in about for at in blocks.turns(block)}


def _chosen(made: Outcome) -> Chosen:
    """Choose the one copy of each version that a shelf shows (border.md 4.1), by (peer, id, version).

    Several vouchers, or several agreements, may have given us a version. What stands stays; else our own goes
    before a carried one, and the fuller view before the barer.
    """
    chosen: Chosen = {}
    for (peer, seq), decision in made.decisions.items():
        if isinstance(decision, Release):
            seen = made.gathered.copies[seq].object
            at, new = (peer, seen.id, seen.version), (seq, decision)
            rival = chosen.setdefault(at, new)
            if rival is not new:
                chosen[at] = min(rival, new, key=lambda each: _rank(made, at, *each))
    return chosen


def _rank(
    made: Outcome, at: tuple[str, str, str], seq: int, decision: Release
) -> tuple[bool, bool, int, int]:
    row = made.gathered.rows.get(at)
    stands = row is not None and row.copy == seq
    own = made.gathered.copies[seq].standing == "own"
    return (not stands, not own, len(decision.view.removed), seq)


def _take_back(
    unit: Connection,
    made: Outcome,
    stays: Iterable[tuple[str, int]],
    chosen: Chosen,
    gone: set[str],
) -> list[int]:
    """Remove rows that are no longer permitted, from any copy; return the copies that they stood by.

    Args:
        gone: takes the ids of those that no other copy stands in for.
    """
    fallen: list[int] = []
    for peer, seq in stays:
        copy = made.gathered.copies[seq]
        at = (peer, copy.object.id, copy.object.version)
        row = made.gathered.rows.get(at)
        if row is None or row.copy != seq:
            continue
        fallen.append(seq)
        if at in chosen:
            releases.show_from(unit, row, chosen[at][0])
            continue
        releases.take_away(unit, row.shelf, row.id, row.version)
        releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)
        gone.add(row.id)
    return fallen


def _lacking(decision: Hold | Withhold) -> list[str]:
    """Return what a decision waits for: whatever its reasons name that the peer lacks."""
    return [r.facts["target"] for r in decision.reasons if "target" in r.facts]


def _record_kept(
    unit: Connection, made: Outcome, stays: Staying, asked: Mapping[int, str], now: datetime
) -> None:
    """One leaf per object withheld from all, and one per object that waits for persons."""
    kept: list[tuple[str, dict[str, Json]]] = []
    by_copy: dict[int, list[Decision]] = defaultdict(list)
    some = {seq for _, seq in stays if seq in asked}
    for (_, seq), decision in made.decisions.items() if some else ():
        if seq in some:
            by_copy[seq].append(decision)
    for seq, decisions in by_copy.items():
        stored = made.gathered.copies[seq].object
        record_: dict[str, Json] = {
            "id": stored.id,
            "version": stored.version,
            "digest": stored.digest,
            "agreement": made.agreement.id,
            "agreement_version": made.agreement.version,
            "at": text(now),
            "proposer": asked[seq],
        }
        if any(isinstance(d, Withhold) and d.would for d in decisions):
            kept.append((stored.id, {"kind": "shadow", **record_}))
        elif all(isinstance(d, Withhold) for d in decisions):
            rules = sorted(
                {str(r.rule) for d in decisions if isinstance(d, Withhold) for r in d.reasons}
            )
            kept.append((stored.id, {"kind": "withheld", "rules": list(rules), **record_}))
        elif any(isinstance(d, Hold) for d in decisions):
            needs = sorted({n for d in decisions if isinstance(d, Hold) for n in d.needs})
            kept.append((stored.id, {"kind": "held", "needs": list(needs), **record_}))
    if kept:
        log.append(unit, kept)


def _keep_outcome(
    unit: Connection, made: Outcome, stays: Staying, asked: Mapping[int, str], now: datetime
) -> None:
    """Keep who asked for what, and for each peer why it stays; what goes stands on its shelf."""
    agreement, purpose, at = made.agreement.id, made.gathered.situation.purpose, text(now)
    before = releases.verdicts_where(unit, copies=list(asked), agreement=agreement)
    over = [(v.copy, agreement, v.peer) for v in before if (v.peer, v.copy) in made.decisions]
    releases.forget_verdicts(unit, over)
    intents = [
        Intent(copy=seq, agreement=agreement, purpose=purpose, proposer=who, at=at)
        for seq, who in asked.items()
    ]
    releases.put_intents(unit, intents)
    verdicts = [
        Verdict(
            copy=seq,
            agreement=agreement,
            peer=peer,
            purpose=purpose,
            proposer=asked[seq],
            at=at,
            state=_state(decision),
            needs=",".join(sorted(decision.needs)) if isinstance(decision, Hold) else "",
            view=view.digest if (view := _view(decision)) else "",
            removed=msgspec.json.encode(view.removed if view else ()).decode(),
            reasons=encode_reasons(decision.reasons),
        )
        for (peer, seq), decision in stays.items()
        if seq in asked
    ]
    releases.put_verdicts(unit, verdicts)


def _state(decision: Hold | Withhold) -> str:
    match decision:
        case Hold():
            return "held"
        case Withhold():
            return "shadow" if decision.would else "withheld"
        case _:
            assert_never(decision)


def _view(decision: Hold | Withhold) -> View | None:
    made = decision.would if isinstance(decision, Withhold) else decision
    return made.view if made else None
