"""Nodes that show each other certificates: by pins of their key documents, and nobody else is heard (border.md 9.1)."""

import socket
import ssl
import threading

import pytest
from typer.testing import CliRunner

from mithaq.border import keys, peers, signing
from mithaq.border.keys import Change
from mithaq.cli.app import app
from mithaq.exchange.client import fetch_keys
from mithaq.exchange.wire import PeerUnreachable
from mithaq.node.build import ROOT_KEY
from mithaq.seal.keys import from_pem, generate
from mithaq.store import parties
from tests.journeys.test_processes import PACT, Nation, pact, typed, wait
from tests.rooms.exchange.certificates import Made

REQUEST = b"GET /mithaq/keys/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def nation(folder, name, country, clients, **more):
    """Make a nation whose certificate is of its own making, and pinned in its key document."""
    made = Made(folder, f"tls-{name}")
    certificate, key = map(str, made.files)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"tls_certificate": certificate, "tls_key": key, "tls_clients": clients}
    shown = {"client_certificate": certificate, "client_key": key}
    where = {"url": f"https://127.0.0.1:{port}", "listen": f"127.0.0.1:{port}"}
    founded = Nation(folder, name, country, **(given | shown | where | more))
    root = from_pem((founded.home / ROOT_KEY).read_bytes())
    now = founded.node.clock()
    with founded.node.core.begin() as unit:
        keys.rotate(unit, founded.node.us, [root], Change(pins=[made.pin]), now, by="olga")
    return founded


def documents(nation_):
    with nation_.node.core.read() as unit:
        return list(parties.key_document_envelopes(unit, nation_.name).values())


def meet(one, other):
    """Let two nations meet by key documents carried in files."""
    first, *later = documents(other)
    with other.node.core.read() as unit:
        words = " ".join(peers.fingerprint_words(unit, other.name, "en"))
    node, now = one.node, one.node.clock()
    with node.core.begin() as unit:
        peers.meet(unit, node.us, first, now, by="omar")
        for raw in later:
            keys.learn(unit, node.us, other.name, raw, now)
        signing.confirm(unit, node.us, other.name, words, now, by="omar")


def ask(nation_, made=None):
    """Ask for the key document as anybody may; return what came of HTTP."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if made is not None:
        context.load_cert_chain(*made.files)
    host, _, port = nation_.node.config.settings.listen.partition(":")
    told = b""
    try:
        with socket.create_connection((host, int(port)), 10) as line:
            tls = context.wrap_socket(line)
            tls.sendall(REQUEST)
            while more := tls.recv(1 << 16):
                told += more
    except OSError:
        pass
    return told


@pytest.fixture
def pair(tmp_path):
    made = [
        nation(tmp_path, "aurelia", "QM", "required"),
        nation(tmp_path, "borea", "QN", "required"),
    ]
    yield made
    for each in made:
        each.close()


def test_two_nations_exchange_under_certificates_of_their_own_and_nobody_else_gets_a_byte(
    pair, tmp_path
):
    aurelia, borea = pair
    for each in pair:
        each.serve(ready=lambda each=each: '"ready"' in each.said())
    meet(aurelia, borea)
    meet(borea, aurelia)
    raw = pact(aurelia, borea)
    for each in pair:
        each.sign(raw)
    for each in pair:
        wait(lambda each=each: each.holds(PACT), f"{each.name} has no pact")
    id_ = aurelia.release(1)
    wait(lambda: borea.received()[id_], "the release does not arrive")

    assert fetch_keys(borea.node.wire, aurelia.node.us.url) == documents(aurelia)[-1]
    assert ask(aurelia) == b""
    assert ask(aurelia, Made(tmp_path, "foreign")) == b""
    borea.stop()
    impostor = Made(tmp_path, "impostor")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*impostor.files)
    host, _, port = borea.node.config.settings.listen.partition(":")
    with socket.create_server((host, int(port))) as server:
        heard = _answer_once(server, context)
        with pytest.raises(PeerUnreachable) as told:
            fetch_keys(aurelia.node.wire, borea.node.us.url)
    assert told.value.facts["cause"] == "certificate"
    assert wait(lambda: heard, "no handshake was tried") == [b""]


def _answer_once(server, context):
    """Do one handshake in a thread, and keep what the client then sends."""
    heard = []

    def take():
        line, _ = server.accept()
        try:
            with context.wrap_socket(line, server_side=True) as tls:
                heard.append(tls.recv(1 << 16))
        except OSError:
            heard.append(b"")

    threading.Thread(target=take, daemon=True).start()
    return heard


def test_where_it_is_optional_strangers_read_the_key_document_and_meet(tmp_path):
    aurelia = nation(tmp_path, "aurelia", "QM", "optional")
    stranger = Nation(tmp_path, "corvia", "QO")
    try:
        aurelia.serve(ready=lambda: '"ready"' in aurelia.said())
        assert b"200 OK" in ask(aurelia)
        assert ask(aurelia, Made(tmp_path, "foreign")) == b""
        url = aurelia.node.us.url
        about = ("--role", "operator,liaison", "--key", str(tmp_path / "omar.pem"))
        typed(stranger.home, "actor", "add", "omar", *about)
        done = typed(stranger.home, "peer", "add", url, "--as", "omar", "--json")

        assert done.returncode == 0, done.stderr
        assert '"state": "met"' in done.stdout
    finally:
        aurelia.close()
        stranger.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home beside which lie files for TLS, good and bad."""
    folder = tmp_path_factory.mktemp("tls")
    made = Nation(folder, "aurelia", "QM")
    made.close()
    Made(made.home, "tls")
    Made(made.home, "other")
    locked = generate().pem("a passphrase")
    (made.home / "locked.key").write_bytes(locked)
    return made.home


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"tls_key": "nothing.key"}, "tls_key"),
        ({"tls_certificate": "tls.key"}, "tls_certificate"),
        ({"tls_key": "other.key"}, "tls_key"),
        ({"tls_key": "tls.pem"}, "tls_key"),
        ({"tls_key": "locked.key"}, "tls_key"),
        ({"tls_key": ""}, "tls_key"),
        ({"client_certificate": "tls.pem", "client_key": "other.key"}, "client_key"),
        ({"client_certificate": "tls.pem"}, "client_key"),
        ({"tls_clients": "required", "tls_client_ca": "tls.key"}, "tls_client_ca"),
        ({"tls_clients": "sometimes"}, "tls_clients"),
        ({"tls_clients": "required", "tls_certificate": "", "tls_key": ""}, "tls_certificate"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_a_sentence_at_the_start(home, settings, named):
    file = home / "mithaq.toml"
    before = file.read_text()
    whole = {"tls_certificate": "tls.pem", "tls_key": "tls.key"} | settings
    file.write_text("".join(f"{name} = {value!r}\n" for name, value in whole.items()) + before)
    told = [
        CliRunner().invoke(app, ["serve", "--home", str(home), "--language", language])
        for language in ("en", "fr", "ar")
    ]
    file.write_text(before)

    assert [each.exit_code for each in told] == [2, 2, 2]
    assert all(named in each.stderr for each in told)
    assert len({each.stderr for each in told}) == 3
    assert all("Traceback" not in each.output for each in told)
