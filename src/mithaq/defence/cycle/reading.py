"""What the cycle rests on is read beforehand, so that an answer takes no time: ATT&CK's lore, and what rules are about.

Rules are compiled once for the same text. What a rule of a partner costs is bounded by ``detect.sigma``; one that
cannot be read is about nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from sqlalchemy import Connection

from mithaq.clock import text
from mithaq.detect import attack, coverage, sigma
from mithaq.detect.attack import Lore
from mithaq.detect.collected import Needs
from mithaq.detect.language import Rule
from mithaq.model.objects import Body
from mithaq.store import coverage as store
from mithaq.store import objects, sets
from mithaq.store.coverage import Facts, Used
from mithaq.store.engine import Store
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
        rules = {
            copy.seq: (_pattern(copy.object.body), _end(copy.object.body))
            for copy in some
            if _is_rule(copy.object.body)
        }
        known = store.known(unit, {_of_text(each) for each, _ in rules.values()}) if rules else {}
    new = [
        (seq, _of_text(each), until, _facts(each, known)) for seq, (each, until) in rules.items()
    ]
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


def _is_rule(body: Body) -> bool:
    return body.get("pattern_type") == "sigma" and isinstance(body.get("pattern"), str)


def _pattern(body: Body) -> str:
    """Return the text of a rule; of one that was revoked nothing, which stands above its earlier versions."""
    return "" if body.get("revoked") is True else str(body["pattern"])


def _end(body: Body) -> str:
    until = body.get("valid_until")
    return until if isinstance(until, str) else ""


def _of_text(written: str) -> str:
    return "sha256:" + sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def _facts(written: str, known: Mapping[str, Facts]) -> Facts:
    """Return what a text is about: of several rules, each with its own, all that one of them alone can tell."""
    here = known.get(_of_text(written))
    if here is not None:
        return here
    made = sigma.compiled(written)
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
) -> None:
    """Keep that rules are looked for from now on; one that is an object here is known by that alone.

    Args:
        needs: by the digests of rules, the log sources that each needs (``sigma.Compiled``).
    """
    some = {each.id: each for each in rules if each.id}
    held = _held(unit, [f"{_PREFIX}{each.lower()}" for each in some])
    day = text(now)[:_DAY]
    found: list[Used] = []
    for id_, rule in some.items():
        key = id_ if id_.startswith(_PREFIX) else f"{_PREFIX}{id_.lower()}"
        ours = key in held or id_.startswith(_PREFIX)
        facts = (
            Facts() if ours else Facts(techniques=rule.techniques, needs=needs.get(rule.digest, ()))
        )
        found.append(
            Used(
                rule=key if ours else id_,
                title="" if ours else rule.title,
                facts=facts,
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
