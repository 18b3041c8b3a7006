"""What the cycle rests on is read beforehand, so that an answer takes no time: ATT&CK's lore, and what rules are about.

Rules are compiled once for the same text. What a rule of a partner costs is bounded by ``detect.sigma``; one that
cannot be read is about nothing. Rules of YARA and patterns of STIX are read out where they name a technique
(``detect.about``), and so is each later version of one that did.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from mithaq.clock import text
from mithaq.detect import attack, coverage, sigma
from mithaq.detect.about import SIGMA, Named, named
from mithaq.detect.attack import Lore
from mithaq.detect.collected import Needs
from mithaq.detect.language import Rule
from mithaq.model.objects import Body
from mithaq.store import coverage as store
from mithaq.store import objects, sets
from mithaq.store.coverage import Facts, Used
from mithaq.store.engine import Store
from mithaq.store.objects import Copy
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies

AT_ONCE = 4096  # copies that are looked at in one go
_DAY = 10  # signs of an instant that are its day
_PREFIX = "indicator--"
_decode = msgspec.msgpack.Decoder(Lore).decode


def read_out(core: Store) -> int:
    """Work out what some of the newest rules are about, and ATT&CK's lore if another version counts now.

    Returns:
        how many copies are left to be looked at, about.
    """
    with core.read() as unit:
        digest = _digest(unit)
        stale = store.lore(unit, digest) is None
        left = store.behind(unit)
        some, after, last = store.unread(unit, AT_ONCE) if left else ([], 0, 0)
        rules = _rules(unit, some)
        known = store.known(unit, {each.digest for each in rules}) if rules else {}
    new = [(each.seq, each.digest, each.until, _facts(each, known)) for each in rules]
    made = _lore(core) if stale else b""
    if not left and not stale:
        return 0
    with core.begin() as unit:
        if left:
            store.read_on(unit, after, last, new)
        if stale:
            store.keep_lore(unit, digest, made)
        return store.behind(unit)


def read_all_out(core: Store) -> None:
    """Do so with all that there is."""
    while read_out(core):
        pass


class _Rule(NamedTuple):
    """A copy that is a rule; of one that was revoked nothing is left, which stands above its earlier versions."""

    seq: int
    until: str
    text: str  # of Sigma
    named: Named | None = None  # of others

    @property
    def digest(self) -> str:
        """What its facts are kept by."""
        if self.named is None:
            return _of_text(self.text)
        facts = *self.named[2:4], [sorted(each) for each in self.named.needs]
        return _of_text(f"{facts}")


def _rules(unit: Connection, some: Sequence[Copy]) -> list[_Rule]:
    """Return the copies that are rules, among some."""
    found: list[_Rule] = []
    others: list[tuple[Copy, Named | None]] = []
    for copy in some:
        body = copy.object.body
        gone = body.get("revoked") is True
        if not isinstance(body.get("pattern"), str):
            continue
        if body.get("pattern_type") == SIGMA:
            found.append(_Rule(copy.seq, _end(body), "" if gone else str(body["pattern"])))
        elif (one := None if gone else named(copy.object.id, body)) or _later(body):
            others.append((copy, one))
    ids = {copy.object.id for copy, one in others if one is None}
    before = store.ruled(unit, ids) if ids else set()
    before |= {copy.object.id for copy, one in others if one}
    return found + [
        _Rule(copy.seq, _end(copy.object.body), "", one)
        for copy, one in others
        if copy.object.id in before
    ]


def _later(body: Body) -> bool:
    """Say whether it may have an earlier version."""
    return body.get("revoked") is True or body.get("created") != body.get("modified")


def _end(body: Body) -> str:
    until = body.get("valid_until")
    return until if isinstance(until, str) else ""


def _of_text(written: str) -> str:
    return "sha256:" + sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def _facts(rule: _Rule, known: Mapping[str, Facts]) -> Facts:
    """Return what a rule is about: of several in one text, each with its own, all that one of them alone can tell."""
    if rule.named is not None:
        return Facts(techniques=rule.named.techniques, needs=rule.named.needs, kind=rule.named.kind)
    here = known.get(rule.digest)
    if here is not None:
        return here
    made = sigma.compiled(rule.text)
    rules: Sequence[Rule | sigma.Correlation] = (*made.correlations, *made.rules)
    techniques = dict.fromkeys(each for rule in rules for each in rule.techniques)
    served = next((made.needs[rule.digest] for rule in rules if rule.digest in made.needs), ())
    return Facts(techniques=tuple(techniques), needs=served)


# --- ATT&CK --------------------------------------------------------------------------------------------
def lore(unit: Connection) -> Lore:
    """Return what the reference sets that count say, as far as that was read out; nothing without a set."""
    kept = store.lore(unit, _digest(unit))
    return _decode(kept) if kept else Lore()


def versions(unit: Connection) -> dict[str, str]:
    """Return the versions of sets that count."""
    return {each.name: each.version for each in sets.every(unit) if each.current}


def _digest(unit: Connection) -> str:
    counting = sorted((e.name, e.version, e.digest) for e in sets.every(unit) if e.current)
    told = f"{attack.FORM}\n{counting}"
    return "sha256:" + sha256(told.encode()).hexdigest()


def _lore(core: Store) -> bytes:
    with core.read() as unit:
        counting = [each for each in sets.every(unit) if each.current]
        raw = [r for each in counting for r in sets.content(unit, each.name, each.version)]
    bodies: Iterable[Body] = map(msgspec.json.decode, raw)
    return msgspec.msgpack.encode(attack.lore(bodies))


# --- what hunts and watches say ------------------------------------------------------------------------
def looked_for(
    unit: Connection,
    rules: Iterable[Rule | sigma.Correlation],
    needs: Mapping[str, Needs],
    now: datetime,
    others: Iterable[Named] = (),
) -> None:
    """Keep that rules are looked for from now on; one that is an object here is known by that alone.

    Args:
        needs: by the digests of rules, the log sources that each needs (``sigma.Compiled``).
        others: those of YARA and STIX.
    """
    some = {
        each.id: Named(
            each.id, each.title, SIGMA, tuple(each.techniques), needs.get(each.digest, ())
        )
        for each in rules
    }
    some |= {each.id: each for each in others}
    some.pop("", None)
    held = _held(unit, [f"{_PREFIX}{each.lower()}" for each in some])
    day = text(now)[:_DAY]
    found: list[Used] = []
    for id_, rule in some.items():
        key = id_ if id_.startswith(_PREFIX) else f"{_PREFIX}{id_.lower()}"
        ours = key in held or id_.startswith(_PREFIX)
        facts = Facts(techniques=rule.techniques, needs=rule.needs, kind=rule.kind)
        found.append(
            Used(
                rule=key if ours else id_,
                title="" if ours else rule.title,
                facts=Facts(kind=rule.kind) if ours else facts,
                first=day,
                last=day,
            )
        )
    store.use(unit, found)


def _held(unit: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for part in chunks(ids):
        columns = objects.columns_of(objects.everything(), copies.c.id)
        rows = columns.where(objects.by_ids(unit, part), copies.c.id.in_(part))
        found |= {id_ for (id_,) in fetched(unit, rows)}
    return found


def about(written: Sequence[str], known: Lore) -> tuple[str, ...]:
    """Return the techniques that count for those that a rule names, with those that they are part of."""
    return coverage.with_parents(known.number_of(each) for each in written)
