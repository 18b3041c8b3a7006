"""What a text about an object bears at least, and to whom it may go (border.md 2.1, 2.2)."""

import pytest

from mithaq.border.about import Unspeakable, at_least, beside_of, floor, is_below
from mithaq.model.labels import Beside, Label, Pap, Tlp
from mithaq.model.objects import from_body
from mithaq.policy.situation import Candidate
from tests.rooms.intel.test_service import tool


def candidate(level, *, own=False, body=None, **more):
    theirs = {} if own else {"owner": "borealis", "sent_by": "corvia", "relayed": True}
    return Candidate(
        key=1,
        object=from_body(body or tool(1)),
        voucher="asteria" if own else "borealis",
        own=own,
        beside=Beside(tlp=level),
        **{**theirs, **more},
    )


def test_a_text_about_ours_bears_what_that_bears_and_goes_where_that_may_go():
    assert floor([candidate(Tlp.RED, own=True)]) == Label(tlp=Tlp.RED)
    assert floor([candidate(None, own=True)]) == Label()


def test_a_text_about_several_is_as_strict_as_all_of_them():
    found = floor([candidate(Tlp.GREEN, own=True), candidate(Tlp.AMBER)])

    assert found == Label(tlp=Tlp.AMBER, releasable_to=frozenset({"borealis", "corvia"}))


@pytest.mark.parametrize(
    ("level", "terms", "more"),
    [
        (Tlp.GREEN, {"onward": "open", "via": frozenset({"dione"})}, {"dione"}),
        (Tlp.GREEN, {"onward": "open"}, set()),
        (Tlp.GREEN, {"onward": "none", "via": frozenset({"dione"})}, set()),
        (Tlp.AMBER, {"onward": "scope", "via_parties": frozenset({"dione"})}, {"dione"}),
        (Tlp.AMBER, {"onward": "open", "via": frozenset({"dione"})}, set()),
        (Tlp.AMBER_STRICT, {"onward": "scope", "via_parties": frozenset({"dione"})}, set()),
        (None, {}, set()),
    ],
)
def test_a_text_about_anothers_goes_to_whom_that_may_be_passed_on(level, terms, more):
    assert floor([candidate(level, **terms)]).releasable_to == {"borealis", "corvia"} | more


def test_what_is_clear_may_be_spoken_of_to_everybody():
    assert floor([candidate(Tlp.CLEAR)]) == Label(tlp=Tlp.CLEAR)


def test_nothing_is_written_about_what_few_or_none_may_read():
    unknown = "marking-definition--00000000-0000-4000-8000-000000000009"

    with pytest.raises(Unspeakable, match="persons it names"):
        floor([candidate(Tlp.RED)])
    with pytest.raises(Unspeakable, match="nobody here can read"):
        floor([candidate(Tlp.GREEN, own=True, body=tool(1, object_marking_refs=[unknown]))])


def test_a_person_may_ask_for_more_and_never_for_less():
    least = Label(tlp=Tlp.AMBER, pap=Pap.GREEN)

    assert is_below(Beside(tlp=Tlp.GREEN), least)
    assert is_below(Beside(pap=Pap.CLEAR), least)
    assert not is_below(Beside(tlp=Tlp.RED, pap=Pap.RED), least)
    assert not is_below(Beside(), least)
    assert at_least(Beside(tlp=Tlp.RED), least) == Beside(tlp=Tlp.RED, pap=Pap.GREEN)
    assert beside_of(Label()) == Beside()
