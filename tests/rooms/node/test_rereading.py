"""New rules and patterns are looked for in the events that are kept, by the worker itself, also after a kill."""

import threading
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from mithaq import defence
from mithaq.auth.actors import Actor, roles
from mithaq.clock import text
from mithaq.detect import guard
from mithaq.ingest import keeping, rereading, wanted
from mithaq.ingest.keeping import keeper
from mithaq.ingest.working import apart
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.objects import from_body
from mithaq.model.telemetry import Event, LogSource
from mithaq.node.hindsight import Hindsight
from mithaq.store import journal, live
from tests.bench.common import brought
from tests.federation.world import Federation

ANA = Actor(name="ana", roles=roles(["analyst"]), clearance=Clearance(tlp=Tlp.RED))
DNS = LogSource("windows", "", "sysmon")
CHANNEL = "Microsoft-Windows-Sysmon/Operational"
SIGMA = """
title: Questions for {name}
id: 00000000-0000-4000-8000-{number:012d}
logsource: {{product: windows, category: dns_query}}
detection:
  s: {{QueryName|endswith: {name}}}
  condition: s
"""
BOTH = "[domain-name:value = '{name}' AND domain-name:value LIKE 'evil.%']"
THEN = "[domain-name:value = '{name}'] FOLLOWEDBY [domain-name:value = 'then.example'] WITHIN 60 SECONDS"


@pytest.fixture
def node(tmp_path):
    federation = Federation(tmp_path)
    made = federation.nation("aurelia", "QM")
    said = made.config.settings
    telemetry = msgspec.structs.replace(said.telemetry, raw_days=30)
    watching = msgspec.structs.replace(said.watch, window=100, matches=20)
    more = {"telemetry": telemetry, "watch": watching}
    object.__setattr__(made.config, "settings", msgspec.structs.replace(said, **more))
    yield made
    federation.close()


def day(node, ago):
    return text(node.clock() - timedelta(days=ago))[:10]


def saw(node, *names, ago=3, hour=7, second=0):
    """Keep a file of events."""
    batch = [
        Event(
            fields={"QueryName": name, "Image": r"C:\a.exe", "EventID": 22, "Channel": CHANNEL}, source=DNS,
            raw=f"{ago} {hour} {number + second} {name}".encode(),
            at=f"{day(node, ago)}T{hour:02d}:00:{number + second:02d}.000Z",
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    keeper(node.core, node.config, node.clock).keep([], batch)
    return batch


def learn(node, number, pattern, type_="sigma", version=0, **more):
    at = f"2026-01-01T00:00:0{version}.000Z"
    body = {
        "type": "indicator", "spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": at,
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "name": f"i{number}", "pattern_type": type_,
        "pattern": pattern, "valid_from": "2026-01-01T00:00:00.000Z",
    } | more  # fmt: skip
    brought(node, [from_body(body)])


def sigma(node, number, name, **more):
    learn(node, number, SIGMA.format(name=name, number=number), **more)


def look(node, **more):
    thread = Hindsight(node, threading.Event(), **more)
    while thread.turn() or thread.reread(1e9):
        pass


def hits(node):
    with node.core.read() as unit:
        found = defence.hits(unit, node.us, ANA, node.clock())
    counts = Counter()
    for each in found:
        counts[each.group.rule[-2:]] += each.tally.count
    return dict(counts)


def status(node):
    with node.core.read() as unit:
        known = rereading.state(unit)
        return known, rereading.waiting(unit, known, node.clock())


def told(node):
    with node.core.read() as unit:
        return [e.facts for e in journal.since(unit, 0) if e.kind == "reread"]


def test_rules_and_patterns_that_are_learnt_find_what_was_there_before_with_the_ids_of_live_hits(
    node,
):
    batch = saw(node, "a.evil.example", "evil.example", "then.example")
    saw(node, "good.example", ago=2)
    sigma(node, 1, "evil.example")
    learn(node, 2, BOTH.format(name="evil.example"), "stix")
    learn(node, 3, THEN.format(name="evil.example"), "stix")
    learn(node, 4, "[domain-name:value = 'evil.example']", "stix")  # the index knows it
    learn(node, 5, "title: nothing that can be read")
    assert status(node)[1] == 4

    look(node)

    assert hits(node) == {"01": 2, "02": 1, "03": 1, "04": 2}
    known, left = status(node)
    assert (left, known.rules, known.unserved, known.files, known.new) == (0, 3, 1, 2, 4)
    assert known.done == known.size > 0
    assert known.ended
    assert told(node) == [{"rules": 3, "files": 2, "new": 4}]
    with node.core.read() as unit:
        content = wanted.gathered(held=defence.held(unit, node.us, ANA, node.clock()))
    alone = keeper(node.core, node.config, node.clock)
    alone.keep([each for m in wanted.matchers(content)[:1] for each in m.match(batch)])
    assert (alone.new, alone.known) == (0, 2)

    look(node)
    assert len(told(node)) == 1
    sigma(node, 6, "good.example")
    look(node)
    assert hits(node)["06"] == 1


YARA = 'rule Evil { strings: $a = "evil script" condition: $a }'


def test_yara_rules_that_are_learnt_look_through_what_events_carried_and_not_through_our_own_files(
    node,
):
    some = [
        Event(
            fields={"ScriptBlockText": text_, "Computer": "WS-1"}, source=LogSource("windows", "", "powershell"),
            raw=text_.encode(), at=f"{day(node, 3)}T07:00:00.000Z",
        )
        for text_ in ("# evil script", "# good script")
    ]  # fmt: skip
    keeper(node.core, node.config, node.clock).keep([], some)
    learn(node, 1, YARA, "yara")

    look(node)

    with node.core.read() as unit:
        [one] = defence.hits(unit, node.us, ANA, node.clock())
        [found] = defence.show(unit, node.us, ANA, one.group.seq, node.clock()).found
        content = wanted.gathered(held=defence.held(unit, node.us, ANA, node.clock()))
    assert (found.event, found.asset) == (some[0].digest, "ws-1")
    assert found.found == {"field": "ScriptBlockText", "$a": "0x2"}
    assert [m.id for each in apart(content) for m in each.match(some)] == [found.id]


class Killed(BaseException):
    """Stands for kill -9."""


def test_one_that_is_killed_goes_on_where_it_was_and_what_came_meanwhile_waits_for_the_next(
    node, monkeypatch
):
    for hour in range(5):
        saw(node, "evil.example", "other.example", hour=hour)
    sigma(node, 1, "evil.example")
    tried, keep = [], keeping.Keeper.keep

    def killed(kept, found, batch=()):
        if len(tried) > 4:
            raise Killed
        return keep(kept, found, batch)

    monkeypatch.setattr(guard._Timed, "match", counted_by(tried))
    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeper, "keep", killed)
        with pytest.raises(Killed):
            look(node)
    assert hits(node) == {"01": 2}
    sigma(node, 2, "other.example")
    known, left = status(node)
    assert (bool(known.ended), left) == (False, 1)
    tried.clear()

    look(node)

    assert len(tried) == 6 + 10  # three files that were left, then all of them for the next
    assert hits(node) == {"01": 5, "02": 5}
    assert [each["rules"] for each in told(node)] == [1, 1]


def counted_by(tried):
    match = guard._Timed.match

    def counted(engine, batch):
        tried.extend(batch)
        return match(engine, batch)

    return counted


def test_a_step_ends_after_its_time_and_tells_how_far_it_came(node):
    for hour in range(5):
        saw(node, "evil.example", hour=hour)
    sigma(node, 1, "evil.example")
    thread = Hindsight(node, threading.Event())

    far = []
    while thread.reread(0):
        far.append(status(node)[0].done)

    assert far == sorted(far)
    assert len(set(far)) >= 5
    assert hits(node) == {"01": 5}
    assert len(told(node)) == 1


def test_what_is_damaged_is_named_and_all_else_is_searched(node):
    for hour in range(3):
        saw(node, "evil.example", hour=hour)
    one = sorted(node.config.raw.glob("*/*.parquet"))[1]
    one.write_bytes(b"PAR1 no such file PAR1")
    sigma(node, 1, "evil.example")

    look(node)

    assert hits(node) == {"01": 2}
    assert status(node)[0].damaged == (str(one),)


def test_what_is_revoked_or_changed_while_it_goes_on_finds_nothing_more(node):
    for hour in range(3):
        saw(node, "evil.example", "other.example", hour=hour)
    for number in (1, 2, 3):
        sigma(node, number, "evil.example")
    thread = Hindsight(node, threading.Event())
    while thread.reread(0) and hits(node) == {}:
        pass
    before = hits(node)
    sigma(node, 1, "evil.example", version=1, revoked=True)
    sigma(node, 2, "other.example", version=1)

    while thread.reread(0):
        pass

    assert before == {"01": 1, "02": 1, "03": 1}
    assert hits(node) == {"01": 1, "02": 1 + 3, "03": 3}


def test_a_rule_that_finds_everything_is_set_aside_as_where_telemetry_is_watched(node):
    for hour in range(4):
        saw(node, *("evil.example" for _ in range(10)), hour=hour)
    saw(node, "rare.evil.example", hour=23)
    sigma(node, 1, "example")
    sigma(node, 2, "rare.evil.example")

    look(node)

    assert hits(node) == {"01": 21 + 3, "02": 1}  # one of each hour goes on counting
    with node.core.read() as unit:
        [aside] = live.asides(unit)
    assert (aside.rule[-2:], aside.code) == ("01", "rule-rate")
    assert aside.version.startswith("2026-01-01")


def test_without_events_nothing_waits_and_only_the_days_that_the_settings_say_are_read(node):
    sigma(node, 1, "evil.example")
    look(node)
    assert status(node)[1] == 0
    assert told(node) == []

    saw(node, "evil.example", ago=3)
    said = node.config.settings
    telemetry = msgspec.structs.replace(said.telemetry, back_days=2)
    object.__setattr__(node.config, "settings", msgspec.structs.replace(said, telemetry=telemetry))
    sigma(node, 2, "evil.example")
    look(node)
    assert hits(node) == {}


def test_files_that_are_put_together_or_go_meanwhile_cost_no_hit_of_those_that_are_left(node):
    for hour in range(4):
        saw(node, "evil.example", hour=hour, ago=2)
    saw(node, "evil.example", ago=29)
    sigma(node, 1, "evil.example")
    thread = Hindsight(node, threading.Event())
    while thread.reread(0) and hits(node) == {}:
        pass

    thread.tidy(node.clock() + timedelta(days=5))
    while thread.reread(0):
        pass

    assert hits(node) == {"01": 5}
    assert len(list(node.config.raw.glob("*/*.parquet"))) == 1


def test_where_the_store_is_away_for_a_moment_nothing_is_taken_for_done(node, monkeypatch):
    saw(node, "evil.example")
    saw(node, "evil.example", hour=9)
    sigma(node, 1, "evil.example")
    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeper, "keep", lambda *_: 1 / 0)
        thread = Hindsight(node, threading.Event())
        with pytest.raises(ZeroDivisionError):
            thread.reread(1e9)

    while thread.reread(1e9):
        pass

    assert hits(node) == {"01": 2}
