"""What a kit's result says over recorded attacks: no name of a machine, an account, an address or a file of them."""

import tarfile
from pathlib import Path

import pytest

from mithaq import samples
from mithaq.defence.kits import Kit, Line
from mithaq.ingest import telemetry
from mithaq.ingest.kits import begun
from mithaq.model.telemetry import Event
from mithaq.seal.messages import encode
from tests.unit.defence.kits.values import MADE, manifest

DATA = Path(__file__).parents[2].parent / "shared/data/detection"
NAMED = (
    *(
        "Computer",
        "User",
        "TargetUserName",
        "SubjectUserName",
        "WorkstationName",
        "IpAddress",
        "SourceIp",
    ),
    *("DestinationHostname", "QueryName", "Image", "CommandLine", "TargetFilename", "ServiceName"),
)
CANARY = "canary-host-4711"


def kit():
    rules = samples.path("hunt-rules.yml").read_text("utf-8").split("\n---\n")
    any_event = "[network-traffic:dst_port > 0] OR [process:pid > 0]"
    lines = [Line(number=n, kind="sigma", text=rule) for n, rule in enumerate(rules, 1)]
    lines.append(Line(number=len(lines) + 1, kind="stix", text=any_event))
    return Kit(manifest=manifest(), digest="sha256:" + "0" * 64, lines=lines)


def said(paths):
    hunt = begun(kit(), MADE)
    for _ in hunt.follow(paths):
        pass
    result = hunt.result(MADE)
    return result, encode(result).decode().casefold()


@pytest.mark.skipif(
    not DATA.exists(), reason="the recordings lie beside the checkout, in ../shared"
)
def test_no_name_of_the_recordings_is_in_a_result(tmp_path):
    with tarfile.open(DATA / "evtx-attack-samples.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    names = set()
    for file in telemetry.files([tmp_path]):
        names.add(file.stem.casefold())
        for event in telemetry.read(file):
            if isinstance(event, Event):
                names |= {str(event.fields.get(name, "")).casefold() for name in NAMED}

    result, text = said([tmp_path])

    assert len(names) > 500
    assert result.events > 3000
    assert sum(row.count for row in result.rows) > 20
    assert not [name for name in names if len(name) > 3 and name in text]


AT = "2026-02-01T00:00:00Z"
SYSMON = '{"EventID": 1, "Channel": "%s/Operational", "Computer": "%s", "CommandLine": "%s"}'
EVE = '{"event_type": "%s", "timestamp": "' + AT + '", "flow_id": 1, "host": "%s", "src_ip": "%s"}'
ECS = (
    '{"ecs": {"version": "8"}, "event": {"module": "%s", "dataset": "%s"}, "host": {"name": "%s"}}'
)


@pytest.mark.parametrize(
    "log",
    [
        SYSMON,
        EVE,
        ECS,
        '{"_path": "%s", "ts": 1.0, "uid": "%s", "id.orig_h": "%s"}',
        f"<34>1 {AT} %s %s 1 - - %s said",
        "Feb  1 00:00:00 %s %s[1]: %s",
    ],
)
def test_logs_that_name_themselves_after_a_machine_name_none_in_a_result(tmp_path, log):
    file = tmp_path / f"{CANARY}.log"
    file.write_text("".join(log % ((CANARY,) * 3) + "\n" for _ in range(3)), "utf-8")

    result, text = said([tmp_path])

    assert result.events + result.refused > 0
    assert "canary" not in text
