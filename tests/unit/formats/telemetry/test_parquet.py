"""Rows of Parquet are events as the same lines of JSON are; what asks for more room than logs do is refused."""

import gzip
import io
import json
import struct
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from mithaq import samples
from mithaq.formats import telemetry
from mithaq.formats.telemetry import Refusal
from mithaq.formats.telemetry import parquet as reader
from mithaq.formats.telemetry.lines import JsonLines
from mithaq.model.telemetry import Event

LINES = [
    json.loads(line) for line in samples.path("hunt-log.jsonl").read_text("utf-8").splitlines()
]
WHOLE = [
    {name: row.get(name) for name in {name: 0 for row in LINES for name in row}} for row in LINES
]


def packed(table, **more):
    out = io.BytesIO()
    parquet.write_table(
        table if isinstance(table, pa.Table) else pa.Table.from_pylist(table), out, **more
    )
    return out.getvalue()


def read(raw, name="log.parquet", sought=True):
    place = io.BytesIO(raw)
    pieces = iter(lambda: place.read(1 << 16), b"")
    return list(telemetry.read(pieces, name, place=place if sought else None))


def as_lines(rows):
    raw = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    return [each for each in JsonLines().feed(raw) if isinstance(each, Event)]


def told(events):
    return [(event.fields, event.source, event.at) for event in events]


@pytest.mark.parametrize("sought", [True, False])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"compression": "zstd", "row_group_size": 3},
        {"use_dictionary": False, "data_page_version": "2.0"},
    ],
)
def test_rows_are_the_events_that_the_same_lines_of_json_are(sought, more):
    found = read(packed(WHOLE, **more), sought=sought)

    assert told(found) == told(as_lines(WHOLE))
    assert len({event.digest for event in found}) == len(WHOLE)


def test_columns_of_any_type_become_fields_and_nested_ones_are_joined_by_dots():
    at = datetime(2026, 11, 2, 3, 4, 5, 678000, UTC)
    row = {
        "@timestamp": at, "host": {"name": "ws-1", "ip": ["192.0.2.1", "192.0.2.2"]}, "bytes": b"caf\xc3\xa9",
        "n": 5, "part": 0.5, "yes": True, "none": None, "price": Decimal("1.50"), "tags": [{"k": "a"}, {"k": "b"}],
    }  # fmt: skip
    [event] = read(packed([row]))

    assert event.at == "2026-11-02T03:04:05.678Z"
    assert {
        "host.name": "ws-1",
        "host.ip": ["192.0.2.1", "192.0.2.2"],
        "n": 5,
        "part": 0.5,
        "yes": True,
    }.items() <= event.fields.items()
    assert event.fields["tags.k"] == ["a", "b"]
    assert event.fields["price"] == "1.50"
    assert event.fields["none"] is None


def test_a_file_within_gzip_is_read_and_one_that_is_too_large_for_that_is_refused(monkeypatch):
    assert told(read(gzip.compress(packed(WHOLE)), "log.parquet.gz")) == told(as_lines(WHOLE))

    monkeypatch.setattr(reader, "_HELD", 1000)
    [refusal] = read(gzip.compress(packed(WHOLE)), "log.parquet.gz")
    assert refusal.code == "telemetry-broken"
    assert "unpack it first" in refusal.why


def hostile():
    """Yield hostile files by name, the large ones last."""
    good = packed(WHOLE)
    size = struct.unpack("<I", good[-8:-4])[0]
    yield "cut", good[: len(good) // 2]
    yield "head", good[:4]
    yield "footer", good[:-8] + struct.pack("<I", 0xFFFFFFF0) + b"PAR1"
    yield "bits", good[: -8 - size] + b"\xff" * size + good[-8:]
    yield "pages", b"PAR1" + b"\xff" * (len(good) - 12 - size) + good[-8 - size :]
    long = pa.table({"a": ["y" * (65 << 20)]})
    yield "page", packed(long, compression="zstd", use_dictionary=False)
    text = pa.array(["x" * 1_000_000])
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 200_000, pa.int32()), text)
    yield "repeats", packed(pa.table({"a": repeated}), compression="zstd")


@pytest.mark.parametrize("name", ["cut", "head", "footer", "bits", "pages", "page", "repeats"])
@pytest.mark.parametrize("sought", [True, False])
def test_what_is_cut_or_asks_for_more_room_than_logs_do_is_refused_in_little_memory(name, sought):
    raw = next(raw for each, raw in hostile() if each == name)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    place = io.BytesIO(raw)
    found, most = [], 0
    pieces = iter(lambda: place.read(1 << 16), b"")
    for each in telemetry.read(pieces, "x.parquet", place=place if sought else None):
        found = [*found[-1:], each]
        most = max(most, pa.total_allocated_bytes() - before)
        assert type(each) is Refusal or len(each.raw) < 2 << 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(found[-1], Refusal)
    assert found[-1].code == ("telemetry-bomb" if name == "repeats" else "telemetry-broken")
    assert max(most, peak) < 300 << 20
