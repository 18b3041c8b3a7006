"""The check of the whole node against itself finds what was changed behind its back."""

import pytest

from mithaq.border import signing, verify
from tests.rooms.border.stage import PAIR, US


def check(stage):
    return verify.everything(stage.node.core, stage.node.shelf, stage.us)


@pytest.fixture
def shown(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.project()
    return copy


def test_a_sound_node_has_no_problem_also_while_something_waits_to_be_shown(stage, shown):
    whole, before = check(stage), len(stage.rows("bodies"))
    stage.publish(*stage.give(stage.body(by=US)))

    assert (whole.problems, check(stage).problems) == ((), ())
    assert whole.rows == 1
    with stage.node.shelf.read() as unit:
        views = unit.exec_driver_sql("SELECT count(*) FROM views").scalar_one()
    assert whole.bodies == before + views


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


@pytest.mark.parametrize(("room", "table"), [("core", "rows"), ("shelf", "shelf_rows")])
def test_what_stands_on_a_closed_shelf_is_read_by_nobody_and_no_problem(stage, shown, room, table):
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")
    stage.project()
    with getattr(stage.node, room).begin() as unit:
        unit.exec_driver_sql(f"DELETE FROM {table}")

    whole = check(stage)

    assert (whole.problems, whole.rows) == ((), 0)


def test_problems_of_one_sort_are_named_in_order_and_a_hundred_at_most(stage, shown):
    copies = [*stage.give(*(stage.body(by=US) for _ in range(9)))]
    stage.publish(*copies)
    stage.project()
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("DELETE FROM rows")
    with stage.node.shelf.begin() as unit:
        lost = [(f"sha256:{number:064x}", b"x") for number in range(101)]
        unit.exec_driver_sql("INSERT INTO views (digest, body) VALUES (?, ?)", lost)

    whole = check(stage)

    named = [told for _, told in whole.problems if "not released" in told]
    assert named == sorted(named)
    assert len(named) == 10
    assert len([told for _, told in whole.problems if "other bytes" in told]) == 100
