"""No secret of a node is in what it logs, prints, answers or says when something goes wrong."""

import base64
import json
import re
import traceback

import pytest
import structlog
from typer.testing import CliRunner

from mithaq.border import peers
from mithaq.cli.app import app
from mithaq.config import Settings, load
from mithaq.exchange.asgi import app_from_environment
from mithaq.exchange.visit import Settings as ListenerSettings
from mithaq.exchange.wire import Request
from mithaq.node import init, open_node
from mithaq.seal.keys import from_pem
from mithaq.store.engine import open_store
from mithaq.store.migrate import upgrade
from tests.federation.world import Federation
from tests.journeys.conftest import Town

PASSPHRASE = "correct horse battery staple"
PASSWORD = "pg-password-of-the-core"
FILES = ("core/secret", "core/keys/root.pem", "core/keys/exchange.pem", "listener/cursor.key")


def forms(raw):
    """Return how a secret may be written: as bytes show, in hex, in base64, and each line of a file of text."""
    plain = raw.decode("latin-1")
    found = {plain, repr(raw)[2:-1], raw.hex(), base64.b64encode(raw).decode()}
    found |= {base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    if b"PRIVATE KEY" in raw:
        found = {line for line in plain.splitlines() if line and "-----" not in line}
    return found


def secrets_of(home):
    return {form for name in FILES for form in forms((home / name).read_bytes())}


def clean(said, secrets):
    return [each for each in secrets if each in said]


def test_a_node_says_no_secret_however_it_is_printed(tmp_path):
    settings = Settings(
        nation="aurelia",
        organisation="CSIRT",
        country="QM",
        url="http://aurelia.example",
        peer_database=f"postgresql+psycopg://peer:{PASSWORD}@db/mithaq",
    )
    with init(tmp_path / "aurelia", settings, passphrase=PASSPHRASE) as node:
        told = ListenerSettings(
            url=node.us.url,
            shelf_url=settings.peer_database,
            spool_url=settings.peer_database,
            cursor_key_path="x",
        )
        said = "".join(map(repr, (node, node.us, node.config, settings, told)))
        said += "".join(map(str, (node, node.us, node.config, settings, told)))

        assert clean(said, secrets_of(node.config.home) | {PASSWORD, PASSPHRASE}) == []
        assert (node.config.home / "mithaq.toml").stat().st_mode & 0o077 == 0


def failures(tmp_path, monkeypatch):
    """Yield what goes wrong with a secret at hand: (name, act)."""
    home = tmp_path / "aurelia"
    address = f"postgresql+psycopg://core:{PASSWORD}@127.0.0.1:1/mithaq"

    def with_settings(**wrong):
        monkeypatch.setenv("MITHAQ_LISTENER", json.dumps({"shelf_url": address, **wrong}))
        app_from_environment()

    def with_config(line):
        file = tmp_path / "broken" / "mithaq.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'database = "{address}"\n{line}\n')
        load(file.parent)

    yield lambda: from_pem((home / FILES[1]).read_bytes(), PASSPHRASE + "!")
    yield lambda: from_pem((home / FILES[1]).read_bytes())
    yield lambda: upgrade(open_store(address, "core"))
    yield lambda: upgrade(open_store(address.replace(":1/", ":none/"), "core"))
    yield lambda: with_settings(nonsense=1)
    yield lambda: with_settings(page_limit="many")
    yield lambda: with_config("nation = 1")
    yield lambda: with_config("nation = ")
    yield lambda: with_config('nonsense = "x"')
    (home / "core/keys/exchange.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n")
    yield lambda: open_node(home).us.signer.sign(b"")


def test_what_fails_with_a_secret_at_hand_does_not_quote_it(tmp_path, monkeypatch):
    settings = Settings(
        nation="aurelia", organisation="CSIRT", country="QM", url="http://aurelia.example"
    )
    init(tmp_path / "aurelia", settings, passphrase=PASSPHRASE).close()
    secrets = secrets_of(tmp_path / "aurelia") | {PASSWORD, PASSPHRASE}

    for act in failures(tmp_path, monkeypatch):
        with pytest.raises(Exception) as failed:  # noqa: PT011 whatever it is
            act()
        said = "".join(traceback.format_exception(failed.value))
        # A traceback quotes lines of this file; what was raised must not hold what they were given.
        said += "".join(f"{e}{getattr(e, 'facts', '')}{e.args}" for e in chain(failed.value))
        assert clean(said, secrets) == [], said


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_day_of_exchange_logs_no_secret_and_answers_none(tmp_path):
    """Debug level, refusals and all: a client's token, and the wrong ones of others, are quoted nowhere."""
    federation = Federation(tmp_path)
    said = []

    def sink(_logger, _name, facts):
        said.append(repr(facts))
        raise structlog.DropEvent

    with structlog.testing.capture_logs():
        aurelia, _ = federation.nation("aurelia", "QM"), federation.nation("borea", "QN")
    structlog.configure(processors=[sink], cache_logger_on_first_use=False)
    try:
        federation.enrol_all()
        client = peers.Peer(
            name="misp", kind="client", url="", state="confirmed", country="QM", organisation="m",
            added_at="2026-01-01T00:00:00.000Z",
        )  # fmt: skip
        with aurelia.core.begin() as unit:
            peers.add_client(unit, client, federation.clock(), by="l")
            old = peers.new_token(unit, "misp", federation.clock(), by="l")
            token = peers.new_token(unit, "misp", federation.clock(), by="l")
        federation.settle()
        listener = federation.wire.listeners["aurelia.example"]
        url = "http://aurelia.example/taxii2/"
        for given in (
            f"Bearer {token}",
            f"Bearer {old}",
            f"Basic {token}",
            f"Digest {token}",
            token,
        ):
            for method, path in (("GET", ""), ("POST", ""), ("GET", f"{token}/"), ("GET", "x/")):
                asked = Request(method=method, url=url + path, headers={"authorization": given})
                answer = listener.answer(asked)
                said += [repr(answer), repr(asked.body)]
        with aurelia.core.read() as unit:
            for table in ("journal", "settings", "leaves", "peers", "shelf_ops", "refusals"):
                said += map(repr, unit.exec_driver_sql(f"SELECT * FROM {table}").all())
        secrets = {token, old, token.removeprefix("mq"), old.removeprefix("mq")}
        for name in ("aurelia", "borea"):
            secrets |= secrets_of(tmp_path / name)
            said += [repr(entry) for entry in federation.wire.seen]

        assert clean("\n".join(said), secrets) == []
    finally:
        structlog.reset_defaults()
        federation.close()


SAID = (
    ("status",), ("verify",), ("peer", "list"), ("peer", "words"), ("actor", "list"), ("log",), ("queue",),
    ("agreement", "list"), ("quarantine",), ("formats",), ("show", "tool--x"), ("approve", "9"), ("log", "prove", "x"),
    ("peer", "show", "nobody"), ("token", "revoke", "--peer", "nobody"), ("init", "--nation", "x"),
    ("import", "/dev/null"),
)  # fmt: skip


def test_no_command_prints_a_secret_but_the_token_it_makes(tmp_path, monkeypatch):
    town = Town(tmp_path)
    town.wired(monkeypatch)
    try:
        town.found("asteria")
        town.do("asteria", "peer", "add", "--taxii", "misp", "--country", "AS", actor="omar")
        shown = town.do("asteria", "token", "create", "--peer", "misp", actor="omar")
        token = next(word for word in shown.split() if re.fullmatch("mq[0-9A-Za-z]{38}", word))
        keys = {
            form
            for p in ("omar", "amal", "lina")
            for form in forms(town.key("asteria", p).read_bytes())
        }
        secrets = secrets_of(tmp_path / "asteria") | keys | {token}

        for command in SAID:
            for more in ((), ("--json",), ("--debug",)):
                for actor in ("omar", "lina", ""):
                    env = {"MITHAQ_HOME": str(tmp_path / "asteria"), "MITHAQ_ACTOR": actor}
                    done = CliRunner().invoke(app, [*command, *more], env=env)
                    assert clean(done.output + str(done.exception or ""), secrets) == [], command
    finally:
        town.close()
