"""How caveats are written, in what order objects come in, and what they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.intel.rules import Caveats, caveats, in_order, marking, parts, readers, title
from mithaq.model.labels import Beside, Pap, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body


def test_nothing_given_puts_nothing_beside():
    assert caveats(Caveats()) == Beside()


def test_caveats_are_read_as_people_write_them():
    given_ = Caveats(
        tlp="tlp:amber-strict",
        pap="GREEN",
        releasable_to="borea, CA,",
        embargo="2026-04-01",
        expiry="2026-05-01T02:00:00+02:00",
        originator_control=True,
        purpose="defence",
    )

    assert caveats(given_) == Beside(
        tlp=Tlp.AMBER_STRICT,
        pap=Pap.GREEN,
        releasable_to=frozenset({"borea", "CA"}),
        embargo="2026-04-01T00:00:00.000Z",
        expiry="2026-05-01T00:00:00.000Z",
        originator_control=True,
        purposes=frozenset({"defence"}),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        Caveats(tlp="PINK"),
        Caveats(pap="STRICT"),
        Caveats(embargo="tomorrow"),
        Caveats(expiry="2026-13-01"),
        Caveats(expiry="2026-01-01T00:00:00"),
    ],
)
def test_a_caveat_nobody_can_read_is_refused(wrong):
    with pytest.raises(InputError):
        caveats(wrong)


def test_readers_are_named_per_party():
    assert readers(["borea:ana", "borea:ben", "caria:cem"]) == {
        "borea": ["ana", "ben"],
        "caria": ["cem"],
    }


@pytest.mark.parametrize("wrong", ["borea", ":ana", "borea:"])
def test_a_reader_without_party_or_id_is_refused(wrong):
    with pytest.raises(InputError):
        readers([wrong])


@given(st.lists(st.integers()), st.integers(1, 7))
def test_parts_lose_nothing_and_keep_the_order(many, size):
    split = list(parts(many, size))

    assert [each for part in split for each in part] == many
    assert all(0 < len(part) <= size for part in split)


def tool(number, **more):
    body = {"type": "tool", "spec_version": "2.1", "name": f"tool {number}"}
    body |= {"id": f"tool--00000000-0000-4000-8000-{number:012d}"}
    body |= {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}
    return from_body({**body, **more})


def test_markings_and_identities_come_before_what_names_them():
    stamp = {"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z"}
    identity = from_body(
        {**stamp, "type": "identity", "id": "identity--00000000-0000-4000-8000-000000000001"}
        | {"name": "X", "modified": stamp["created"]}
    )
    statement = from_body(
        {**stamp, "type": "marking-definition", "definition": {"statement": "©"}}
        | {"id": "marking-definition--00000000-0000-4000-8000-000000000002"}
        | {"definition_type": "statement"}
    )

    ordered = in_order([tool(2), identity, tool(1), statement])

    assert [each.type for each in ordered] == ["marking-definition", "identity", "tool", "tool"]
    assert [each.id[-1] for each in ordered[2:]] == ["2", "1"]


@pytest.mark.parametrize(
    ("refs", "beside", "level", "shown"),
    [
        ([], Beside(), Tlp.AMBER, ""),  # reads as AMBER, bears nothing
        ([], Beside(tlp=Tlp.GREEN), Tlp.GREEN, "TLP:GREEN"),
        ([tlp_id(Tlp.CLEAR)], Beside(), Tlp.CLEAR, "TLP:CLEAR"),
        ([tlp_id(Tlp.CLEAR)], Beside(), Tlp.RED, "TLP:RED"),  # a path in it is stricter
        (["marking-definition--x"], Beside(), 9, "TLP:RED?"),
    ],
)
def test_the_label_shown_is_the_one_that_gates_reading(refs, beside, level, shown):
    assert marking({"object_marking_refs": refs}, beside, int(level)) == shown


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"name": "Poison Ivy", "pattern": "[x]"}, "Poison Ivy"),
        ({"value": "a.example"}, "a.example"),
        ({"relationship_type": "uses"}, "uses"),
        ({"name": ""}, ""),
        ({}, ""),
    ],
)
def test_an_object_is_called_by_what_people_know_it_by(body, name):
    assert title(body) == name
