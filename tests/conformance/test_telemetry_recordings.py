"""Recorded attacks and event logs of the field: what lies beside the checkout is read whole."""

import tarfile
from collections import Counter
from pathlib import Path

import pytest

from mithaq.formats.telemetry import Refusal
from mithaq.formats.telemetry.evtx import Evtx
from mithaq.ingest import telemetry

DATA = Path(__file__).parents[2].parent / "shared/data/detection"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the recordings lie beside the checkout, in ../shared"
)
CORPORA = "evtx-attack-samples.tar.xz", "evtx-to-mitre.tar.xz"


def logs(corpus):
    """Yield the names and bytes of a corpus of EVTX files."""
    with tarfile.open(DATA / corpus, "r|xz") as archive:
        for member in archive:
            if member.name.endswith(".evtx"):
                yield member.name, archive.extractfile(member).read()


def test_every_record_of_382_event_logs_is_an_event_with_the_names_of_the_field():
    files, found = 0, Counter()
    for corpus in CORPORA:
        for name, raw in logs(corpus):
            files += 1
            reader = Evtx()
            for event in [*reader.feed(raw), *reader.end()]:
                assert not isinstance(event, Refusal), (name, event)
                assert event.source.product == "windows"
                assert event.at.endswith("Z")
                assert event.fields["EventID"].__class__ is int
                assert {"Computer", "Provider_Name", "TimeCreated"} <= event.fields.keys()
                found[event.source.service] += 1

    assert files == 382
    assert found.total() == 9_526
    assert found["sysmon"] > 1_000
    assert found["security"] > 1_000


def rounded(fields):
    """Return fields with numbers as exact as Zeek's columns write them."""

    def one(value):
        return round(value, 6) if isinstance(value, float) else value

    return {
        name: [one(part) for part in value] if isinstance(value, list) else one(value)
        for name, value in fields.items()
        if name not in {"_path", "_write_ts"}
    }


def test_the_columns_of_zeek_and_its_json_are_the_same_events():
    for log in ("x509",):
        columns = list(telemetry.read(DATA / f"zeek-wrccdc/tsv-{log}.log.gz"))
        objects = list(telemetry.read(DATA / f"zeek-wrccdc/{log}.json.gz"))

        assert len(columns) == len(objects) > 300
        for column, thing in zip(columns, objects, strict=True):
            assert (column.source, column.at) == (thing.source, thing.at)
            assert rounded(column.fields) == rounded(thing.fields)


def test_pretty_printed_arrays_of_suricata_are_streamed_out_of_their_archive():
    found = list(telemetry.read(DATA / "suricata-alerts.tar.xz"))

    events = [one for one in found if not isinstance(one, Refusal)]
    assert len(events) == 341
    assert {event.source.product for event in events} == {"suricata"}
    assert all(event.at and "alert.signature_id" in event.fields for event in events)
    assert [
        refused.name.rpartition("/")[2] for refused in found if isinstance(refused, Refusal)
    ] == ["LICENSE"]


def test_a_recorded_attack_is_read_out_of_its_archive():
    [path] = DATA.glob("mordor/atomic/windows/**/cmd_discover_iexplorer_version_registry.zip")

    found = list(telemetry.read(path))

    assert Counter(event.source.service for event in found) == {
        "sysmon": 59,
        "security": 8,
        "system": 1,
    }
