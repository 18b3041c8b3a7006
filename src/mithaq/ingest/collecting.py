"""Feeds are read at their pace, and what they come to is kept.

The network is used outside of every unit of work; a part that came is taken in like any import, some thousands of
objects to a transaction (``intel.add``), and only then is it noted as read.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Role
from mithaq.border import alarms
from mithaq.border.us import Us
from mithaq.clock import Clock, monotonic, text
from mithaq.errors import InputError
from mithaq.formats import LISTS, Layout, Refusal, Registry
from mithaq.ingest import misp, misp_push, misp_server, pulling, rules, taxii
from mithaq.ingest.feeds import Feed, named, secret_of
from mithaq.ingest.fetching import Bounds, Fetcher, NotFetched, Way
from mithaq.ingest.pulling import Gone, Known, Missed, Part, Pull, Pulled, Same, Sent
from mithaq.ingest.rules import Health, Reason, Terms
from mithaq.model.labels import tlp
from mithaq.store import feeds as store
from mithaq.store.engine import Store

_log = structlog.get_logger()
SAMPLE = 5  # parts that a trial reads
MISSES = 10  # parts in a row that cannot be had, and then the rest waits for the next time
WAYS: Mapping[str, Pull] = {
    "http": pulling.document,
    "folder": pulling.folder,
    "misp": misp.feed,
    "misp-server": misp_server.pull,
    "taxii": taxii.v21,
    "taxii-2.0": taxii.v20,
}


@dataclass(slots=True)
class _Run:
    """What a run has come to so far."""

    status: int = 0
    parts: int = 0
    size: int = 0
    same: bool = False
    taken: int = 0
    known: int = 0
    markings: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[str, str]] = field(default_factory=dict)
    failed: NotFetched | None = None

    def refuse(self, code: str, where: str, why: str) -> None:
        """Note what was not taken, and why."""
        self.refused[code] += 1
        self.first.setdefault(code, (where, why))

    @property
    def reasons(self) -> list[Reason]:
        """The commonest reasons, each with its first place."""
        return [
            Reason(code=code, count=count, where=self.first[code][0], why=self.first[code][1])
            for code, count in self.refused.most_common(rules.REASONS)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Reads feeds, one at a time."""

    core: Store = field(repr=False)
    shelf: Store = field(repr=False)
    us: Us
    home: Path
    clock: Clock = field(repr=False)
    formats: Registry = field(repr=False)
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def _shelves(self) -> misp_push.Shelves:
        return misp_push.Shelves(core=self.core, shelf=self.shelf, clock=self.clock)

    def turn(self) -> bool:
        """Read the feed that is due longest; say whether there was one."""
        now = self.clock()
        with self.core.read() as unit:
            name = store.next_due(unit, text(now))
        if name is None:
            return False
        self.run(name)
        return True

    def run(self, name: str, *, again: bool = False) -> Feed:
        """Read a feed now, whenever it is due; keep what it came to.

        Args:
            again: all of it, as if it had never been read.

        Raises:
            NoFeed: there is none of that name.
        """
        begun = self.clock()
        with self.core.begin() as unit:
            feed = named(unit, name)
            # Nobody else begins it meanwhile; whoever dies over it leaves it for the time after.
            store.set_due(unit, name, rules.due(feed.terms, feed.health, begun))
            known = Known(now=begun) if again else _known(unit, name, begun)
        run = _Run()
        try:
            for part in self._pulled(feed.terms, known):
                self._take(feed.terms, part, run)
        except NotFetched as error:
            run.failed = error
        except Exception as error:  # noqa: BLE001 whatever it holds, that it was not read is on record
            _log.error("feed-fault", feed=name, kind=type(error).__name__)
            run.failed = NotFetched("it holds what breaks our reader", cause="fault")
        self._keep(feed, run)
        with self.core.read() as unit:
            return named(unit, name)

    def trial(self, name: str) -> Health:
        """Fetch some of a feed and judge it; nothing is stored or noted.

        Raises:
            NoFeed: there is none of that name. NotFetched: nothing was to be had.
        """
        with self.core.read() as unit:
            terms = named(unit, name).terms
        run = _Run()
        if terms.via in rules.OUTWARD:
            with self.core.read() as unit:
                known = _known(unit, name, self.clock())
            _, news = misp_push.pending(terms, known, self._shelves)
            run.parts = run.taken = len(news)
            return _health(Health(), run, self.clock())
        with closing(self._pulled(terms, Known(now=self.clock()))) as pulled:
            for part in pulled:
                if isinstance(part, Part):
                    self._judge(terms, part, run)
                elif isinstance(part, Missed):
                    run.refuse(part.code, part.name, part.why)
                if run.parts == SAMPLE:
                    break
        return _health(Health(), run, self.clock())

    def _pulled(self, terms: Terms, known: Known) -> Generator[Pulled, None, None]:
        secret = secret_of(self.home, terms)
        way = Way(ca=terms.ca, proxy=terms.proxy)
        with Fetcher(
            terms.url, local=terms.local, secret=secret, bounds=self.bounds, way=way
        ) as fetcher:
            missed = size = 0
            until = monotonic() + self.bounds.run_seconds
            for part in self._parts(terms, known, fetcher):
                size += len(part.raw) if isinstance(part, Part) else 0
                if monotonic() > until or size > self.bounds.run_bytes:
                    raise NotFetched("it has more than one reading takes in", cause="run")
                yield part
                missed = missed + 1 if isinstance(part, Missed) else 0
                if missed == MISSES:
                    raise NotFetched(f"{MISSES} parts in a row could not be had", cause="missed")

    def _parts(self, terms: Terms, known: Known, fetcher: Fetcher) -> Iterator[Pulled]:
        if terms.via in misp_push.OUT:
            return misp_push.OUT[terms.via](terms, known, fetcher, self._shelves)
        return WAYS[terms.via](terms, known, fetcher)

    def _take(self, terms: Terms, part: Pulled, run: _Run) -> None:
        """Take a part in, then note that it was."""
        match part:
            case Missed():
                run.refuse(part.code, part.name, part.why)
            case Same():
                run.same, run.status = True, part.status
            case Sent():
                run.parts += 1
                run.taken += part.fresh
                run.known += not part.fresh
            case Part():
                run.status = part.status
                run.parts += len(part.made_of) or 1
                run.size += len(part.raw)
                self._admit(terms, part, run)
        with self.core.begin() as unit:
            if isinstance(part, Part | Same) and part.position is not None:
                store.set_position(unit, terms.name, msgspec.json.encode(part.position).decode())
            if isinstance(part, Gone):
                store.forget_items(unit, terms.name, part.names)
            some = part.made_of if isinstance(part, Part) else ()
            for each in () if isinstance(part, Same | Gone) else (part, *some):
                if each.name and each.version:
                    store.put_item(unit, terms.name, each.name, each.version)

    def _admit(self, terms: Terms, part: Part, run: _Run) -> None:
        author = Actor(name=terms.voucher, roles=frozenset({Role.ANALYST}))
        source = intel.Source(
            name=terms.voucher,
            kind="feed",
            default_tlp=tlp(terms.tlp) if terms.tlp else None,
            reliability=terms.reliability,
        )
        incoming = intel.Incoming(
            raw=part.raw,
            source=source,
            format=_format(terms, part),
            layout=_layout(terms),
            benign=False,
        )
        try:
            added = intel.add(
                self.core, self.us, author, incoming, self.clock(), formats=self.formats
            )
        except InputError as error:
            for one in part.made_of:
                self._admit(terms, one, run)
            if not part.made_of:
                run.refuse(error.code, part.name, str(error))
            return
        run.taken += len(added.stored)
        run.known += added.known
        run.markings += added.markings
        for each in added.rejected:
            run.refuse(each.code, f"{part.name} {each.where or each.id}".strip(), each.why)

    def _judge(self, terms: Terms, part: Part, run: _Run) -> None:
        run.parts += 1
        run.size += len(part.raw)
        run.status = part.status
        try:
            for each in self.formats.read(part.raw, _format(terms, part), layout=_layout(terms)):
                if isinstance(each, Refusal):
                    at = f"line {each.line}" if each.line else f"object {each.position}"
                    run.refuse(each.code, f"{part.name} {at}".strip(), each.why)
                else:
                    run.taken += 1
        except InputError as error:
            run.refuse(error.code, part.name, str(error))

    def _keep(self, feed: Feed, run: _Run) -> None:
        """Keep what a run came to; raise and close what people are told of it."""
        now, terms = self.clock(), feed.terms
        health = _health(feed.health, run, now)
        wait = int(run.failed.facts.get("wait", 0)) if run.failed else 0
        with self.core.begin() as unit:
            if store.named(unit, terms.name) is None:
                return  # removed meanwhile
            store.set_health(
                unit,
                terms.name,
                msgspec.json.encode(health).decode(),
                rules.due(terms, health, now, wait),
            )
            _alarms(unit, terms, health, now)
        _log.info("feed-read", feed=terms.name, outcome=health.outcome, code=health.code)


def _known(unit: Connection, name: str, now: datetime) -> Known:
    row = store.named(unit, name)
    position = msgspec.json.decode(row.position, type=dict[str, str]) if row else {}
    return Known(now=now, position=position, items=store.items(unit, name))


def _format(terms: Terms, part: Part) -> str | None:
    listed = LISTS if terms.kind or terms.columns else None
    return part.format or terms.format or listed


def _layout(terms: Terms) -> Layout:
    return Layout(columns=terms.columns, kind=terms.kind)


def _health(before: Health, run: _Run, now: datetime) -> Health:
    """Return how a feed does after a run."""
    at = text(now)
    read = bool(run.parts or run.refused)
    health = msgspec.structs.replace(before, tried_at=at, status=run.status)
    if read or not (run.same or run.failed):
        health = msgspec.structs.replace(
            health,
            parts=run.parts,
            size=run.size,
            taken=run.taken,
            known=run.known,
            markings=run.markings,
            refused=run.refused.total(),
            reasons=run.reasons,
            changed_at=at,
        )
        if health.entries:
            health = msgspec.structs.replace(health, best=health.entries, yielded_at=at)
    if run.failed is not None:
        return msgspec.structs.replace(
            health,
            outcome="failed",
            status=int(run.failed.facts.get("status", run.status)),
            code=str(run.failed.facts.get("cause", "")),
            why=str(run.failed),
            failures=before.failures + 1,
            failing_since=before.failing_since or at,
        )
    if run.parts == 0 and run.same and not run.refused:
        outcome = "same" if before.entries or not before.changed_at else "empty"
    else:
        outcome = "taken" if health.entries else "empty"
    return msgspec.structs.replace(
        health, outcome=outcome, answered_at=at, code="", why="", failures=0, failing_since=""
    )


def _alarms(unit: Connection, terms: Terms, health: Health, now: datetime) -> None:
    """Say that a feed gives nothing, or does not answer; stop saying it when that is over."""
    report = msgspec.json.format(
        msgspec.json.encode({"format": "mithaq-feed/1", "feed": terms.shown, "health": health}),
        indent=1,
    )
    barren, lost = f"feed-yield:{terms.name}", f"feed-reach:{terms.name}"
    facts: dict[str, str | int] = {"before": health.best, "not_taken": health.refused}
    if health.outcome == "failed":
        if rules.unreachable(terms, health, now):
            facts = {"since": health.failing_since, "cause": health.code}
            told = alarms.Trouble(name=lost, kind="feed", subject=terms.name, why="no-answer")
            alarms.trouble(unit, told, facts, report, now)
        return
    alarms.over(unit, lost, "answers-again", now)
    if health.outcome == "empty":
        why = "all-refused" if health.refused else "no-entries"
        told = alarms.Trouble(name=barren, kind="feed", subject=terms.name, why=why)
        alarms.trouble(unit, told, facts, report, now)
    elif health.entries:
        alarms.over(unit, barren, "gives-again", now)
