"""The architecture's contracts hold, and each breaks when somebody plants a leak (.importlinter)."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / ".importlinter"
ROOMS = ROOT / "src" / "mithaq"

LEAKS = [
    ("policy/_leak.py", "import httpx2", "Few rooms may open a socket BROKEN"),
    (
        "store/_leak.py",
        "from socket import create_connection",
        "Few rooms may open a socket BROKEN",
    ),
    ("policy/_leak.py", "import sqlalchemy", "The pure core does no I/O BROKEN"),
    ("model/_leak.py", "from mithaq.policy import decide", "Floors BROKEN"),
    (
        "exchange/_leak.py",
        "from mithaq.store.objects import visible_to",
        "The wire never sees the object store BROKEN",
    ),
    (
        "exchange/_leak.py",
        "from mithaq.store.tables import copies",
        "by the store, the log and the pillars alone BROKEN",
    ),
    ("node/_leak.py", "from mithaq.store import shelf", "Only the border fills the shelf BROKEN"),
    ("errors.py", "import mithaq.clock", "No circles at any depth BROKEN"),
    ("newroom/_leak.py", "", "Floors BROKEN"),
]


def verdict(source: Path) -> tuple[int, str]:
    """Check the contracts over the package in ``source``; say the exit code and what was printed."""
    script = f"import sys; sys.path.insert(0, {str(source)!r}); from importlinter.cli import lint_imports_command; "
    script += f"lint_imports_command(['--config', {str(CONTRACTS)!r}, '--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=source, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(
        ROOMS, tmp_path / "mithaq", ignore=shutil.ignore_patterns("__pycache__", "*.json")
    )
    return tmp_path


def test_the_house_keeps_its_contracts():
    code, said = verdict(ROOT / "src")

    assert code == 0, said


@pytest.mark.parametrize(("file", "line", "broken"), LEAKS)
def test_a_planted_leak_breaks_its_contract(copy, file, line, broken):
    planted = copy / "mithaq" / file
    planted.parent.mkdir(exist_ok=True)
    (planted.parent / "__init__.py").touch()
    with planted.open("a") as leak:
        leak.write(f"\n{line}\n")

    code, said = verdict(copy)

    assert code == 1, said
    assert broken in said


def test_no_room_that_stands_is_still_written_as_planned():
    contracts = ConfigParser()
    contracts.read(CONTRACTS)

    named = {
        word
        for section in contracts.values()
        for value in section.values()
        for word in value.split()
    }
    planned = {
        word.split(".")[1] for word in named if word.startswith("mithaq.") and word.endswith(".**")
    }

    assert not [room for room in sorted(planned) if (ROOMS / room / "__init__.py").exists()]
