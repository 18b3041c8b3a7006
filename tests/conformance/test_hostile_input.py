"""Hostile input of our own: each case has the verdict that the specification gives it; nothing crashes or runs away."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.hostile.all import CASES

SECONDS = 5.0  # of processor time for one case
RESIDENT = 1 << 30  # bytes, over all cases and the libraries


@pytest.fixture(scope="module")
def came():
    """What came out of each door: all cases go through in a child process of little memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.hostile"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    found = {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, (list(found)[-1:], done.stderr[-2000:])
    return found


def test_there_are_more_than_two_hundred_mechanisms_and_none_is_named_twice():
    assert len({case.id for case in CASES}) == len(CASES) > 240


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_its_verdict_is_the_one_that_is_due_in_bounded_time(came, case):
    assert came[case.id]["verdict"] == case.verdict, case.why
    assert came[case.id]["seconds"] < SECONDS


def test_the_memory_of_all_of_it_stays_in_bounds(came):
    assert max(row["rss"] for row in came.values()) << 10 < RESIDENT
