"""Hunts that are broken off: by a person, who sees what was found; and by kill -9, after which the next one goes on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
from typer.testing import CliRunner

from mithaq import samples
from mithaq.cli.app import app

LINES = [
    json.loads(each) for each in samples.path("hunt-log.jsonl").read_text("utf-8").splitlines()
]
EACH, FILES = 4000, 6
PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    for name in range(FILES):
        some = (
            json.dumps(LINES[n % len(LINES)] | {"RecordNumber": n + EACH * name})
            for n in range(EACH)
        )
        (folder / f"{name}.jsonl").write_text("\n".join(some), "utf-8")
    return folder


def started(*args):
    env = os.environ | {"MITHAQ_LANG": "en", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "mithaq.cli", "hunt", *map(str, args)]
    return subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever is started in the background of a script is deaf to Ctrl-C, and its children too.
        preexec_fn=partial(  # noqa: PLW1509 the other thread holds no lock that this needs
            signal.signal, signal.SIGINT, signal.SIG_DFL
        ),
    )


def wait(process, state):
    """Wait until a hunt is on its second file."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if state.exists() and b"1.jsonl" in state.read_bytes():
            return
        time.sleep(0.005)
    pytest.fail(f"it ended before it could be broken off: {process.communicate()}")


def write(pipe, over):
    """Write lines into a pipe, as fast as they are read, until it is over."""
    while not over.wait(0.01):
        with contextlib.suppress(BlockingIOError):
            os.write(pipe, b'{"a": 1}\n')


def told(*args):
    done = CliRunner().invoke(app, ["hunt", *map(str, args), "--json"], env={"MITHAQ_LANG": "en"})
    return json.loads(done.stdout), done.exit_code


def test_one_that_was_killed_goes_on_and_its_table_holds_what_the_first_part_found(logs, tmp_path):
    state, out = tmp_path / "state", tmp_path / "hits.csv"
    expected, _ = told(logs)
    process = started(logs, "--resume", state, "--csv", out)
    wait(process, state)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    before = state.read_bytes()

    found, code = told(logs, "--resume", state, "--csv", out)

    assert found == expected
    assert code == 1
    assert before
    assert not state.exists()  # it came to its end
    assert len(out.read_text("utf-8").splitlines()) == expected["count"] + 1


def test_a_person_who_breaks_one_off_sees_what_was_found_until_then(logs, tmp_path):
    # Somebody writes into the last one all the time, so the hunt cannot have come to its end before.
    endless = tmp_path / "endless.jsonl"
    os.mkfifo(endless)
    pipe = os.open(endless, os.O_RDWR | os.O_NONBLOCK)
    over = threading.Event()
    writing = threading.Thread(target=write, args=(pipe, over))
    writing.start()
    process = started(logs, endless, "--resume", tmp_path / "state")
    try:
        wait(process, tmp_path / "state")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        over.set()
        writing.join()
        os.close(pipe)

    assert process.returncode == 130
    assert b"Memory of LSASS" in out
    assert b"Stopped before the end" in err
    assert b"Traceback" not in err
    assert (tmp_path / "state").exists()
