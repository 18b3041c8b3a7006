"""TLS where clients show certificates: who shows a wrong one gets an alert and not one byte of HTTP (border.md 9.1)."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import tempfile
import threading
import time
from pathlib import Path

import pytest

from mithaq.exchange import front
from mithaq.exchange.front import Front, Settings
from tests.rooms.exchange.certificates import Made

REQUEST = b"GET /mithaq/keys/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
LONG = b"GET /long HTTP/1.1\r\n\r\n"
MANY = 500_000  # answers, far more than waits in a socket
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def makers(tmp_path_factory):
    """Certificates of all sorts."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Made(folder, "authority", authority=True)
    middle = Made(folder, "middle", issuer=authority, authority=True)
    foreign = Made(folder, "foreign-authority", authority=True)
    pinned = Made(folder, "pinned")
    return {
        "server": Made(folder, "server"),
        "authority": authority,
        "pinned": pinned,
        "renewed": Made(folder, "renewed", key=pinned.key),
        "pinned-issued": Made(folder, "pinned-issued", issuer=foreign),
        "issued": Made(folder, "issued", issuer=authority),
        "issued-below": Made(folder, "issued-below", issuer=middle),
        "impostor": Made(folder, "pinned-", issuer=pinned),
        "foreign": Made(folder, "foreign"),
        "foreign-issued": Made(folder, "foreign-issued", issuer=foreign),
        "pinned-expired": Made(folder, "expired", days=(-3, -1)),
        "pinned-early": Made(folder, "early", days=(1, 3)),
        "issued-expired": Made(folder, "issued-expired", issuer=authority, days=(-3, -1)),
        "issued-early": Made(folder, "issued-early", issuer=authority, days=(1, 3)),
    }


class Running:
    """A front in a thread, and the server behind it."""

    def __init__(self, makers, clients, *, authority=True):
        self.folder = Path(tempfile.mkdtemp(prefix="mq-"))
        self.pins = {maker.pin for name, maker in makers.items() if name.startswith("pinned")}
        self.heard = []
        certificate, key = makers["server"].files
        settings = Settings(
            certificate=str(certificate),
            key=str(key),
            clients=clients,
            shelf_url="sqlite://",
            authority=str(makers["authority"].files[0]) if authority else "",
        )
        inner = str(self.folder / "http")
        self.front = Front(settings, lambda: frozenset(self.pins), inner)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, args=(inner,), daemon=True)
        self.thread.start()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)

    def _run(self, inner):
        async def both():
            server = await asyncio.start_unix_server(self._answer, inner)
            async with server:
                await self.front.serve("127.0.0.1", self.port)

        self.task = self.loop.create_task(both())
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.task)
        self.loop.close()

    async def _answer(self, reader, writer):
        heard = await reader.read(1 << 16)
        if heard:
            self.heard.append(heard)
            for _ in range(MANY if heard == LONG else 1):
                writer.write(ANSWER)
                await writer.drain()
        writer.close()

    def close(self):
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(10)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def required(makers):
    running = Running(makers, "required")
    yield running
    running.close()


@pytest.fixture(scope="module")
def optional(makers):
    running = Running(makers, "optional", authority=False)
    yield running
    running.close()


def context(version, maker=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.minimum_version = made.maximum_version = version
    if maker is not None:
        made.load_cert_chain(*maker.files)
    return made


def ask(running, version, maker=None, session=None, made=None):
    """Ask as HTTP does, whatever the server says; return the bytes of HTTP that came, and the line's end."""
    made = made or context(version, maker)
    told, end, tls = b"", "", None
    with socket.create_connection(("127.0.0.1", running.port), 10) as line:
        try:
            tls = made.wrap_socket(line, session=session)
            tls.sendall(REQUEST)
            while more := tls.recv(1 << 16):
                told += more
        except OSError as error:  # an alert, or the end after it
            end = str(error)
    return told, end, tls


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["pinned", "renewed", "pinned-issued", "issued", "issued-below"])
def test_who_is_pinned_or_vouched_for_by_our_authority_is_heard(makers, required, version, who):
    told, _, _ = ask(required, version, makers[who])

    assert told == ANSWER


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "who",
    [
        "",
        "foreign",
        "foreign-issued",
        "impostor",
        "pinned-expired",
        "pinned-early",
        "issued-expired",
        "issued-early",
    ],
)
def test_who_is_not_gets_an_alert_and_no_byte(makers, required, version, who):
    before = len(required.heard)
    told, end, _ = ask(required, version, makers.get(who))

    assert told == b""
    assert "alert" in end.lower()
    assert len(required.heard) == before


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("who", "heard"),
    [
        ("", True),
        ("pinned", True),
        ("foreign", False),
        ("issued", False),
        ("pinned-expired", False),
    ],
)
def test_where_it_is_optional_who_shows_none_is_heard_and_a_wrong_one_is_refused(
    makers, optional, version, who, heard
):
    told, _, _ = ask(optional, version, makers.get(who))

    assert told == (ANSWER if heard else b"")


def test_a_pin_that_is_taken_back_opens_nothing_any_more(makers, required):
    gone = makers["pinned"].pin
    required.pins.discard(gone)
    told = [ask(required, version, makers["pinned"])[0] for version in VERSIONS]
    required.pins.add(gone)

    assert told == [b"", b""]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(makers, required, version):
    made = context(version, makers["pinned"])
    made.set_ciphers("ALL:@SECLEVEL=0")
    told, end, _ = ask(required, version, made=made)

    assert told == b""
    assert "alert" in end.lower()


@pytest.mark.parametrize("version", VERSIONS)
def test_no_session_is_resumed(makers, required, version):
    made = context(version, makers["pinned"])
    told, _, tls = ask(required, version, made=made)
    again, _, second = ask(required, version, made=made, session=tls.session)

    assert told == again == ANSWER
    assert not second.session_reused


def test_what_is_no_tls_and_who_says_nothing_is_let_go(required):
    with socket.create_connection(("127.0.0.1", required.port), 10) as line:
        line.sendall(REQUEST)
        said = line.recv(1 << 16)
    with socket.create_connection(("127.0.0.1", required.port), 10) as line:
        line.sendall(b"\x16\x03\x01")

    assert b"HTTP" not in said
    assert ask(required, VERSIONS[1])[0] == b""


def test_under_tls_1_3_nothing_but_an_alert_follows_what_the_client_takes_for_the_end(
    makers, required
):
    """Every byte that the server sends after its part of the handshake, as it comes from the wire."""
    made, into, out = context(VERSIONS[1], makers["foreign"]), ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = made.wrap_bio(into, out)
    with socket.create_connection(("127.0.0.1", required.port), 10) as line:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                line.sendall(out.read())
                into.write(line.recv(1 << 16))
        tls.write(REQUEST)
        line.sendall(out.read())
        rest = b""
        with contextlib.suppress(OSError):
            while more := line.recv(1 << 16):
                rest += more
    into.write(rest)
    into.write_eof()

    assert len(rest) <= 32  # one encrypted record of two bytes: header, alert, its type, its tag
    with pytest.raises(ssl.SSLError, match="alert"):
        tls.read()


def test_long_answers_and_many_lines_pass_whole(makers):
    class Long(Running):
        async def _answer(self, reader, writer):
            self.heard.append(await reader.read(1 << 16))
            writer.write(b"x" * (3 << 20))
            await writer.drain()
            writer.close()

    running = Long(makers, "required")
    told = [ask(running, version, makers["pinned"])[0] for version in VERSIONS * 4]
    running.close()

    assert {len(each) for each in told} == {3 << 20}


def test_a_client_that_takes_nothing_loses_its_line(makers, required, monkeypatch):
    """Else as many as may connect at once would keep all others out."""
    monkeypatch.setattr(front, "STALL_SECONDS", 0.3)
    with (
        socket.create_connection(("127.0.0.1", required.port), 10) as line,
        context(VERSIONS[1], makers["pinned"]).wrap_socket(line) as tls,
    ):
        tls.sendall(LONG)
        until = time.monotonic() + 20
        while required.front._open and time.monotonic() < until:
            time.sleep(0.05)
        assert required.front._open == 0
        taken = 0
        with contextlib.suppress(OSError):
            while more := tls.recv(1 << 16):
                taken += len(more)
    assert 0 < taken < MANY * len(ANSWER)
