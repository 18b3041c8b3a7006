"""Who may vouch for what, and which markings hold: rule by rule (border.md 1.2, 1.3, 6.7)."""

import pytest

from mithaq.border.vet import Ground, Verdict, markings_hold, ownership
from mithaq.model.labels import Beside, Tlp
from mithaq.model.markings import FIXED, classify, tlp_id
from mithaq.model.objects import from_body
from mithaq.store.objects import UNRESOLVED

AT = "2026-03-01T12:00:00.000Z"
BOREA, CORVIA, VENDOR = (f"identity--00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
STATEMENT = "marking-definition--00000000-0000-4000-8000-00000000000a"
NOBODY_KNOWS = "marking-definition--00000000-0000-4000-8000-00000000000b"
GROUND = Ground(
    owners={BOREA: "borea", CORVIA: "corvia"},
    table={
        STATEMENT: classify(
            {
                "type": "marking-definition", "id": STATEMENT, "definition_type": "statement",
                "definition": {"statement": "Copyright"},
            }
        )
    },
    forged=frozenset({tlp_id(Tlp.GREEN)}),
)  # fmt: skip


def tool(*marks, by=None, **more):
    body = {
        "type": "tool", "spec_version": "2.1", "id": "tool--00000000-0000-4000-8000-000000000001",
        "created": AT, "modified": AT, "name": "x", "object_marking_refs": list(marks),
        "created_by_ref": by,
    }  # fmt: skip
    return from_body({k: v for k, v in (body | more).items() if v})


def identity(id_, by=None):
    body = {
        "type": "identity", "spec_version": "2.1", "id": id_, "created": AT, "modified": AT,
        "name": "x", "identity_class": "organization", "created_by_ref": by,
    }  # fmt: skip
    return from_body({k: v for k, v in body.items() if v})


@pytest.mark.parametrize(
    ("seen", "owner"),
    [
        (tool(by=BOREA), "borea"),
        (tool(by=VENDOR), ""),
        (tool(), ""),
        (identity(BOREA), "borea"),
        (identity(BOREA, by=CORVIA), "borea"),
        (identity(VENDOR, by=CORVIA), "corvia"),
        (identity(VENDOR), ""),
    ],
)
def test_an_object_is_whose_creator_is_enrolled_and_an_identity_is_its_own(seen, owner):
    assert GROUND.owner_of(seen) == owner


@pytest.mark.parametrize(
    ("by", "voucher", "role", "fault"),
    [
        (BOREA, "borea", "owner", None),
        (BOREA, "borea", "carrier", "role"),
        (BOREA, "corvia", "owner", "ownership"),
        (BOREA, "corvia", "carrier", "ownership"),
        (VENDOR, "borea", "carrier", None),
        (VENDOR, "borea", "owner", "role"),
        (None, "borea", "carrier", None),
        (None, "borea", "owner", "role"),
    ],
)
def test_an_owner_speaks_for_its_own_and_anybody_carries_what_is_nobodys(by, voucher, role, fault):
    verdict = ownership(GROUND, tool(by=by), voucher, role)

    said = {
        None: None,
        "role": Verdict(code="role", where="/created_by_ref", why=role),
        "ownership": Verdict(code="ownership", where="/created_by_ref", why="borea"),
    }
    assert verdict == said[fault]


def test_what_bears_a_forged_marking_or_is_one_does_not_hold():
    green = tlp_id(Tlp.GREEN)

    assert markings_hold(GROUND, tool(tlp_id(Tlp.AMBER), green)) == Verdict(
        code="marking-forged", where="/object_marking_refs", why=green
    )
    assert markings_hold(GROUND, tool(tlp_id(Tlp.AMBER))) is None
    parts = [{"marking_ref": green, "selectors": ["name"]}]
    assert markings_hold(GROUND, tool(granular_markings=parts)).why == green
    forged = from_body(
        {"type": "marking-definition", "spec_version": "2.1", "id": green, "created": AT,
         "definition_type": "statement", "definition": {"statement": "x"}}
    )  # fmt: skip
    assert markings_hold(GROUND, forged) == Verdict(code="marking-forged", where="/definition")


@pytest.mark.parametrize(
    ("says", "holds"), [("Copyright Borea", True), ("TLP:RED", False), ("PAP:AMBER", False)]
)
def test_a_definition_holds_where_it_says_something_that_can_be_read(says, holds):
    body = {
        "type": "marking-definition", "spec_version": "2.1", "id": NOBODY_KNOWS, "created": AT,
        "definition_type": "statement", "definition": {"statement": says},
    }  # fmt: skip
    verdict = markings_hold(GROUND, from_body(body))

    wrong = Verdict(code="marking-unknown", where="/definition", why=NOBODY_KNOWS)
    assert verdict == (None if holds else wrong)
    assert markings_hold(GROUND, from_body(body | {"id": tlp_id(Tlp.RED)})) is None
    assert tlp_id(Tlp.RED) in FIXED


@pytest.mark.parametrize(
    ("seen", "beside", "level"),
    [
        (tool(tlp_id(Tlp.AMBER)), None, Tlp.AMBER),
        (tool(tlp_id(Tlp.CLEAR)), None, Tlp.CLEAR),
        (tool(), None, Tlp.AMBER),
        (tool(), Tlp.CLEAR, Tlp.CLEAR),
        (tool(tlp_id(Tlp.AMBER)), Tlp.RED, Tlp.RED),
        (tool(tlp_id(Tlp.RED)), Tlp.GREEN, Tlp.RED),
        (tool(tlp_id(Tlp.CLEAR), STATEMENT), None, Tlp.CLEAR),
        (tool(NOBODY_KNOWS), Tlp.CLEAR, UNRESOLVED),
        (
            tool(granular_markings=[{"marking_ref": tlp_id(Tlp.RED), "selectors": ["name"]}]),
            Tlp.CLEAR,
            Tlp.RED,
        ),
    ],
)
def test_people_read_by_the_highest_level_of_any_part_and_of_what_stands_beside(
    seen, beside, level
):
    assert GROUND.level(seen, Beside(tlp=beside)) == int(level)
