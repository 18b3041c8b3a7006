"""Flows: what softflowd exports of one capture, in three versions, and what the specifications allow besides."""

import json
import random
import struct
import zlib
from base64 import b85decode
from datetime import UTC, datetime, timedelta

import pytest

from mithaq.detect import observables
from mithaq.formats import telemetry
from mithaq.model.telemetry import Event, LogSource

# Of a capture with eleven packets, as softflowd 1.0.0 exported it; compressed, base 85.
V5 = (
    "c-muNWnf_df^6P}a>_5BU0{HM0}M>;rx^-484v)ZZq>g{?U(;;>e8O$z_^=1nhh=qQVY_9q@J09fpG~;J>%{<4h+Hw^&quCY>K3w"
    "5s0mTYWqQ0<Rt@8P7ql=$1&p+Ml|&@K((Jin1O)<Dg*%l%eE;r"
)
V9 = (
    "c-p0rF-yZx6ot=CpD(X!ZA-O-tx$Cpi<B->A#R=h2cqcUQfI|ZLc!5Bi{Rv#N$BF_(qG~)=oUP;iH)sGzzZL_x%a%2`)*K#1>>gl"
    "vdf1ciM|0Ua4=XWb+Sc-cx07qkP}u$#AkJF))Bf1dSqqh6&Rs1uTLxW$j<kj&e0%E@{c*3&XL#WX=x6@Hcj*nTHho4tev64>Q1^b"
    "k*mYO#rXj9;0hl<;Q15W7USr?97hk=EWahKGzwuLW7{xLm8vtPylVePC<PgZfvp*+igc-(C~O}8`gP1UztF8FAL0HFD0ZKnONpal"
    "TVc7mc)&rZ=B`IADZOV`fWP$4iwvg<^P@$N@Dz7du04mtv%<Xh$DwXLi*KCgL+k"
)
IPFIX = (
    "c-p0rKTE?<6vfYdc_z<lrS(q-+o6b)|7evi(n7?g;N~}wii=CMf`h9=!NCvE3|cxlW)iwM>EI{vOGM9$wV`#e;DsN&+<S6z-w86R"
    "f1Z6@2jIe%LQ?}d7--Cs0$CwK6v>bU(qN}UJa*@jiO@k%Co@FB*FxpAKINfD`hL^cJ&L46{;`L#dra$dH?fC<H9_Kd&;A39RH0>;"
    "RH!^gj?)cb@d%LKcH?@L8A_6*ob3dylK`V)uD35x-a9U4<0v?cqsuPaPv4_qIiW8Dx2R!NR-G!PZ|6Tkabyts?vjR8ks4K>77q7E"
    "TO`uu57hF>NBB>+s5P&9rxHi)mWA!oxZXf0X8xVBWS`R;z?*pHJ+3w_JXgm(!UNpo8Qk9v?Kcb0^<NGJSGo8Crr$^s"
)
# Source, port, target, port, protocol, packets, bytes, seconds behind 10:11:12.349Z; what the capture holds.
FLOWS = {
    ("192.0.2.7", 40000, "203.0.113.9", 443, 6, 4, 170, 0.0),
    ("203.0.113.9", 443, "192.0.2.7", 40000, 6, 3, 420, 0.0),
    ("192.0.2.7", 5353, "192.0.2.53", 53, 17, 1, 58, 0.7),
    ("192.0.2.8", 0, "198.51.100.1", 0, 1, 1, 28, 0.8),
}
SIX = {
    ("2001:db8::7", 40001, "2001:db8::9", 22, 6, 1, 60, 0.9),
    ("2001:db8::7", 40001, "2001:db8::9", 123, 17, 1, 49, 1.0),
}
BEGAN = datetime(2026, 11, 30, 10, 11, 12, 349_000, tzinfo=UTC)


def exported(packed):
    return zlib.decompress(b85decode(packed))


def read(*pieces):
    return list(telemetry.read(list(pieces), "flows"))


def told(events, slow=timedelta()):
    """Return flows as they are in ``FLOWS``; the code of ICMP is no port."""
    found = set()
    for event in events:
        fields = event.fields
        family = "IPv4" if "sourceIPv4Address" in fields else "IPv6"
        ports = [fields.get(f"{end}TransportPort", 0) for end in ("source", "destination")]
        if fields["protocolIdentifier"] == 1:
            ports = [0, 0]
        after = datetime.fromisoformat(event.at) - BEGAN + slow
        found.add((
            fields[f"source{family}Address"], ports[0], fields[f"destination{family}Address"], ports[1],
            fields["protocolIdentifier"], fields["packetDeltaCount"], fields["octetDeltaCount"], after.total_seconds(),
        ))  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("packed", "wanted", "slow"),
    # NetFlow 9 tells its export in whole seconds, and so when its probe began.
    [(V5, FLOWS, 0), (V9, FLOWS | SIX, 614), (IPFIX, FLOWS | SIX, 0)],
    ids=["v5", "v9", "ipfix"],
)
def test_each_version_tells_the_same_flows_however_its_bytes_are_cut(packed, wanted, slow):
    raw = exported(packed)
    whole = read(raw)

    assert telemetry.fitting(raw, "flows").name == "netflow"
    assert told(whole, timedelta(milliseconds=slow)) == wanted
    assert {event.source for event in whole} == {LogSource(service="netflow")}
    for at in range(1, len(raw), 7):
        cut = telemetry.read([raw[:at], raw[at:]], "flows", as_kind=telemetry.kind("netflow"))
        assert list(cut) == whole
    assert read(raw + raw) == whole + whole


def test_a_flow_speaks_of_its_addresses_and_of_where_it_went():
    [flow, *_] = read(exported(IPFIX))

    assert {f"{kind} {text}" for kind, text in observables.of(flow)} == {
        "ipv4 192.0.2.7", "ipv4 203.0.113.9", "ip-port 203.0.113.9:443",
    }  # fmt: skip


def test_an_event_is_the_same_read_from_the_bytes_that_are_kept_of_it():
    whole = read(exported(IPFIX))

    again = list(telemetry.read([b"\n".join(event.raw for event in whole)], "kept.json"))

    assert [(e.fields, e.at, e.source) for e in again] == [
        (e.fields, e.at, e.source) for e in whole
    ]


def message(*sets, version=10, seconds=1_796_033_472):
    body = b"".join(struct.pack(">HH", number, 4 + len(raw)) + raw for number, raw in sets)
    if version == 10:
        return struct.pack(">HHIII", 10, 16 + len(body), seconds, 1, 7) + body
    return struct.pack(">HHIIII", 9, 1, 5_000, seconds, 1, 7) + body


def template(number, *fields):
    said = (
        struct.pack(">HH", field, size) + more
        for field, size, *rest in fields
        for more in [b"".join(rest)]
    )
    return struct.pack(">HH", number, len(fields)) + b"".join(said)


def test_fields_may_be_of_any_length_of_a_maker_shorter_than_their_type_and_as_ntp_counts():
    described = template(
        300, (8, 4), (12, 4), (460, 0xFFFF), (461, 0xFFFF), (0x8000 | 3, 2, struct.pack(">I", 9)), (1, 2), (154, 8),
    )  # fmt: skip
    host, target = b"evil.example", b"/" + b"a" * 300
    moment = struct.pack(">II", 1_796_033_472 + 2_208_988_800, 1 << 31)
    record = (
        bytes([192, 0, 2, 7, 203, 0, 113, 9, len(host)]) + host
        + b"\xff" + struct.pack(">H", len(target)) + target + b"zz" + struct.pack(">H", 512) + moment
    )  # fmt: skip

    [event] = read(message((2, described), (300, record + b"\0\0")))

    assert json.loads(event.raw) == {
        "sourceIPv4Address": "192.0.2.7", "destinationIPv4Address": "203.0.113.9", "httpRequestHost": "evil.example",
        "httpRequestTarget": target.decode(), "octetDeltaCount": 512,
        "flowStartMicroseconds": "2026-11-30T10:11:12.500Z", "exportTime": "2026-11-30T10:11:12.000Z",
    }  # fmt: skip
    assert event.at == "2026-11-30T10:11:12.500Z"
    kinds = dict(observables.of(event))
    assert kinds["domain"] == "evil.example"
    assert kinds["url"] == f"http://evil.example{target.decode()}"


@pytest.mark.parametrize("version", [9, 10])
def test_a_record_before_its_template_or_after_it_was_withdrawn_is_refused_and_takes_none_with_it(
    version,
):
    kind = 2 if version == 10 else 0
    known = template(300, (8, 4), (12, 4))
    record = bytes([192, 0, 2, 7, 203, 0, 113, 9])
    early = message((300, record), version=version)
    good = message((kind, known), (300, record * 2), version=version)
    other = message((kind, struct.pack(">HH", 300, 0)), (300, record), version=version)

    found = read(early, good, other)

    assert [getattr(each, "code", "") for each in found] == [
        "telemetry-template",
        "",
        "",
        "telemetry-template",
    ]
    assert {each.number for each in found if not isinstance(each, Event)} == {1, 4}


def test_what_is_no_message_ends_with_a_refusal_and_never_with_more():
    rng = random.Random(5)
    for packed in (V5, V9, IPFIX):
        raw = exported(packed)
        for _ in range(300):
            broken = bytearray(raw[: rng.randrange(30, len(raw))])
            for _ in range(rng.randrange(6)):
                broken[rng.randrange(2, len(broken))] = rng.randrange(256)
            found = list(
                telemetry.read([bytes(broken)], "flows", as_kind=telemetry.kind("netflow"))
            )
            assert len(found) <= len(broken) // 2
    huge = message((2, template(300, *[(8, 0)] * 600)))
    assert [each.code for each in read(huge)] == ["telemetry-record"]
    endless = message(*[(300, b"a" * 996)] * 80, version=9)
    assert [each.code for each in read(endless)][-1] == "telemetry-record"
    empty = message((2, template(300, (9, 0))), (300, b"a" * 60_000))
    assert read(empty) == []  # a record of no bytes is none
