"""Witnesses keep the heads of a log, and see when it was rolled back or edited (border.md 4.4)."""

import msgspec
import pytest
from sqlalchemy import text

from mithaq.audit import evidence, log, subjects
from mithaq.audit.evidence import Unproven
from mithaq.border import alarms as border
from mithaq.border import peers, verify
from mithaq.model.canonical import canonical
from mithaq.seal.envelope import BadEnvelope, read
from mithaq.seal.merkle import leaf_hash, levels
from mithaq.store import alarms, witnesses
from tests.federation.test_delivery import NATIONS, agreement, enrolled
from tests.federation.test_stories import let_go, round_


@pytest.fixture
def three(copied):
    """Borea keeps the heads of the others' logs; Corvia keeps none."""
    return copied(_with_witness)


def _with_witness(federation):
    enrolled(federation)
    terms = msgspec.structs.replace(agreement("forum", *NATIONS), witnesses=["borea"])
    federation.sign(terms, *NATIONS)
    round_(federation)


def rung(federation, name):
    with federation.nodes[name].core.read() as unit:
        return [a for a in alarms.every(unit, closed=True) if a.kind == "log"]


def cosigned(federation, name="aurelia"):
    with federation.nodes[name].core.read() as unit:
        return witnesses.newest(unit)


def kept(federation, name="borea"):
    with federation.nodes[name].core.read() as unit:
        return {head.party: (head.size, head.at) for head in witnesses.kept(unit)}


def keys(federation, name):
    with federation.nodes[name].core.read() as unit:
        return peers.every_key_of(unit, name)


def change(federation, *statements, name="aurelia"):
    """Let somebody with the database write into a log."""
    with federation.nodes[name].core.begin() as unit:
        for statement in statements:
            unit.execute(text(statement))


def rebuild(federation, name="aurelia"):
    """Let somebody compute every node of the tree anew, so that the log fits itself."""
    with federation.nodes[name].core.begin() as unit:
        unit.execute(text("DELETE FROM nodes"))
        query = "SELECT idx, nonce, record FROM leaves ORDER BY idx"
        hashes = [
            leaf_hash(bytes(row.nonce) + bytes(row.record)) for row in unit.execute(text(query))
        ]
        written = [{"i": index, "h": each} for index, each in enumerate(hashes)]
        unit.execute(text("UPDATE leaves SET hash = :h WHERE idx = :i"), written)
        rows = [
            {"l": level, "i": index, "h": tree}
            for level, trees in enumerate(levels(hashes))
            for index, tree in enumerate(trees)
            if level >= log.KEPT
        ]
        unit.execute(text("INSERT INTO nodes (level, idx, hash) VALUES (:l, :i, :h)"), rows)
        unit.execute(
            text("UPDATE settings SET value = :n WHERE key = 'log-length'"), {"n": str(len(hashes))}
        )


def edit(federation):
    """Rewrite what the first release says of whom it went to, and the tree above it."""
    with federation.nodes["aurelia"].core.begin() as unit:
        query = "SELECT idx FROM leaves WHERE subject LIKE 'tool--%' ORDER BY idx LIMIT 1"
        index = unit.execute(text(query)).scalar_one()
        lie = canonical({"kind": "release", "peer": "nobody"})
        where = text("UPDATE leaves SET record = :lie WHERE idx = :index")
        unit.execute(where, {"lie": lie, "index": index})
    rebuild(federation)


def cut(federation, leaves=100):
    """Cut off the log's end, and all that was computed from it."""
    change(
        federation,
        f"DELETE FROM leaves WHERE idx >= {leaves}",
        f"DELETE FROM checkpoints WHERE size > {leaves}",
        f"DELETE FROM subjects WHERE idx >= {leaves}",
        f"UPDATE settings SET value = '{leaves}' WHERE key = 'log-read'",
    )
    rebuild(federation)


def test_every_head_of_a_log_is_kept_and_signed_by_its_witness_and_by_nobody_else(three):
    let_go(three, 1)
    round_(three)
    [first] = cosigned(three)
    let_go(three, 2)
    round_(three)
    [second] = cosigned(three)

    assert first.witness == second.witness == "borea"
    assert first.at < second.at
    assert kept(three) == {
        "aurelia": (second.size, second.at),
        "corvia": (cosigned(three, "corvia")[0].size, cosigned(three, "corvia")[0].at),
    }
    assert kept(three, "corvia") == {}
    assert cosigned(three, "borea") == []
    assert all(rung(three, name) == [] for name in NATIONS)


def test_a_proof_under_a_head_that_a_witness_signed_shows_it(three):
    let_go(three, 1)
    round_(three)
    [head] = cosigned(three)
    with three.nodes["aurelia"].core.read() as unit:
        [index] = [
            i for i, r in subjects.find(unit, "tool--00000000-0000-4000-8000-000000000001")
            if r.get("peer") == "borea"
        ]  # fmt: skip
        proof = log.prove(unit, [index], head.envelope)
        unsigned = log.prove(unit, [index], log.newest_checkpoint(unit))

    assert log.check(proof, keys(three, "aurelia"), keys(three, "borea")).origin == "aurelia"
    for bad, witness in ((proof, "corvia"), (unsigned, "borea")):
        with pytest.raises(BadEnvelope):
            log.check(bad, keys(three, "aurelia"), keys(three, witness))


@pytest.mark.parametrize("crime", [edit, cut])
def test_a_log_that_was_edited_or_cut_is_caught_by_its_witness_and_by_its_owner(three, crime):
    let_go(three, 1)
    round_(three)
    before = kept(three)["aurelia"]

    crime(three)
    if crime is edit:
        change(three, "DELETE FROM checkpoints")
    node = three.nodes["aurelia"]
    assert verify.everything(node.core, node.shelf, node.us).problems == ()
    round_(three)
    round_(three)

    [alarm] = rung(three, "borea")
    assert alarm.subject == "aurelia"
    assert alarm.facts["why"] in {"two-roots", "shrunk", "no-extension"}
    about = evidence.read_file(alarm.evidence)
    assert evidence.check(about, keys(three, "aurelia")).by == "aurelia"
    with pytest.raises(Unproven):
        evidence.check(about, keys(three, "borea"))
    [own] = rung(three, "aurelia")
    assert own.subject == "aurelia"
    assert evidence.check(evidence.read_file(own.evidence), keys(three, "aurelia")).kind == "log"
    assert kept(three)["aurelia"] == before  # the head it had is the one it keeps


def test_once_a_person_has_looked_the_log_begins_anew_for_its_witness(three):
    let_go(three, 1)
    round_(three)
    cut(three)
    round_(three)
    [alarm] = rung(three, "borea")
    with three.nodes["borea"].core.begin() as unit:
        border.close(unit, alarm.seq, "restored from Tuesday's backup", three.clock(), by="aziz")

    round_(three)
    round_(three)

    assert len(rung(three, "borea")) == 1
    [head] = cosigned(three)
    assert kept(three)["aurelia"] == (head.size, head.at)


def test_a_witness_is_told_nothing_of_the_log_but_its_head(three):
    let_go(three, 1)
    round_(three)

    for sender, to, _, raw in three.wire.seen:
        if {sender.split(".")[0], to.split(".")[0]} == {"aurelia", "corvia"}:
            assert b"log-head" not in raw
    [head] = cosigned(three)
    assert set(msgspec.json.decode(read(head.envelope).payload)) == {
        "origin", "realm", "size", "root", "at",
    }  # fmt: skip
