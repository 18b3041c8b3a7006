"""What a view left out can be read here afterwards, and never by whom it went to (border.md 1.5, 2.8)."""

import json

from mithaq.audit import subjects
from mithaq.model.labels import Tlp
from mithaq.store import releases
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import US, WIDE, B, agreement


def records(stage, copy):
    return [record for _, record in stage.ask(subjects.find, copy.object.id)]


def test_what_was_left_out_is_on_record_with_the_release_the_wait_and_the_yes(stage):
    stage.enrol("omar")
    sign_both(stage, agreement("narrow", US, B, clause=WIDE | {"keep": {"tool": ["name"]}}))
    cut, whole = stage.give(
        stage.body(by=US, level=Tlp.AMBER_STRICT, description="ours"),
        stage.body(by=US, level=Tlp.GREEN),
    )
    stage.publish(cut, whole, agreement="narrow")
    [waiting] = stage.ask(releases.verdicts_where, copies=[cut.seq])
    assert json.loads(waiting.removed) == ["/description"]

    stage.approve("omar", cut, agreement="narrow")

    [yes] = stage.ask(releases.approvals_of, [cut.seq])
    assert json.loads(yes.removed) == ["/description"]
    told = {r["kind"]: (r["removed"], r["view"]) for r in records(stage, cut) if "removed" in r}
    assert told == {kind: (["/description"], yes.view) for kind in ("approved", "cut")}
    assert not any("removed" in record for record in records(stage, whole))


def test_a_proof_for_a_peer_does_not_say_that_anything_was_left_out(stage):
    sign_both(stage, agreement("narrow", US, B, clause={"keep": {"tool": ["name"]}}))
    cut, whole = stage.give(
        stage.body(by=US, level=Tlp.GREEN, description="ours"),
        stage.body(by=US, level=Tlp.GREEN),
    )
    stage.publish(cut, whole, agreement="narrow")

    one, other = (
        [record for record in records(stage, copy) if record.get("peer") == B]
        for copy in (cut, whole)
    )

    assert [set(record) for record in one] == [set(record) for record in other]
    assert "/description" not in str(one)
