"""A team puts its logs onto a log that workers read, with the settings of the server that the documents show."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mithaq import samples
from mithaq.cli.app import app
from tests import streams

ROOT = Path(__file__).parents[2]
LOG = samples.path("hunt-log.jsonl")
RULES = samples.path("hunt-rules.yml")
SEVERAL = """
title: A process begins
name: begins
logsource: {product: windows, category: process_creation}
detection: {one: {Image: '*'}, condition: one}
---
title: Two processes of a day
correlation: {type: event_count, rules: [begins], timespan: 1d, condition: {gte: 2}}
"""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Run a server with the documented settings, but for where it listens and keeps what it has."""
    monkeypatch.setenv("FORWARDER", "one-secret")
    monkeypatch.setenv("WORKER", "another-secret")
    for name, secret in (("forwarder", "one-secret"), ("worker", "another-secret")):
        (tmp_path / f"{name}.txt").write_text(f"{name}:{secret}\n")
    (shown,) = re.findall(
        r"^```nats\n(.*?)^```", (ROOT / "docs/start.md").read_text(), re.MULTILINE | re.DOTALL
    )
    shown = re.sub(r"^listen: .*$", "", shown, flags=re.MULTILINE)
    shown = shown.replace('"/var/lib/nats"', json.dumps(str(tmp_path / "js")))
    with streams.nats_server(tmp_path / "nats", shown, jetstream=False) as one:
        yield one


def run(home, *args):
    env = {"MITHAQ_HOME": str(home), "MITHAQ_LANG": "en"}
    done = CliRunner().invoke(app, [*map(str, args)], env=env)
    assert "Traceback" not in done.output
    return done


def test_what_is_forwarded_is_worked_on_until_told_to_stop(server, tmp_path):
    home = tmp_path / "home"
    who = ["--nation", "aurelia", "--organisation", "Aurelia CSIRT", "--country", "QM"]
    assert run(home, "init", *who, "--url", "https://node.example").exit_code == 0
    key = ["--key", tmp_path / "ana.pem"]
    assert run(home, "actor", "add", "ana", "--role", "analyst", *key).exit_code == 0
    with (home / "mithaq.toml").open("a") as settings:
        settings.write('[[watch.sink]]\nname = "file"\nto = "file:told.jsonl"\nup_to = "GREEN"\n')
    wrong = run(home, "forward", LOG, "--to", server.address())
    to = server.address(login=tmp_path / "forwarder.txt")

    sent = json.loads(run(home, "forward", LOG, "--to", to, "--json").stdout)
    again = json.loads(run(home, "forward", LOG, "--to", to, "--json").stdout)
    several = tmp_path / "several.yml"
    several.write_text(SEVERAL)
    looked_for = ["--rules", RULES, "--rules", several]
    where = server.address(login=tmp_path / "worker.txt")
    command = [sys.executable, "-m", "mithaq.cli", "worker", where, *looked_for, "--json"]
    process = subprocess.Popen(
        [*command, "--as", "ana", "--home", home],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    until, hits = time.monotonic() + 60, ""
    while "Two processes of a day" not in hits and time.monotonic() < until:
        time.sleep(0.5)
        hits = run(home, "hits", "list", "--as", "ana", "--json").stdout
    process.send_signal(signal.SIGTERM)
    told = json.loads(process.communicate(timeout=60)[0])
    hunted = json.loads(run(home, "hunt", LOG, *looked_for, "--json").stdout)

    told_of = [json.loads(line)["id"] for line in (home / "told.jsonl").read_text().splitlines()]

    assert len(set(told_of)) == len(told_of) == hunted["count"]
    assert wrong.exit_code != 0
    assert "no JetStream" in wrong.output
    assert (sent["sent"], sent["known"], again["known"]) == (1, 0, 1)
    assert process.returncode == 0
    assert (told["events"], told["new"], told["refused"]) == (14, hunted["count"], {})
