"""What is pushed over syslog and HTTP is kept before anybody is told so, and no sender hurts another."""

import bz2
import gzip
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from mithaq.formats.telemetry import Refusal
from mithaq.ingest.telemetry import chunks, doors, flowing, pending, posting, spool, syslogging
from mithaq.ingest.telemetry.chunks import Chunk
from mithaq.ingest.telemetry.source import NoSource, Ways
from tests.streams import free_port
from tests.unit.formats.telemetry.test_flows import V5, V9, exported, message, template

LINE = b"<34>Oct 11 22:14:15 host su: failed for %d"
TOKEN = "a-token-of-some-length"


def taken(source, number, seconds=20):
    """Take until so many events came; return their bytes, and refusals."""
    events, refused, until = [], [], time.monotonic() + seconds
    while len(events) < number and time.monotonic() < until:
        for each in source.batches(0.2):
            for one in each.found:
                (refused if isinstance(one, Refusal) else events).append(one)
            source.keep(each)
    return [one.raw for one in events], refused


def waiting(one):
    """Return the chunks that a spool has on disk."""
    return sorted(one.folder.glob("*.chunk"))


@pytest.fixture
def syslog(tmp_path):
    source = syslogging.opened(f"syslog://127.0.0.1:{free_port()}", Ways(folder=tmp_path))
    yield source
    source.close()


def stream(source):
    return socket.create_connection(("127.0.0.1", source.where.port), 5)


def datagram(source, raw):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(raw, ("127.0.0.1", source.where.port))


def test_datagrams_lines_and_counted_messages_are_events(syslog):
    counted = LINE % 3 + b" of\ntwo"
    datagram(syslog, LINE % 1)
    with stream(syslog) as out:
        out.sendall(LINE % 2 + b"\n" + b"%d %s" % (len(counted), counted) + LINE % 4)

    raws, refused = taken(syslog, 4)

    told = {LINE % 1, LINE % 2, counted.replace(b"\n", b"#012"), LINE % 4}
    assert set(raws) == told
    assert not refused


def test_a_line_that_names_no_year_is_of_the_last_one_before_it_came(syslog):
    at = datetime.now(UTC) - timedelta(minutes=5)  # noqa: DTZ005, TID251, RUF100 the listener's clock is the machine's
    datagram(syslog, f"<34>{at:%b %e %H:%M:%S} host su: failed for 1".encode())
    until, found = time.monotonic() + 20, []
    while not found and time.monotonic() < until:
        found = [one for each in syslog.batches(0.2) for one in each.found]

    assert found[0].at == f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def test_who_never_ends_a_message_or_says_a_wrong_length_is_cut_off_and_others_are_heard(syslog):
    with stream(syslog) as endless, stream(syslog) as liar, stream(syslog) as honest:
        liar.sendall(b"99999999 x")
        try:
            for _ in range(40):
                endless.sendall(b"x" * 65536)
        except OSError:
            pass  # it was cut off
        honest.sendall(LINE % 7 + b"\n")

        raws, refused = taken(syslog, 1)
        liar.settimeout(5)
        assert liar.recv(1) == b""

    assert raws == [LINE % 7]
    assert {one.code for one in refused} <= {"telemetry-turned-away"}


def test_one_address_has_so_many_places_and_what_it_drips_is_closed(syslog, monkeypatch):
    monkeypatch.setattr(doors, "OF_ONE", 2)
    monkeypatch.setattr(syslogging, "MESSAGE_SECONDS", 0.3)
    first, second, third = (stream(syslog) for _ in range(3))

    first.settimeout(5)
    third.settimeout(5)
    first.sendall(b"<34>")
    assert third.recv(1) == b""
    assert first.recv(1) == b""  # its message did not come in time
    second.sendall(LINE % 1 + b"\n")
    raws, refused = taken(syslog, 1)

    assert raws == [LINE % 1]
    assert sum(one.number for one in refused) == 1
    for each in (first, second, third):
        each.close()


def test_a_full_spool_holds_streams_back_and_counts_datagrams_and_nothing_of_a_stream_is_lost(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(pending, "OF_SENDER", 4096)
    source = syslogging.opened(f"syslog://127.0.0.1:{free_port()}", Ways(folder=tmp_path))
    source.inbox.spool.most = 16 << 10
    sent = [LINE % number + b" " + b"." * 200 for number in range(400)]
    try:
        with stream(source) as out:
            out.settimeout(30)
            out.sendall(b"\n".join(sent[:399]) + b"\n")
            time.sleep(1)
            assert source.inbox.spool.size <= 16 << 10
            for _ in range(50):
                datagram(source, sent[399])
            time.sleep(0.5)
            raws, refused = taken(source, 399, 30)
    finally:
        source.close()

    assert [raw for raw in raws if raw != sent[399]] == sent[:399]
    dropped = sum(one.number for one in refused)
    assert dropped + raws.count(sent[399]) <= 50
    assert dropped > 0


def test_flows_are_read_by_the_templates_of_their_own_exporter(tmp_path):
    source = flowing.opened(f"netflow://127.0.0.1:{free_port()}", Ways(folder=tmp_path))
    known = message((2, template(300, (8, 4), (12, 4))))
    record = message((300, bytes([192, 0, 2, 7, 203, 0, 113, 9])))
    try:
        for sender, raw in (
            *(("127.0.0.1", exported(V9)), ("127.0.0.1", known), ("127.0.0.1", record)),
            *(("127.0.0.2", record), ("127.0.0.2", b"x" * 60), ("127.0.0.2", exported(V5))),
        ):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                out.bind((sender, 0))
                out.sendto(raw, ("127.0.0.1", source.where.port))
        raws, refused = taken(source, 11)
    finally:
        source.close()

    flows = [json.loads(raw) for raw in raws]
    assert len(flows) == 6 + 1 + 4
    assert [
        flow["destinationIPv4Address"] for flow in flows if "protocolIdentifier" not in flow
    ] == ["203.0.113.9"]
    assert sorted((one.number, one.why) for one in refused) == [
        (1, "no datagrams of flows"),
        (1, "records before the template that explains them"),
    ]


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


@pytest.fixture
def posted(tmp_path, token):
    where = f"http://127.0.0.1:{free_port()}/logs?token={token}"
    source = posting.opened(where, Ways(folder=tmp_path))
    yield source
    source.close()


def post(source, body, path="/logs", token=TOKEN, method="POST", **headers):
    """Post a body; return the status, and what is said as JSON."""
    line = http.client.HTTPConnection("127.0.0.1", source.where.port, timeout=20)
    shown = {"Authorization": f"Bearer {token}"} if token else {}
    line.request(method, path, body, shown | headers)
    answer = line.getresponse()
    kind, said = answer.getheader("content-type"), json.loads(answer.read())
    line.close()
    return answer.status, kind, said


def test_lines_arrays_and_what_is_packed_are_taken(posted):
    lines = b'{"a": 1}\n{"a": 2}\n'
    bodies = [lines, b'[{"a": 3},\n {"a": 4}]', gzip.compress(b'{"a": 5}\n')]

    statuses = [post(posted, body)[0] for body in bodies]
    raws, refused = taken(posted, 5)

    assert statuses == [202, 202, 202]
    assert set(raws) == {b'{"a": %d}' % number for number in range(1, 6)}
    assert not refused


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"token": ""}, 401),
        ({"token": "another-token-of-that-len"}, 401),
        ({"path": "/"}, 404),
        ({"method": "GET"}, 405),
        ({"body": b""}, 400),
        ({"Content-Length": str(posting.MOST_BODY + 1)}, 413),
        ({"body": iter([b"x" * 600, b"x" * 600])}, 413),  # says no length
    ],
)
def test_what_is_not_taken_is_told_as_a_problem_and_leaves_nothing(
    posted, asked, status, monkeypatch
):
    if "Content-Length" not in asked:
        monkeypatch.setattr(posting, "MOST_BODY", 1000)
    got, kind, said = post(posted, **{"body": b'{"a": 1}\n', **asked})

    assert (got, said["status"], kind) == (status, status, "application/problem+json")
    assert waiting(posted.inbox.spool) == []


PACKED = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "bzip2": bz2.compress,
    "cut off": lambda raw: gzip.compress(raw)[:-9],
}


@pytest.mark.parametrize(
    ("way", "status", "code"),
    [
        ("gzip", 413, "telemetry-large"),
        ("zstd", 413, "telemetry-large"),
        ("bzip2", 413, "telemetry-large"),
        ("cut off", 400, "telemetry-broken"),
    ],
)
def test_what_unpacks_to_too_much_or_not_at_all_is_refused_before_it_is_acknowledged(
    posted, way, status, code, monkeypatch
):
    if status == 413:
        monkeypatch.setattr(chunks, "MOST_BYTES", 1 << 20)

    got, _, said = post(posted, PACKED[way](b'{"a": 1}\n' * (1 << 18)))
    fine = post(posted, gzip.compress(b'{"a": 2}\n'))[0]
    raws, refused = taken(posted, 1)

    assert (got, said["code"], fine) == (status, code, 202)
    assert raws == [b'{"a": 2}']
    assert [(one.code, one.why) for one in refused] == [("telemetry-turned-away", said["detail"])]


def test_whoever_stops_within_a_chunk_is_given_the_rest_and_it_waits_until_all_is_kept(posted):
    lines = b"".join(b'{"a": %d}\n' % number for number in range(5_000))
    post(posted, lines)
    found = []
    while len(found) < 5_000:
        one = next(posted.batches(5))  # and no more: others have their turn
        found += one.found
        left = waiting(posted.inbox.spool)
        posted.keep(one)
        assert len(left) == 1
    for one in posted.batches(0):
        posted.keep(one)

    assert [one.raw for one in found] == lines.splitlines()
    assert waiting(posted.inbox.spool) == []


def test_bodies_count_until_they_are_on_the_disk(posted, monkeypatch):
    """However slow it is: else memory holds what all senders have sent meanwhile."""
    monkeypatch.setattr(posting, "IN_FLIGHT", 1500)
    put = posted.inbox.put
    held = threading.Event()
    monkeypatch.setattr(posted.inbox, "put", lambda chunk: (held.wait(20), put(chunk)))
    body = b'{"a": "%s"}\n' % (b"x" * 980)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(post, posted, body)
        time.sleep(0.5)
        second = post(posted, body)
        held.set()

    assert (first.result()[0], second[0], second[2]["code"]) == (202, 429, "telemetry-busy")
    assert post(posted, body)[0] == 202


def test_without_room_a_sender_is_told_to_come_back_and_then_is_taken(posted):
    posted.inbox.spool.most = 100

    assert post(posted, b'{"a": "%s"}\n' % (b"x" * 100))[0] == 429
    posted.inbox.spool.most = 10_000
    assert post(posted, b'{"a": "%s"}\n' % (b"x" * 100))[0] == 202


def test_who_drips_a_body_is_ended_and_others_are_served(posted, monkeypatch):
    monkeypatch.setattr(posting, "BODY_SECONDS", 0.5)
    with stream(posted) as slow:
        head = f"POST /logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
        slow.sendall(head.encode() + b"{")

        assert post(posted, b'{"a": 1}\n')[0] == 202
        slow.settimeout(10)
        assert b" 408 " in slow.recv(4096)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate that nobody but the test believes."""
    folder = tmp_path_factory.mktemp("tls")
    said = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    where = ["-keyout", folder / "k.pem", "-out", folder / "c.pem"]
    command = ["openssl", *said.split(), "-addext", "subjectAltName=IP:127.0.0.1", *where]
    subprocess.run(command, check=True, capture_output=True)
    return f"certificate={folder / 'c.pem'}&key={folder / 'k.pem'}"


def believing(certificate):
    return ssl.create_default_context(
        cafile=certificate.partition("=")[2].partition("&")[0]
    ).wrap_socket


@pytest.fixture(params=["syslog", "http"])
def over_tls(request, tmp_path, token, certificate):
    more = f"&token={token}" if request.param == "http" else ""
    where = f"{request.param}://127.0.0.1:{free_port()}/logs?{certificate}{more}"
    opener = {"syslog": syslogging, "http": posting}[request.param]
    source = opener.opened(where, Ways(folder=tmp_path))
    yield source
    source.close()


HTTP_POST = (
    f"POST /logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: %d\r\n\r\n"
)


def sent_over_tls(source, certificate, lines):
    """Send lines in whatever way they come there."""
    opened = believing(certificate)(stream(source), server_hostname="127.0.0.1")
    raw = b"\n".join(lines) + b"\n"
    head = HTTP_POST.encode() % len(raw) if isinstance(source, posting.Posted) else b""
    opened.sendall(head + raw)
    return opened


def test_much_comes_over_tls_as_it_was_sent(over_tls, certificate):
    lines = [LINE % number + b" " + b"." * 900 for number in range(5_000)]

    with sent_over_tls(over_tls, certificate, lines):
        raws, refused = taken(over_tls, len(lines))

    assert raws == lines
    assert not refused


def test_handshakes_that_do_not_end_take_the_places_of_their_own_address_alone_and_for_seconds(
    over_tls, certificate, monkeypatch
):
    monkeypatch.setattr(doors, "OF_ONE", 3)
    monkeypatch.setattr(doors, "HANDSHAKE_SECONDS", 1.0)
    mute = []
    for _ in range(5):
        mute.append(socket.socket())
        mute[-1].settimeout(10)
        mute[-1].bind(("127.0.0.2", 0))
        mute[-1].connect(("127.0.0.1", over_tls.where.port))

    with sent_over_tls(over_tls, certificate, [LINE % 1]):
        raws, refused = taken(over_tls, 1)
    for each in mute:
        assert not hung_up_at(each)
        each.close()
    told = Counter()
    until = time.monotonic() + 10
    while refused or (told.total() < 5 and time.monotonic() < until):
        told.update({one.why: one.number for one in refused})
        _, refused = taken(over_tls, 1, 0.5)

    assert raws == [LINE % 1]
    assert told == {
        "connections beyond those that are taken at once": 2,
        "TLS that was not agreed on": 3,
    }


def hung_up_at(opened):
    """Return what is still heard until the other side is gone."""
    try:
        return opened.recv(1)
    except ConnectionResetError:
        return b""


def test_who_opens_lines_and_asks_nothing_takes_no_other_address_its_place(posted, monkeypatch):
    monkeypatch.setattr(doors, "OF_ONE", 3)
    monkeypatch.setattr(posting, "HEAD_SECONDS", 1.0)
    mute = []
    for _ in range(5):
        mute.append(socket.socket())
        mute[-1].settimeout(10)
        mute[-1].bind(("127.0.0.2", 0))
        mute[-1].connect(("127.0.0.1", posted.where.port))
        with suppress(OSError):
            mute[-1].sendall(b"POST /logs HTTP/1.1\r\n")

    assert post(posted, b'{"a": 1}\n')[0] == 202
    for each in mute:
        assert not hung_up_at(each)
        each.close()
    _, refused = taken(posted, 2, 1)

    assert [(one.why, one.number) for one in refused] == [
        ("connections beyond those that are taken at once", 2)
    ]


def test_one_connection_carries_many_bodies_also_in_parts_and_when_it_asks_before(posted):
    body = b'{"a": %d}\n'
    with stream(posted) as out:
        out.settimeout(10)
        head = HTTP_POST.encode()
        out.sendall(head % 9 + body % 1 + head % 9 + body % 2)
        counted = head.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")
        out.sendall(counted + b"4\r\n" + (body % 3)[:4] + b"\r\n5\r\n" + (body % 3)[4:] + b"\r\n0\r\n\r\n")  # fmt: skip
        out.sendall(head.replace(b"Host", b"Expect: 100-continue\r\nHost") % 9)
        said = b""
        while b"100 Continue" not in said:
            said += out.recv(4096)
        out.sendall(body % 4)
        while said.count(b" 202 ") < 4:
            said += out.recv(4096)
        raws, refused = taken(posted, 4)

    assert raws == [(body % number).rstrip() for number in (1, 2, 3, 4)]
    assert not refused


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/9\r\n\r\n", b" 400 "),
        (b"\x16\x03\x01 no HTTP at all\r\n\r\n", b" 400 "),
        (b"POST /logs HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", b" 431 "),
        (b"HEAD /logs HTTP/1.1\r\nHost: x\r\n\r\n", b" 401 "),
        (HTTP_POST.encode() % 10 + b"cut", b" 400 "),
        (HTTP_POST.encode().replace(b"%d", b"-1") + b"x", b" 400 "),
    ],
)
def test_what_is_no_request_is_told_so_and_others_are_served(posted, sent, status):
    with stream(posted) as out:
        out.settimeout(10)
        out.sendall(sent)
        out.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: out.recv(4096), b""))

    assert status in said.partition(b"\r\n")[0]
    assert (b"telemetry-" in said) is not sent.startswith(b"HEAD")
    assert post(posted, b'{"a": 1}\n')[0] == 202
    raws, refused = taken(posted, 1)
    assert raws == [b'{"a": 1}']
    assert sum(one.number for one in refused) == 1


def test_without_a_token_nobody_listens(tmp_path):
    with pytest.raises(NoSource, match="token=FILE"):
        posting.opened("http://127.0.0.1:1/", Ways(folder=tmp_path))
    with pytest.raises(NoSource, match="spool=FOLDER"):
        syslogging.opened("syslog://127.0.0.1:1", Ways())


def test_a_port_that_another_has_is_said(syslog, tmp_path):
    where = f"syslog://127.0.0.1:{syslog.where.port}?spool={tmp_path / 'other'}"

    with pytest.raises(NoSource, match="cannot listen"):
        syslogging.opened(where, Ways())


SERVER = """
import sys, time
from mithaq.ingest.telemetry import posting
from mithaq.ingest.telemetry.source import Ways
source = posting.opened(sys.argv[1], Ways())
print("ready", flush=True)
time.sleep(60)
"""


def test_what_was_acknowledged_is_there_after_the_process_was_killed(tmp_path, token):
    port, folder = free_port(), tmp_path / "spool"
    where = f"http://127.0.0.1:{port}/logs?token={token}&spool={folder}"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, where],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for number in range(20):
            line.request(
                "POST", "/logs", b'{"a": %d}\n' % number, {"Authorization": f"Bearer {TOKEN}"}
            )
            answer = line.getresponse()
            answer.read()
            assert answer.status == 202
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (folder / "0000000000000099.part").write_bytes(b"half")

    source = posting.opened(where, Ways())
    raws, refused = taken(source, 20)
    left = waiting(source.inbox.spool)
    source.close()

    assert raws == [b'{"a": %d}' % number for number in range(20)]
    assert not refused
    assert left == []
    assert not list(folder.glob("*.part"))


def test_what_was_given_and_not_kept_is_given_again_by_the_next_process(tmp_path):
    chunk = Chunk(raw=b'{"a": 1}\n', kind="json", name="n", sensor="s")
    one = spool.Spool.open(tmp_path / "spool")
    one.put(chunk)
    with pytest.raises(NoSource, match="cannot spool"):
        spool.Spool.open(tmp_path / "spool")
    one.close()

    inbox = spool.Inbox(spool.Spool.open(tmp_path / "spool"), Ways())
    (given,) = inbox.batches("x", 0)

    assert [*inbox.batches("x", 0)] == []
    assert given.found[0].raw == b'{"a": 1}'
    inbox.spool.close()
    again = spool.Inbox(spool.Spool.open(tmp_path / "spool"), Ways())
    assert [each for _, each in again.chunks(0)] == [chunk]


def test_a_spool_of_many_files_is_looked_through_once(tmp_path, monkeypatch):
    one = spool.Spool.open(tmp_path / "spool")
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for number in range(3_000):
        one.put(Chunk(raw=b'{"a": %d}\n' % number, kind="json"))
    one.close()
    looks = []
    monkeypatch.setattr(Path, "glob", spied(Path.glob, looks))
    monkeypatch.setattr(os, "scandir", spied(os.scandir, looks))
    monkeypatch.setattr(os, "listdir", spied(os.listdir, looks))

    inbox = spool.Inbox(spool.Spool.open(tmp_path / "spool"), Ways())
    opened = len(looks)
    raws = []
    while some := [*inbox.batches("x", 0)]:
        for each in some:
            raws += [found.raw for found in each.found]
            inbox.drop(each.mark)

    assert raws == [b'{"a": %d}' % number for number in range(3_000)]
    assert len(looks) == opened
    assert (inbox.spool.behind().chunks, inbox.spool.size) == (0, 0)


def spied(real, seen):
    """Count how often something is asked."""

    def asked(*args, **more):
        seen.append(args)
        return real(*args, **more)

    return asked


def test_a_chunk_that_is_damaged_while_it_waits_is_put_by_and_told_and_others_are_read(tmp_path):
    one = spool.Spool.open(tmp_path / "spool")
    for number in range(3):
        one.put(Chunk(raw=b'{"a": %d}\n' % number, kind="json"))
    waiting(one)[1].write_bytes(b"\xff no head")
    waiting(one)[0].unlink()
    one.close()

    inbox = spool.Inbox(spool.Spool.open(tmp_path / "spool"), Ways())
    first, last = inbox.batches("x", 0)

    assert [found.raw for found in first.found] == [b'{"a": 2}']
    assert [(found.number, found.code) for found in last.found] == [(1, "telemetry-turned-away")]
    assert [path.name for path in (tmp_path / "spool").glob("*.damaged")] == [
        "0000000000000002.damaged"
    ]


def test_on_a_full_disk_nothing_half_written_is_left_and_it_goes_on_when_there_is_room(tmp_path):
    one = spool.Spool.open(tmp_path / "spool")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
        with pytest.raises(OSError, match="large"):
            one.put(Chunk(raw=b"x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, was)
    left = [path.name for path in one.folder.iterdir()]
    one.put(Chunk(raw=b'{"a": 1}\n'))

    assert left == ["lock"]
    assert (one.behind().chunks, len(waiting(one))) == (1, 1)


def test_datagrams_of_forged_addresses_fill_no_disk_with_small_files(tmp_path):
    held_back, forged = pending.Pending(None, "syslog"), 0
    for number in range(5000):
        sender = f"198.51.{number >> 8}.{number & 255}"
        if held_back.has_room(sender):
            held_back.add(LINE % number, sender)
            forged += 1
    one = spool.Spool.open(tmp_path / "small", 40_000)
    for number in range(9):
        one.put(Chunk(raw=b"x", name=str(number)))
    with pytest.raises(spool.Full):
        one.put(Chunk(raw=b"x"))
    held = one.size
    for path in waiting(one):
        one.drop(path)

    assert forged == pending.SENDERS
    assert held_back.has_room("198.51.0.1")  # of whom a line waits already
    assert (held, one.size) == (9 * 4096, 0)
