"""Tools of ours are told of hits in forms of their own, whatever attackers write into them; a kill loses none."""

import json
import re
import socket
import threading
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from mithaq.auth.actors import Actor, roles
from mithaq.border.us import Us
from mithaq.config import Defence, Sink
from mithaq.defence.live import as_told
from mithaq.detect.matches import Match
from mithaq.errors import InputError
from mithaq.ingest import sinks
from mithaq.ingest.outlets import NotTold, outlet, written
from mithaq.ingest.sinks import Sinks, standings
from mithaq.model.labels import Clearance, Tlp
from mithaq.seal.keys import generate
from mithaq.store import live
from tests import migrated
from tests.rooms.ingest.test_watching import NOW

PATIENCE = 10.0
US = Us(
    party="asteria", country="AS", organisation="CSIRT of Asteria", realm="live",
    url="http://asteria.example", signer=generate(), secret=b"s" * 32, max_frame_bytes=8 << 20,
    limits=Defence(),
)  # fmt: skip
ANA = Actor(name="ana", roles=roles(["analyst"]), clearance=Clearance(tlp=Tlp.RED))


def hit(number=1, **more):
    return {
        "id": f"{number:064x}", "at": "2026-11-30T10:00:00.000Z", "severity": "high", "title": "Bad",
        "rule": "r1", "log_source": "zeek/dns", "machine": "ws-1", "found": {"query": "bad.example"}, "event": "e",
    } | more  # fmt: skip


def sink(to, **more):
    return Sink(name="siem", to=to, up_to="AMBER", **more)


_PARAM = re.compile(r' ([^ =\]"]{1,32})="((?:[^"\\\]]|\\["\\\]])*)"')


def read_5424(message):
    """Read one message as RFC 5424 section 6 says, or fail."""
    head = re.fullmatch(
        r"<(\d{1,3})>1 (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[mithaq@32473"
        r'((?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] \ufeff(.*)',
        message.decode(),
        re.DOTALL,
    )
    assert head, message
    params = {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in _PARAM.findall(head[7])}
    return int(head[1]), head[2], params, head[8]


@given(
    st.text(max_size=600),
    st.dictionaries(st.text(max_size=8), st.text(max_size=600), max_size=3),
    st.sampled_from(["critical", "low", "", "made up"]),
)
def test_whatever_a_hit_holds_is_one_message_of_rfc_5424_with_each_value_in_its_place(
    title, found, severity
):
    message = written(hit(title=title, found=found, severity=severity), "host")
    priority, at, params, said = read_5424(message)

    assert not re.search(rb"[\x00-\x1f\x7f]", message)
    assert len(message) < 8192
    assert priority // 8 == 16
    assert priority % 8 == {"critical": 2, "low": 5}.get(severity, 5)
    assert at == "2026-11-30T10:00:00.000Z"
    assert params["id"] == hit()["id"]
    assert params["machine"] == "ws-1"
    assert params["found"].startswith("{")
    assert len(said) <= 400


def test_a_file_has_one_object_a_line_also_after_a_line_that_was_cut_off(tmp_path):
    way = outlet(sink("file:hits.jsonl"), tmp_path)
    way.send([hit(1), hit(2, title="a\nb\u2028c")])
    file = tmp_path / "hits.jsonl"
    with file.open("ab") as opened:
        opened.write(b'{"id": "cut')
    way.send([hit(3)])

    *whole, _ = lines = file.read_text("utf-8").split("\n")
    assert [json.loads(line)["id"][-1] for line in whole if not line.endswith("cut")] == [*"123"]
    assert len(lines) == 5
    assert file.stat().st_mode & 0o077 == 0


def test_syslog_over_udp_and_tcp_arrives_message_by_message(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(PATIENCE)
        way = outlet(sink(f"syslog+udp://127.0.0.1:{udp.getsockname()[1]}"), tmp_path)
        way.send([hit(1), hit(2)])
        some = [read_5424(udp.recv(65536))[2]["id"] for _ in range(2)]
        way.close()
    with socket.create_server(("127.0.0.1", 0)) as server:
        way = outlet(sink(f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}"), tmp_path)
        way.send([hit(1)])
        first, _ = server.accept()
        one = counted(first)
        first.close()
        way.send([hit(2), hit(3)])  # it has hung up, and is called again
        second, _ = server.accept()
        others = [counted(second), counted(second)]
        second.close()
        way.close()

    assert some == [hit(1)["id"], hit(2)["id"]]
    assert [one, *others] == [hit(n)["id"] for n in (1, 2, 3)]


def counted(opened):
    """Read a message whose octets are counted (RFC 6587 section 3.4.1)."""
    opened.settimeout(PATIENCE)
    digits = b""
    while not digits.endswith(b" "):
        digits += opened.recv(1)
    body = b""
    while len(body) < int(digits):
        body += opened.recv(int(digits) - len(body))
    return read_5424(body)[2]["id"]


def test_a_webhook_is_shown_its_secret_and_nobody_is_told_it(web, tmp_path):
    (tmp_path / "token").write_text("Authorization: Bearer abc123secret\n", "utf-8")
    way = outlet(sink(f"{web.url}/hook", secret="token"), tmp_path)
    asked = []

    def answer(handler, status):
        asked.append(handler.headers["authorization"])
        body = b"no: Bearer abc123secret"
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    web.answer = lambda handler: answer(handler, 202)
    way.send([hit(1)])
    web.answer = lambda handler: answer(handler, 500)
    with pytest.raises(NotTold) as refused:
        way.send([hit(2)])
    web.answer = lambda handler: answer(handler, 302)
    with pytest.raises(NotTold):
        way.send([hit(2)])
    way.close()

    assert asked == ["Bearer abc123secret"] * 3
    assert "secret" not in f"{refused.value} {refused.value.facts}"


@pytest.mark.parametrize("text", ["no header", "Host: x", "A: b\nc: d"])
def test_what_is_no_secret_is_refused_without_saying_it(tmp_path, text):
    (tmp_path / "token").write_text(text, "utf-8")

    with pytest.raises(InputError) as refused:
        outlet(sink("https://siem.example/", secret="token"), tmp_path)

    assert text not in str(refused.value)


@pytest.fixture
def core(tmp_path):
    store = migrated.in_file(tmp_path / "node.db")
    yield store
    store.close()


def stand(core, said):
    """Return how sinks do, as somebody sees it who may see everything."""
    with core.read() as unit:
        return standings(unit, US, ANA, said)


class Way:
    """An outlet that takes nothing until it is mended."""

    def __init__(self):
        self.mended = threading.Event()
        self.tried = threading.Event()
        self.took = []

    def send(self, hits):
        self.tried.set()
        if not self.mended.is_set():
            raise NotTold("it is full")
        self.took += [each["id"] for each in hits]

    def close(self):
        pass


def test_what_is_not_taken_waits_in_its_order_and_is_told_when_it_can_be(
    core, tmp_path, monkeypatch
):
    monkeypatch.setattr(sinks, "_PAUSE", 0.01)
    monkeypatch.setattr(sinks, "_LONGEST", 0.05)
    way, said = Way(), [sink("file:x")]
    monkeypatch.setattr(sinks, "outlet", lambda *_: way)
    with core.begin() as unit:
        live.tell(unit, [("siem", json.dumps(hit(number))) for number in range(250)])

    first = Sinks.of(core, lambda: NOW, said, tmp_path)
    first.start()
    assert way.tried.wait(PATIENCE)
    first.close()
    [before] = stand(core, said)
    way.mended.set()
    second = Sinks.of(core, lambda: NOW, said, tmp_path)
    second.start()
    second.close(PATIENCE)
    [after] = stand(core, said)

    assert (before.waiting, before.why) == (250, "it is full")
    assert way.took == [hit(number)["id"] for number in range(250)]
    assert (after.waiting, after.why) == (0, "")


def test_a_sink_goes_on_after_the_store_was_busy_when_it_was_to_be_kept_why(
    core, tmp_path, monkeypatch
):
    monkeypatch.setattr(sinks, "_PAUSE", 0.01)
    monkeypatch.setattr(sinks, "_LONGEST", 0.05)
    way, busy = Way(), threading.Event()
    monkeypatch.setattr(sinks, "outlet", lambda *_: way)
    note = sinks._Teller._note

    def locked(self, why):
        if not busy.is_set():
            busy.set()
            raise OperationalError("insert", {}, Exception("database is locked"))
        note(self, why)

    monkeypatch.setattr(sinks._Teller, "_note", locked)
    with core.begin() as unit:
        live.tell(unit, [("siem", json.dumps(hit(1)))])
    running = Sinks.of(core, lambda: NOW, [sink("file:x")], tmp_path)
    running.start()
    assert busy.wait(PATIENCE)
    way.mended.set()
    until = time.monotonic() + PATIENCE
    while not way.took and time.monotonic() < until:
        time.sleep(0.01)
    running.close(PATIENCE)

    assert way.took == [hit(1)["id"]]


def test_a_hit_of_megabytes_is_told_cut_so_that_it_holds_up_none_after_it():
    found = {
        "long": "x" * 3_000_000, "many": ["y" * 100] * 10_000, "few": [1, "z"], "number": 10**1000, "none": None,
    }  # fmt: skip
    found |= {f"field{number}": 1 for number in range(1000)}
    match = Match(rule="r", digest="d", title="t" * 100_000, event="e", found=found)

    told = as_told(match)

    assert len(json.dumps(told)) < 200_000
    assert told["found"]["long"] == "x" * 4096
    assert (told["found"]["few"], told["found"]["number"]) == ([1, "z"], 10**1000)


def test_why_a_sink_is_not_told_is_what_it_was_last_and_since_when_it_was_first(
    core, tmp_path, monkeypatch
):
    monkeypatch.setattr(sinks, "_PAUSE", 0.01)
    monkeypatch.setattr(sinks, "_LONGEST", 0.05)
    reasons = ["too slow", "too slow", "answers 500"]
    moments = iter(NOW + timedelta(minutes=n) for n in range(9))

    class Fickle(Way):
        def send(self, hits):
            if reasons:
                why = reasons.pop(0)
                raise NotTold(why)
            self.tried.set()
            raise NotTold("answers 500")

    way, said = Fickle(), [sink("file:x")]
    monkeypatch.setattr(sinks, "outlet", lambda *_: way)
    with core.begin() as unit:
        live.tell(unit, [("siem", json.dumps(hit(1)))])
    telling = Sinks.of(core, lambda: next(moments), said, tmp_path)
    telling.start()
    assert way.tried.wait(PATIENCE)
    telling.close()
    [now] = stand(core, said)

    assert (now.why, now.failing_since) == ("answers 500", "2026-11-30T12:00:00.000Z")


def test_of_several_that_have_one_home_one_tells_and_when_it_goes_another_does(
    core, tmp_path, monkeypatch
):
    monkeypatch.setattr(sinks, "_PAUSE", 0.01)
    ways, said = [Way(), Way()], [sink("file:x")]
    given = iter(ways)
    monkeypatch.setattr(sinks, "outlet", lambda *_: next(given))
    both = [Sinks.of(core, lambda: NOW, said, tmp_path) for _ in ways]
    for way in ways:
        way.mended.set()
    both[0].start()
    with core.begin() as unit:
        live.tell(unit, [("siem", json.dumps(hit(0)))])
    assert ways[0].tried.wait(PATIENCE)
    both[1].start()
    for number in range(1, 40):
        with core.begin() as unit:
            live.tell(unit, [("siem", json.dumps(hit(number)))])
    both[0].close(PATIENCE)
    with core.begin() as unit:
        live.tell(unit, [("siem", json.dumps(hit(40)))])
    assert ways[1].tried.wait(PATIENCE)
    both[1].close(PATIENCE)

    assert [*ways[0].took, *ways[1].took] == [hit(number)["id"] for number in range(41)]
