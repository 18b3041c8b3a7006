"""Whoever mistypes a number or a name is told what they probably meant."""

import pytest

from mithaq.defence.cycle import near

KNOWN = {
    "G0007": ["APT28", "Fancy Bear"],
    "G0016": ["APT29", "Cozy Bear"],
    "M1013": ["Application Developer Guidance"],
    "M1036": ["Account Use Policies"],
    "M1057": ["Data Loss Prevention"],
    "T1059": ["Command and Scripting Interpreter"],
    "T1059.001": ["PowerShell"],
    "malware--1": ["Warm Rain"],
}


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("APT2", "G0016 APT29"),
        ("g007", "G0007 APT28"),
        ("fancy bear!", "G0007 APT28"),
        ("PowerShel", "T1059.001 PowerShell"),
        ("warmrain", "malware--1 Warm Rain"),
        ("M9999", "M1057 Data Loss Prevention"),
        ("m0001", "M1013 Application Developer Guidance"),
    ],
)
def test_what_is_near_is_named_with_what_it_is_called(asked, first):
    assert first in near(asked, KNOWN).split(", ")


@pytest.mark.parametrize("asked", ["", "X9999", "nothing like it", "M" * 1_000_000, "M99999"])
def test_of_what_is_like_nothing_nothing_is_said(asked):
    assert near(asked, KNOWN) == ""


def test_few_are_named_and_each_once():
    alike = {f"T10{n:02d}": [f"T10{n:02d}"] for n in range(99)}
    assert len(set(near("T1050.001", alike).split(", "))) == 3
    assert near("T9999", {"T1": ["x"], "T1059": ["y"]}) == "T1059 y"
