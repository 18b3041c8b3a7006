"""Chunks hold the events of the input that they were cut of: each can be read alone, however small."""

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Kind, Refusal, packed
from mithaq.ingest.telemetry import chunks as cutting
from mithaq.ingest.telemetry.chunks import Chunk, chunks, handed, read, unpacked
from mithaq.ingest.telemetry.source import Ways
from tests.unit.formats.telemetry.test_kinds import SAMPLES

JSON = b'{"EventID": 1, "Channel": "Security"}\n{"a": [}\n\n{"b": {"c": [1, 2]}}\n'
ALL = SAMPLES | {"json": JSON}


def events(found):
    return [
        (one.raw, one.fields, one.source, one.at) for one in found if not isinstance(one, Refusal)
    ]


def cut(raw, size, pieces=7, name="x", **more):
    """Cut an input; return its chunks and refusals."""
    was, cutting.SIZE = cutting.SIZE, size
    try:
        some = [raw[at : at + pieces] for at in range(0, len(raw), pieces)]
        found = list(chunks(some, name, **more))
    finally:
        cutting.SIZE = was
    return [one for one in found if isinstance(one, Chunk)], [
        one for one in found if isinstance(one, Refusal)
    ]


@given(kind=st.sampled_from(sorted(ALL)), size=st.integers(1, 400), pieces=st.integers(1, 300))
def test_the_events_of_the_chunks_are_those_of_the_input(kind, size, pieces):
    name = "x.csv" if kind == "csv" else "x"
    as_kind = telemetry.kind(kind)

    if kind == "auditd":
        size += 500  # an event that is open for longer than four chunks is cut
    some, _ = cut(ALL[kind], size, pieces, name, as_kind=as_kind)
    found = [one for each in some for one in read(each)]

    assert events(found) == events(telemetry.read([ALL[kind]], name, as_kind=as_kind))


TWICE = {kind: raw * 2 if kind in {"json", "syslog"} else raw for kind, raw in ALL.items()}


@given(kind=st.sampled_from(sorted(ALL)), kept=st.floats(0.3, 0.999), size=st.integers(1, 900))
def test_of_what_is_packed_and_cut_off_all_before_the_cut_travels_and_the_cut_is_told(
    kind, kept, size
):
    """As whoever reads the same file alone finds it."""
    name, as_kind = ("x.csv" if kind == "csv" else "x"), telemetry.kind(kind)
    whole = gzip.compress(TWICE[kind], mtime=0)
    raw = whole[: max(18, int(len(whole) * kept))]

    if kind == "auditd":
        size += 500
    some, refused = cut(raw, size, 50, name, as_kind=as_kind)
    alone = list(telemetry.read([raw], name, as_kind=as_kind))
    found = [one for each in some for one in read(each)]

    assert events(found) == events(alone)
    told = {one.code for one in [*refused, *found] if isinstance(one, Refusal)}
    assert "telemetry-broken" in told
    assert {one.code for one in alone if isinstance(one, Refusal)} >= {"telemetry-broken"}


class Erring:
    """A reader that gives an event, and then errs."""

    number, held = 0, 0

    def __init__(self, why, late):
        self.why, self.late = why, late

    def feed(self, piece):
        yield from telemetry.read([b'{"a": 1}\n'], "x")
        if not self.late:
            raise self.why

    def end(self):
        yield from telemetry.read([b'{"a": 2}\n'], "x")
        raise self.why


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("why", [packed.Broken("its tail is broken"), RuntimeError("a fault")])
def test_a_reader_that_errs_loses_nothing_of_what_it_gave_and_no_neighbour(why, late):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.json", b'{"x": 1}\n')
        made.writestr("b.json", b'{"x": 1}\n')
    kind = Kind("erring", lambda *_: True, lambda *_: Erring(why, late))

    some, refused = cut(archive.getvalue(), 1 << 20, as_kind=kind)
    found = [one.fields for each in some for one in read(each)]

    assert found == [{"a": 1}, {"a": 2}] * 2
    assert {one.code for one in refused} == {"telemetry-broken"}
    assert len({one.name for one in refused}) == 2


HEAD = SAMPLES["zeek"].partition(b"1521911720")[0]
ROW = b"1521911720.865716\t10.47.1.100\t53\t-\tF\t(empty)\t-\n"
SYSLOG = SAMPLES["syslog"].split(b"\n")[0] + b"\n"


@pytest.mark.parametrize(
    ("head", "line"), [(b"", JSON.split(b"\n")[0] + b"\n"), (HEAD, ROW), (b"", SYSLOG)]
)
def test_what_is_large_becomes_many_chunks_of_about_the_size(head, line):
    some, refused = cut(head + line * 500, 4096, 1000)

    assert not refused
    assert len(some) >= len(line) * 500 // 5000
    assert max(len(each.raw) for each in some) <= 4096 + len(head) + len(line)
    assert sum(len(events(read(each))) for each in some) == 500


def test_what_is_packed_is_unpacked_and_each_member_is_named():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.json", JSON)
        archive.writestr("b.json.gz", gzip.compress(b'{"c": 1}\n'))
        archive.writestr("LICENSE", "no telemetry")

    some, refused = cut(packed.getvalue(), 1 << 20, name="z.zip")

    assert [(each.name, each.kind) for each in some] == [
        ("z.zip/a.json", "json"),
        ("z.zip/b.json", "json"),
    ]
    assert [one.code for one in refused] == ["telemetry-unknown"]


def test_a_line_without_end_is_refused_and_holds_no_more_than_a_line_may(monkeypatch):
    monkeypatch.setattr(cutting, "MAX_LINE", 1000)

    some, refused = cut(b'{"a": 1}\n{"' + b"x" * 5000, 100)

    assert sum(len(events(read(each))) for each in some) == 1
    assert [one.code for one in refused] == ["telemetry-long"]


def zipped(lines):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", lines)
    return whole.getvalue()


PACKINGS = {
    "bzip2": bz2.compress,
    "gzip": gzip.compress,
    "gzip of zstd": lambda lines: gzip.compress(zstandard.compress(lines)),
    "xz": lzma.compress,
    "zip": zipped,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("way", PACKINGS)
def test_a_chunk_that_unpacks_to_more_than_one_may_is_refused_before_and_read_that_far(
    way, monkeypatch
):
    """The same many lines in each packing: whatever it is, what it takes is bounded."""
    monkeypatch.setattr(cutting, "MOST_BYTES", 1 << 17)
    bomb = Chunk(raw=PACKINGS[way]((b'{"a": 1}'.ljust(1023) + b"\n") * (SIZE >> 10)))
    tracemalloc.start()
    try:
        with pytest.raises(packed.Broken) as why:
            unpacked(bomb)
        found = [one for some in handed(bomb, "mark", Ways()) for one in some.found]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert why.value.code == "telemetry-large"
    assert [one.code for one in found if isinstance(one, Refusal)] == ["telemetry-large"]
    assert most < SIZE


SIZE = 32 << 20


def test_what_a_chunk_holds_comes_in_parts_and_the_last_bears_its_mark():
    lines = b"".join(b'{"a": %d}\n' % number for number in range(9_000))

    some = list(handed(Chunk(raw=gzip.compress(lines), name="n"), "mark", Ways()))

    assert [one.fields["a"] for each in some for one in each.found] == list(range(9_000))
    assert [each.mark for each in some] == [None] * (len(some) - 1) + ["mark"]
    assert max(len(each.found) for each in some) <= 2_000
    assert [each.mark for each in handed(Chunk(raw=b""), 1, Ways())] == [1]
    assert next(read(Chunk(raw=b"x", kind="nonsense"))).code == "unknown-telemetry"


def test_the_same_chunk_of_another_sensor_is_another_chunk():
    one = Chunk(raw=b"{}", kind="json", name="n", sensor="a")

    assert one.id == Chunk(raw=b"{}", kind="json", name="n", sensor="a").id
    assert one.id != Chunk(raw=b"{}", kind="json", name="n", sensor="b").id
