"""From what our people judged to what a partner is told: sightings, and that an indicator is wrong.

One sighting for an indicator and a day, with how often and when it matched, and that it was in our nation: no machine,
no field, no value of an event is in it. An indicator that matches what is harmless gets our opinion that it is wrong,
which lowers what it is worth to whoever reads it. Both are our own objects, marked at least as the indicator is, and
leave by the one door (``border.publish``), which the gate stands before.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import Connection

from mithaq.border import about, local
from mithaq.border.about import Unspeakable
from mithaq.border.agreements import held
from mithaq.border.peers import document_of
from mithaq.border.publish import publish
from mithaq.border.situation import candidates_of
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.defence.evidence import Evidence, evidence
from mithaq.defence.gate import Case, No, Prevalence, gate
from mithaq.defence.recording import active
from mithaq.detect import observables
from mithaq.detect.observables import Named
from mithaq.errors import InputError
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside, Label, Tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.model.objects import IDENTIFIER, from_body, moment
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import Value
from mithaq.model.whose import Word
from mithaq.model.worth import ABOUT, worth
from mithaq.store import matches, neighbours, objects, releases, texts
from mithaq.store.matches import FALSE, JUDGED, TRUE, Group
from mithaq.store.objects import Copy
from mithaq.store.sources import Source

_MOST = 999_999_999  # STIX 2.1 section 5.2
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of a judgement: what we say now, or why we say nothing."""

    copy: Copy | None = None
    new: bool = False  # it is a version that was not here
    against: Sequence[No] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """All that is judged, and not suppressed, of an indicator on a day, as one giver says it."""

    indicator: Copy
    copies: Sequence[Copy]  # that giver's newest, under whatever agreements
    groups: Sequence[Group]
    standing: frozenset[int]  # suppressions
    count: int
    first: str
    last: str
    judged: str

    @property
    def word(self) -> Word:
        """Whose word it is."""
        return Word(self.indicator.object.id, self.indicator.voucher)


def sighting(  # noqa: PLR0913 unit, us, who and now come with every act
    unit: Connection, us: Us, author: str, group: Group, now: datetime, *, level: Tlp | None = None
) -> Said:
    """Say that the indicator of a group was seen on its day, if nothing stands against it.

    Args:
        level: of TLP, where it is to be marked higher than the indicator.
    """
    day, against = _day(unit, group, now, judged=TRUE)
    if day is None:
        return Said(against=against)
    against = _against(unit, us, day, now)
    if against:
        return Said(against=against)
    label = _label(unit, day)
    if isinstance(label, No):
        return Said(against=[label])
    fields: dict[str, Json] = {
        "sighting_of_ref": day.indicator.object.id,
        "count": min(day.count, _MOST),
        "where_sighted_refs": [_identity(unit, us)],
    }
    if day.first:
        fields |= {"first_seen": day.first, "last_seen": day.last}
    beside = replace(about.beside_of(label), tlp=max(label.tlp or Tlp.AMBER, level or Tlp.GREEN))
    about_ = _parts("sighting", group)
    return _say(unit, us, author, about_, (fields, beside), now)


def wrong(unit: Connection, us: Us, author: str, group: Group, now: datetime) -> Said:
    """Say that the indicator of a group matches what is harmless: as MISP's false positives are written."""
    day, against = _day(unit, group, now, judged=FALSE)
    if day is None:
        return Said(against=against)
    label = _label(unit, day)
    if isinstance(label, No):
        return Said(against=[label])
    fields: dict[str, Json] = {
        "opinion": "strongly-disagree",
        "explanation": "False positive",
        "object_refs": [day.indicator.object.id],
    }
    beside = replace(about.beside_of(label), tlp=max(label.tlp or Tlp.AMBER, Tlp.GREEN))
    return _say(unit, us, author, _parts("opinion", group), (fields, beside), now)


def against(unit: Connection, us: Us, group: Group, now: datetime) -> list[No]:
    """Return what stands against saying that the indicator of a group was seen, as it is judged now."""
    day, why = _day(unit, group, now, judged=group.state)
    return [*_against(unit, us, day, now)] if day is not None else [*why]


def unsay(  # noqa: PLR0913 as ``sighting``
    unit: Connection, us: Us, author: str, type_: str, group: Group, now: datetime
) -> Copy | None:
    """Revoke what we said of a group's indicator, its sighting of that day or that it is wrong, if we said it."""
    standing = _standing(unit, us, _parts(type_, group))[1]
    if standing is None:
        return None
    return _store(unit, us, author, {**standing.object.body, "revoked": True}, standing, now)


def said_of(unit: Connection, us: Us, group: Group) -> list[Copy]:
    """Return what we say of a group's indicator now: its sighting of that day, and that it is wrong."""
    both = (_standing(unit, us, _parts(type_, group))[1] for type_ in ("sighting", "opinion"))
    return [copy for copy in both if copy is not None]


def ids(us: Us, group: Group) -> Iterator[str]:
    """Yield, without an end, the identifiers of our sightings of a group's indicator and day, in their order."""
    return _ids(us, _parts("sighting", group))


def came_under(unit: Connection, word: Word) -> list[str]:
    """Return the agreements under which one gave an indicator."""
    return sorted({copy.agreement for copy in _given(unit, word) if copy.agreement})


# --- what is known of a day ---------------------------------------------------------------------------
def _newest(unit: Connection, id_: str) -> list[Copy]:
    """Return the newest version of each voucher."""
    if not IDENTIFIER.fullmatch(id_):
        return []
    rows = objects.named(texts.newest(objects.everything()), [id_])
    found = [copy for each in rows for copy in objects.load(unit, each)]
    return sorted(found, key=lambda copy: (moment(copy.object.version), copy.seq))


def _given(unit: Connection, word: Word) -> list[Copy]:
    """Return the newest version that one gave of an indicator, under whatever agreements; empty: it is not here."""
    return [
        copy
        for copy in (_newest(unit, word.rule) if word.giver else ())
        if copy.voucher == word.giver and copy.object.type == "indicator"
    ]


def _day(
    unit: Connection, group: Group, now: datetime, *, judged: str
) -> tuple[Day | None, list[No]]:
    """Return a day with all groups of it that are judged so, or why there is none."""
    copies = _given(unit, group.word)
    if not copies:
        return None, [No(code="gone" if group.giver else "none")]
    standing = frozenset(each.seq for each in active(unit, now))
    alike = [
        each
        for each in matches.groups(unit, rules=[group.rule])
        if (each.word, each.day) == (group.word, group.day)
        and (each.state == judged or each.seq == group.seq)
    ]
    told = matches.tallies(unit, [each.seq for each in alike], standing)
    seen = sum(each.count for each in told.values())
    if not seen:
        return None, [No(code="suppressed")]
    day = Day(
        indicator=copies[-1],
        copies=copies,
        groups=alike,
        standing=standing,
        count=seen,
        first=min((each.first for each in told.values() if each.first), default=""),
        last=max(each.last for each in told.values()),
        judged=judged,
    )
    return day, []


def day_of(unit: Connection, group: Group, now: datetime) -> Day | None:
    """Return the day of a group as it is judged now; None: there is nothing of it, or no such indicator."""
    return _day(unit, group, now, judged=group.state)[0]


def evidence_of(unit: Connection, day: Day) -> Evidence:
    """Return what the matches of a day rest on."""
    return evidence(day.indicator.object.body, _events(unit, day))


def prevalence(unit: Connection, us: Us, day: Day) -> Prevalence:
    """Return how common what a day is about is here, of what is not suppressed."""
    found = matches.prevalence(unit, day.word, day.standing, us.limits.few_days)
    return Prevalence(*found)


def _against(unit: Connection, us: Us, day: Day, now: datetime) -> list[No]:
    body, id_ = day.indicator.object.body, day.indicator.object.id
    at = parse(day.last) if day.last else now
    said = neighbours.saying(unit, objects.everything(), {id_}, tuple(ABOUT))
    case = Case(
        indicator=body,
        evidence=evidence_of(unit, day),
        at=at,
        prevalence=prevalence(unit, us, day),
        worth=worth(body, [copy.object.body for copy in said], at),
        judged=day.judged,
        because=_because(unit, day.word),
    )
    return gate(case, us.benign.match, us.limits)


def _events(unit: Connection, day: Day) -> Iterator[list[Named]]:
    """Yield the values that stood in each event that matched, each of the kind that its field says.

    What the index of the past found says the kinds itself.
    """
    for group in day.groups:
        source = LogSource(*group.source.split("/", 2))
        for kept in matches.each_of(unit, group.seq, day.standing):
            if kept.times:
                yield [Named((), Value(kind, str(said))) for kind, said in kept.found.items()]
            else:
                yield [*observables.named(Event(fields=kept.found, source=source, raw=b""))]


def _because(unit: Connection, word: Word) -> bool:
    """Say whether somebody who judged matches of an indicator true said why, and that stands."""
    alike = [each for each in matches.groups(unit, rules=[word.rule]) if each.word == word]
    judged = {each.seq for each in alike if each.state == TRUE}
    last = {act.grouped: act.said for act in matches.acts(unit, judged) if act.kind == JUDGED}
    return any(said.startswith(f"{TRUE}: ") for said in last.values())


def _label(unit: Connection, day: Day) -> Label | No:
    """Return what is to stand on what is said of an indicator: all that stands on it, and where it may go."""
    try:
        return about.floor(candidates_of(unit, [copy.seq for copy in day.copies]))
    except Unspeakable:
        red = any(copy.level == Tlp.RED for copy in day.copies)
        return No(code="red" if red else "unreadable")


def _identity(unit: Connection, us: Us) -> str:
    document = document_of(unit, us.party)
    return document.identities[0] if document else ""


# --- our own word -------------------------------------------------------------------------------------
def _parts(type_: str, group: Group) -> tuple[str, ...]:
    """Return what tells apart what we say: of each giver's word it is another, for each goes where that came from."""
    return (type_, *group.word, group.day) if type_ == "sighting" else (type_, *group.word)


def _ids(us: Us, parts: Sequence[str]) -> Iterator[str]:
    """Yield the identifiers of what we say about something; nobody else can tell them from what it is about."""
    for turn in count():
        drawn = us.derive("sighting", *parts, str(turn))[:16]
        yield f"{parts[0]}--{uuid.UUID(bytes=drawn, version=4)}"


def _standing(unit: Connection, us: Us, parts: Sequence[str]) -> tuple[str, Copy | None]:
    """Return the identifier of what we say about something, and its newest version if we say it.

    What was revoked is said again as a new object (STIX 2.1, 3.6).
    """
    for id_ in _ids(us, parts):
        own = [copy for copy in _newest(unit, id_) if copy.standing == objects.OWN]
        if not own:
            return id_, None
        if own[-1].object.body.get("revoked") is not True:
            return id_, own[-1]
    raise AssertionError  # there is always another


def _say(  # noqa: PLR0913 as ``sighting``
    unit: Connection,
    us: Us,
    author: str,
    parts: Sequence[str],
    what: tuple[Mapping[str, Json], Beside],
    now: datetime,
) -> Said:
    """Store what we say, unless that is what we say already."""
    fields, beside = what
    id_, before = _standing(unit, us, parts)
    marks = [tlp_id(beside.tlp)] if beside.tlp is not None else []
    marks += [pap_id(beside.pap)] if beside.pap is not None else []
    body: dict[str, Json] = {
        "type": parts[0],
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": _identity(unit, us),
        **fields,
        "object_marking_refs": [*marks],
    }
    if before is not None and all(before.object.body.get(name) == body[name] for name in body):
        return Said(copy=before)
    rest = replace(beside, tlp=None, pap=None)
    return Said(copy=_store(unit, us, author, body, before, now, rest), new=True)


def _store(  # noqa: PLR0913 as ``sighting``
    unit: Connection,
    us: Us,
    author: str,
    body: Mapping[str, Json],
    before: Copy | None,
    now: datetime,
    beside: Beside | None = None,
) -> Copy:
    created = before.object.body["created"] if before is not None else text(now)
    modified = now
    if before is not None:
        modified = max(now, parse(before.object.version) + _MILLISECOND)
        beside = before.beside if beside is None else beside
    whole = {**body, "created": created, "modified": text(modified)}
    given = local.Given(object=from_body(whole), beside=beside or Beside())
    here = Source(name=us.party, kind="file")
    outcome = local.local(unit, us, here, [given], author=author, own=True, now=now)
    for id_, code, why in outcome.refused:
        raise InputError(f"{id_}: {why or code}", object=id_)
    [copy] = outcome.stored
    _go_along(unit, us, author, copy, now)
    return copy


def _go_along(unit: Connection, us: Us, author: str, copy: Copy, now: datetime) -> None:
    """Propose a version where the ones before it were proposed: who was told something is told what it is now."""
    earlier = [each.seq for each in objects.of_id(unit, copy.object.id) if each.seq != copy.seq]
    asked = {(i.agreement, i.purpose) for i in releases.intents_where(unit, copies=earlier)}
    for agreement, purpose in sorted(asked):
        if held(unit, agreement, now).text is not None:
            publish(unit, us, author, [copy.seq], agreement, now, purpose)
