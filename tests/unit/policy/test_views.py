"""The view of one candidate: by whose definitions it is read, and what is added to it (border.md 1.2, 1.5)."""

import json
from typing import Any

import pytest

from mithaq.model.labels import Beside, Pap, Tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.policy.decision import Release, Rule, View, Withhold
from mithaq.policy.situation import Candidate
from mithaq.policy.views import is_valid, labels_of
from tests.unit.policy.test_cases import FIRST, SECOND, around, clause, decided, ours, pact
from tests.unit.policy.world_objects import NOBODY_KNOWS, TABLE, TERMS
from tests.values import replace

PAIR = pact("borea")


def rules(candidate: Candidate, **table: Any) -> set[Rule]:
    found = decided(replace(around(PAIR), **table), PAIR, [candidate])["borea", candidate.key]
    return {r.rule for r in found.reasons} if isinstance(found, Withhold) else set()


def test_markings_mean_what_whoever_vouches_says_and_not_what_anybody_else_does():
    under_terms = ours(FIRST, Tlp.GREEN, object_marking_refs=[tlp_id(Tlp.GREEN), TERMS])

    assert rules(replace(under_terms, markings=TABLE)) == {Rule.EMBARGO}
    assert rules(under_terms, markings=TABLE) == {Rule.EMBARGO}
    assert Rule.MARKING_UNKNOWN in rules(replace(under_terms, markings={}), markings=TABLE)


def test_the_labels_of_a_version_are_read_by_the_definitions_it_came_with():
    under_terms = ours(FIRST, Tlp.GREEN, object_marking_refs=[tlp_id(Tlp.GREEN), TERMS])

    [whole] = labels_of(replace(under_terms, markings=TABLE))

    assert (whole.tlp, whole.unresolved) == (Tlp.AMBER, frozenset())
    assert labels_of(under_terms)[0].unresolved == {TERMS}


@pytest.mark.parametrize("order", [[FIRST, SECOND], [SECOND, FIRST]])
def test_a_part_that_nobody_can_read_keeps_its_object_and_no_other_with_the_same_markings(order):
    granular = [{"marking_ref": NOBODY_KNOWS, "selectors": ["description"]}]
    made = {
        FIRST: ours(FIRST, Tlp.GREEN, description="d", granular_markings=granular),
        SECOND: ours(SECOND, Tlp.GREEN, description="d"),
    }

    found = decided(around(PAIR), PAIR, [made[id_] for id_ in order])

    assert Rule.MARKING_UNKNOWN in {r.rule for r in found["borea", FIRST].reasons}
    assert isinstance(found["borea", SECOND], Release)


@pytest.mark.parametrize(
    ("borne", "beside", "added"),
    [
        (None, Pap.CLEAR, ()),
        (None, Pap.GREEN, (pap_id(Pap.GREEN),)),
        (Pap.GREEN, Pap.CLEAR, ()),
        (Pap.GREEN, Pap.GREEN, ()),
        (Pap.CLEAR, Pap.GREEN, (pap_id(Pap.GREEN),)),
    ],
)
def test_what_stands_beside_is_added_only_where_it_is_stricter(borne, beside, added):
    refs = [tlp_id(Tlp.GREEN), *([pap_id(borne)] if borne is not None else [])]
    one = replace(ours(FIRST, Tlp.GREEN, object_marking_refs=refs), beside=Beside(pap=beside))

    wide = pact("borea", clauses=[clause("all", max_pap="RED")])

    seen = decided(around(wide), wide, [one])["borea", FIRST].view

    assert seen.added == added
    assert (seen.raw == one.object.raw) == (added == ())


def test_a_view_that_differs_from_what_is_stored_has_to_be_valid_by_itself():
    whole = View(raw=json.dumps(dict(ours(FIRST, Tlp.GREEN).object.body)).encode(), digest="")
    broken = View(raw=b'{"type":"indicator"}', digest="")

    for change in ({"removed": ("/name",)}, {"added": (tlp_id(Tlp.AMBER),)}):
        assert is_valid(replace(whole, **change))
        assert not is_valid(replace(broken, **change))
    assert is_valid(broken)  # it was judged when it came
