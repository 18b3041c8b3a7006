"""kill -9 at random points of a watch over logs that grow and are rotated: the hits are those of one undisturbed hunt.

``./mithaq test tests/faults/test_watch_kills.py --kills 100 -s`` is the run of a release; it prints its figures.
"""

import json
import multiprocessing
import os
import random
import sys
import time

from typer.testing import CliRunner

from mithaq import defence
from mithaq.border import people
from mithaq.cli.app import app
from mithaq.ingest.hunting import Hunt
from mithaq.ingest.wanted import content
from mithaq.node import open_node

PATIENCE = 120.0
RULE = """title: Long name looked up
id: 11111111-1111-4111-8111-111111111111
logsource: {product: zeek, service: dns}
detection:
  one: {query|startswith: 'long-'}
  condition: one
level: medium
"""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["mithaq.cli.watch", "mithaq.node", "mithaq.ingest.watching", "mithaq.ingest.sinks"]
)


def watch(home, folder, said):
    """Be a terminal at which logs are watched; what it shows is written to a file."""
    os.environ |= {"MITHAQ_HOME": str(home), "MITHAQ_ACTOR": "ana", "MITHAQ_LANG": "en"}
    with said.open("w", encoding="utf-8", buffering=1) as shown:
        sys.stdout = sys.stderr = shown
        app(["watch", str(folder)])


def say(home, *args):
    env = {"MITHAQ_HOME": str(home), "MITHAQ_LANG": "en"}
    done = CliRunner().invoke(app, [*map(str, args)], env=env)
    assert done.exit_code in {0, 1}, done.output
    return done.stdout


def node(folder):
    home = folder / "home"
    url = "http://aurelia.example"
    say(home, "init", "--nation", "aurelia", "--country", "QM", "--organisation", "A", "--url", url)
    say(home, "actor", "add", "omar", "--role", "operator", "--key", folder / "omar.pem")
    role = ("--role", "analyst", "--clearance", "RED", "--as", "omar")
    say(home, "actor", "add", "ana", *role, "--key", folder / "ana.pem")
    (folder / "list.txt").write_text("".join(f"bad{n}.example\n" for n in range(20)), "utf-8")
    (folder / "rule.yml").write_text(RULE, "utf-8")
    for file in ("list.txt", "rule.yml"):
        say(home, "import", folder / file, "--tlp", "GREEN", "--as", "ana")
    sink = '\n[[watch.sink]]\nname = "file"\nto = "file:told.jsonl"\nup_to = "GREEN"\n'
    with (home / "mithaq.toml").open("a", encoding="utf-8") as settings:
        settings.write(sink)
    return home


class Writer:
    """A sensor, and whoever rotates its log."""

    def __init__(self, folder, chance):
        self.folder, self.chance, self.number, self.turned = folder, chance, 0, 0
        folder.mkdir()

    def write(self, count):
        with (self.folder / "dns.log").open("ab") as log:
            for _ in range(count):
                self.number += 1
                log.write(self._line())

    def _line(self):
        name = f"www.bad{self.chance.randrange(60)}.example"
        if self.chance.random() < 0.05:
            name = f"long-{name}"
        event = {"_path": "dns", "ts": 1_790_000_000 + self.number, "uid": f"C{self.number}"}
        event |= {"id.orig_h": "192.0.2.9", "query": name, "qtype_name": "A"}
        return json.dumps(event).encode() + b"\n"

    def rotate(self):
        self.turned += 1
        (self.folder / "dns.log").rename(self.folder / f"dns.log.{self.turned}")


def expected(home, folder):
    """Return the ids of what one undisturbed hunt finds."""
    with open_node(home) as made, made.core.read() as unit:
        held = list(defence.held(unit, made.us, people.named(unit, "ana"), made.clock()))
    return [each.match.id for each in Hunt(content([], [], held=held)).run([folder]) if each]


def kept(home):
    with open_node(home) as made, made.core.read() as unit:
        ids = unit.exec_driver_sql("SELECT id FROM matches").all()
        counted = unit.exec_driver_sql(
            "SELECT coalesce(sum(count), 0) FROM match_groups"
        ).scalar_one()
    return {id_ for (id_,) in ids}, counted


def test_after_any_kill_nothing_that_was_written_is_missed_and_no_hit_is_there_twice(
    tmp_path, asked
):
    kills, seed, _ = asked
    chance = random.Random(seed)
    home, writer = node(tmp_path), Writer(tmp_path / "logs", random.Random(seed + 1))
    reached = []
    for number in range(kills):
        writer.write(200)
        said = tmp_path / f"said{number}.txt"
        process = SERVER.Process(target=watch, args=(home, writer.folder, said))
        process.start()
        if number % 5 < 4:  # most of them once it has begun, some while it begins
            begun(said)
        until = time.monotonic() + chance.uniform(0.0, 2.0)
        while time.monotonic() < until:
            writer.write(chance.randrange(40))
            if chance.random() < 0.02:
                writer.rotate()
            time.sleep(0.01)
        process.kill()
        process.join(PATIENCE)
        reached.append(len(kept(home)[0]))
    wanted = expected(home, writer.folder)

    process = SERVER.Process(target=watch, args=(home, writer.folder, tmp_path / "last.txt"))
    process.start()
    told = home / "told.jsonl"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and set(wanted) - lines(told):
        time.sleep(0.2)
    process.terminate()  # it ends what it is at, and then itself
    process.join(PATIENCE)
    found, counted = kept(home)

    assert process.exitcode == 130
    assert found == set(wanted)
    assert counted == len(found)
    assert set(wanted) <= lines(told)
    facts = {"seed": seed, "kills": kills, "lines": writer.number, "rotated": writer.turned}
    facts |= {"hits": len(found), "kept at each kill": reached}
    sys.stdout.write(json.dumps(facts) + "\n")


def begun(said):
    """Wait until a watch has said what it looks for."""
    end = time.monotonic() + PATIENCE
    while not (said.exists() and "Sources" in said.read_text("utf-8")):
        assert time.monotonic() < end, "it does not begin"
        time.sleep(0.02)


def lines(file):
    """Return the ids that a file of hits has, but for a line that is not whole."""
    if not file.exists():
        return set()
    found = set()
    for line in file.read_text("utf-8").splitlines():
        if line.endswith("}"):
            found.add(json.loads(line)["id"])
    return found
