"""Standing approval: a director is the second person at night, by a yes signed beforehand (border.md 2.8).

What counts is what the director's key signed, read anew at each use; rows say only how often it was used. A use is
numbered and kept in the unit that releases, so no two releases share one, and it waits on the list for the morning.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border.peers import administrative
from mithaq.border.situation import Gathered, persons
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.errors import Conflict, InputError, NotFound, PeerError, Refused
from mithaq.model.canonical import Json
from mithaq.model.kinds import TYPE_NAME
from mithaq.model.labels import tlp
from mithaq.policy import standing as policy
from mithaq.policy.agreement import Agreement, digest_of
from mithaq.policy.decision import Decision, Hold
from mithaq.policy.situation import Person
from mithaq.seal.envelope import read, sign, verify
from mithaq.seal.keys import Signer, keyid
from mithaq.seal.messages import STANDING, Standing, decode, encode
from mithaq.store import parties, releases, standings
from mithaq.store.standings import StandingRow, Use

LONGEST_DAYS = 92  # a director looks at it again every quarter
MOST = 1000  # uses of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a director wants to approve beforehand."""

    kinds: Sequence[str]
    level: str
    peers: Sequence[str]
    hours: Sequence[str]
    zone: str
    begins: str
    expires: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A standing approval as it stands: what was signed, how often it was used, and whether it may be used still."""

    row: StandingRow
    terms: Standing
    used: int
    state: (
        str  # counts | used-up | expired | revoked | void: its director or key is not here any more
    )


# --- given and taken back ------------------------------------------------------------------------------
def give(
    unit: Connection, us: Us, director: tuple[str, Signer], wish: Wish, now: datetime
) -> Stands:
    """Let a director approve beforehand, with a key of their own.

    Raises:
        Refused: they are no director, or the key is not theirs; InputError: it is too wide, or cannot be read.
    """
    name, signer = director
    person = persons(unit).get(name)
    if person is None or policy.DIRECTOR not in person.roles:
        raise Refused("only a director approves beforehand", actor=name)
    if keys(unit).get(name) != signer.public:
        raise Refused("that key is not this person's", actor=name)
    terms = Standing(
        realm=us.realm,
        person=name,
        kinds=[*dict.fromkeys(wish.kinds)],
        level=str(tlp(wish.level)),
        peers=[*dict.fromkeys(wish.peers)],
        hours=[*dict.fromkeys(wish.hours)],
        zone=wish.zone,
        begins=wish.begins or text(now),
        expires=wish.expires,
        count=wish.count,
        issued=text(now),
    )
    _check(unit, terms, now)
    envelope = sign(STANDING, encode(terms), signer).to_bytes()
    row = standings.add(unit, StandingRow(person=name, envelope=envelope, at=text(now)))
    facts: dict[str, Json] = {"by": name, "terms": msgspec.to_builtins(terms)}
    administrative(unit, now, "standing-approval", str(row.seq), facts)
    return Stands(row=row, terms=terms, used=0, state="counts")


def revoke(unit: Connection, number: int, now: datetime, *, by: str) -> StandingRow:
    """Let a standing approval count no more; what went by it stays, and stays on the review list.

    Raises:
        NotFound: there is none of that number; Conflict: it is revoked already.
    """
    row = standings.numbered(unit, number)
    if row is None:
        raise NotFound(f"no standing approval {number}", number=number)
    if row.revoked_at:
        raise Conflict(f"it was revoked at {row.revoked_at}", number=number)
    standings.revoke(unit, number, text(now), by)
    administrative(unit, now, "standing-approval-revoked", str(number), {"by": by})
    return replace(row, revoked_at=text(now), revoked_by=by)


def every(unit: Connection, us: Us, now: datetime) -> list[Stands]:
    """Return every standing approval as it stands, oldest first."""
    people, public = persons(unit), keys(unit)
    found: list[Stands] = []
    for row in standings.every(unit):
        terms = decode(read(row.envelope).payload, Standing)
        used = standings.count_uses(unit, row.seq)
        state = _state(row, terms, used, now)
        if state == "counts" and _signed(us, row, people, public) is None:
            state = "void"
        found.append(Stands(row=row, terms=terms, used=used, state=state))
    return found


def keys(unit: Connection) -> dict[str, bytes]:
    """Return the public key of each person here."""
    return {actor.name: actor.public for actor in parties.all_actors(unit)}


def _state(row: StandingRow, terms: Standing, used: int, now: datetime) -> str:
    if row.revoked_at:
        return "revoked"
    if text(now) >= terms.expires:
        return "expired"
    return "counts" if used < terms.count else "used-up"


def _check(unit: Connection, terms: Standing, now: datetime) -> None:
    level = tlp(terms.level)
    if level > policy.HIGHEST:
        raise InputError("RED is never approved beforehand", cause="level")
    for kind in terms.kinds or [""]:
        if kind != policy.EVERY and TYPE_NAME.fullmatch(kind) is None:
            raise InputError(f"{kind!r} is no type of STIX object", cause="kinds")
    known = {peer.name for peer in parties.all_peers(unit)}
    for name in terms.peers or [""]:
        if name not in known:
            raise InputError(f"{name!r} is no peer here", cause="peers")
    policy.windows(terms.hours)
    if _zone(terms.zone) is None:
        raise InputError(f"{terms.zone!r} is no time zone like 'Europe/Paris'", cause="zone")
    if not max(terms.begins, text(now)) < terms.expires:
        raise InputError("it would expire before it begins", cause="expires")
    if (parse(terms.expires) - max(parse(terms.begins), now)).days >= LONGEST_DAYS:
        raise InputError(f"it lasts {LONGEST_DAYS} days at most", cause="expires")
    if not 1 <= terms.count <= MOST:
        raise InputError(f"it counts from 1 to {MOST} times", cause="count")


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


# --- used ----------------------------------------------------------------------------------------------
def approve(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    agreement: Agreement,
    made: tuple[Gathered, Mapping[tuple[str, int], Decision]],
    asked: Mapping[int, str],
    now: datetime,
) -> list[Use]:
    """Approve, by what directors signed beforehand, what waits for a second person and is proposed now.

    Args:
        made: what was decided, and on what.
        asked: who proposes each copy in this unit; what waits from earlier is nobody's proposal of these hours.

    Returns:
        the uses made; each is an approval like a person's, of these bytes for these peers under this text.
    """
    gathered, decisions = made
    waiting: dict[int, dict[str, Hold]] = {}
    for (peer, seq), decision in decisions.items():
        if isinstance(decision, Hold) and seq in asked:
            waiting.setdefault(seq, {})[peer] = decision
    if not waiting:
        return []
    candidates = {int(str(each.key)): each for each in gathered.candidates}
    found: list[Use] = []
    for row, signed in _that_count(unit, us, gathered):
        for seq, holds in waiting.items():
            peers = sorted(
                peer
                for peer, hold in holds.items()
                if peer in signed.peers and policy.covers(signed, hold, candidates[seq], asked[seq])
            )
            if peers and signed.left > 0:
                signed = replace(signed, left=signed.left - 1)  # noqa: PLW2901 what is left of it
                what = (seq, holds[peers[0]], peers, asked[seq])
                found.append(_use(unit, row, (gathered, agreement), what, now))
                waiting[seq] = {peer: h for peer, h in holds.items() if peer not in peers}
    return found


def _that_count(
    unit: Connection, us: Us, gathered: Gathered
) -> Iterable[tuple[StandingRow, policy.Standing]]:
    """Yield the standing approvals that count at this moment, oldest first."""
    people, public = persons(unit), keys(unit)
    for row in standings.every(unit):
        terms = None if row.revoked_at else _signed(us, row, people, public)
        zone = None if terms is None else _zone(terms.zone)
        if terms is None or zone is None:
            continue
        at = gathered.situation.instants
        walls = tuple(parse(each).astimezone(zone) for each in (at.opens, at.closes))
        signed = policy.Standing(
            director=people[terms.person],
            kinds=frozenset(terms.kinds),
            level=tlp(terms.level),
            peers=frozenset(terms.peers),
            windows=policy.windows(terms.hours),
            begins=terms.begins,
            expires=terms.expires,
            left=terms.count - standings.count_uses(unit, row.seq),
        )
        if policy.counts(signed, policy.Moment(instants=at, walls=walls)):
            yield row, signed


def _signed(
    us: Us, row: StandingRow, people: Mapping[str, Person], public: Mapping[str, bytes]
) -> Standing | None:
    """Return what a director signed, if they still are one and the key is theirs; else None."""
    person = people.get(row.person)
    if person is None or policy.DIRECTOR not in person.roles:
        return None
    key = public[row.person]
    try:
        terms = decode(verify(read(row.envelope), STANDING, {keyid(key): key}), Standing)
    except PeerError:
        return None
    return terms if (terms.realm, terms.person) == (us.realm, row.person) else None


def _use(
    unit: Connection,
    row: StandingRow,
    around: tuple[Gathered, Agreement],
    what: tuple[int, Hold, Sequence[str], str],
    now: datetime,
) -> Use:
    gathered, agreement = around
    seq, hold, peers, proposer = what
    stored = gathered.copies[seq].object
    new = Use(
        standing=row.seq,
        use=standings.count_uses(unit, row.seq) + 1,
        copy=seq,
        agreement=agreement.id,
        id=stored.id,
        version=stored.version,
        view=hold.view.digest,
        peers=",".join(peers),
        proposer=proposer,
        at=text(now),
    )
    kept = standings.use(unit, new)
    removed = msgspec.json.encode(hold.view.removed).decode()
    releases.add_approval(
        unit,
        releases.ApprovalRow(
            copy=seq,
            agreement=agreement.id,
            agreement_digest=digest_of(agreement),
            view=new.view,
            removed=removed,
            peers=new.peers,
            proposer=proposer,
            approver=row.person,
            envelope=row.envelope,
            at=text(now),
            standing=row.seq,
        ),
    )
    fact: dict[str, Json] = {"kind": "approved", "by": row.person, "at": text(now)}
    fact |= {"id": stored.id, "view": new.view, "removed": [*hold.view.removed]}
    fact |= {"standing": row.seq, "use": new.use, "proposer": proposer, "peers": [*peers]}
    log.append(unit, [(stored.id, fact)])
    return kept
