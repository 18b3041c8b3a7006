"""Whatever never ends is read as it comes, and what was not said to be kept is given again."""

import gzip
import os
import queue

import pytest

from mithaq.formats.telemetry import Refusal
from mithaq.ingest.telemetry import NoSource, Ways, opened
from mithaq.ingest.telemetry.source import Piped

PATIENCE = 10.0


def lines(*numbers):
    return b"".join(b'{"a": %d}\n' % number for number in numbers)


def numbers(taken):
    return [one.fields["a"] for each in taken for one in each.found if not isinstance(one, Refusal)]


def append(path, raw):
    with path.open("ab") as file:
        file.write(raw)


def test_a_file_is_read_as_it_grows_and_again_from_what_was_not_kept(tmp_path):
    log, kept = tmp_path / "app.log", {}
    log.write_bytes(lines(1, 2))
    first = opened(str(log), Ways(kept=kept))
    (taken,) = first.batches(0)
    first.keep(taken)
    append(log, lines(3))
    lost = numbers(first.batches(0))

    second = opened(str(log), Ways(kept=kept))
    again = [*second.batches(0)]
    for each in again:
        second.keep(each)
    append(log, lines(4))

    assert numbers([taken]) == [1, 2]
    assert lost == numbers(again) == [3]
    assert numbers(second.batches(0)) == [4]
    assert taken.name == str(log)


def test_a_log_that_was_rotated_between_two_runs_is_known_by_its_new_name_alone(tmp_path):
    folder, kept = tmp_path / "logs", {}
    folder.mkdir()
    log = folder / "app.log"
    log.write_bytes(lines(*range(50)))

    def run():
        source = opened(str(folder), Ways(kept=kept))
        for taken in source.batches(0):
            source.keep(taken)
            yield from numbers([taken])

    first = [*run()]
    append(log, lines(50))
    log.rename(folder / "app.log.1")
    log.write_bytes(lines(51))
    second = [*run()]

    assert first == [*range(50)]
    assert sorted(second) == [50, 51]
    assert sorted(kept) == [str(folder / "app.log"), str(folder / "app.log.1")]
    assert [*run()] == []


def test_a_pipe_is_read_line_by_line_while_it_is_written_and_ends_when_it_is_closed():
    reading, writing = os.pipe()
    pipe = Piped(lambda: os.read(reading, 1000), Ways())

    nothing = [*pipe.batches(0)]
    os.write(writing, lines(1))
    first = numbers(pipe.batches(PATIENCE))
    os.write(writing, lines(2) + b'{"a": 3}')
    second = numbers(pipe.batches(PATIENCE))
    os.close(writing)
    last = []
    while not pipe.ended:
        last += numbers(pipe.batches(PATIENCE))

    assert nothing == []
    assert (first, second, last) == ([1], [2], [3])
    os.close(reading)


def test_what_is_packed_comes_through_a_pipe_and_no_more_is_held_than_a_few_batches():
    pieces = queue.Queue()
    packed = gzip.compress(lines(*range(20_000)))
    for each in (packed[:4000], packed[4000:], b""):
        pieces.put(each)
    pipe = Piped(pieces.get, Ways())

    taken = []
    while not pipe.ended:
        taken += pipe.batches(PATIENCE)

    assert numbers(taken) == [*range(20_000)]
    assert max(len(each.found) for each in taken) <= 1000


@pytest.mark.parametrize("text", ["gopher://x.example/", "no/such/file"])
def test_what_is_no_source_is_refused_by_its_name(text):
    with pytest.raises(NoSource, match=text.partition("://")[0]):
        opened(text)
