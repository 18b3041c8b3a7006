"""The check of the whole node against itself finds what was changed behind its back."""

import pytest

from mithaq.border import verify
from tests.unit.border.stage import US


def check(stage):
    return verify.everything(stage.node.core, stage.node.shelf, stage.us)


@pytest.fixture
def shown(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.project()
    return copy


def test_a_sound_node_has_no_problem_also_while_something_waits_to_be_shown(stage, shown):
    whole = check(stage)
    stage.publish(*stage.give(stage.body(by=US)))

    assert (whole.problems, check(stage).problems) == ((), ())
    assert whole.rows == 1
    assert whole.bodies >= 2


@pytest.mark.parametrize(
    ("room", "sql", "part"),
    [
        ("core", "UPDATE bodies SET body = x'78' WHERE digest = '{view}'", "bodies"),
        ("shelf", "UPDATE views SET body = x'78' WHERE digest = '{view}'", "shelf"),
        ("core", "DELETE FROM rows WHERE view = '{view}'", "shelf"),
        ("shelf", "DELETE FROM shelf_rows WHERE view = '{view}'", "shelf"),
        ("core", "UPDATE leaves SET record = x'7b7d' WHERE idx = 1", "log"),
    ],
)
def test_what_was_changed_behind_the_nodes_back_is_found(stage, shown, room, sql, part):
    [row] = stage.rows("rows")
    with getattr(stage.node, room).begin() as unit:
        unit.exec_driver_sql(sql.format(view=row["view"]))

    assert {where for where, _ in check(stage).problems} == {part}
