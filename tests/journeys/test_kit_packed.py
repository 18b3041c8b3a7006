"""A kit with the command in it runs where nothing is installed, and what was altered does not."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from mithaq import clock, samples
from tests.federation.world import Clock
from tests.journeys.conftest import Town
from tests.journeys.test_kit import _found

BARE = getattr(
    sys, "_base_executable", sys.executable
)  # it knows nothing of what is installed here
LOG = samples.path("hunt-log.jsonl")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A node, a file to be run elsewhere, and what was told of it."""
    town = Town(tmp_path_factory.mktemp("packed"), Clock(clock.now()))
    with pytest.MonkeyPatch.context() as patch:
        town.wired(patch)
        _found(town)
        kit, file = town.folder / "water.kit", town.folder / "water.pyz"
        told = town.ask("asteria", "kit", "make", kit, "--for", "water", actor="omar")
        said = town.ask("asteria", "kit", "pack", kit, file, actor="omar")
        yield town, file, " ".join(told["words"]), said
    town.close()


def bare(file, *args, folder):
    """Run a file on bare Python, with no packages, no settings and no home."""
    folder.mkdir(exist_ok=True)
    env = {"TMPDIR": str(folder), "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    command = [BARE, "-I", "-S", str(file), *map(str, args)]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=240, check=False
    )


def test_it_runs_on_bare_python_and_its_counts_are_taken_at_the_node(packed, tmp_path):
    town, file, words, said = packed
    out = tmp_path / "result"
    assert said["digest"] == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"

    done = bare(
        file,
        LOG,
        "--fingerprint",
        words,
        "--out",
        out,
        "--yes",
        "--json",
        folder=tmp_path / "there",
    )

    assert done.returncode == 1, done.stderr
    shown = json.loads(done.stdout)
    assert shown["result"]["events"] == 14
    assert {row["name"]: row["count"] for row in shown["rows"]}["a rule"] == 2
    assert "ws-17" not in done.stdout.casefold()
    assert b"ws-17" not in out.read_bytes().lower()
    assert list((tmp_path / "there").iterdir()) == []  # what was unpacked is gone
    took = town.ask("asteria", "kit", "take", out, actor="amal")
    assert (took["new"], took["events"]) == (2, 14)


def altered(file, to, change):
    with zipfile.ZipFile(file) as read, zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as written:
        for each in read.namelist():
            written.writestr(each, change.get(each, lambda whole: whole)(read.read(each)))
    return to


def test_an_altered_kit_is_refused_other_words_as_well_and_another_machine_is_told_so(
    packed, tmp_path
):
    _, file, words, _ = packed

    def flipped(whole):
        at = len(whole) // 2
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    def other(whole):
        return json.dumps(json.loads(whole) | {"python": "cpython 2.7"}).encode()

    kit = altered(file, tmp_path / "a.pyz", {"kit": flipped})
    refused = bare(kit, LOG, "--fingerprint", words, folder=tmp_path / "there")
    kit.unlink()
    wrong = bare(file, LOG, "--fingerprint", "no " + words, folder=tmp_path / "there")
    there = bare(
        altered(file, tmp_path / "b.pyz", {"about.json": other}), LOG, folder=tmp_path / "there"
    )

    assert refused.returncode not in (0, 1)
    assert "kit" in refused.stderr
    assert wrong.returncode not in (0, 1)
    assert there.returncode == 2
    assert "cpython 2.7" in there.stderr
    assert not [each for each in (refused, wrong, there) if "Traceback" in each.stderr]
    assert list((tmp_path / "there").iterdir()) == []
    shutil.rmtree(tmp_path)


def test_what_is_no_kit_is_not_packed(packed):
    town, file, _, _ = packed
    done = town.run("asteria", "kit", "pack", file, town.folder / "b.pyz", actor="omar")

    assert done.exit_code not in (0, 1)
    assert not (town.folder / "b.pyz").exists()
