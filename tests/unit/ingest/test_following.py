"""Logs that are still written are read to their end, once, whatever happens to them and to us."""

import gzip
import shutil

import msgspec
import pytest

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Refusal
from mithaq.ingest.telemetry import Cursor, Following


class Watch:
    """Someone who polls, keeps the cursors with what came, and may be killed after any batch."""

    def __init__(self, *paths):
        self.source = Following(paths)
        self.kept = {}
        self.got = []

    def poll(self, batches=None):
        cursors = {path: msgspec.json.decode(raw, type=Cursor) for path, raw in self.kept.items()}
        for count, batch in enumerate(self.source.batches(cursors), 1):
            self.kept.pop(batch.gone, None)
            self.kept[batch.path] = msgspec.json.encode(batch.cursor)
            self.got += [one for one in batch.found if not isinstance(one, Refusal)]
            if count == batches:
                break
        return [event.fields.get("a") for event in self.got]


def line(number):
    return b'{"a": %d, "filler": "%s"}\n' % (number, b"x" * 40)


def lines(begin, end):
    return b"".join(line(number) for number in range(begin, end))


def append(path, raw):
    with path.open("ab") as opened:
        opened.write(raw)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(b"")
    return path


def test_a_line_is_read_when_it_has_ended(log):
    watch = Watch(log)
    assert watch.poll() == []

    append(log, line(1) + line(2)[:9])
    assert watch.poll() == [1]
    assert watch.poll() == [1]
    append(log, line(2)[9:])

    assert watch.poll() == [1, 2]


@pytest.mark.parametrize("way", ["renamed", "copied and cut"])
@pytest.mark.parametrize("folder", [False, True])
def test_a_log_that_is_rotated_is_read_to_its_end_and_the_new_one_from_its_beginning(
    log, way, folder
):
    watch = Watch(log.parent if folder else log)
    append(log, lines(0, 50))
    watch.poll()

    append(log, lines(50, 60) + line(60).rstrip())
    if way == "renamed":
        log.rename(f"{log}.1")
    else:
        shutil.copy(log, f"{log}.1")
    log.write_bytes(lines(61, 63))

    assert watch.poll() == list(range(63))
    append(log, line(63))
    assert watch.poll() == list(range(64))


@pytest.mark.parametrize("folder", [False, True])
def test_rotated_logs_are_known_again_when_all_of_them_move_on(log, folder):
    watch = Watch(log.parent if folder else log)
    for number in range(4):
        for older in range(number - 1, 0, -1):
            log.with_name(f"app.log.{older}").rename(f"{log}.{older + 1}")
        if number:
            log.rename(f"{log}.1")
        log.write_bytes(lines(10 * number, 10 * number + 5))
        watch.poll()
        append(log, lines(10 * number + 5, 10 * number + 10))

    assert watch.poll() == list(range(40))
    assert watch.poll() == list(range(40))


def test_a_log_that_was_cut_is_read_from_its_beginning(log):
    watch = Watch(log)
    append(log, lines(0, 3))
    watch.poll()

    log.write_bytes(lines(7, 8))

    assert watch.poll() == [0, 1, 2, 7]


def test_being_killed_after_any_batch_neither_loses_nor_doubles(log, monkeypatch):
    monkeypatch.setattr("mithaq.ingest.telemetry.following._PIECE", 700)
    append(log, lines(0, 100))
    watch = Watch(log)

    for _ in range(200):
        watch.poll(batches=1)

    assert watch.poll() == list(range(100))


def test_what_the_head_of_a_log_says_is_known_after_it_was_interrupted(log):
    watch = Watch(log)
    head = b"#separator \\x09\n#path\tdns\n#fields\tts\ta\n#types\ttime\tcount\n"
    append(log, head + b"1.5\t1\n")
    assert watch.poll() == [1]

    append(log, b"2.5\t2\n")

    assert watch.poll() == [1, 2]
    assert watch.got[1].source.service == "dns"


def test_the_records_of_an_audit_event_that_is_not_whole_are_read_again(log):
    watch = Watch(log)
    first = b"type=SYSCALL msg=audit(1604996384.965:1): a=1\n"
    append(log, first)
    assert watch.poll() == []

    append(log, b"type=PROCTITLE msg=audit(1604996384.965:1): proctitle=6464\n")
    watch.poll()

    [event] = watch.got
    assert event.fields["type"] == ["SYSCALL", "PROCTITLE"]


def test_what_does_not_grow_by_lines_is_read_once_and_if_it_changes_from_there(tmp_path):
    packed = tmp_path / "old.json.gz"
    packed.write_bytes(gzip.compress(lines(0, 3)))
    watch = Watch(tmp_path)
    assert watch.poll() == [0, 1, 2]
    assert watch.poll() == [0, 1, 2]

    packed.write_bytes(gzip.compress(lines(0, 4)))

    assert watch.poll() == [0, 1, 2, 3]


def test_a_reader_that_fails_costs_its_file_and_not_the_others(tmp_path, monkeypatch):
    fitting = telemetry.fitting

    def fails(opening, name):
        if name == "a.log":
            raise ZeroDivisionError
        return fitting(opening, name)

    monkeypatch.setattr(telemetry, "fitting", fails)
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(lines(0, 2))
    watch = Watch(tmp_path)

    assert watch.poll() == [0, 1]
    assert watch.source.unreadable == {
        str(tmp_path / "a.log"): "a reader failed: ZeroDivisionError"
    }
