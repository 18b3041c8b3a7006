"""A nation's people examine a partner's node before they trust it: over real lines, from their own home."""

import json

from typer.testing import CliRunner

from mithaq.border import peers, signing
from mithaq.cli.app import app
from mithaq.policy import agreement as policy
from mithaq.store.parties import Peer
from tests.conformance.servers import text
from tests.federation.world import second_person
from tests.journeys.test_processes import PACT, served, tool, wait

AT = "2026-02-01T00:00:00.000Z"


def let_in(nation, name, folder):
    """Enrol a client with a grant; return the file with its token."""
    node, now = nation.node, nation.node.clock()
    grant = policy.to_bytes(text("grant", "grant", nation.name, name, receipts="best-effort"))
    with node.core.begin() as unit:
        client = Peer(name=name, kind="client", state="confirmed", country="QM", added_at=AT)
        peers.add_client(unit, client, now, by="lena")
        token = peers.new_token(unit, name, now, by="lena")
        signing.sign_text(unit, node.us, grant, now, by="lena", second=second_person(unit))
    file = folder / f"{name}.token"
    file.write_text(token)
    return file


def examined(home, *args):
    """Run the command from a home; return its exit code and its report."""
    env = {"MITHAQ_HOME": str(home), "MITHAQ_LANG": "en"}
    done = CliRunner().invoke(app, ["conform", *map(str, args), "--json"], env=env)
    return done.exit_code, json.loads(done.stdout)


def test_a_running_node_is_examined_by_its_peer_and_as_a_client_and_breaks_nothing(tmp_path):
    with served(tmp_path) as (aurelia, borea):
        token = let_in(aurelia, "misp", tmp_path)
        for number in range(10):
            aurelia.take(tool(number), "grant")
            aurelia.release(100 + number)
        wait(lambda: sum(borea.received().values()) == 10, "the release has not arrived")
        url = aurelia.node.us.url
        login = ("--client", "misp", "--token-file", token)

        code, told = examined(borea.home, url, *login, "--write", "--yes")

        broken = [each for each in told["findings"] if each["verdict"] == "fail"]
        left = {e["code"]: e["why"] for e in told["findings"] if e["verdict"] == "not-applicable"}
        assert (code, broken) == (0, [])
        assert left == dict.fromkeys(
            ("order-signed", "recalled-gone", "recalled-blank", "receipts"), "nothing-sent"
        )
        assert not aurelia.problems()
        again = aurelia.release(200)
        wait(lambda: borea.received()[again], f"{PACT} goes on after all that")


def test_a_peer_is_examined_from_our_own_home_by_whoever_deals_with_peers(allies):
    url = "http://asteria.example/"

    told = allies.ask("borea", "conform", url, "--part", "seals,recall", actor="omar")
    by_analyst = allies.run("borea", "conform", url, "--part", "seals", actor="amal")

    broken = [each for each in told["findings"] if each["verdict"] == "fail"]
    held = {each["code"] for each in told["findings"] if each["verdict"] == "pass"}
    assert broken == []
    assert {"heartbeat-signed", "frames-signed", "frames-order", "heads", "replay-refused"} <= held
    assert by_analyst.exit_code == 3


def test_whoever_is_no_peer_of_it_is_told_so(allies):
    allies.wire.listeners["elsewhere.example"] = allies.wire.listeners["asteria.example"]

    done = allies.ask("borea", "conform", "http://elsewhere.example", "--part", "seals,recall")

    whys = {each["code"]: each["why"] for each in done["findings"]}
    assert whys["key-document"] is None
    assert set(whys.values()) == {None, "no-node"}


def test_the_report_reads_as_a_table(allies):
    said = allies.do("borea", "conform", "http://asteria.example", "--part", "seals", actor="omar")

    first, *_, last = said.splitlines()
    assert first.split("\t") == ["Verdict", "Level", "Section", "Rule", "Evidence", "Code"]
    assert "holds\tMUST\tborder, 5\tThe heartbeat is of now.\tGET /mithaq/heartbeat/ → 200" in said
    assert last.startswith("No MUST is broken.")
