"""The golden world: outcomes derived by hand from the semantics of the border, row by row."""

import json
from pathlib import Path

import pytest

from tests.golden.adapter import outcomes

WORLD = Path(__file__).parents[2].parent / "shared" / "golden" / "world1.json"
pytestmark = pytest.mark.skipif(
    not WORLD.exists(), reason="the golden world lies beside the checkout, in ../shared"
)


def difference(row: dict, found: dict) -> str | None:
    """How a decision departs from its row; None if it does not."""
    if row["outcome"] != found["outcome"]:
        return f"{row['outcome']} expected, {found['outcome']} found {found.get('rules', found.get('needs', ''))}"
    if row["outcome"] == "withhold":
        return (
            None
            if row["rule"] in found["rules"]
            else f"{row['rule']} expected, found {found['rules']}"
        )
    for name in ("removed", "added", "with"):
        if set(row[name]) != found[name]:
            return f"{name}: {sorted(row[name])} expected, found {sorted(found[name])}"
    if "granular_markings" in row and row["granular_markings"] != found["granular_markings"]:
        return f"granular_markings: {found['granular_markings']}"
    if row["outcome"] == "hold" and set(row["needs"]) != found["needs"]:
        return f"needs {row['needs']} expected, found {found['needs']}"
    return None


def test_every_row_of_the_golden_world_is_decided_as_derived_by_hand():
    world = json.loads(WORLD.read_text("utf-8"))

    found = outcomes(world)

    assert len(found) == len(world["expected"]) == 355
    wrong = {
        (r["agreement"], r["peer"], r["key"]): d
        for r in world["expected"]
        if (d := difference(r, found[r["agreement"], r["peer"], r["key"]]))
    }
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())
