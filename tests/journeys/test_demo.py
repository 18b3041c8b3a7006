"""The demonstration, end to end: what a newcomer sees on the first evening, and what it leaves behind."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from rich.cells import cell_len
from rich.console import Console

from mithaq import samples
from mithaq.demo import run
from mithaq.languages import catalogue

SECONDS = 60
MITHAQ = Path(sys.executable).with_name("mithaq")


def environment(folder, language):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MITHAQ_", "COLUMNS"))}
    return {**clean, "TMPDIR": str(folder), "MITHAQ_LANG": language}


def begin(folder, language, *arguments):
    return subprocess.Popen(
        [MITHAQ, "demo", *arguments],
        env=environment(folder, language),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def left_over(folder):
    """Name files that lie in ``folder``, and processes that were started on them."""
    found = [str(path) for path in folder.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # another's, or gone
        if str(folder).encode() in known and process.name != str(os.getpid()):
            found.append(known.split(b"\0")[0].decode())
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The story as the command tells it to a file, how long it took, and what is left."""
    folder = tmp_path_factory.mktemp("demo")
    began = monotonic()
    process = begin(folder, "en", "--exit")
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, out + err
    return out, monotonic() - began, left_over(folder)


def objects_of(sample):
    return len(json.loads(samples.path(sample).read_bytes())["objects"])


def test_it_plays_in_less_than_a_minute_and_leaves_no_process_and_no_folder(told):
    _, seconds, left = told

    assert seconds < SECONDS
    assert left == []


def test_it_is_plain_text_where_nobody_watches(told):
    out, _, _ = told

    assert "\x1b" not in out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []


def test_each_nation_reads_out_twelve_words_of_its_own_key(told):
    out, _, _ = told

    said = dict(re.findall(r"(\w+) reads out: (.+)", out))

    assert set(said) == {"aurelia", "borea", "corvia"}
    assert {len(words.split()) for words in said.values()} == {12}
    assert len(set(said.values())) == 3


def test_it_tells_who_got_what(told):
    out, _, _ = told
    fixed = objects_of("attack-subset.json") + objects_of("indicator-report.json")

    admitted = re.findall(r"(\w+ \w+(?: \w+)?) admitted (\d+) objects.* and (\d+) under", out)

    forum = {name: int(count) for name, count, _ in admitted}
    assert {name: int(count) for name, _, count in admitted} == {
        "CERT Borea": 5,
        "Corvia Cyber Centre": 0,
    }
    assert forum["CERT Borea"] == forum["Corvia Cyber Centre"]
    assert fixed - 10 < forum["CERT Borea"] <= fixed + 3  # markings that all know are not sent


def test_it_tells_what_stayed_and_which_clause_kept_it(told):
    out, _, _ = told
    lines = [line.strip() for line in out.splitlines()]

    why = {line: lines[at + 1] for at, line in enumerate(lines) if "stays at Aurelia" in line}

    victim = "“Northwind Grid” stays at Aurelia under aurelia-borea and does not reach borea:"
    assert why[victim] == "Clause technical does not cover the kind identity."
    sighting = "“sighting” stays at Aurelia under three-seas and does not reach corvia:"
    assert why[sighting] == "Clause common permits GREEN; this is AMBER."
    assert len(why) == 4


def test_one_release_waits_for_a_second_person_and_gets_one(told):
    out, _, _ = told

    assert "It is AMBER+STRICT: a second person has to approve" in out
    assert "Approved by omar, proposed by ana" in out


def test_two_views_are_shown_as_one_text_in_which_only_the_victim_is_gone(told):
    out, _, _ = told
    victim = re.search(r"The victim \((identity--[-0-9a-f]{36})\)", out)[1]

    gone = [line.strip("−, ") for line in out.splitlines() if line.startswith("    − ")]  # noqa: RUF001
    written = [line.strip('+," ') for line in out.splitlines() if line.startswith("    + ")]

    assert gone == [f'"{victim}"']
    assert written[1:-1] == ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"]
    assert out.count(victim) == 2  # that line, and the sentence about it


def test_what_a_partner_told_is_found_in_own_logs_and_its_sighting_goes_back(told):
    out, _, _ = told

    assert re.search(r"in its own logs: 6 events in 2 files\.", out)
    assert out.count("“send.have8000.com” is no sighting") == 1
    assert "The indicator is worth 0 by now; at least 10 is asked for." in out
    assert re.search(
        r"Aurelia National CSIRT learns \(.* s\): CERT Borea saw it 2 times \([-0-9/]+\)", out
    )


def test_a_proof_is_checked_by_the_receiver(told):
    out, _, _ = told

    assert "released under clause technical of aurelia-borea, version 1, proposed by ana" in out
    assert catalogue("mithaq.demo", "en").say("proof.fits") in out


def test_without_exit_the_nodes_go_on_until_ctrl_c_and_then_leave_nothing(tmp_path):
    """In French, for good measure."""
    words = catalogue("mithaq.demo", "fr")
    process = begin(tmp_path, "fr")
    out = []
    for line in process.stdout:
        out.append(line)
        if "search poison" in line:
            break
    story = "".join(out)
    address = re.search(r"borea +(http://\S+)", story)[1]

    status = httpx2.get(f"{address}/mithaq/keys/").status_code
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=SECONDS)

    assert status == 200
    assert process.returncode == 0, err
    assert rest.strip() == words.say("ending")
    assert words.say("proof.fits") in story
    assert re.search(r"La clause common permet GREEN\s; ceci est AMBER\.", story)
    assert left_over(tmp_path) == []


def test_in_arabic_it_stands_at_the_right_edge_and_every_latin_piece_keeps_its_direction(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    console = Console(file=io.StringIO(), width=90, force_terminal=True, no_color=True)

    run("ar", leave=True, console=console)

    out = re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue())
    lines = [line for line in out.splitlines() if re.search("[\u0600-\u06ff]", line)]
    told = [line for line in lines if not line.startswith("─") and line.count("\u2067") == 1]
    assert len(told) > 30
    assert {cell_len(line) for line in told} <= {86, 88}  # indented from the right by 4 or 2
    for line in told:
        outside = re.sub("\u2066[^\u2066\u2069]*\u2069", "", line)
        assert not re.search("[A-Za-z]", outside), line
    assert left_over(tmp_path) == []
