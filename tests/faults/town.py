"""Nations that are served as in life, with a terminal beside each, on a tapped wire; anybody may be killed."""

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from mithaq.border import peers, signing
from mithaq.policy import agreement as policy
from mithaq.store.parties import Peer
from tests.faults.tap import Tap
from tests.federation.world import second_person
from tests.journeys.test_processes import MODULES, PATIENCE, ROOT, Nation, gone, wait

NATIONS = {"aurelia": "QM", "borea": "QN", "corvia": "QO"}
PACTS = {"ab": ("aurelia", "borea"), "ac": ("aurelia", "corvia")}
PEOPLE = {"omar": "operator,liaison", "ana": "analyst", "dora": "duty-officer"}
START = "2026-01-01T00:00:00.000Z"
TAXII = "application/taxii+json;version=2.1"


class Died(Exception):
    """Whoever was asked was killed before an answer came: what it did is not known."""


class Hands:
    """A person's terminal in a process of its own."""

    def __init__(self, home):
        self.home = home
        self.process = None

    def start(self):
        path = os.pathsep.join([str(ROOT), MODULES])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.hands"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path, "MITHAQ_LANG": "en"},
            start_new_session=True,
        )
        assert self._answer() == "ready"

    def ask(self, *line):
        """Type one command; return its exit code and what it printed.

        Raises:
            Died: no answer came.
        """
        with suppress(OSError):
            words = [*map(str, line), "--home", str(self.home)]
            self.process.stdin.write(json.dumps(words).encode() + b"\n")
            self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise Died
        return json.loads(line)

    def kill(self):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def close(self):
        if self.process is not None:
            self.kill()
            self.process.stdin.close()
            self.process.stdout.close()


class Served(Nation):
    """A nation whose address is a tap, with a terminal beside its processes."""

    def __init__(self, folder, name):
        self.tap = Tap()
        super().__init__(folder, name, NATIONS[name], url=f"http://127.0.0.1:{self.tap.port}")
        self.tap.target = self.node.config.listen[1]
        self.hands = Hands(self.home)
        self.hands.start()
        for person, roles in PEOPLE.items():
            words = ("actor", "add", person, "--role", roles, "--clearance", "RED")
            by = () if person == "omar" else ("--as", "omar")
            self.do(*words, "--key", folder / f"{name}-{person}.pem", *by)

    def do(self, *line):
        """Type a command that must succeed; return its JSON if it has any."""
        code, said = self.hands.ask(*line)
        assert code == 0, (line, said)
        return json.loads(said) if "--json" in line else said

    def serve_again(self):
        """Start the node as a service manager would; return after how many seconds it answers, and its own work.

        The work is the time its processes had a core: how long it takes on a machine with nothing else to do.
        """
        began = time.monotonic()
        while True:
            try:
                self.serve()
            except AssertionError:
                if self.process.poll() is None:
                    raise
                time.sleep(0.1)
                continue
            return time.monotonic() - began, self._work()

    def _work(self):
        """Return the seconds of processor time that the nation's processes have had."""
        ticks = 0
        for pid in self.tree():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def kill_all(self):
        """Let everything that serves this nation, and the terminal, end at one moment."""
        family = self.tree()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self.hands.kill()
        self.process.kill()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        wait(lambda: gone(family), "a process outlives its kill")

    def kill_worker(self):
        """Kill the worker alone; its listener is an orphan and ends by itself."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def kill_listener(self):
        """Kill the listener and the process it serves from; the node starts another."""
        with suppress(ProcessLookupError):
            for pid in self.tree()[1:]:
                os.kill(pid, signal.SIGKILL)

    def kill_hands(self):
        self.hands.kill()

    def close(self):
        self.hands.close()
        super().close()
        self.tap.close()

    # --- what can be read ------------------------------------------------------------------------------
    def query(self, sql, room="core"):
        with getattr(self.node, room).read() as unit:
            return [tuple(row) for row in unit.exec_driver_sql(sql)]

    def bytes_of(self, part="."):
        """Yield every file below a folder of the home, as it lies there."""
        for path in Path(self.home, part).rglob("*"):
            if path.is_file() and path.suffix != ".db-shm":
                yield path.relative_to(self.home), path.read_bytes()


class Client:
    """An ordinary TAXII client of a nation's, with its inbox."""

    def __init__(self, nation, name="misp"):
        self.nation, self.name = nation, name
        node = nation.node
        peer = Peer(
            name=name,
            kind="client",
            url="",
            state="confirmed",
            country="QM",
            organisation=name,
            added_at=START,
            constituency_of=nation.name,
        )
        with node.core.begin() as unit:
            peers.add_client(unit, peer, node.clock(), by="omar")
            self.token = peers.new_token(unit, name, node.clock(), by="omar")
            second = second_person(unit)
            raw = agreement(f"g-{name}", (nation.name, name), kind="grant")
            signing.sign_text(unit, node.us, raw, node.clock(), by="omar", second=second)

    def ask(self, method, path, body=None):
        """Return the status and the JSON of an answer.

        Raises:
            Died: no whole answer came.
        """
        pair = base64.b64encode(f"{self.name}:{self.token}".encode()).decode()
        headers = {"accept": TAXII, "authorization": f"Basic {pair}"}
        if body is not None:
            headers["content-type"] = TAXII
        line = http.client.HTTPConnection("127.0.0.1", self.nation.tap.port, timeout=PATIENCE)
        try:
            line.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Died from error
        finally:
            line.close()

    def root(self):
        _, found = self.ask("GET", "/taxii2/")
        return "/taxii2/" + found["default"].partition("/taxii2/")[2]


def agreement(id_, names, **more):
    clause = {"kinds": ["*"], "max_tlp": "AMBER", "named_levels": ["AMBER+STRICT"]}
    if more.get("kind") == "grant":
        clause["named_levels"] = []
        more["recall"] = "best-effort"
    parties = [
        policy.Party(
            name=name,
            country=NATIONS.get(name, "QM"),
            organisation=name,
            role="national-csirt" if name in NATIONS else "client",
        )
        for name in names
    ]
    text = policy.Agreement(
        id=id_,
        version=1,
        title=id_,
        kind=more.pop("kind", "bilateral"),
        parties=parties,
        clauses=[policy.Clause(id="all", **clause)],
        start=START,
        **more,
    )
    return policy.to_bytes(text)


class Town:
    """Three nations: aurelia has a pact with each of the others, and a client."""

    def __init__(self, folder):
        self.nations = {name: Served(folder, name) for name in NATIONS}
        for nation in self.nations.values():
            nation.serve()
        for id_, names in PACTS.items():
            one, other = (self.nations[name] for name in names)
            one.meet(other)
            other.meet(one)
            for nation in (one, other):
                raw = agreement(id_, names)
                with nation.node.core.begin() as unit:
                    signing.sign_text(unit, nation.node.us, raw, nation.node.clock(), by="omar")
            for nation in (one, other):
                wait(lambda n=nation, id_=id_: n.holds(id_), f"{nation.name} has no {id_}")
        self.client = Client(self.nations["aurelia"])
        wait(lambda: self.client.ask("GET", "/taxii2/")[1].get("default"), "no root for the client")

    def close(self):
        for nation in self.nations.values():
            nation.close()
