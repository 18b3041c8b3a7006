"""Whatever command a sentence tells people to type is there, with these options."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from mithaq.cli.app import app
from mithaq.cli.common import FLAGS, VALUED

ROOT = Path(__file__).parents[3]
SAID = sorted(ROOT.glob("src/mithaq/**/*.toml"))  # pages are read by tests/unit/test_docs.py
EVERYWHERE = {*VALUED, *FLAGS, "--help"}
_TYPED = re.compile(r"`(?:\./)?(mithaq [^`\n]+)`")
SCRIPT = {"test", "lint", "check"}  # of the shell script in front of the command


def lines(text):
    yield from (found[1] for found in _TYPED.finditer(text))


def fault(line):
    """Say what of a command line is not there; None if all is."""
    try:
        words = shlex.split(line)[1:]
    except ValueError:
        return "cannot be read"
    group = typer.main.get_command(app)
    while words and hasattr(group, "get_command"):
        if words[0].startswith("-") or words[0] in SCRIPT or not words[0].islower():
            return None
        found = group.get_command(None, words[0])
        if found is None:
            return f"no {words[0]}"
        group, words = found, words[1:]
    known = EVERYWHERE | {name for param in group.params for name in param.opts}
    unknown = [w for w in words if w.startswith("--") and w.partition("=")[0] not in known]
    return f"no {unknown[0]}" if unknown else None


@pytest.mark.parametrize("file", SAID, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command_that_is_named_is_there(file):
    wrong = {line: why for line in lines(file.read_text("utf-8")) if (why := fault(line))}

    assert wrong == {}


def test_a_command_that_is_not_there_is_found_out():
    assert fault("mithaq source set feed --tlp GREEN") == "no source"
    assert fault("mithaq recall ID --loudly") == "no --loudly"
    assert fault("mithaq peer add URL --as lena") is None
    assert list(lines("say `mithaq peer add URL`, then `./mithaq serve`.")) == [
        "mithaq peer add URL",
        "mithaq serve",
    ]
