"""Exports before the tools that read them: BIND, Suricata and nftables themselves, where this machine has them."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import dns.message
import pytest

from mithaq.clock import parse
from mithaq.model.values import FREE
from tests.rooms.formats.test_export import MD5, SHA1, SHA256, indicator, printed

NAMES = [
    '"; sid:1;) drop ip any any -> any any (msg:"',
    "a\\",
    "a\r\nevil.example CNAME rpz-passthru.",
    "\u202eevil\u2066 é أ 😀 |41 42|",
    "$(id); `id` #\t'",
    "L" * 9000,
]
VALUES = [
    ("domain", "evil.example"),
    ("domain", "_dmarc.xn--mgba3a.example"),
    ("domain", f"{'a' * 63}.{'b' * 63}.example"),
    *(
        ("ip", each)
        for each in ("198.51.100.7", "203.0.114.0/25", "2001:db8::1", "2001:db8:5::/48")
    ),
    ("ip-port", "198.51.100.9:8443"),
    ("ip-port", "[2001:db8::2]:443"),
    ("url", 'http://evil.example/a;b"c|d\\e?x=%41&y=(1)'),
    ("url", "http://evil.example:8080/"),
    ("url", "http://evil.example/" + "a" * 250),
    ("email", "a@evil.example"),
    ("md5", MD5),
    ("sha1", SHA1),
    ("sha256", SHA256),
    *((kind, 'a"; \\|$é') for kind in sorted(FREE - {"filename"})),
]


def _tool(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of all exports that act on values, with every name beside every value."""
    every = [
        indicator(value, number=n * 100 + m, name=name, labels=[name])
        for n, name in enumerate(NAMES)
        for m, value in enumerate(VALUES, start=1)
    ]
    folder = tmp_path_factory.mktemp("exports")
    for each in printed(*every).values():
        for file, body in each.files.items():
            (folder / file).write_bytes(body)
    return folder


def test_bind_loads_the_zone(made):
    code, said = _run(_tool("named-checkzone"), "rpz.mithaq", str(made / "rpz.zone"))

    assert code == 0, said
    assert said.endswith("OK\n")


def test_nftables_takes_the_addresses_as_elements_of_sets(made):
    lines = (made / "addresses.txt").read_text().split()
    four, six = [x for x in lines if ":" not in x], [x for x in lines if ":" in x]
    told = "".join(
        f"add table inet t{v}\nadd set inet t{v} s {{ type ipv{v}_addr; flags interval; }}\n"
        f"add element inet t{v} s {{ {', '.join(some)} }}\n"
        for v, some in ((4, four), (6, six))
    )
    (made / "sets.nft").write_text(told)

    code, said = _run(_tool("nft"), "-c", "-f", str(made / "sets.nft"))

    if "permitted" in said or "Protocol not supported" in said:
        pytest.skip("this kernel lets nobody check a table here")
    assert (code, said) == (0, "")
    assert (four, six) != ([], [])


@pytest.mark.parametrize("file", ["suricata.rules", "suricata-lists.rules"])
def test_suricata_loads_every_rule(made, tmp_path, file):
    code, said = _suricata(tmp_path, made / file, "-T")

    count = len((made / file).read_text().splitlines())
    assert code == 0, said
    assert f"{count} rules successfully loaded, 0 rules failed" in said


@pytest.mark.parametrize("file", ["suricata.rules", "suricata-lists.rules"])
def test_suricata_alerts_on_a_name_in_capitals_too_and_on_none_below_or_beside_it(
    made, tmp_path, file
):
    asked = ["evil.example", "EVIL.example", "sub.evil.example", "notevil.example"]
    _write_queries(tmp_path / "queries.pcap", asked)

    code, said = _suricata(
        tmp_path, made / file, "-k", "none", "-r", str(tmp_path / "queries.pcap")
    )

    assert code == 0, said
    events = map(json.loads, (tmp_path / "eve.json").read_text().splitlines())
    ports = {each["src_port"] for each in events if each["event_type"] == "alert"}
    assert ports == {5000, 5001}


def _suricata(folder, rules, *more):
    settings = Path("/etc/suricata/suricata.yaml")
    if not settings.exists():
        pytest.skip("no settings of Suricata on this machine")
    return _run(_tool("suricata"), "-v", "-S", str(rules), "-l", str(folder), *more)


def _write_queries(path, names):
    """Write a capture (libpcap's format, of link type 101: bare IP) of a query for each name, from ports 5000 on."""
    at = int(parse("2026-03-01T12:00:00Z").timestamp())
    packets = []
    for number, name in enumerate(names):
        raw = dns.message.make_query(name, "A").to_wire()
        udp = struct.pack("!4H", 5000 + number, 53, 8 + len(raw), 0) + raw
        ends = bytes([192, 0, 2, 1, 192, 0, 2, 2])
        ip = struct.pack("!2B3H2BH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + ends + udp
        packets.append(struct.pack("<4I", at + number, 0, len(ip), len(ip)) + ip)
    head = struct.pack("<I2H4I", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    path.write_bytes(head + b"".join(packets))
