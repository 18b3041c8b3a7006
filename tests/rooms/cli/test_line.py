"""What a command line says before any node is opened, and how it fails."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mithaq.cli.app import app, run
from mithaq.cli.common import BadUsage, split
from mithaq.cli.exits import CODES, EXITS, code_of
from mithaq.cli.topics import ORDER
from mithaq.errors import Conflict, Fault, InputError, NotFound, PeerError, Refused
from mithaq.languages import catalogue

CLEAN = {"MITHAQ_HOME": "", "MITHAQ_ACTOR": "", "MITHAQ_LANG": "en"}


def say(*args, **env):
    return CliRunner().invoke(app, args, env=CLEAN | env)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_overview_names_every_command_and_exit_code_in_the_readers_language(language):
    page = say("--help", "--language", language)

    assert page.exit_code == 0
    assert all(name in page.stdout for name in ORDER)
    assert all(str(code) in page.stdout for code in CODES)
    assert catalogue("mithaq.cli", language).say("page.exits") in page.stdout


def test_without_a_command_the_overview_is_shown():
    assert say().stdout == say("--help").stdout


def test_a_topic_without_a_command_shows_its_page():
    assert say("peer").stdout == say("peer", "--help").stdout


def test_help_comes_in_under_half_a_second():
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "mithaq.cli", "--help"], capture_output=True, text=True, check=True
    )
    after = os.times()

    assert "Usage: mithaq COMMAND" in done.stdout
    # What the processor did for it, 0.15 s, however much else it has to do.
    assert after.children_user - before.children_user < 0.5


def test_help_opens_no_database_and_loads_no_topic():
    script = "import sys, mithaq.cli.app as a\n"
    script += "try: a.app(['--help'])\nexcept SystemExit: pass\n"
    script += "print([m for m in sys.modules if m.split('.')[0] in ('sqlalchemy', 'httpx2', 'cryptography')])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["qqq"], "usage-no-command-many"),
        (["serch"], "usage-no-command-like"),
        (["peer", "nonsense"], "usage-no-command"),
        (["peer", "ad"], "usage-no-command-like"),
        (["status", "--nonsense"], "usage-no-option"),
        (["status", "more"], "usage-too-much"),
        (["search", "--limit", "many"], "usage-bad-value"),
        (["search", "--limit", "0"], "usage-bad-value"),
        (["log", "check", "proof"], "usage-missing"),
        (["show"], "usage-missing"),
        (["show", "--home"], "usage-no-value"),
        (["search", "--limit"], "usage-no-value"),
        (["status"], "usage-no-home"),
        (["status", "--language", "tlh"], "usage-language"),
        (["init", "--nation", "Has Blanks", "--url", "http://x"], "usage-bad-nation"),
        (["init", "--nation", "asteria", "--url", "ftp://x"], "usage-bad-url"),
    ],
)
def test_a_wrong_line_is_told_in_one_sentence_with_its_code(line, code):
    done = say(*line)

    assert done.exit_code == 2
    assert done.stdout == ""
    first, *todo = done.stderr.splitlines()
    assert first.startswith("mithaq: ")
    assert first.endswith(f"[{code}]")
    assert len(todo) == 1  # and what to do


def test_an_option_that_is_missing_is_named_as_it_is_written():
    assert "--keys is missing" in say("log", "check", "proof").stderr
    assert "ID|NUMBER|VALUE|NAME is missing" in say("show").stderr


def test_programs_are_told_errors_as_json_as_well():
    done = say("status", "--json")

    assert json.loads(done.stderr) == {
        "error": "usage-no-home",
        "message": "no home is named",
        "facts": {},
    }


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_an_error_is_told_in_the_readers_language_with_the_exact_words_below(language, tmp_path):
    done = say("status", "--home", str(tmp_path), "--language", language)

    first, detail, *_ = done.stderr.splitlines()
    assert catalogue("mithaq.cli", language).say("error.invalid-config.says") in first
    assert "[invalid-config]" in "".join(c for c in first if c not in "\u2066\u2067\u2068\u2069")
    assert str(tmp_path) in detail


def test_the_common_options_stand_anywhere_on_the_line():
    line = [
        "--home=a",
        "peer",
        "--as",
        "omar",
        "list",
        "--json",
        "--language",
        "fr",
        "--",
        "--debug",
    ]

    common, rest = split(line, {"MITHAQ_HOME": "b"})

    assert rest == ["peer", "list", "--", "--debug"]
    assert (common.home, common.actor, common.as_json, common.debug) == ("a", "omar", True, False)


def test_the_environment_stands_in_for_what_is_not_said():
    common, _ = split([], {"MITHAQ_HOME": "h", "MITHAQ_ACTOR": "amal", "LANG": "ar_SY.UTF-8"})

    assert (common.home, common.actor, common.language) == ("h", "amal", "ar")


@pytest.mark.parametrize(
    ("kind", "code"),
    [(InputError, 2), (Refused, 3), (NotFound, 4), (Conflict, 5), (PeerError, 6), (Fault, 7)],
)
def test_each_kind_of_error_has_an_exit_code_of_its_own(kind, code):
    assert code_of(kind("why")) == code
    assert code_of(type("Narrower", (kind,), {})("why")) == code
    assert len(set(EXITS.values())) == len(EXITS)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (InputError("why"), 2),
        (Refused("why"), 3),
        (NotFound("why"), 4),
        (Conflict("why"), 5),
        (PeerError("why"), 6),
        (Fault("why"), 7),
        (RuntimeError("why"), 7),
        (OSError("why"), 7),
        (KeyboardInterrupt(), 130),
    ],
)
def test_whatever_is_raised_becomes_a_sentence_and_never_a_traceback(
    raised, code, capsys, monkeypatch
):
    def fails(*_args, **_more):
        raise raised

    monkeypatch.setattr("typer.core.TyperGroup.main", fails)

    assert run(None, ["status"]) == code
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    assert ("mithaq: " in told.err) == (code != 130)


def test_debug_shows_where_an_error_came_from():
    done = say("status", "--debug")

    assert "Traceback" in done.stderr
    assert "usage-no-home" in done.stderr


def test_bad_usage_names_its_cause():
    assert BadUsage("missing", name="--home").code == "usage-missing"
