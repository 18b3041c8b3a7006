"""What each question of the pillar takes where a nation holds a million objects: of the plainest and of the largest."""

import time
from datetime import date, timedelta

from mithaq import intel
from mithaq.border import exports, people
from mithaq.brief.gathering import Ordered, brief
from mithaq.cli.status import gather
from mithaq.config import Cycle as Terms
from mithaq.defence import cycle
from mithaq.errors import MithaqError
from mithaq.formats.export import EXPORTS
from mithaq.intel import Horizon
from mithaq.intel.finding import saved
from mithaq.intel.finding.noticed import notices
from mithaq.intel.keeping.service import versions
from mithaq.intel.needs.answers import followed as owned
from mithaq.intel.needs.answers import gaps, held, report
from mithaq.intel.needs.requirements import named
from mithaq.intel.partners.balance import balance
from mithaq.intel.relating import correlating, merging
from mithaq.store.bounds import TookTooLong
from tests.bench.common import Figure
from tests.bench.million import HUB, MAKER, NOW, SEEN, SOUGHT, million
from tests.bench.search import MANY

TIMES = 3


class Asking:
    """Asks a node, as one person."""

    def __init__(self, node, name):
        self.node, self.us = node, node.us
        with node.core.read() as unit:
            self.actor = people.named(unit, name)

    def __call__(self, act, *given, **more):
        """Return what an act of the pillar says."""
        with self.node.core.read() as unit:
            return act(unit, self.us, self.actor, *given, **more)

    def of(self, act, id_, *given, **more):
        """Return what an act says of the copies of an object."""
        with self.node.core.read() as unit:
            copies = versions(unit, self.us, self.actor, id_)
            return act(unit, self.us, self.actor, copies, *given, **more)

    def of_one(self, act, id_, *given):
        """Return what an act says of the newest copy of an object."""
        with self.node.core.read() as unit:
            [copy, *_] = versions(unit, self.us, self.actor, id_)
            return act(unit, self.us, self.actor, copy, *given)


def questions(node, some):
    """Yield (what, of whom, act): all that people ask of the pillar."""
    ana, omar = Asking(node, "ana"), Asking(node, "omar")
    cycle.read_all_out(node.core)
    month = f"{NOW - timedelta(days=30):%Y-%m-%d}"
    for who in (ana, omar):
        for name, id_ in some.items():
            yield "timeline", name, lambda w=who, i=id_: w.of(intel.timeline, i, NOW)
            yield (
                "timeline, with what is related",
                name,
                lambda w=who, i=id_: w.of(intel.timeline, i, NOW, related=True),
            )
            yield "who-has", name, lambda w=who, i=id_: w.of(intel.who_has, i, NOW)
            yield "neighbours", name, lambda w=who, i=id_: w.of_one(intel.beside, i)
            yield "relations", name, lambda w=who, i=id_: w.of_one(intel.relate, i)
            yield "same", name, lambda w=who, i=id_: w(merging.same_as, i)
            yield "correlate", name, lambda w=who, i=id_: w(correlating.correlate, i)
            yield "history", name, lambda w=who, i=id_: w(intel.history, i)
        yield "know", "hub", lambda w=who: w(intel.look_up, intel.value(HUB))
        yield "same value", "hub", lambda w=who: w(merging.same_value, intel.value(HUB))
        yield "know", "nothing", lambda w=who: w(intel.look_up, intel.value("nothing.example"))
        for whom in ("", "borea", "gozo", "0"):
            yield "came", whom or "all", lambda w=who, n=whom: w(intel.came, intel.Asked(whom=n))
        yield "came", "a month", lambda w=who: w(intel.came, intel.Asked(since=month))
        yield "came", "of a type", lambda w=who: w(intel.came, intel.Asked(type="campaign"))
        for partner in ("borea", "gozo"):
            yield (
                "balance",
                partner,
                lambda w=who, n=partner: w(balance, n, "2026-01-01T00:00:00.000Z"),
            )
            yield (
                "balance of a quarter",
                partner,
                lambda w=who, n=partner: w(balance, n, "2026-08-01T00:00:00.000Z"),
            )
        yield "emerging", "a week", lambda w=who: w(intel.emerging, Horizon(until=NOW))
        yield (
            "emerging",
            "a week, partners",
            lambda w=who: w(intel.emerging, Horizon(until=NOW, partners=True)),
        )
        yield (
            "emerging",
            "a month",
            lambda w=who: w(intel.emerging, Horizon(until=NOW, period=30, baseline=200)),
        )
        for period in ("day", "week"):
            yield (
                "brief",
                period,
                lambda w=who, p=period: w(brief, Ordered(period=p, until=date(2026, 10, 31)), NOW),
            )
        yield "merged page", "phishing", lambda w=who: w(_merged, "phishing")
        yield "merged page", "emotet", lambda w=who: w(_merged, "emotet")
        yield (
            "search",
            "technique",
            lambda w=who: w(intel.search, "", intel.Filters(technique="T1059")),
        )
        yield (
            "search",
            "technique name",
            lambda w=who: w(intel.search, "phishing", intel.Filters(technique="Phishing")),
        )
        yield "search", "country", lambda w=who: w(intel.search, "", intel.Filters(country="RU"))
        yield "search", "sector", lambda w=who: w(intel.search, "", intel.Filters(sector="energy"))
        yield "search", "source", lambda w=who: w(intel.search, "", intel.Filters(source="39"))
        yield (
            "search",
            "marking amber+strict",
            lambda w=who: w(intel.search, "", intel.Filters(marking="AMBER+STRICT")),
        )
        yield (
            "search",
            "marking red",
            lambda w=who: w(intel.search, "phishing", intel.Filters(marking="RED")),
        )
        yield "defence cycle", "all", lambda w=who: w(cycle.stand, NOW, Terms())
        yield "notices", "all", lambda w=who: w(_notices)
        yield "saved", "run", lambda w=who: w(_saved)
        yield "requirements", "reports", lambda w=who: w(_reports)
        yield "requirements", "gaps", lambda w=who: w(gaps, NOW)
        yield "requirements", "held", lambda w=who: [w(held, each, 50) for each in SOUGHT]
    yield "status", "", lambda: gather(node, NOW)
    for name in EXPORTS:
        yield "export", name, lambda n=name: _export(node, n)


def _merged(unit, us, actor, words):
    return merging.merged(unit, us, actor, intel.search(unit, us, actor, words, page=(200, 0)))


def _notices(unit, us, actor):
    some = [saved.notice_of(actor, each) for each in saved.followed(unit, actor)]
    return notices(unit, us, actor, [*some, *owned(unit, us, actor)], 20)


def _saved(unit, us, actor):
    return [saved.run(unit, us, actor, each) for each in saved.every(unit, actor)]


def _reports(unit, us, actor):
    return [
        report(unit, us, actor, named(unit, actor, f"PIR-{n}"), NOW) for n in range(len(SOUGHT))
    ]


def _export(node, name):
    with node.shelf.read() as shown:
        which = exports.shelves_of(shown, "misp", NOW)
        return exports.press(shown, which, [name], NOW, node.us.benign).done()


def subjects_of(node):
    """Return objects by what is said of them."""
    with node.core.read() as unit:
        ask = unit.exec_driver_sql
        core = "" if node.core.on_sqlite else "core."
        [own] = ask(f"SELECT id FROM {core}rows WHERE peer = 'borea' LIMIT 1").scalars()
        technique = ask(
            f"SELECT id FROM {core}set_names WHERE what = 'T1059' AND how = 'number'"
        ).scalar_one()
        ids = {
            type_: ask(
                f"SELECT id FROM {core}copies WHERE type = '{type_}' AND provenance IN (SELECT seq FROM"
                f" {core}provenance WHERE tlp < 2) ORDER BY length(refs) DESC, seq DESC LIMIT 1"
            ).scalar_one()
            for type_ in ("malware", "report", "indicator")
        }
    return {"released": own, "seen": SEEN, "maker": MAKER, "technique": technique, **ids}


def timed(core, act, times=TIMES):
    """Return the least time an act takes, and what it says or why it says nothing."""
    clock = time.process_time if core.on_sqlite else time.perf_counter
    least = float("inf")
    for _ in range(times):
        began = clock()
        try:
            made = act()
        except MithaqError as error:
            made = error
        least = min(least, clock() - began)
        if least > 2:
            break
    return least, made


OFTEN = {
    "emerging",
    "know",
    "neighbours",
    "notices",
    "same",
    "search",
    "status",
    "timeline",
    "who-has",
}


def pillar(folder):
    """Fill a nation and ask it all."""
    federation = million(folder, MANY)
    try:
        yield from asked(federation.nodes["aurelia"], "SQLite")
    finally:
        federation.close()


def asked(node, kind):
    """Ask all, of the plainest and of the largest, and of each sort of question tell the slowest."""
    took = {}
    for what, of, act in questions(node, subjects_of(node)):
        seconds, said = timed(node.core, act)
        named = f"{what} ({of})" if of else what
        over = isinstance(said, TookTooLong)
        took.setdefault(what in OFTEN, {}).setdefault(what, []).append((seconds, named, over))
    for often, by in sorted(took.items(), reverse=True):
        slowest = sorted((max(some) for some in by.values()), reverse=True)
        every = [each for some in by.values() for each in some]
        sort = "on every visit" if often else "now and then"
        detail = "; ".join(f"{named} {seconds * 1e3:,.0f}" for seconds, named, _ in slowest)
        broken = sum(over for *_, over in every)
        yield Figure(
            f"what is asked {sort} of {MANY:,} objects on {kind}", f"{slowest[0][0] * 1e3:,.0f} ms",
            "< 200 ms" if often else "< 1 s",
            f"the slowest of {len(every)} questions of two people, each the best of {TIMES}, {broken} of them broken"
            f" off; the slowest of each sort, in ms: {detail}",
        )  # fmt: skip
