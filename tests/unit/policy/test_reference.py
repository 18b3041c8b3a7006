"""The agreement reference names every field and state, and its example reads."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from mithaq.policy import templates
from mithaq.policy.agreement import Agreement, Clause, Party, read
from mithaq.policy.lifecycle import State

TEXT = (Path(__file__).parents[3] / "docs" / "agreements.md").read_text("utf-8")


@pytest.mark.parametrize("part", [Agreement, Party, Clause])
def test_the_reference_names_every_field(part):
    assert {f.encode_name for f in fields(part)} <= set(re.findall(r"`([a-z_]+)`", TEXT))


def test_the_reference_names_every_template_and_state():
    assert all(f"| `{name}` |" in TEXT for name in templates.names())
    assert all(f"| {state.value.replace('-', ' ')} |" in TEXT for state in State)


def test_the_example_of_the_reference_reads_as_it_is_told():
    [example] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)

    text = read(example.encode())

    assert [clause.id for clause in text.clauses] == ["incidents", "technical"]
    assert text.clauses[0].keep == {"incident": ["name", "labels"]}
