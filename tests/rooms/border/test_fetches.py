"""Who read what of a shelf is noted, by the positions of its rows (border.md 8.2)."""

from sqlalchemy import text

from mithaq.border import fetches, parting
from mithaq.clock import text as stamp
from mithaq.store.spool import Arrival
from tests.rooms.border.stage import US, B, C


def test_what_a_peer_read_of_its_shelf_is_noted_and_nothing_beside_it(stage):
    stage.publish(*stage.give(*(stage.body(by=US) for _ in range(4))))
    stage.project()
    with stage.node.shelf.read() as unit:
        query = "SELECT shelf, id, position FROM shelf_rows WHERE type = 'tool' ORDER BY position"
        shown = unit.execute(text(query)).all()
    one, two, _, four = (row.position for row in shown)
    facts = {"shelf": shown[0].shelf, "rows": f"{one}-{two},{four}-{four}"}
    arrival = Arrival(peer=B, kind="fetched", facts=facts, raw=b"", at=stamp(stage.now))

    with stage.node.shelf.read() as unit:
        stage.do(fetches.note, unit, arrival)

    noted = {row["id"]: row["fetched_at"] for row in stage.rows("rows")}
    read = {row.id: stamp(stage.now) * (row.position in {one, two, four}) for row in shown}
    assert noted == read


def test_of_a_peer_that_is_removed_nothing_is_said_that_it_never_was(stage):
    stage.do(parting.remove, C, stage.now, by="olga")

    assert stage.leaves(C)[-1] == "peer-removed"
    assert "time-witness" not in stage.leaves(C)
