"""Nations whose people sit at the command line, on one wire and one clock."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mithaq.cli.node
import mithaq.node
from mithaq.cli.app import app
from mithaq.exchange.listener import Listener
from mithaq.exchange.visit import Settings as ListenerSettings
from mithaq.node.build import CURSOR_KEY, init, open_node
from mithaq.node.worker import Worker
from tests.federation.world import Clock, Wire

ROLES = {"omar": "operator,liaison", "amal": "analyst", "lina": "policy-owner,duty-officer,auditor"}


@dataclass
class Town:
    """Homes of nodes, and a terminal at each."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    wire: Wire = field(default_factory=Wire)
    nodes: dict = field(default_factory=dict)
    workers: dict = field(default_factory=dict)

    def run(self, nation, *args, actor="", typed=None, language="en"):
        """Run one command at a nation's terminal; never may a traceback be seen."""
        env = {
            "MITHAQ_HOME": str(self.folder / nation),
            "MITHAQ_ACTOR": actor,
            "MITHAQ_LANG": language,
        }
        done = CliRunner().invoke(app, [str(each) for each in args], input=typed, env=env)
        assert "Traceback" not in done.output
        return done

    def do(self, nation, *args, **more):
        """Run one command that must succeed; return what it printed."""
        done = self.run(nation, *args, **more)
        assert done.exit_code == 0, done.output
        return done.stdout

    def ask(self, nation, *args, **more):
        """Run one command that must succeed; return its JSON."""
        return json.loads(self.do(nation, *args, "--json", **more))

    def key(self, nation, person):
        """Return where a person keeps their key."""
        return self.folder / f"{nation}-{person}.pem"

    def found(self, nation):
        """Make a nation's home and its people, and let it listen."""
        url = f"http://{nation}.example"
        about = ("--nation", nation, "--url", url, "--country", nation[:2], "--console", "")
        self.do(nation, "init", *about)
        for person, roles in ROLES.items():
            by = {} if person == "omar" else {"actor": "omar"}
            about = ("--role", roles, "--clearance", "RED", "--key", self.key(nation, person))
            self.do(nation, "actor", "add", person, *about, **by)
        self.enter(nation)
        self.workers[nation].show()

    def grant(self, nation, client, *otherwise):
        """Meet a client of our own constituency, and grant it what the template says, or says otherwise: old, new."""
        own = ("--taxii", client, "--constituency-of-us")
        self.do(nation, "peer", "add", *own, actor="omar")
        file = self.folder / f"grant-{client}.toml"
        new = ("agreement", "new", "--template", "grant", "--party", client, "--out", file)
        self.do(nation, *new, "--id", f"grant-{client}", actor="lina")
        text = file.read_text("utf-8")
        for old, instead in otherwise:
            assert old in text
            text = text.replace(old, instead)
        file.write_text(text, "utf-8")
        key = ("--with", "omar", "--key", self.key(nation, "omar"))
        self.do(nation, "agreement", "propose", file, *key, actor="lina")

    def enter(self, nation):
        """Open a nation's home, and let it listen."""
        node = open_node(self.folder / nation, clock=self.clock, wire=self.wire.of(nation))
        self.nodes[nation], self.workers[nation] = node, Worker(node)
        settings = ListenerSettings(
            url=node.us.url,
            shelf_url=node.config.shelf_url,
            spool_url=node.config.spool_url,
            cursor_key_path=str(node.config.home / CURSOR_KEY),
            realm="live",
        )
        listener = Listener(settings, node.shelf, node.spool, self.clock)
        self.wire.listeners[f"{nation}.example"] = listener

    def settle(self, rounds=4):
        """Let every worker turn a few times, a second apart."""
        for _ in range(rounds):
            self.clock.step()
            for worker in self.workers.values():
                worker.turn()

    def words(self, nation):
        return " ".join(self.ask(nation, "peer", "words")["words"])

    def befriend(self, *nations):
        """Let every pair meet and compare words."""
        for one in nations:
            for other in nations:
                if one != other:
                    url, words = f"http://{other}.example", self.words(other)
                    self.do(one, "peer", "add", url, "--words", words, actor="omar")

    def agree(self, text, *nations):
        """Let the first propose a text and the others sign it."""
        file = self.folder / "agreement.toml"
        file.write_text(text, "utf-8")
        first, *others = nations
        name = self.ask(first, "agreement", "propose", file, actor="lina")["agreement"]
        self.settle()
        for other in others:
            self.do(other, "agreement", "sign", name, actor="lina")
            self.settle()
        return name

    def wired(self, monkeypatch):
        """Let commands open nodes on this wire and by this clock."""

        def opened(home, **more):
            return open_node(home, clock=self.clock, wire=self.wire.of(home.name), **more)

        def founded(home, settings, **more):
            return init(home, settings, clock=self.clock, wire=self.wire.of(home.name), **more)

        monkeypatch.setattr(mithaq.node, "open_node", opened)
        monkeypatch.setattr(mithaq.cli.node, "make", founded)
        monkeypatch.chdir(self.folder)

    def close(self):
        for node in self.nodes.values():
            node.close()


@pytest.fixture
def town(tmp_path, monkeypatch):
    made = Town(tmp_path)
    made.wired(monkeypatch)
    yield made
    made.close()


@pytest.fixture(scope="session")
def pact(tmp_path_factory):
    """Two nations with the pact in force between them, to be copied: their folder, and their clock."""
    made = Town(tmp_path_factory.mktemp("pact"))
    with pytest.MonkeyPatch.context() as patch:
        made.wired(patch)
        for nation in ("asteria", "borea"):
            made.found(nation)
        made.befriend("asteria", "borea")
        made.agree(PACT, "asteria", "borea")
    made.close()
    return made.folder, made.clock.now


@pytest.fixture
def allies(pact, tmp_path, monkeypatch):
    """Two nations with the pact in force between them."""
    folder, now = pact
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    made = Town(tmp_path, Clock(now))
    made.wired(monkeypatch)
    for nation in ("asteria", "borea"):
        made.enter(nation)
    yield made
    made.close()


PACT = """
id = "pact"
version = 1
title = "Asteria and Borea"
kind = "bilateral"
use = "defensive-only"
start = "2020-01-01T00:00:00.000Z"

[[parties]]
name = "asteria"
country = "AS"
organisation = "CSIRT of Asteria"

[[parties]]
name = "borea"
country = "BO"
organisation = "CSIRT of Borea"

[[clauses]]
id = "technical"
kinds = ["indicator", "malware", "relationship", "domain-name"]
max_tlp = "AMBER"
named_levels = ["AMBER+STRICT"]
"""


def indicator(number, name, **more):
    """Return an indicator's body."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": name,
        "pattern": f"[domain-name:value = 'n{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


def bundle(folder, *objects, name="report.json"):
    """Write a bundle; return its file."""
    file = folder / name
    body = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001"}
    file.write_text(json.dumps({**body, "objects": list(objects)}), "utf-8")
    return file
