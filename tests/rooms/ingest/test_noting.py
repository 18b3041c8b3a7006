"""Events that are kept come back as they were, once each, and go when their days are over or there is no room."""

import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mithaq.config import Config, InvalidConfig, Settings, Telemetry, check
from mithaq.formats.telemetry import Refusal
from mithaq.ingest import telemetry
from mithaq.ingest.noting import noting
from mithaq.model.telemetry import Event, LogSource
from mithaq.store.past import DamagedPast, PastAway

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


def pressed_wrong(file):
    """Leave all that SQLite asks for as it is, and nothing of what is in it."""
    with sqlite3.connect(file) as known:
        known.execute("UPDATE digests SET packed = x'0102030405'")
        known.execute("UPDATE block SET packed = x'0102030405'")
    known.close()


def gone(file):
    file.unlink()
    file.symlink_to(file.parent / "nowhere" / "day")


DAMAGE = {
    "other": lambda file: file.write_bytes(b"no index " * 1000),
    "cut": lambda file: os.truncate(file, file.stat().st_size // 2),
    "strange": lambda file: sqlite3.connect(file).executescript("DROP TABLE event; CREATE TABLE event (x)").close(),
    "pressed": pressed_wrong,
    "gone": gone,
}  # fmt: skip


@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_a_damaged_day_is_set_aside_and_what_comes_of_it_is_noted_anew(tmp_path, damage):
    kept = made(tmp_path)
    kept.note([*events(28, 50), *events(29, 50)], NOW)
    kept.past.press("2026-11-30")
    file = kept.past.file("2026-11-28")
    DAMAGE[damage](file)
    other = kept.past.file("2026-11-29").read_bytes()
    spoilt = file.read_bytes() if file.exists() else b""

    noted = kept.note(events(28, 50, 50), NOW)

    assert noted == 50
    assert [each.day for each in kept.lost] == ["2026-11-28"]
    assert kept.past.spoilt() == {"2026-11-28": [kept.lost[0].file]}
    assert (
        not spoilt or kept.lost[0].file.read_bytes() == spoilt or damage in {"strange", "pressed"}
    )
    assert kept.past.days() == ["2026-11-28", "2026-11-29"]
    assert kept.past.file("2026-11-29").read_bytes() == other
    with kept.past.reading("2026-11-28") as day:
        assert day.events() == 50
    assert kept.note(events(28, 50, 50), NOW) == 0

    kept.forget(datetime(2027, 1, 15, tzinfo=UTC))
    assert [*file.parent.iterdir()] == []


def test_who_saw_the_same_damage_later_takes_the_new_day_for_none(tmp_path):
    one, other = made(tmp_path), made(tmp_path)
    one.note(events(28, 5), NOW)
    one.past.file("2026-11-28").write_bytes(b"no index " * 1000)
    with pytest.raises(DamagedPast), other.past.writing("2026-11-28"):
        pytest.fail("it was written")
    one.note(events(28, 5, 5), NOW)

    assert other.past.set_aside("2026-11-28") is None
    assert other.note(events(28, 5, 10), NOW) == 5

    with one.past.reading("2026-11-28") as day:
        assert day.events() == 10
    assert len(one.past.spoilt()["2026-11-28"]) == 1


def test_a_day_that_is_damaged_again_and_again_is_set_aside_each_time_and_all_of_it_is_kept(
    tmp_path,
):
    kept = made(tmp_path)
    for turn in range(3):
        kept.note(events(28, 5, 5 * turn), NOW)
        kept.past.file("2026-11-28").write_bytes(b"no index %d " % turn * 1000)
    kept.note(events(28, 5, 20), NOW)

    files = kept.past.spoilt()["2026-11-28"]
    assert [each.read_bytes()[:10] for each in files] == [
        b"no index %d" % turn for turn in range(3)
    ]
    assert kept.past.size("2026-11-28") > sum(each.stat().st_size for each in files)


def test_a_day_that_cannot_be_written_for_a_while_is_not_set_aside(tmp_path, monkeypatch):
    kept = made(tmp_path)
    kept.note(events(28, 5), NOW)
    connect = sqlite3.connect
    for why in ("PRAGMA max_page_count = 1", "PRAGMA query_only = 1"):
        with monkeypatch.context() as patch:

            def away(*some, why=why, **more):
                file = connect(*some, **more)
                file.execute(why)
                return file

            patch.setattr(sqlite3, "connect", away)
            with pytest.raises(PastAway):
                kept.note(events(28, 2000, 5), NOW)
    assert kept.past.spoilt() == {}
    assert kept.note(events(28, 5, 5), NOW) == 5


def test_a_damaged_file_of_events_keeps_no_day_from_being_put_together_and_thrown_away(tmp_path):
    kept = replace(made(tmp_path), days=9)
    for begin in (0, 5, 10):
        kept.note([*events(28, 5, begin), *events(21, 5, begin)], NOW)
    damaged, *others = kept.raw.files("2026-11-28")
    damaged.write_bytes(b"no events")
    left = told(each for file in others for each in telemetry.read(file))

    kept.forget(datetime(2026, 12, 1, 12, tzinfo=UTC))

    assert kept.past.days() == kept.raw.days() == ["2026-11-28"]
    files = kept.raw.files("2026-11-28")
    assert damaged in files
    assert len(files) == 2
    files.remove(damaged)
    assert told(telemetry.read(*files)) == left
    assert len(left) == 10
