"""What is wrong with one object harms no other (border.md 6, step 7; 1.2, 1.3)."""

import pytest

from mithaq.border.agreements import terms_of
from mithaq.clock import text as stamp
from mithaq.model.labels import Tlp
from mithaq.model.markings import IEP_EXTENSION, tlp_id
from mithaq.model.objects import from_body
from mithaq.policy.agreement import Clause
from mithaq.seal.envelope import sign
from mithaq.seal.keys import generate
from mithaq.seal.messages import CONSENT, Consent, encode
from mithaq.store import parties
from tests.rooms.border.lies import (
    ANOTHER,
    balance,
    fixed,
    forum,
    pair,
    quarantined,
    relay,
    several,
    sign_both,
    statement,
)
from tests.rooms.border.stage import (
    FORUM,
    FRESH,
    PAIR,
    US,
    WIDE,
    B,
    C,
    agreement,
    batch_of,
    put,
    relayed,
    replace_put,
    sealed,
)  # fmt: skip
from tests.rooms.border.test_recall import order
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


def test_a_copy_names_the_text_it_came_under_and_readers_only_where_there_are_some(stage):
    newer = agreement(PAIR, US, B, version=2, clause=WIDE)
    sign_both(stage, newer)

    several(stage, put(stage.body()), terms=terms_of(newer))

    assert [(c.agreement, c.agreement_version, c.readers) for c in stage.admitted()] == [
        (PAIR, 2, {})
    ]


def test_what_is_unmarked_reads_at_the_peers_default(stage):
    [peer] = [p for p in stage.ask(parties.all_peers) if p.name == B]
    stage.do(parties.put_peer, replace(peer, default_tlp="AMBER+STRICT"))
    bare, marked = stage.body(level=None), stage.body(level=Tlp.GREEN)

    several(stage, put(bare), put(marked))

    levels = {c.object.id: c.level for c in stage.admitted()}
    assert levels == {bare["id"]: int(Tlp.AMBER_STRICT), marked["id"]: int(Tlp.GREEN)}
    beside = {c.object.id: c.beside.tlp for c in stage.admitted()}
    assert beside == {bare["id"]: Tlp.AMBER_STRICT, marked["id"]: None}


def test_what_is_unmarked_and_bears_no_default_comes_in_and_is_read_as_amber(stage):
    several(stage, put(stage.body(level=None)))

    [copy] = stage.admitted()
    assert (copy.level, copy.beside.tlp) == (int(Tlp.AMBER), None)


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


def test_where_one_clause_of_several_reads_what_objects_say_each_is_judged_by_its_words(stage):
    wide = {"kinds": ["*"], "max_pap": "RED"}
    clauses = [
        Clause(id="bots", labels_any=["botnet"], max_tlp="GREEN", **wide),
        Clause(id="all", max_tlp="CLEAR", **wide),
    ]
    terms = agreement("mixed", US, B, clauses=clauses)
    sign_both(stage, terms)
    fits, strays = stage.body(labels=["botnet"]), stage.body(labels=["cats"])

    several(stage, put(fits), put(strays), terms=terms_of(terms))

    assert [copy.object.id for copy in stage.admitted()] == [fits["id"]]


# --- neighbours that look alike are told apart by all that counts ---------------------------------------
def places(stage):
    """Where something stands against each object that was set aside."""
    return {r["id"]: (r["code"], r["where"]) for r in stage.rows("quarantine")}


def test_of_what_is_set_aside_the_place_is_kept_at_which_it_fails(stage):
    strange = stage.body("mithaq-thing", extensions=None)
    entry, high = stage.body(), stage.body(level=Tlp.AMBER_STRICT)
    red = stage.body(level=Tlp.RED)
    twice = put(b'{"id":1,"id":1}')
    entries = [put(strange), put(entry, modified=""), put(red), twice]

    several(stage, *entries)
    raw, _ = sealed(forum(), [put(high)], stage.signer(B), channel=ANOTHER)
    stage.admit(raw)

    found = places(stage)
    assert found[strange["id"]] == ("private-kind", "/type")
    assert found[entry["id"]] == ("entry", "/")
    assert found[red["id"]] == ("readers", "/")
    assert found[twice[0].id] == ("gate-duplicate-key", "line 1 column 14")
    assert found[high["id"]] == ("no-clause", "all")


def test_what_an_owner_did_not_sign_is_set_aside_for_its_proof(stage):
    body = stage.body(by=C)

    stage.admit(relay(stage, body, signer=generate()))

    assert places(stage) == {body["id"]: ("proof", "/")}


def test_what_no_clause_permits_stays_out_whoever_made_it(stage):
    bodies = [stage.body(by=by, level=Tlp.AMBER_STRICT) for by in (B, None)]

    several(stage, put(bodies[0]), put(bodies[1], role="carrier"), terms=forum())

    assert quarantined(stage) == {body["id"]: "no-clause" for body in bodies}


def test_an_identity_is_judged_by_its_own_id_though_its_neighbour_looks_alike(stage):
    theirs = stage.body("identity", by=None, id=stage.identity(B), name="Borea")
    forged = stage.body("identity", by=None, id=stage.identity(C), name="Corvia")

    several(stage, put(theirs), put(forged))

    assert quarantined(stage) == {forged["id"]: "ownership"}


def test_a_statement_is_taken_though_a_forged_marking_stands_beside_it(stage):
    forged = fixed(Tlp.RED) | {"name": "TLP:CLEAR"}
    mark = statement(stage, by=None)

    several(stage, put(forged, role="carrier"), put(mark, role="carrier"))

    assert quarantined(stage) == {forged["id"]: "marking-forged"}
    assert [r["id"] for r in stage.rows("markings")] == [mark["id"]]


def test_of_two_relayed_alike_the_one_that_bears_consent_comes_in(stage):
    bodies = [stage.body(by=C, level=Tlp.AMBER) for _ in range(2)]
    puts = [put(body, onward="none") for body in bodies]
    first = puts[0][0]
    word = Consent(
        realm="live", by=C, id=first.id, modified=first.modified, digest=first.digest,
        recipient=US, answer="yes", issued=stamp(stage.now),
    )  # fmt: skip
    consent = sign(CONSENT, encode(word), stage.signer(C)).to_bytes().decode()
    entries = [entry for entry, _ in puts]
    batch = batch_of(entries, C, stage.signer(C), forum())
    shown = [relayed(entries, index, batch) for index in range(2)]
    shown[0] = replace_put(shown[0], consent=consent)

    several(
        stage, *((s, raw) for s, (_, raw) in zip(shown, puts, strict=True)), terms=forum()
    )  # fmt: skip

    assert places(stage) == {bodies[1]["id"]: ("onward", "/")}


def test_a_marked_part_counts_though_its_neighbour_has_none(stage):
    marked = [{"marking_ref": tlp_id(Tlp.AMBER_STRICT), "selectors": ["name"]}]
    plain, parted = stage.body(), stage.body(granular_markings=marked)

    several(stage, put(plain), put(parted), terms=forum())

    assert quarantined(stage) == {parted["id"]: "no-clause"}


def test_of_what_was_recalled_the_version_named_stays_out_and_neither_another_nor_a_neighbour(
    stage,
):
    old = stage.body()
    raw, head = sealed(pair(), [put(old)], stage.signer(B))
    stage.admit(raw)
    named = order(stage, old["id"], modified=old["modified"])
    raw, head = sealed(pair(), [(named, b"")], stage.signer(B), batch="", seq=2, prev=head)
    stage.admit(raw)
    new, other = old | {"modified": stamp(stage.now)}, stage.body()

    several(stage, put(old), put(new), put(other), seq=3, prev=head)

    assert places(stage) == {old["id"]: ("recalled", "/")}
    assert {(c.object.id, c.object.version) for c in stage.admitted()} == {
        (b["id"], b["modified"]) for b in (new, other)
    }


def test_what_one_voucher_recalled_another_may_still_bring(stage):
    body = stage.body(by=None)
    carried = put(body, role="carrier")
    first, head = sealed(forum(), [carried], stage.signer(C), sender=C, channel=ANOTHER)
    stage.admit(first, peer=C)
    back = order(stage, body["id"], C, agreement=FORUM)
    raw, _ = sealed(
        forum(), [(back, b"")], stage.signer(C), sender=C, channel=ANOTHER, batch="", seq=2,
        prev=head,
    )  # fmt: skip
    stage.admit(raw, peer=C)
    assert stage.admitted() == []

    several(stage, carried, terms=forum())

    assert [c.voucher for c in stage.admitted()] == [B]


def test_what_was_recalled_from_a_relay_its_owner_may_still_bring_itself(stage):
    """Borea passes on an order that Corvia gave it under an agreement between the two."""
    body = stage.body(by=C)
    passed = order(stage, body["id"], C, agreement="between-them")
    stage.admit(sealed(forum(), [(passed, b"")], stage.signer(B), batch="")[0])
    assert len(stage.rows("orders")) == 1

    raw, _ = sealed(forum(), [put(body)], stage.signer(C), sender=C, channel=ANOTHER)
    stage.admit(raw, peer=C)

    assert [c.voucher for c in stage.admitted()] == [C]


def test_what_its_originator_controls_comes_from_a_relay_by_consent_alone(stage):
    terms = {"extension_type": "property-extension", "provider_attribution": "must-not"}
    mark = stage.body(
        "marking-definition", by=C, level=None, modified=None, extensions={IEP_EXTENSION: terms}
    )
    controlled = stage.body(by=C, object_marking_refs=[tlp_id(Tlp.GREEN), mark["id"]])
    raw, _ = sealed(forum(), [put(mark)], stage.signer(C), sender=C, channel=ANOTHER)
    assert stage.admit(raw, peer=C).stored == 1

    stage.admit(relay(stage, controlled))

    assert places(stage) == {controlled["id"]: ("onward", "/")}
