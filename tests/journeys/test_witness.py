"""A witness of a log at a terminal: named by the agreement, listed on both sides, and demanded of a proof."""

import json

import pytest

from tests.journeys.conftest import PACT, bundle, indicator

HOUR = 3700


@pytest.fixture
def witnessed(town):
    """Borea keeps the heads of Asteria's log, by their agreement."""
    for nation in ("asteria", "borea"):
        town.found(nation)
    town.befriend("asteria", "borea")
    text = PACT.replace('use = "defensive-only"', 'use = "defensive-only"\nwitnesses = ["borea"]')
    town.agree(text, "asteria", "borea")
    return town


def hour(town):
    town.clock.step(HOUR)
    town.settle()


def keys_of(town, nation):
    file = town.folder / f"{nation}-keys.json"
    with town.nodes[nation].core.read() as unit:
        query = "SELECT envelope FROM key_documents WHERE party = ?"
        file.write_bytes(unit.exec_driver_sql(query, (nation,)).scalar_one())
    return file


def test_a_head_is_listed_by_its_owner_and_by_its_witness_and_opens_proofs(witnessed):
    hour(witnessed)
    file = bundle(witnessed.folder, indicator(1, "Loader"))
    witnessed.do("asteria", "import", file, "--own", "--tlp", "GREEN", actor="amal")
    witnessed.do("asteria", "release", "1", "--agreement", "pact", actor="amal")
    hour(witnessed)

    [ours] = witnessed.ask("asteria", "log", "witness", actor="lina")
    [theirs] = witnessed.ask("borea", "log", "witness", actor="lina")
    for told in (ours, theirs):
        assert (told["log_of"], told["witness"]) == ("asteria", "borea")
    assert (ours["root"], ours["leaves"]) == (theirs["root"], theirs["leaves"])
    table = witnessed.do("asteria", "log", "witness", actor="lina")
    assert ours["root"][:12] in table.replace("\n", "")
    assert f"borea {ours['at']}" in witnessed.do("asteria", "status", actor="lina")

    proof = witnessed.folder / "proof.json"
    name = indicator(1, "Loader")["id"]
    witnessed.do(
        "asteria", "log", "prove", name, "--witness", "borea", "--out", proof, actor="lina"
    )
    owner, witness = keys_of(witnessed, "asteria"), keys_of(witnessed, "borea")
    holds = witnessed.run("nobody", "log", "check", proof, "--keys", owner, "--witness", witness)
    alone = witnessed.run("nobody", "log", "check", proof, "--keys", owner, "--witness", owner)
    assert (holds.exit_code, alone.exit_code) == (0, 1)
    assert "asteria cannot be its own witness" in alone.output
    assert json.loads(proof.read_bytes())


def test_nobody_is_a_witness_where_no_agreement_names_one_and_only_some_may_ask(allies):
    hour(allies)

    assert allies.ask("asteria", "log", "witness", actor="lina") == []
    assert "No agreement names a witness" in allies.do("asteria", "log", "witness", actor="lina")
    assert allies.run("asteria", "log", "witness", actor="amal").exit_code == 3
    nobody = allies.run("asteria", "log", "prove", "1", "--witness", "borea", actor="lina")
    assert nobody.exit_code == 4
