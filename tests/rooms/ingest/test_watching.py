"""A watch finds what the node holds as logs grow, keeps it once, and takes up what is new without a stop."""

import errno
import json
import random
import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from mithaq import defence, intel
from mithaq.auth.actors import Actor, Forbidden, roles
from mithaq.border import people
from mithaq.border.people import Newcomer
from mithaq.border.us import Us
from mithaq.config import Config, Defence, Settings, Telemetry
from mithaq.defence import Audience
from mithaq.detect.guard import Guard, Limits, SetAside
from mithaq.formats import BUILT_IN
from mithaq.formats.telemetry import Refusal
from mithaq.ingest import patience, watching
from mithaq.ingest.keeping import Keeper
from mithaq.ingest.lookout import Held, Lookout
from mithaq.ingest.noting import noting
from mithaq.ingest.patience import StoreAway, patiently
from mithaq.ingest.telemetry import Ways, opened
from mithaq.ingest.telemetry.source import Behind, Taken
from mithaq.ingest.telemetry.spool import TURNED_AWAY
from mithaq.ingest.wanted import gathered
from mithaq.ingest.watching import DayLost, Dropped, FellSilent, NewHit, Stream, TakenUp, Watch
from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.seal.keys import generate
from mithaq.store import coverage, live
from mithaq.store.live import Marks
from mithaq.store.past import Past, PastAway
from tests import migrated

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
PATIENCE = 20.0
SETTINGS = Settings(
    nation="a", organisation="A", country="QM", url="http://a.example", telemetry=Telemetry(past_days=90)
)  # fmt: skip
RULE = """title: Lookup of anything
id: 11111111-1111-4111-8111-111111111111
logsource: {product: zeek, service: dns}
detection:
  one: {query|contains: 'example'}
  condition: one
level: low
"""


def lookup(number, name):
    event = {"_path": "dns", "ts": 1_790_000_000 + number, "uid": f"C{number}"}
    event |= {"id.orig_h": "192.0.2.9", "id.resp_h": "192.0.2.53", "query": name, "qtype_name": "A"}
    return json.dumps(event).encode() + b"\n"


def indicator(number, value, *, version=1, **more):
    at = f"2026-01-0{version}T00:00:00.000Z"
    made = "2026-01-01T00:00:00.000Z"
    return {
        "type": "indicator", "spec_version": "2.1", "created": made, "modified": at, "valid_from": made,
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "name": value, "pattern_type": "stix",
        "pattern": f"[domain-name:value = '{value}']",
    } | more  # fmt: skip


@dataclass
class Post:
    """A node, a log, and somebody who watches it."""

    core: object
    us: object
    log: object
    now: datetime = NOW
    told: list = field(default_factory=list)

    def clock(self):
        return self.now

    def take(self, *some, tlp=Tlp.GREEN):
        """Take in indicators, as a file of a source."""
        raw = json.dumps(
            {"type": "bundle", "id": "bundle--" + some[0]["id"][11:], "objects": list(some)}
        ).encode()
        with self.core.read() as unit:
            source = intel.source(unit, f"of-{tlp.name.lower()}")
            who = people.named(unit, "ana")
        incoming = intel.Incoming(
            raw=raw, source=source, own=tlp is Tlp.RED, beside=Beside(tlp=tlp)
        )
        added = intel.add(self.core, self.us, who, incoming, self.now, formats=BUILT_IN)
        assert added.stored

    def write(self, *lines):
        with self.log.open("ab") as file:
            file.write(b"".join(lines))

    def watch(self, own=None, *, limits=None, audiences=(), who="ana", **more):
        held = Held(core=self.core, us=self.us, who=who, clock=self.clock)
        source = opened(str(self.log), Ways(kept=Marks(self.core, "log")))
        return Watch(
            keeper=Keeper(self.core, self.clock),
            streams=[Stream(text="log", source=source)],
            lookout=Lookout(own or gathered(), held, Guard(lambda: 0.0, limits)),
            held=held,
            audiences=audiences,
            **more,
        )

    def until(self, watch, wanted=None, turns=1):
        """Let a watch run until it tells of something, or for some turns without anything; return what it told."""
        told = []
        give_up = threading.Event()
        threading.Timer(PATIENCE, give_up.set).start()
        idle = 0
        running = watch.run()
        for each in running:
            if each is not None:
                told.append(each)
            idle = idle + 1 if each is None else 0
            if (wanted and isinstance(each, wanted)) or (not wanted and idle > turns + 1):
                break
            assert not give_up.is_set(), "nothing came"
        running.close()
        return told

    def hits(self, actor=None):
        analyst = actor or person(Tlp.RED)
        with self.core.read() as unit:
            found = defence.hits(unit, self.us, analyst, self.now, defence.Which(suppressed=True))
        return {each.group.title: each.tally.count for each in found}


def person(level, *named):
    clearance = Clearance(tlp=level, readers=frozenset())
    return Actor(name="amal", roles=roles(named or ["analyst"]), clearance=clearance)


@pytest.fixture
def post(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "_WAIT", 0.02)
    monkeypatch.setattr(watching, "_LOOK", 0.05)
    store = migrated.in_file(tmp_path / "node.db")
    us = Us(
        party="asteria", country="AS", organisation="CSIRT of Asteria", realm="live",
        url="http://asteria.example", signer=generate(), secret=b"s" * 32, max_frame_bytes=8 << 20,
        limits=Defence(),
    )  # fmt: skip
    with store.begin() as unit:
        for name, level in (("ana", "RED"), ("ben", "GREEN")):
            newcomer = Newcomer(
                name=name, roles=roles(["analyst"]), clearance=level, public=generate().public
            )
            people.enrol(unit, newcomer, NOW, by="owner")
    log = tmp_path / "dns.log"
    log.write_bytes(lookup(0, "first.org"))
    yield Post(store, us, log)
    store.close()


def names(told):
    return [each.match.title for each in told if isinstance(each, NewHit)]


def test_what_the_node_holds_is_found_as_the_log_grows_and_kept_once(post):
    post.take(indicator(1, "bad.example"))
    watch = post.watch()
    post.write(lookup(1, "www.bad.example"))
    first = post.until(watch)
    post.write(lookup(2, "good.org"), lookup(3, "bad.example"))
    second = post.until(watch)

    again = post.until(post.watch())
    with post.core.begin() as unit:
        live.forget_source(unit, "log")
    anew = post.watch()
    from_the_beginning = post.until(anew)

    assert (names(first), names(second)) == (["bad.example"], ["bad.example"])
    assert (names(again), names(from_the_beginning)) == ([], [])
    assert (anew.events, anew.keeper.known) == (4, 2)
    assert post.hits() == {"bad.example": 2}


def test_what_was_matched_and_not_kept_is_given_again_after_a_fall(post):
    post.take(indicator(1, "bad.example"))
    post.write(lookup(1, "bad.example"))
    falls = post.watch()
    falls.streams[0].source.keep = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)

    with pytest.raises(KeyboardInterrupt):
        post.until(falls)
    rises = post.watch()
    post.until(rises)

    assert (rises.events, rises.keeper.new, rises.keeper.known) == (2, 0, 1)
    assert post.hits() == {"bad.example": 1}


def test_new_intelligence_is_taken_up_while_it_watches(post):
    watch = post.watch()
    post.until(watch)
    post.take(indicator(1, "bad.example"), indicator(2, "worse.example"))
    news = post.until(watch, TakenUp)
    post.write(lookup(1, "bad.example"), lookup(2, "worse.example"))
    found = post.until(watch)

    assert [each.count for each in news if isinstance(each, TakenUp)] == [2]
    assert names(found) == ["bad.example", "worse.example"]


@pytest.mark.parametrize(
    "change",
    [
        {"revoked": True},
        {"valid_until": "2026-02-01T00:00:00.000Z"},
        {"pattern": "[domain-name:value = 'other.example']"},
    ],
)
def test_what_is_revoked_or_over_or_says_something_else_finds_nothing_more(post, change):
    post.take(indicator(1, "bad.example"))
    watch = post.watch()
    post.write(lookup(1, "bad.example"))
    before = post.until(watch)
    post.take(indicator(1, "bad.example", version=2, **change))
    post.until(watch, TakenUp if "pattern" in change else None, turns=10)
    post.write(lookup(2, "bad.example"), lookup(3, "other.example"))
    after = post.until(watch)

    assert names(before) == ["bad.example"]
    assert [each.match.found["query"] for each in after if isinstance(each, NewHit)] == (
        ["other.example"] if "pattern" in change else []
    )


def test_nobody_watches_for_what_they_may_not_read(post):
    post.take(indicator(1, "bad.example"), tlp=Tlp.AMBER)
    watch = post.watch(who="ben")
    post.write(lookup(1, "bad.example"))

    assert names(post.until(watch)) == []
    assert watch.lookout.count == 0


def test_what_matches_too_much_is_set_aside_until_a_person_lets_it_back(post):
    post.take(indicator(1, "all.example"), indicator(2, "rare.example"))
    watch = post.watch(limits=Limits(window=1000, most=5))
    post.write(*(lookup(number, "all.example") for number in range(1, 20)))
    told = post.until(watch)
    with post.core.read() as unit:
        [aside] = defence.asides(unit, post.us, person(Tlp.GREEN))
        hidden = defence.asides(unit, post.us, person(Tlp.CLEAR))
    restarted = post.watch(limits=Limits(window=1000, most=5))
    post.write(lookup(20, "all.example"), lookup(21, "rare.example"))
    still = post.until(restarted)
    with post.core.begin() as unit:
        defence.let_back(unit, post.us, person(Tlp.RED), aside.seq, "it is real", NOW)
    post.until(restarted, turns=10)
    post.write(lookup(22, "all.example"))
    back = post.until(restarted)

    assert [(each.title, each.code) for each in told if isinstance(each, SetAside)] == [
        ("all.example", "rule-rate")
    ]
    assert post.hits()["all.example"] == 6 + 2 + 1  # two that each process kept and did not show
    assert (aside.title, aside.after, hidden) == ("all.example", 7, [])
    assert names(still) == ["rare.example"]
    assert names(back) == ["all.example"]


def test_a_new_version_of_what_was_set_aside_is_tried_again(post):
    post.take(indicator(1, "all.example"))
    watch = post.watch(limits=Limits(window=1000, most=5))
    post.write(*(lookup(number, "all.example") for number in range(1, 20)))
    post.until(watch)
    post.take(
        indicator(1, "all.example", version=2, pattern="[domain-name:value = 'one.all.example']")
    )
    post.until(watch, TakenUp)
    post.until(watch, turns=10)
    post.write(lookup(20, "one.all.example"), lookup(21, "two.all.example"))
    found = post.until(watch)
    with post.core.read() as unit:
        [once] = defence.asides(unit, post.us, person(Tlp.RED), standing=False)

    assert [each.match.found["query"] for each in found if isinstance(each, NewHit)] == [
        "one.all.example"
    ]
    assert once.back_by == "new-version"


def test_a_tool_is_told_of_what_its_level_allows_and_of_red_none(post, tmp_path):
    (tmp_path / "rule.yml").write_text(RULE, "utf-8")
    for number, level in enumerate((Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED), 1):
        post.take(indicator(number, f"n{number}.example"), tlp=level)
    (tmp_path / "list.txt").write_text("of-a-file.example\n", "utf-8")
    own = gathered([tmp_path / "rule.yml"], indicators=[tmp_path / "list.txt"])
    some = [
        Audience(name="all", up_to=Tlp.AMBER_STRICT, most=100),
        Audience(name="green", up_to=Tlp.GREEN, most=100),
        Audience(name="few", up_to=Tlp.GREEN, most=2),
    ]
    watch = post.watch(own, audiences=some)
    post.write(*(lookup(n, f"n{n}.example") for n in range(1, 6)), lookup(6, "of-a-file.example"))
    told = post.until(watch, Dropped)

    def waits(name):
        with post.core.read() as unit:
            return sorted(json.loads(hit)["title"] for _, hit in live.untold(unit, name, 100))

    ours = ["Lookup of anything"] * 6
    assert waits("all") == [*ours, "n1.example", "n2.example", "n3.example", "n4.example"]
    assert waits("green") == [*ours, "n1.example", "n2.example"]
    assert len(waits("few")) == 2
    assert told[-1] == Dropped(sink="few", count=6)
    levels = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT)
    with post.core.read() as unit:
        seen = [defence.waiting(unit, post.us, person(level), some[0]) for level in levels]
        with pytest.raises(Forbidden):
            defence.waiting(unit, post.us, person(Tlp.RED, "operator"), some[0])
    assert seen == [7, 8, 9, 10]  # who may read less is not told that more waits
    assert post.hits()["n5.example"] == 1


def test_what_is_suppressed_is_told_to_nobody(post):
    post.take(indicator(1, "bad.example"))
    with post.core.begin() as unit:
        wanted = defence.Suppression(field="query", value="bad.example", why="known", by="", at="")
        defence.suppress(unit, post.us, person(Tlp.RED), wanted, NOW)
    watch = post.watch(audiences=[Audience(name="all", up_to=Tlp.AMBER, most=9)])
    post.write(lookup(1, "bad.example"))

    assert names(post.until(watch)) == []
    with post.core.read() as unit:
        assert live.untold(unit, "all", 9) == []
    assert (watch.keeper.new, post.hits()) == (1, {"bad.example": 0})


class Backlog:
    """A source of which something waits, and something was turned away."""

    def __init__(self, some):
        self.some = some

    def batches(self, wait):
        found, self.some = self.some, []
        yield Taken(found=found)

    def keep(self, taken):
        pass

    def behind(self):
        return Behind(size=4096, chunks=3, since=NOW.timestamp())

    def close(self):
        pass


def test_how_a_source_does_is_kept_refusals_by_code_and_reason_each_as_often_as_it_was(post):
    room = "datagrams that there was no room for"
    refused = [
        Refusal(number=7, code=TURNED_AWAY, why=room),
        Refusal(number=5, code=TURNED_AWAY, why=room),
        Refusal(number=1, code="telemetry-long", why="longer than 9 bytes"),
        *(Refusal(number=n, code="telemetry-made-up", why=f"{n}") for n in range(200)),
    ]
    watch = post.watch()
    watch.streams = [Stream(text="syslog://x:1", source=Backlog(refused))]
    post.until(watch, turns=10)
    watch.report()
    with post.core.read() as unit:
        [(_, _, facts)] = live.states(unit)

    assert facts["refused"] == {
        TURNED_AWAY: 12, "telemetry-long": 1, "telemetry-made-up": 200,
    }  # fmt: skip
    assert facts["reasons"][0] == [TURNED_AWAY, room, 12]
    assert len(facts["reasons"]) == 100  # reasons are an outsider's to make many
    assert (facts["behind"], facts["waiting"]) == (4096, 3)
    assert facts["waiting_since"] == "2026-11-30T12:00:00.000Z"


def test_a_source_that_falls_silent_is_told_of_once_and_again_when_it_speaks(post):
    watch = post.watch(silent_seconds=0.1)
    silent = post.until(watch, FellSilent)
    with post.core.read() as unit:
        [(source, _, facts)] = live.states(unit)
    more = watch.run()
    post.write(lookup(1, "x.org"))
    heard = next(each for each in more if each is not None)
    more.close()

    assert silent[-1] == FellSilent(source="log")
    assert (source, facts["silent"], facts["events"], facts["running"]) == ("log", True, 1, True)
    assert heard in (FellSilent(source="log"), FellSilent(source="log", back=True))


def test_the_defence_cycle_learns_which_rules_are_looked_for_also_those_that_came_later(post):
    rule = indicator(8, "x") | {"pattern_type": "sigma", "pattern": RULE}
    watch = post.watch()
    before = looked_for(post, watch)
    post.take(rule)
    post.until(watch, TakenUp)

    assert (before, looked_for(post, None)) == (set(), {rule["id"]})


def looked_for(post, watch):
    if watch is not None:
        post.until(watch)
    with post.core.read() as unit:
        return {each.rule for each in coverage.used(unit)}


@pytest.mark.parametrize(
    "change",
    [{"revoked": True}, {"pattern": "[domain-name:value = 'never.example']"}, {"valid_until": "2026-02-01T00:00:00Z"}],
)  # fmt: skip
def test_who_writes_the_id_of_anothers_indicator_takes_nothing_back_of_it(post, change):
    pair = "[domain-name:value = 'bad.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.7']"
    post.take(indicator(1, "bad.example"), indicator(2, "pair", pattern=pair))
    watch = post.watch()
    post.take(
        *(indicator(n, "x", version=2, **change) for n in (1, 2)), tlp=Tlp.AMBER
    )  # of another source
    afresh = post.watch()
    with post.core.read() as unit:
        said = [(word.rule, body["pattern"]) for word, body in watch.held.some(unit, 0)]
    post.write(lookup(1, "bad.example"))

    assert names(post.until(afresh)) == ["bad.example"]
    assert (indicator(2, "")["id"], pair) in said


class Pushed:
    """A source whose sender says what its chunk is called."""

    def __init__(self, name):
        self.name, self.kept = name, 0

    def batches(self, wait):
        if not self.kept:
            why = Refusal(number=0, code="telemetry-unknown", why="no kind fits", name=self.name)
            yield Taken(found=[why], name=self.name)

    def keep(self, taken):
        self.kept += 1

    def close(self):
        pass


def test_yara_rules_look_through_the_files_that_are_followed_and_none_that_a_sender_names(
    post, tmp_path
):
    (tmp_path / "any.yar").write_text('rule found { strings: $a = "PRIVATE" condition: $a }')
    post.log.write_bytes(b"\x7fELF\x00PRIVATE\n" * 20_000)
    own = gathered(yara=[tmp_path / "any.yar"])

    followed = post.until(post.watch(own), turns=3)
    (tmp_path / "other").write_bytes(b"\x7fELF\x01PRIVATE\n" * 20_000)
    watch = post.watch(own)
    watch.streams = [Stream(text="nats", source=Pushed(str(tmp_path / "other")))]
    named = post.until(watch, turns=3)

    assert [each.match.title for each in followed if isinstance(each, NewHit)] == ["found"]
    assert not named
    assert watch.streams[0].refused == {"telemetry-unknown": 1}


class Faulty:
    """A store that is away at some of its units: before they begin, or when they are to be committed."""

    def __init__(self, store):
        self.store, self.chance, self.often, self.gone = store, random.Random(0), 0.0, 0

    def __getattr__(self, name):
        return getattr(self.store, name)

    @contextmanager
    def _unit(self, opened):
        gone, late = self.chance.random() < self.often, self.chance.random() < 0.5
        self.gone += gone
        if gone and not late:
            raise OperationalError("…", None, Exception("away"))
        with opened() as unit:
            yield unit
            if gone:
                raise OperationalError("…", None, Exception("away"))

    def begin(self):
        return self._unit(self.store.begin)

    def read(self):
        return self._unit(self.store.read)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_while_the_store_is_away_it_says_so_waits_and_loses_and_doubles_nothing(
    post, seed, monkeypatch
):
    monkeypatch.setattr(patience, "_FIRST", 0.0)
    several = "[domain-name:value = 'bad.example'] FOLLOWEDBY [domain-name:value = 'worse.example']"
    post.take(
        indicator(1, "bad.example"), indicator(2, "worse.example"),
        indicator(3, "several", pattern=several), indicator(4, "com", pattern="[domain-name:value LIKE '%.com']"),
    )  # fmt: skip
    sound = post.core
    post.core = Faulty(sound)
    watch = post.watch(limits=Limits(window=60, most=4))
    post.core.chance, post.core.often = random.Random(seed), 0.4 if seed else 0.0

    monkeypatch.setattr(watching, "_WAIT", 0.0)
    monkeypatch.setattr(watching, "_LOOK", 0.0)  # at the end of each turn
    monkeypatch.setattr(Watch, "report", lambda _: looks.append(1))
    told, looks = [], []

    for lines in (
        [lookup(1, "bad.example")],
        [lookup(2, "worse.example"), *(lookup(10 + n, f"{n}.com") for n in range(8))],
        [lookup(30, "bad.example")],
    ):
        post.write(*lines)
        running, looks[:] = watch.run(), []
        told += filter(None, takewhile(lambda _: len(looks) < 3, running))
        running.close()
        post.log.rename(post.log.with_name(f"dns.log.{len(lines)}.{len(told)}"))
    away, post.core = post.core.gone, sound

    waits = [each.back for each in told if isinstance(each, StoreAway)]
    assert Counter(names(told)) == {"bad.example": 2, "worse.example": 1, "several": 1, "com": 5}
    assert [each.title for each in told if isinstance(each, SetAside)] == ["com"]
    assert (watch.events, watch.keeper.known, watch.lookout.trouble) == (12, 0, "")
    with sound.read() as unit:
        counted = {name: count for name, (count, _, _) in coverage.telemetry(unit).items()}
        marks = dict(Marks(sound, "log"))
    assert counted == {"zeek/dns": 12}
    assert marks
    assert bool(waits) == bool(away) == bool(seed)
    assert waits == [False, True] * (len(waits) // 2)


def test_what_is_wrong_with_more_than_the_store_being_away_is_not_waited_for():
    def wrong():
        raise ProgrammingError("…", None, Exception("no such table"))

    with pytest.raises(ProgrammingError):
        list(patiently(wrong))


def test_the_pause_grows_and_whoever_waits_may_go(monkeypatch):
    slept = []
    monkeypatch.setattr(patience, "sleep", slept.append)
    monkeypatch.setattr(patience, "monotonic", lambda: sum(slept))
    tries = []

    def away():
        tries.append(sum(slept))
        raise OperationalError("…", None, Exception("away"))

    waiting = patiently(away)
    first = next(waiting)
    while sum(slept) < 100:
        assert next(waiting) is None

    assert first == StoreAway()
    assert tries == [0, 1, 3, 7, 15, 31, 61, 91]
    assert max(slept) <= 0.5


class Filled:
    """An index of the past on a disk that is full for a while."""

    def __init__(self, why):
        self.why, self.noted, self.lost = [why] * 2, [], []

    def note(self, batch, now):
        if self.why:
            raise self.why.pop()
        self.noted += batch


@pytest.mark.parametrize("kind", ["past", "disk"])
def test_while_the_disk_is_full_the_watch_waits_and_says_so_and_then_nothing_is_missing(
    post, kind, monkeypatch, tmp_path
):
    monkeypatch.setattr(patience, "_FIRST", 0.01)
    why = OSError(errno.ENOSPC, "No space left on device")
    if kind == "past":
        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: small(connect(*a, **k)))
        with (
            pytest.raises(PastAway) as caught,
            Past(tmp_path / "past").writing("2026-11-30"),
        ):
            pytest.fail("there was room")
        why = caught.value
        monkeypatch.setattr(sqlite3, "connect", connect)
    post.take(indicator(1, "bad.example"))
    post.write(lookup(1, "bad.example"))
    watch = post.watch()
    watch.keeper.noting = Filled(why)

    told = post.until(watch, NewHit)

    assert [each for each in told if isinstance(each, StoreAway)] == [
        StoreAway(full=True),
        StoreAway(back=True),
    ]
    assert post.hits() == {"bad.example": 1}
    assert len(watch.keeper.noting.noted) == 2


def test_a_damaged_day_of_the_past_is_told_and_set_aside_and_the_watch_goes_on(post, tmp_path):
    post.take(indicator(1, "bad.example"))
    watch = post.watch()
    watch.keeper.noting = kept = noting(Config(home=tmp_path, settings=SETTINGS))
    post.write(lookup(1, "bad.example"))
    post.until(watch, NewHit)
    (day,) = kept.past.days()
    kept.past.file(day).write_bytes(b"no index " * 1000)
    post.write(lookup(2, "bad.example"))
    watch = post.watch()
    watch.keeper.noting = kept

    told = post.until(watch, turns=3)

    (lost,) = [each for each in told if isinstance(each, DayLost)]
    assert lost.day == day
    assert lost.file.read_bytes() == b"no index " * 1000
    assert post.hits() == {"bad.example": 2}
    with kept.past.reading(day) as file:
        assert file.events()


def small(file):
    """Let a database have no more room than its first page."""
    file.execute("PRAGMA max_page_count = 1")
    return file


def test_what_no_waiting_mends_is_not_waited_for():
    def refused():
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        next(patiently(refused))
