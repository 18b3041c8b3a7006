"""Events of MISP become STIX and events again: nothing comes back under a lower level, and what is lost is named."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.formats import BUILT_IN, Undated
from mithaq.formats.misp import events_in, roundtrip
from tests.rooms.formats.test_misp import attribute, event, tags, uuid

LEVELS = (
    "tlp:red", "tlp:amber+strict", "tlp:amber", "tlp:green", "tlp:clear", "tlp:white", "tlp:ex:chr",
    "PAP:RED", "PAP:AMBER", "PAP:CLEAR",
)  # fmt: skip
MARKS = st.tuples(st.lists(st.sampled_from(LEVELS), max_size=2), st.sampled_from("012345"))


def marked(element, mark):
    return element | tags(*mark[0]) | {"distribution": mark[1]}


def whole(mark, loose, around, inner):
    """Return an event with an attribute, and an object with a reference, each under a marking of its own."""
    held = [marked(attribute(number=n), inner) | {"object_relation": "x"} for n in (11, 12)]
    reference = {"uuid": uuid(21), "referenced_uuid": uuid(1), "relationship_type": "uses"}
    object_ = {
        "uuid": uuid(20), "name": "file", "meta-category": "file", "timestamp": "1700000000", "comment": "told",
        "distribution": around, "Attribute": held, "ObjectReference": [reference],
    }  # fmt: skip
    return marked(event(marked(attribute(number=1), loose), Object=[object_]), mark)


@settings(max_examples=60)
@given(MARKS, MARKS, st.sampled_from("012345"), MARKS)
def test_no_element_of_an_event_comes_back_under_a_lower_level(mark, loose, around, inner):
    """Tags of TLP and PAP and the distribution of whatever an element stands in hold for it."""
    found = roundtrip.of_events([whole(mark, loose, around, inner)])

    assert found.lowered == []
    marks = {f"Tag {level}" for level in LEVELS} | {"distribution"}
    kinds = ("Event", "Attribute", "Object", "Object Attribute")
    assert {what for _, what in found.lost} <= {
        f"{kind} {mark}" for kind in kinds for mark in marks
    }


def test_what_is_lost_of_an_event_is_named_by_its_element():
    one = whole(([], "3"), ([], "5"), "5", ([], "5")) | {"Note": [{"note": "x"}]}
    one["Attribute"][0]["unheard_of"] = "x"

    found = roundtrip.of_events([one])

    assert (found.events, found.objects) == (1, 7)
    assert (uuid(1), "Attribute unheard_of") in found.lost
    assert "Note" in {what for _, what in found.lost}


def test_another_event_that_says_less_and_marks_lower_is_found_out():
    one = whole((["tlp:red"], "3"), (["PAP:RED"], "5"), "5", ([], "5"))
    other = json.loads(json.dumps(one))
    other |= tags("tlp:amber")
    other["Attribute"][0]["Tag"] = []
    del other["Object"][0]["Attribute"][1]

    found = roundtrip.compared([one], [other])

    assert sorted(found.lost) == [
        (uuid(1), "Attribute Tag PAP:RED"),
        (uuid(12), "Object Attribute"),
        (one["uuid"], "Event Tag tlp:red"),
    ]
    assert found.added == [(one["uuid"], "Event Tag tlp:amber")]
    assert {uuid(1), uuid(20)} <= set(found.lowered)


def test_an_element_that_says_no_instant_is_as_old_as_what_it_stands_in():
    one = whole(([], "3"), ([], "5"), "5", ([], "5"))
    for each in (one["Attribute"][0], one["Object"][0], *one["Object"][0]["Attribute"]):
        del each["timestamp"]

    entries = list(BUILT_IN.read(json.dumps({"Event": one}).encode()))

    assert {each.body["modified"] for each in entries if each.id.endswith(uuid(20))} == {
        "2023-11-14T22:13:20.000Z"
    }
    [again] = events_in(json.dumps({"Event": one}).encode())
    assert again["Attribute"][0]["timestamp"] == one["timestamp"]


def test_rules_come_back_from_misp_whole():
    rule = b"rule Beacon { condition: filesize < 9 }"

    drafts = [roundtrip.drafted(each) for each in BUILT_IN.read(rule) if isinstance(each, Undated)]
    found = roundtrip.of_objects(drafts)

    assert (found.objects, found.lowered) == (1, [])
    assert "pattern" not in {what for _, what in found.lost}
