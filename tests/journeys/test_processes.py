"""Nodes as processes: what is released arrives, whoever is killed; and the listener may open nothing else.

Each nation is served by ``python -m mithaq.serve HOME`` on the loopback. People act from this process, as the
command line does: on the store, beside the running node.
"""

import json
import os
import random
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import create_engine, make_url, text

from mithaq import clock
from mithaq.border import agreements, local, peers, signing, verify
from mithaq.border.publish import publish
from mithaq.config import Exchange, Settings
from mithaq.exchange.client import Line, fetch_keys
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import from_body
from mithaq.node import init
from mithaq.policy import agreement as policy
from mithaq.store import channels, objects
from mithaq.store.engine import ROOMS, open_store
from mithaq.store.migrate import upgrade
from mithaq.store.roles import grant_roles
from mithaq.store.sources import Source
from tests.conftest import unprivileged

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]
MODULES = os.pathsep.join([str(ROOT / "src"), sysconfig.get_path("purelib")])
PACT = "pact"


def wait(ready, what):
    """Poll until ``ready`` gives something true; return it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := ready():
            return found
        time.sleep(0.02)
    pytest.fail(f"{what}: not within {PATIENCE} s")


class Nation:
    """A nation's home, its people's hands on it, and its process."""

    def __init__(self, folder, name, country, python=sys.executable, **settings):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        given = {
            "nation": name,
            "organisation": f"CSIRT of {name}",
            "country": country,
            "url": f"http://127.0.0.1:{port}",
            "listen": f"127.0.0.1:{port}",
            # Without a nudge nothing arrives in a test's time.
            "exchange": Exchange(poll_seconds=600.0),
        }
        self.name, self.home, self.python = name, folder / name, python
        self.node = init(self.home, Settings(**(given | settings)))
        self.log = (folder / f"{name}.log").open("ab")
        self.process = None

    def serve(self, ready=None):
        before = len(self.said())
        self.process = subprocess.Popen(
            [self.python, "-m", "mithaq.serve", str(self.home)],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=os.environ | {"PYTHONPATH": MODULES},
        )
        ready = ready or (lambda: self.answers() and '"ready"' in self.said()[before:])
        wait(ready, "the node is not ready")

    def answers(self):
        """Say whether anybody answers at the nation's address."""
        assert self.process.poll() is None, self.said()
        try:
            return fetch_keys(self.node.wire, self.node.us.url)
        except Exception:  # noqa: BLE001 not yet
            return None

    def said(self):
        return Path(self.log.name).read_text("utf-8", "replace")

    def children(self):
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    def tree(self):
        """Return the ids of the process, its listener, and the listener's own."""
        todo, found = [self.process.pid], []
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                    todo += [int(child) for child in task.read_text().split()]
        return found

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def close(self):
        self.stop()
        self.node.close()
        self.log.close()

    # --- acts ----------------------------------------------------------------------------------------
    def meet(self, other):
        raw = fetch_keys(self.node.wire, other.node.us.url)
        with other.node.core.read() as unit:
            words = " ".join(peers.fingerprint_words(unit, other.name, "en"))
        now = self.node.clock()
        with self.node.core.begin() as unit:
            peers.meet(unit, self.node.us, raw, now, by="omar")
            signing.confirm(unit, self.node.us, other.name, words, now, by="omar")

    def sign(self, raw):
        with self.node.core.begin() as unit:
            signing.sign_text(unit, self.node.us, raw, self.node.clock(), by="lena")

    def holds(self, agreement):
        with self.node.core.read() as unit:
            if not agreements.versions(unit, agreement):
                return False
            return agreements.held(unit, agreement, self.node.clock()).text is not None

    def release(self, number):
        """Write and release one object in one unit; once this returns it must arrive."""
        return self.take(tool(number), PACT, tlp=Tlp.GREEN)

    def take(self, body, agreement, tlp=None):
        made = from_body(body)
        source = Source(name=self.name, kind="file")
        given = [local.Given(object=made, beside=Beside(tlp=tlp))]
        node, now = self.node, self.node.clock()
        with node.core.begin() as unit:
            outcome = local.local(unit, node.us, source, given, author="ana", own=True, now=now)
            publish(unit, node.us, "ana", [copy.seq for copy in outcome.stored], agreement, now)
        return made.id

    def received(self):
        """Return how often each object from others is held."""
        with self.node.core.read() as unit:
            copies = objects.load(unit, objects.everything())
        return Counter(copy.object.id for copy in copies if copy.standing == "received")

    def problems(self):
        return verify.everything(self.node.core, self.node.shelf, self.node.us).problems


def tool(number):
    at = "2026-01-01T00:00:00.000Z"
    id_ = f"tool--00000000-0000-4000-8000-{number:012d}"
    body = {"type": "tool", "spec_version": "2.1", "id": id_, "created": at, "modified": at}
    return body | {"name": f"Tool {number}"}


def pact(*nations):
    parties = [policy.Party(name=n.name, country="QM", organisation=n.name) for n in nations]
    clauses = [policy.Clause(id="all", kinds=["*"])]
    start = "2026-01-01T00:00:00.000Z"
    whole = policy.Agreement(
        id=PACT,
        version=1,
        title="A pact",
        kind="bilateral",
        parties=parties,
        clauses=clauses,
        start=start,
    )
    return policy.to_bytes(whole)


def agree(one, other):
    """Let two served nations meet and sign; the text travels by itself."""
    one.meet(other)
    other.meet(one)
    raw = pact(one, other)
    for nation in (one, other):
        nation.sign(raw)
    for nation in (one, other):
        wait(lambda nation=nation: nation.holds(PACT), f"{nation.name} has no pact")


@contextmanager
def founded(folder, **settings):
    """Make two nations that know nothing of each other, and serve neither."""
    nations = [
        Nation(folder, name, country, **settings)
        for name, country in (("aurelia", "QM"), ("borea", "QN"))
    ]
    try:
        yield nations
    finally:
        for nation in nations:
            nation.close()


@contextmanager
def served(folder, **settings):
    """Serve two nations that have a pact."""
    with founded(folder, **settings) as nations:
        for nation in nations:
            nation.serve()
        agree(*nations)
        yield nations


def gone(pids):
    return not [pid for pid in pids if Path(f"/proc/{pid}").exists() and not _zombie(pid)]


def _zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


# --- a whole life -----------------------------------------------------------------------------------------
def test_a_release_arrives_within_two_seconds_and_a_stop_leaves_no_process(tmp_path):
    """No poll is due for ten minutes: the nudge alone brings it."""
    with served(tmp_path) as (aurelia, borea):
        took = []
        for number in range(4):
            id_ = aurelia.release(number)
            start = time.monotonic()
            wait(lambda id_=id_: borea.received()[id_], "the release does not arrive")
            took.append(time.monotonic() - start)
        second = subprocess.run(
            [sys.executable, "-m", "mithaq.serve", str(aurelia.home)],
            env=os.environ | {"PYTHONPATH": MODULES},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        processes = [pid for nation in (aurelia, borea) for pid in nation.tree()]
        start = time.monotonic()
        for nation in (aurelia, borea):
            nation.process.send_signal(signal.SIGTERM)
        codes = [nation.process.wait(PATIENCE) for nation in (aurelia, borea)]
        stopping = time.monotonic() - start

        assert min(took) < 2.0, took
        assert second.returncode != 0
        assert b"is served already" in second.stderr
        assert codes == [0, 0]
        assert stopping < 5.0
        assert gone(processes)
        assert [aurelia.problems(), borea.problems()] == [(), ()]


@pytest.mark.parametrize("seed", range(2 if not os.environ.get("MITHAQ_LONG") else 40))
def test_whoever_is_killed_nothing_released_is_lost_or_doubled(tmp_path, seed):
    """kill -9 of the worker or of a listener, of either nation, in the middle of a stream of releases."""
    chance = random.Random(seed)
    sent = []
    with served(tmp_path) as nations:
        aurelia, borea = nations
        for strike in range(6):
            for number in range(chance.randrange(1, 9)):
                sent.append(aurelia.release(100 * strike + number))
                time.sleep(chance.random() / 20)
            victim = chance.choice(nations)
            if strike % 2:
                [listener] = victim.children()
                os.kill(listener, signal.SIGKILL)
                wait(lambda v=victim, p=listener: v.children() not in ([], [p]), "no new listener")
                wait(victim.answers, "the listener was not started again")
                continue
            family = victim.tree()
            victim.process.kill()
            victim.process.wait(PATIENCE)
            wait(lambda family=family: gone(family), "a listener outlived its node")
            victim.serve()
        sent.append(aurelia.release(9999))
        wait(lambda: len(borea.received()) == len(sent), "something released did not arrive")

        assert borea.received() == Counter(sent)
        assert [nation.problems() for nation in nations] == [(), ()]
        with aurelia.node.core.read() as unit:
            out = channels.find(unit, "borea", PACT, "out")
        with borea.node.core.read() as unit:
            there = channels.find(unit, "aurelia", PACT, "in")
        assert (there.id, there.seq, there.head) == (out.id, out.seq, out.head)
        assert there.seq == len(sent)


# --- one address, one home --------------------------------------------------------------------------------
def typed(home, *line):
    """Run the command as an operator types it."""
    return subprocess.run(
        [sys.executable, "-m", "mithaq.cli", *line, "--home", str(home)],
        env=os.environ | {"PYTHONPATH": MODULES},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_node_shares_its_address_with_no_other_node_and_no_other_program(tmp_path):
    with founded(tmp_path) as (aurelia, borea):
        aurelia.serve()
        address = aurelia.node.config.settings.listen
        beside_a_node = typed(borea.home, "serve", "--peers", address)
        aurelia.stop()
        host, _, port = address.partition(":")
        with socket.create_server((host, int(port))):
            beside_a_program = typed(borea.home, "serve", "--peers", address)

        for done in (beside_a_node, beside_a_program):
            assert done.returncode == 5, done.stderr
            assert address in done.stderr
            assert "Traceback" not in done.stderr


def test_status_says_truly_whether_the_node_is_served(tmp_path):
    with founded(tmp_path) as (aurelia, _):
        aurelia.serve()
        address = aurelia.node.config.settings.listen
        running = json.loads(typed(aurelia.home, "status", "--json").stdout)["served"]
        aurelia.process.kill()
        aurelia.process.wait(PATIENCE)
        killed = json.loads(typed(aurelia.home, "status", "--json").stdout)["served"]

        assert (running["at"], running["process"]) == (address, aurelia.process.pid)
        assert killed == {}


def test_what_the_listener_loads_holds_no_door_in_and_no_node():
    """It is another process so that nothing in it admits or opens the core (border.md 10.1)."""
    code = (
        "import sys; before = set(sys.modules); import mithaq.serve.listener, mithaq.exchange.asgi;"
        " print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": MODULES},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "mithaq.exchange.listener" in loaded
    assert not loaded & {"mithaq.border.admit", "mithaq.node", "mithaq.serve.run", "mithaq.config"}


# --- another user -----------------------------------------------------------------------------------------
SECRETS = (
    "core/node.db",
    "core/secret",
    "core/keys/root.pem",
    "core/keys/exchange.pem",
    "mithaq.toml",
)


@pytest.fixture
def other():
    """A system user the listener can run as, and a Python that user may start."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a process as another system user")
    user = unprivileged()
    if user is None or not shutil.which("runuser"):
        pytest.skip("there is no user postgres or nobody, or no runuser")
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        if (
            Path(python).exists()
            and run_as(user, python, "import mithaq.serve.run").returncode == 0
        ):
            return user, python
    pytest.skip(f"{user.pw_name} may start no Python of this version with the checkout's modules")


def run_as(user, python, code, *args):
    return subprocess.run(
        [
            "runuser",
            "-u",
            user.pw_name,
            "--",
            "env",
            f"PYTHONPATH={MODULES}",
            python,
            "-B",
            "-c",
            code,
            *args,
        ],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def open_folder():
    """A folder that another user may go through; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="mithaq-served-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


OPENS = """
import json, sys
found = {}
for mode, path in json.loads(sys.argv[1]):
    try:
        open(path, mode).close()
        found[f"{mode} {path}"] = "opened"
    except OSError as error:
        found[f"{mode} {path}"] = type(error).__name__
print(json.dumps(found))
"""


def attempts(user, python, home, wanted):
    done = run_as(user, python, OPENS, json.dumps([(mode, str(home / p)) for mode, p in wanted]))
    assert done.returncode == 0, done.stderr
    tried = json.loads(done.stdout)
    return [tried[f"{mode} {home / path}"] for mode, path in wanted]


def certificate(folder):
    """Write a certificate of its own making and its key, as an operator has them: the key for root alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "tls.pem").write_bytes(made.public_bytes(pem))
    (folder / "tls.key").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    (folder / "tls.key").chmod(0o600)
    return str(folder / "tls.pem"), str(folder / "tls.key")


def test_a_tls_key_that_is_roots_alone_serves_a_listener_of_another_user(open_folder, other):
    user, python = other
    cert, key = certificate(open_folder)
    files = {"tls_certificate": cert, "tls_key": key, "listener_user": user.pw_name}
    nation = Nation(open_folder, "aurelia", "QM", python, **files)
    try:
        nation.serve(lambda: '"ready"' in nation.said())
        port = nation.node.config.listen[1]
        with socket.create_connection(("127.0.0.1", port)) as line:
            context = ssl.create_default_context(cafile=cert)
            context.check_hostname = False
            with context.wrap_socket(line) as tls:
                assert tls.version() in {"TLSv1.2", "TLSv1.3"}
        [handed] = Path(nation.home, "listener", "tls").glob("*.key")
        about = handed.stat()
        assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (user.pw_uid, 0o400)
        assert attempts(user, python, open_folder, [("rb", "tls.key")]) == ["PermissionError"]
    finally:
        nation.close()


def test_the_listener_as_another_user_serves_and_opens_no_secret(open_folder, other):
    """The claim of border.md 10.4: each path is opened as the user that serves the peers."""
    user, python = other
    with served(open_folder, python=python, listener_user=user.pw_name) as (aurelia, borea):
        id_ = aurelia.release(1)
        wait(lambda: borea.received()[id_], "the release does not arrive")
        line = Line(wire=aurelia.node.wire, url=aurelia.node.us.url, signer=borea.node.us.signer)
        line.bring_heartbeat(b"{}", borea.node.clock())  # spooled by the listener itself
        listeners = [Path(f"/proc/{pid}").stat().st_uid for pid in aurelia.tree()[1:]]

        reads = attempts(user, python, aurelia.home, [("rb", path) for path in SECRETS])
        writes = attempts(user, python, aurelia.home, [("r+b", "shelf/shelf.db")])
        made = attempts(
            user, python, aurelia.home, [("xb", "shelf/x"), ("xb", "core/x"), ("xb", "x")]
        )
        needs = attempts(
            user,
            python,
            aurelia.home,
            [("rb", "shelf/shelf.db"), ("r+b", "spool/spool.db"), ("rb", "listener/cursor.key")],
        )

    assert set(listeners) == {user.pw_uid}
    assert reads == ["PermissionError"] * len(SECRETS)
    assert writes == ["PermissionError"]
    assert made == ["PermissionError"] * 3
    assert needs == ["opened"] * 3


@pytest.fixture
def roles(fresh_postgres):
    """A database with its three roles: (core's address, peer's address, who is connected)."""
    url = make_url(fresh_postgres)
    core, peer = f"{url.database}_core", f"{url.database}_peer"
    admin = create_engine(fresh_postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as unit:
        for role in (core, peer):
            unit.execute(text(f"CREATE ROLE {role} LOGIN"))
    for room in ROOMS:
        store = open_store(fresh_postgres, room)
        upgrade(store)
        with store.begin() as unit:
            if room == ROOMS[-1]:
                grant_roles(unit, core, peer)
        store.close()

    def connected():
        with admin.connect() as unit:
            return set(
                unit.execute(
                    text("SELECT usename FROM pg_stat_activity WHERE datname = :name"),
                    {"name": url.database},
                ).scalars()
            )

    yield (
        *(url.set(username=r).render_as_string(hide_password=False) for r in (core, peer)),
        connected,
    )
    with admin.connect() as unit:
        unit.execute(text(f"DROP OWNED BY {core}, {peer}"))
        unit.execute(text(f"DROP ROLE {core}, {peer}"))
    admin.dispose()


def test_on_postgresql_the_listener_serves_as_the_weak_role(tmp_path, roles):
    core, peer, connected = roles
    aurelia = Nation(tmp_path, "aurelia", "QM", database=core, peer_database=peer)
    borea = Nation(tmp_path, "borea", "QN")
    try:
        for nation in (aurelia, borea):
            nation.serve()
        agree(aurelia, borea)
        id_ = aurelia.release(1)
        wait(lambda: borea.received()[id_], "the release does not arrive")
        # Both roles are at work: the listener's, and the worker's and ours.
        assert connected() >= {make_url(url).username for url in (core, peer)}
        told = subprocess.run(
            ["cat", *(f"/proc/{pid}/environ" for pid in aurelia.tree()[1:])],
            capture_output=True,
            check=True,
        ).stdout
        assert make_url(core).username.encode() not in told
        assert aurelia.problems() == ()
    finally:
        for nation in (aurelia, borea):
            nation.close()
