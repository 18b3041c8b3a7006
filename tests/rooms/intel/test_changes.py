"""What became of each object between two versions of a set; plain dictionaries and sets are the oracle."""

import json
from pathlib import Path

import pytest

from mithaq.intel.reference.changes import Became, compare, is_over

ATTACK = Path(__file__).parents[4] / "shared/data/attack/enterprise-attack.json"
AT = "2026-01-01T00:00:00.000Z"
LATER = "2026-02-01T00:00:00.000Z"


def technique(number, **more):
    id_ = f"attack-pattern--00000000-0000-4000-8000-{number:012d}"
    known = [
        {"source_name": "capec", "external_id": "CAPEC-1"},
        {"source_name": "mitre-attack", "external_id": f"T{number:04d}"},
    ]
    body = {"type": "attack-pattern", "id": id_, "name": f"technique {number}"}
    return {**body, "modified": AT, "external_references": known, **more}


def revoked_by(number, old, new, **more):
    id_ = f"relationship--00000000-0000-4000-8000-{number:012d}"
    ends = {"source_ref": old["id"], "target_ref": new["id"]}
    return {"type": "relationship", "id": id_, "relationship_type": "revoked-by", **ends, **more}


def by_id(*bodies):
    return {body["id"]: body for body in bodies}


def became(before, after):
    [change] = compare(by_id(*before), by_id(*after)).objects
    return change


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"modified": LATER}, Became.TOUCHED),
        ({"modified": LATER, "x_mitre_version": "1.1"}, Became.TOUCHED),
        ({"modified": LATER, "revoked": False, "x_mitre_platforms": []}, Became.TOUCHED),
        ({"modified": LATER, "description": "more"}, Became.CHANGED),
        ({"modified": LATER, "name": "other", "description": "more"}, Became.RENAMED),
        ({"modified": LATER, "name": "other", "x_mitre_deprecated": True}, Became.DEPRECATED),
        ({"x_mitre_deprecated": True, "revoked": True}, Became.REVOKED),
    ],
)
def test_an_object_stands_under_the_gravest_of_what_became_of_it(now, expected):
    assert became([technique(1)], [technique(1, **now)]).became is expected


def test_what_is_over_no_more_is_restored():
    assert became([technique(1, revoked=True)], [technique(1)]).became is Became.RESTORED
    assert (
        became([technique(1, revoked=True)], [technique(1, revoked=True, modified=LATER)]).became
        is Became.TOUCHED
    )


def test_a_change_says_the_number_the_name_before_and_the_properties_that_differ():
    change = became(
        [technique(1)], [technique(1, name="other", kill_chain_phases=[{"phase_name": "x"}])]
    )

    assert (change.number, change.name, change.was) == ("T0001", "other", "technique 1")
    assert change.fields == ("kill_chain_phases", "name")


def test_a_revoked_object_says_what_replaces_it_and_a_revoked_tie_says_nothing():
    old, new, other = technique(1), technique(2), technique(3)
    gone = technique(1, revoked=True)
    before, ties = (
        by_id(old, new, other),
        [revoked_by(8, old, new), revoked_by(9, old, other, revoked=True)],
    )

    made = compare(before, by_id(gone, new, other, *ties))

    assert [(c.became, c.id, c.by) for c in made.objects] == [
        (Became.REVOKED, old["id"], (new["id"],))
    ]
    assert [(t.became, t.tie, t.target) for t in made.ties] == [
        (Became.ADDED, "revoked-by", new["id"]),
        (Became.ADDED, "revoked-by", other["id"]),
    ]  # fmt: skip


def test_nothing_differs_between_a_version_and_itself_and_markings_are_no_objects_of_a_set():
    marking = {
        "type": "marking-definition",
        "id": "marking-definition--00000000-0000-4000-8000-000000000001",
    }

    assert compare(by_id(technique(1)), by_id(technique(1), marking)) == compare({}, {})


@pytest.mark.skipif(not ATTACK.exists(), reason="ATT&CK lies beside the checkout, in ../shared")
def test_of_a_release_of_attack_it_says_what_plain_dictionaries_say():
    after = {each["id"]: each for each in json.loads(ATTACK.read_bytes())["objects"]}
    early = {id_: body for id_, body in after.items() if body.get("created", "") < "2024"}
    before = {
        id_: body
        | ({"name": "once"} if n % 7 == 0 and "name" in body else {})
        | ({"description": "once"} if n % 5 == 0 else {})
        | ({"revoked": False, "x_mitre_deprecated": False} if n % 3 == 0 else {})
        for n, (id_, body) in enumerate(early.items())
    } | {f"{id_[:-4]}dead": body for id_, body in list(early.items())[:50]}

    made = compare(before, after)

    told = {each.id: each.became for each in (*made.objects, *made.ties)}
    kept = {id_ for id_, body in (before | after).items() if body["type"] != "marking-definition"}
    over = {
        id_
        for id_ in before.keys() & after.keys()
        if is_over(after[id_]) and not is_over(before[id_])
    }
    assert {i for i, b in told.items() if b is Became.ADDED} == kept & (
        after.keys() - before.keys()
    )
    assert {i for i, b in told.items() if b is Became.REMOVED} == kept & (
        before.keys() - after.keys()
    )
    assert {i for i, b in told.items() if b in {Became.REVOKED, Became.DEPRECATED}} == over
    assert told.keys() == {id_ for id_ in kept if before.get(id_) != after.get(id_)}
    renamed = {
        i for i in before.keys() & after.keys() if before[i].get("name") != after[i].get("name")
    }
    assert {i for i, b in told.items() if b is Became.RENAMED} == (renamed & kept) - over
    # ATT&CK's own: every revoked technique is replaced, and the report names by what
    ties = {
        t["source_ref"]: t["target_ref"]
        for t in after.values()
        if t.get("relationship_type") == "revoked-by"
    }
    assert [(c.id, *c.by) for c in made.objects if c.by] == [
        (c.id, ties[c.id]) for c in made.objects if c.became is Became.REVOKED and c.id in ties
    ]  # fmt: skip
