"""What the defence cycle rests on: telemetry that there was, what rules are about, which are looked for, ATT&CK's lore.

What rules are about is read out of copies some time after they came, in their order, and worked out once for a text.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select

from mithaq.store import objects
from mithaq.store.journal import keep, setting
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import chunks, fetched, insert_many, replace_many, within
from mithaq.store.tables import (
    bodies,
    collected,
    copies,
    lores,
    provenance,
    relations,
    rule_facts,
    used_rules,
)

Needs = Sequence[Sequence[str]]  # of each, one log source
_READ = (
    "rules.read.3"  # the number of the last copy that was looked at; another form is another name
)
_TOGETHER = 5000  # copies that are looked up in one statement
_needs = msgspec.json.Decoder(tuple[frozenset[str], ...]).decode
_texts = msgspec.json.Decoder(tuple[str, ...]).decode
_write = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a rule is about, and the log sources that it needs: of each part, one."""

    techniques: tuple[str, ...] = ()
    needs: tuple[frozenset[str], ...] = ()
    kind: str = "sigma"  # or yara, stix


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A copy that is a rule."""

    seq: int
    id: str
    version: str
    voucher: str
    level: int  # of TLP
    until: str  # when it is over; empty: not said
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A rule that was looked for; the title of what is an object here is left to that."""

    rule: str
    title: str
    facts: Facts
    first: str  # days
    last: str


# --- telemetry -----------------------------------------------------------------------------------------
def collect(unit: Connection, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to how many events there were, by log source and day."""
    if not counts:
        return
    sqlite = unit.dialect.name == "sqlite"
    where, mark = ("", "?") if sqlite else (f'"{collected.schema}".', "%s")
    rows = [(source, day, count) for (source, day), count in sorted(counts.items())]
    unit.exec_driver_sql(
        f"INSERT INTO {where}collected AS t (source, day, events) VALUES ({mark}, {mark}, {mark}) "  # noqa: S608 names of ours
        "ON CONFLICT (source, day) DO UPDATE SET events = t.events + excluded.events",
        rows,
    )


def telemetry(unit: Connection, since: str = "") -> dict[str, tuple[int, str, str]]:
    """Return, by log source, how many events there were from a day on, the first day and the last."""
    c = collected.c
    query = select(c.source, func.sum(c.events), func.min(c.day), func.max(c.day))
    found = fetched(unit, query.where(c.day >= since).group_by(c.source))
    return {source: (int(events), first, last) for source, events, first, last in found}


# --- rules ---------------------------------------------------------------------------------------------
def behind(unit: Connection) -> int:
    """Return how many copies were not looked at yet, about."""
    newest = unit.execute(select(func.max(copies.c.seq))).scalar_one()
    return max(0, (newest or 0) - int(setting(unit, _READ, "0")))


def unread(unit: Connection, most: int) -> tuple[list[Copy], int, int]:
    """Return some indicators that were not looked at yet, after which number, and up to which."""
    after = int(setting(unit, _READ, "0"))
    numbers = select(copies.c.seq).where(copies.c.seq > after).order_by(copies.c.seq).limit(most)
    last = max((seq for (seq,) in fetched(unit, numbers)), default=after)
    rows = objects.everything().where(copies.c.seq > after, copies.c.seq <= last)
    return objects.load(unit, rows.where(copies.c.type == "indicator")), after, last


def known(unit: Connection, digests: Collection[str]) -> dict[str, Facts]:
    """Return what was worked out of texts, by their digests."""
    c = rule_facts.c
    query = select(c.digest, c.techniques, c.needs, c.kind)
    rows = fetched(unit, query.where(within(unit, c.digest, list(digests))))
    return {digest: _facts(*facts) for digest, *facts in rows}


def ruled(unit: Connection, ids: Collection[str]) -> set[str]:
    """Return those of some ids of which a version was read out as a rule."""
    query = objects.columns_of(objects.everything(), copies.c.id)
    query = query.join(rule_facts, rule_facts.c.copy == copies.c.seq)
    return {
        id_
        for part in chunks(ids)
        for (id_,) in fetched(unit, query.where(objects.by_ids(unit, part), copies.c.id.in_(part)))
    }


def read_on(
    unit: Connection, after: int, last: int, new: Sequence[tuple[int, str, str, Facts]]
) -> bool:
    """Keep (copy, digest, end, what it is about), and how far copies were looked at; False: another was faster."""
    if int(setting(unit, _READ, "0")) != after:
        return False
    here = {seq for part in chunks(seq for seq, *_ in new) for seq in _here(unit, part)}
    rows = [
        (seq, digest, until, *_written(facts)) for seq, digest, until, facts in new if seq in here
    ]
    names = ("copy", "digest", "until", "techniques", "needs", "kind")
    insert_many(unit, rule_facts, names, rows, or_else="keep")
    keep(unit, _READ, str(last))
    return True


def _here(unit: Connection, seqs: Sequence[int]) -> list[int]:
    return [seq for (seq,) in fetched(unit, select(copies.c.seq).where(copies.c.seq.in_(seqs)))]


def _written(facts: Facts) -> tuple[str, str, str]:
    needs = _write([sorted(each) for each in facts.needs]).decode()
    return _write(facts.techniques).decode(), needs, facts.kind


def _facts(techniques: str, needs: str, kind: str) -> Facts:
    return Facts(techniques=_texts(techniques), needs=_needs(needs), kind=kind)


def rules(unit: Connection, visible: Rows) -> list[Held]:
    """Return the rules that are ``visible``, each in its newest version that is, by whoever gave it last."""
    c = copies.c
    columns = (
        c.seq,
        c.id,
        c.version,
        provenance.c.voucher,
        provenance.c.tlp,
        rule_facts.c.until,
        rule_facts.c.techniques,
        rule_facts.c.needs,
        rule_facts.c.kind,
    )
    query = objects.columns_of(visible, *columns).join(rule_facts, rule_facts.c.copy == c.seq)
    newest: dict[str, tuple[Any, ...]] = {}
    for row in fetched(unit, query.order_by(c.seq)):
        before = newest.get(row[1])
        if before is None or before[2] <= row[2]:
            newest[row[1]] = row
    return [
        Held(
            seq=seq,
            id=id_,
            version=version,
            voucher=voucher,
            level=level,
            until=until,
            facts=_facts(*facts),
        )
        for seq, id_, version, voucher, level, until, *facts in newest.values()
    ]


def use(unit: Connection, some: Iterable[Used]) -> None:
    """Keep that rules are looked for; what was looked for before is so since then."""
    wanted = {each.rule: each for each in some}
    first = {each.rule: each.first for each in used(unit)}
    rows = [
        (rule, e.title, *_written(e.facts), first.get(rule, e.first), e.last)
        for rule, e in wanted.items()
    ]
    names = ("rule", "title", "techniques", "needs", "kind", "first", "last")
    replace_many(unit, used_rules, names, rows)


def used(unit: Connection, since: str = "") -> list[Used]:
    """Return the rules that were looked for on a day or after it."""
    c = used_rules.c
    query = select(c.rule, c.title, c.first, c["last"], c.techniques, c.needs, c.kind)
    return [
        Used(rule=rule, title=title, facts=_facts(*facts), first=first, last=last)
        for rule, title, first, last, *facts in fetched(unit, query.where(c["last"] >= since))
    ]


# --- what is known of techniques -----------------------------------------------------------------------
def lore(unit: Connection, digest: str) -> bytes | None:
    """Return what was read of reference sets, if it was of those that count now."""
    query = select(lores.c.content).where(lores.c.digest == digest)
    found = unit.execute(query).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep_lore(unit: Connection, digest: str, content: bytes) -> None:
    """Keep what reference sets say, instead of what others said."""
    unit.execute(delete(lores))
    unit.execute(lores.insert().values(digest=digest, content=content))


# --- what is claimed of threats ------------------------------------------------------------------------
class _Said(msgspec.Struct, frozen=True):
    """What a relationship, a report or a grouping says of others."""

    revoked: bool = False
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""
    object_refs: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """What names objects together: a relationship by its type, or a report, whose type is empty."""

    kind: str
    ends: Sequence[str]
    level: int  # of TLP


def ties(
    unit: Connection, visible: Rows, ids: Iterable[str], types: Sequence[str], most: int
) -> list[Tie]:
    """Return what is ``visible``, of some types, and names one of ``ids``: the newest version of each, unless revoked.

    Of the copies, the newest are looked at, about so many at most.
    """
    wanted = set(ids)
    referring = select(relations.c.copy).where(objects.naming_any(unit, wanted)).distinct()
    seqs = sorted((seq for (seq,) in fetched(unit, referring)), reverse=True)
    columns = (copies.c.id, copies.c.version, provenance.c.tlp, bodies.c.body)
    query = visible.with_only_columns(*columns).where(copies.c.type.in_(types))
    newest: dict[str, tuple[str, int, bytes]] = {}
    looked = 0
    for part in chunks(seqs, _TOGETHER):
        rows = fetched(unit, query.where(within(unit, copies.c.seq, part)))
        for id_, version, level, body in rows:
            if newest.get(id_, ("",))[0] < version:
                newest[id_] = (version, level, body)
        looked += len(rows)
        if looked >= most:
            break
    return [tie for _, level, body in newest.values() if (tie := _tie(_said(body), level, wanted))]


def _tie(said: _Said, level: int, wanted: Collection[str]) -> Tie | None:
    ends = [*filter(None, (said.source_ref, said.target_ref)), *said.object_refs]
    if said.revoked or not any(each in wanted for each in ends):
        return None
    return Tie(kind=said.relationship_type, ends=ends, level=level)


_said = msgspec.json.Decoder(_Said).decode
