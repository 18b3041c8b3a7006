"""Values looked for by keyed hashes are found as those that are looked for in the clear, networks aside."""

import pytest

from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.veiled import Hidden, Veiled, veil
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import Value, of_kind

KEY = b"\x01" * 32
WANTED = [
    of_kind("domain", "evil.example"),
    of_kind("ipv4", "192.0.2.7"),
    of_kind("url", "http://evil.example/a"),
    of_kind("md5", "a" * 32),
]
EVENTS = [
    Event(fields=fields, source=LogSource("windows", service="sysmon"), raw=repr(fields).encode())
    for fields in (
        {"QueryName": "www.evil.example"},
        {"QueryName": "notevil.example"},
        {"QueryName": "evil.example.net"},
        {"DestinationIp": "192.0.2.7"},
        {"DestinationIp": "192.0.2.70"},
        {"Hashes": f"MD5={'A' * 32},IMPHASH={'b' * 32}"},
        {"Hashes": f"IMPHASH={'a' * 32}"},
    )
]


def test_the_same_events_answer_to_a_veiled_value_as_to_a_plain_one():
    plain = Indicators(Listed(value, str(n)) for n, value in enumerate(WANTED))
    veiled = Veiled(KEY, (Hidden(veil(KEY, value), str(n)) for n, value in enumerate(WANTED)))

    expected = [(m.rule, m.event, m.found) for m in plain.match(EVENTS)]
    assert [(m.rule, m.event, m.found) for m in veiled.match(EVENTS)] == expected
    assert len(expected) == 3


@pytest.mark.parametrize("value", WANTED)
def test_another_kit_has_another_hash_of_the_same_value(value: Value):
    assert veil(KEY, value) != veil(b"\x02" * 32, value)
    assert value.text not in veil(KEY, value)
