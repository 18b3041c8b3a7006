"""A hunt for values alone finds what it finds when it is stopped and goes on, whatever it passes over."""

import json

import pytest

from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.stix.patterns import Patterns
from mithaq.ingest.hunted import Sought
from mithaq.ingest.hunting import Hunt
from mithaq.ingest.resuming import Progress
from mithaq.ingest.wanted import Content
from mithaq.model.values import of_kind

VALUES = Indicators([Listed(of_kind("domain", "evil.example"), "indicator--1")])
CONTENT = Content(indicators=Sought(count=1, values=VALUES, patterns=Patterns(()), unserved=()))
STRANGE = [{"event_type": "dns", "timestamp": "2026-11-30T12:00:00Z"}] * 20
EVENTS = [{"EventID": 22, "QueryName": "evil.example", "n": 0}]
EVENTS += [{"EventID": 22, "QueryName": "good.example", "n": each} for each in range(2_000)]
EVENTS += [{"EventID": 22, "QueryName": "evil.example", "n": 1}]


@pytest.fixture
def logs(tmp_path):
    for name, events in (("a.json", STRANGE), ("b.json", EVENTS)):
        (tmp_path / name).write_bytes(
            b"".join(json.dumps(each).encode() + b"\n" for each in events)
        )
    return [tmp_path / "a.json", tmp_path / "b.json"]


def test_a_hunt_that_passes_over_events_counts_them_all(logs):
    run = Hunt(CONTENT)

    assert len([hit for hit in run.run(logs) if hit]) == 2
    assert run.events == len(STRANGE) + len(EVENTS)


def test_a_hunt_that_goes_on_after_it_was_stopped_misses_nothing(logs, tmp_path):
    first = Progress(tmp_path / "steps", "what")
    first.begin()
    found = {}
    for hit in Hunt(CONTENT, progress=first).run(logs):
        if hit:
            found[hit.match.id] = hit
        elif found:
            break
    first.close()
    second = Progress(tmp_path / "steps", "what")
    second.begin()
    found |= {hit.match.id: hit for hit in Hunt(CONTENT, progress=second).run(logs) if hit}
    second.close()

    assert len(found) == 2
