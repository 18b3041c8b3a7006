"""What is wrong with one object harms no other (border.md 6, step 7; 1.2, 1.3)."""

import pytest

from mithaq.border.agreements import terms_of
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.store import parties
from tests.unit.border.lies import (
    ANOTHER,
    balance,
    fixed,
    forum,
    pair,
    quarantined,
    several,
    sign_both,
    statement,
)
from tests.unit.border.stage import (
    FRESH,
    US,
    B,
    C,
    agreement,
    batch_of,
    put,
    relayed,
    sealed,
)  # fmt: skip
from tests.values import replace


def test_a_bad_object_is_set_aside_with_its_code_and_its_neighbours_are_admitted(stage):
    good, body = stage.body(), stage.body()
    raw = from_body(body).raw
    private = stage.body("mithaq-thing", extensions=None)
    entries = {
        "gate-duplicate-key": put(b'{"id":1,"id":1}'),
        "entry": put(body, modified="2026-03-01T12:00:01.000Z"),
        "private-kind": put(private),
        "ownership": put(stage.body(by=C)),
        "role": put(stage.body(), role="carrier"),
    }
    cheat = put(stage.body(by=None), role="owner")

    done = several(stage, put(good), *entries.values(), cheat)

    assert [c.object.id for c in stage.admitted()] == [good["id"]]
    assert (done.stored, done.quarantined) == (1, len(entries) + 1)
    codes = quarantined(stage)
    for code, (entry, _) in entries.items():
        assert codes[entry.id] == code or (code.startswith("gate") and "gate" in codes[entry.id]), (
            code
        )
    assert codes[cheat[0].id] == "role"
    assert raw in {bytes(row["body"]) for row in stage.rows("quarantine")}
    assert stage.leaves(body["id"]) == ["quarantine"]


@pytest.mark.parametrize("field", ["id", "type", "modified"])
def test_an_entry_that_says_another_thing_than_its_object_is_set_aside(stage, field):
    wrong = {"id": stage.body()["id"], "type": "malware", "modified": ""}
    body = stage.body()

    several(stage, put(body, **{field: wrong[field]}))

    assert list(quarantined(stage).values()) == ["entry"]


def test_an_identity_of_a_nation_comes_from_that_nation_alone(stage):
    forged = stage.body("identity", by=None, id=stage.identity(C), name="Corvia?")
    ours = stage.body("identity", by=None, id=stage.identity(US), name="Aurelia?")
    theirs = stage.body("identity", by=B, id=stage.identity(B), name="Borea")

    several(stage, put(forged, role="carrier"), put(ours, role="carrier"), put(theirs))

    assert quarantined(stage) == {forged["id"]: "ownership", ours["id"]: "ownership"}
    assert [c.object.id for c in stage.admitted()] == [theirs["id"]]


def test_what_nobody_enrolled_made_is_carried(stage):
    body = stage.body(by=None)

    several(stage, put(body, role="carrier"))

    assert [(c.role, c.owner, c.voucher) for c in stage.admitted()] == [("carrier", "", B)]


def test_a_forged_fixed_marking_goes_aside_with_what_bears_it_and_nothing_else(stage):
    forged = fixed(Tlp.RED) | {"name": "TLP:CLEAR"}
    bearing, beside_it = stage.body(level=Tlp.RED), stage.body(level=Tlp.GREEN)

    done = several(
        stage, put(forged, role="carrier"), put(bearing, readers=["B-1"]), put(beside_it)
    )

    assert quarantined(stage) == {
        forged["id"]: "marking-forged", bearing["id"]: "marking-forged",
    }  # fmt: skip
    assert (done.stored, done.quarantined) == (1, 2)
    assert stage.rows("markings") == []

    later = stage.body(level=Tlp.RED)
    head = next(c for c in stage.rows("channels") if c["id"] == FRESH)["head"]
    done = several(stage, put(later, readers=["A-1"]), seq=2, prev=head)
    assert done.stored == 1
    assert {c.object.id: c.level for c in stage.admitted()}[later["id"]] == int(Tlp.RED)


def test_a_true_fixed_marking_is_recognised_and_never_stored(stage):
    definition = fixed(Tlp.GREEN)

    done = several(stage, put(definition, role="carrier"), put(stage.body()))

    assert (done.stored, done.quarantined) == (2, 0)
    assert stage.rows("markings") == []
    assert len(stage.admitted()) == 1


def test_a_statement_travels_with_its_objects(stage):
    mark = statement(stage)
    body = stage.body(object_marking_refs=[tlp_id(Tlp.GREEN), mark["id"]])

    done = several(stage, put(mark), put(body))

    assert (done.stored, done.quarantined) == (2, 0)
    assert [(r["voucher"], r["id"]) for r in stage.rows("markings")] == [(B, mark["id"])]


def test_a_marking_that_nobody_can_read_is_set_aside_with_what_bears_it(stage):
    mark = statement(stage, says="TLP:GREEN")
    bearing = stage.body(object_marking_refs=[mark["id"]])
    dangling = stage.body(object_marking_refs=["marking-definition--" + mark["id"][-36:-1] + "f"])

    several(stage, put(mark), put(bearing), put(dangling))

    assert set(quarantined(stage).values()) == {"marking-unknown"}
    assert len(quarantined(stage)) == 3


def test_what_one_voucher_says_of_a_marking_never_changes_how_anothers_objects_read(stage):
    mark = statement(stage, by=None, says="Copyright")
    several(stage, put(mark, role="carrier"))
    theirs = stage.body(by=C, object_marking_refs=[tlp_id(Tlp.GREEN), mark["id"]])
    again = put(theirs)
    raw, _ = sealed(forum(), [again], stage.signer(C), sender=C, channel=ANOTHER)

    done = stage.admit(raw, peer=C)

    assert done.quarantined == 1
    assert quarantined(stage) == {theirs["id"]: "marking-unknown"}


def test_a_marking_once_defined_is_not_defined_anew_by_the_same_voucher(stage):
    mark = statement(stage)
    raw, head = sealed(pair(), [put(mark)], stage.signer(B))
    stage.admit(raw)
    bearing = stage.body(object_marking_refs=[tlp_id(Tlp.GREEN), mark["id"]])
    anew = mark | {"definition": {"statement": "TLP:RED"}}

    done = several(stage, put(anew), put(bearing), seq=2, prev=head)

    assert (done.stored, quarantined(stage)) == (1, {mark["id"]: "marking-unknown"})
    assert [bytes(r["body"]) for r in stage.rows("markings")] == [from_body(mark).raw]


@pytest.mark.parametrize(
    ("level", "readers", "terms", "code"),
    [
        (Tlp.AMBER, (), forum, None),
        (Tlp.AMBER_STRICT, (), forum, "level"),
        (Tlp.AMBER_STRICT, (), pair, None),
        (Tlp.RED, ("A-1",), forum, "level"),
        (Tlp.RED, ("A-1",), pair, None),
        (Tlp.RED, (), pair, "readers"),
    ],
)
def test_a_level_that_no_clause_permits_is_set_aside(stage, level, readers, terms, code):
    body = stage.body(level=level)

    done = several(stage, put(body, readers=readers), terms=terms())

    assert balance(done, 1)
    found = quarantined(stage).get(body["id"])
    assert (found is None) == (code is None)
    if code == "readers":
        assert found == "readers"


def test_red_is_for_the_readers_it_names(stage):
    several(stage, put(stage.body(level=Tlp.RED), readers=["A-1", "A-2"]))

    assert [c.readers for c in stage.admitted()] == [{US: ["A-1", "A-2"]}]


def test_what_is_unmarked_reads_at_the_peers_default(stage):
    [peer] = [p for p in stage.ask(parties.all_peers) if p.name == B]
    stage.do(parties.put_peer, replace(peer, default_tlp="AMBER+STRICT"))
    bare, marked = stage.body(level=None), stage.body(level=Tlp.GREEN)

    several(stage, put(bare), put(marked))

    levels = {c.object.id: c.level for c in stage.admitted()}
    assert levels == {bare["id"]: int(Tlp.AMBER_STRICT), marked["id"]: int(Tlp.GREEN)}


@pytest.mark.parametrize(("part", "code"), [(Tlp.AMBER, None), (Tlp.AMBER_STRICT, "level")])
def test_a_marked_part_counts_for_the_whole_that_comes_in(stage, part, code):
    marked = [{"marking_ref": tlp_id(part), "selectors": ["name"]}]
    body = stage.body(level=Tlp.GREEN, granular_markings=marked)

    several(stage, put(body), terms=forum())

    assert (body["id"] in quarantined(stage)) == (code is not None)
    assert {c.level for c in stage.admitted()} == (set() if code else {int(part)})


def test_what_a_relay_defines_says_nothing_of_the_owners_object_beside_it(stage):
    mark = statement(stage, by=None, says="Copyright")
    theirs = stage.body(by=C, object_marking_refs=[tlp_id(Tlp.GREEN), mark["id"]])
    entry, raw = put(theirs)
    batch = batch_of([entry], C, stage.signer(C), forum())
    shown = relayed([entry], 0, batch)

    done = several(stage, put(mark, role="carrier"), (shown, raw), terms=forum())

    assert (done.stored, quarantined(stage)) == (1, {theirs["id"]: "marking-unknown"})


def test_a_clause_that_reads_what_an_object_says_judges_each_by_its_own_words(stage):
    terms = agreement("labelled", US, B, clause={"labels_any": ["botnet"]})
    sign_both(stage, terms)
    fits, strays = stage.body(labels=["botnet"]), stage.body(labels=["cats"])

    several(stage, put(fits), put(strays), put(stage.body()), terms=terms_of(terms))

    assert [copy.object.id for copy in stage.admitted()] == [fits["id"]]
