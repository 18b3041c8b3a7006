"""Events that are kept come back as they were, once each, and go when their days are over or there is no room."""

from datetime import UTC, datetime

import pytest

from mithaq.config import Config, InvalidConfig, Settings, Telemetry, check
from mithaq.formats.telemetry import Refusal
from mithaq.ingest import telemetry
from mithaq.ingest.noting import noting
from mithaq.model.telemetry import Event, LogSource

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def settings(**more):
    return Settings(
        nation="a",
        organisation="A",
        country="QM",
        url="http://a.example",
        telemetry=Telemetry(**more),
    )


def made(folder, **more):
    return noting(Config(home=folder, settings=settings(raw_days=9, past_days=30, **more)))


def events(day, count, begin=0):
    """Events of which some say by their bytes what they are, and some do not."""
    return [
        Event(
            fields={"n": n, "QueryName": f"n{n}.example", "list": ["a", None, 1.5, True]},
            source=LogSource("zeek", "", "dns"),
            at=f"2026-11-{day}T0{n % 10}:00:00.000Z",
            raw=b"\\xff%d\\t%d" % (day, n),
        )
        for n in range(begin, begin + count)
    ]


def read(kept, since=""):
    found = [each for file in kept.files(since) for each in telemetry.read(file)]
    assert not [each for each in found if isinstance(each, Refusal)]
    return found


def told(some):
    return sorted((event.at, event.raw, event.source, str(event.fields)) for event in some)


def test_events_come_back_as_they_were_before_and_after_they_are_put_together(tmp_path):
    kept = made(tmp_path)
    some = [*events(28, 30), *events(29, 30)]
    for at in range(0, 60, 7):
        kept.note(some[at : at + 7], NOW)
        kept.note(some[max(at - 3, 0) : at + 2], NOW)
    apart = len(kept.files(""))

    assert told(read(kept)) == told(some)
    kept.forget(NOW)
    assert (apart, len(kept.files(""))) == (10, 2)
    assert told(read(kept)) == told(some)
    assert [event.at for event in read(kept, "2026-11-29")] != []
    assert {event.at[:10] for event in read(kept, "2026-11-29")} == {"2026-11-29"}


def test_days_that_are_over_or_have_no_room_go_and_old_events_are_not_kept(tmp_path):
    kept = made(tmp_path)
    kept.note([*events(20, 5), *events(21, 5), *events(28, 5), *events(29, 5)], NOW)
    assert kept.raw.days() == ["2026-11-21", "2026-11-28", "2026-11-29"]
    assert kept.past.days()[0] == "2026-11-20"

    kept.forget(datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert kept.raw.days() == ["2026-11-28", "2026-11-29"]

    made(tmp_path, raw_bytes=kept.raw.size("2026-11-29") + 1).forget(NOW)
    assert kept.raw.days() == ["2026-11-29"]


def test_what_is_cut_off_while_it_is_put_together_leaves_every_event(tmp_path, monkeypatch):
    kept = made(tmp_path)
    kept.note(events(28, 5), NOW)
    kept.note(events(28, 5, 5), NOW)

    def cut(*_args, **_more):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", cut)
        with pytest.raises(OSError):  # noqa: PT011 as a full disk says it
            kept.raw.press("2026-11-28")
    assert told(read(kept)) == told(events(28, 10))

    kept.raw.press("2026-11-28")
    assert told(read(kept)) == told(events(28, 10))


def test_events_without_the_index_that_tells_them_apart_are_refused_by_the_settings():
    check(settings(raw_days=30, past_days=30))
    with pytest.raises(InvalidConfig, match="past_days at most"):
        check(settings(raw_days=31, past_days=30))
