"""From two empty folders to intelligence that crossed, with its reasons and its proof, typed at two terminals."""

import json

import msgspec

from mithaq.audit import log, subjects
from mithaq.clock import text
from mithaq.exchange.wire import Request
from mithaq.languages import catalogue
from mithaq.model.canonical import digest
from mithaq.policy.agreement import Agreement, Clause
from tests.journeys.conftest import PACT, bundle, indicator

STRICT = indicator(2, "second stage")["id"]


def taken_in(town, *objects, tlp):
    file = bundle(town.folder, *objects, name=f"{tlp}.json")
    [result] = town.ask("asteria", "import", file, "--own", "--tlp", tlp, actor="amal")
    assert not result["rejected"]
    return [str(number) for number in result["objects"]]


def names(town, nation):
    return {row["name"] for row in town.ask(nation, "search", actor="amal")} - {nation, ""}


def test_nothing_passes_before_both_have_typed_the_words_they_heard(town):
    for nation in ("asteria", "borea"):
        town.found(nation)
    wrong = " ".join(["abandon"] * 12)

    shown = town.do("asteria", "peer", "add", "http://borea.example", actor="omar", typed="\n")
    refused = town.run("asteria", "peer", "confirm", "borea", "--words", wrong, actor="omar")
    state = [row["state"] for row in town.ask("asteria", "peer", "list")]
    right = town.run(
        "asteria", "peer", "confirm", "borea", "--words", town.words("borea"), actor="omar"
    )

    for word in town.words("asteria").split():
        assert word in shown  # ours, to read out
    assert refused.exit_code == 2
    assert "wrong-words" in refused.stderr
    assert state == ["met"]
    assert right.exit_code == 0
    assert [row["state"] for row in town.ask("asteria", "peer", "list")] == ["confirmed"]


def test_their_words_are_asked_for_at_the_terminal(town):
    for nation in ("asteria", "borea"):
        town.found(nation)

    typed = town.words("borea").upper().replace(" ", "-") + "\n"
    town.do("asteria", "peer", "add", "http://borea.example", actor="omar", typed=typed)

    assert [row["state"] for row in town.ask("asteria", "peer", "list")] == ["confirmed"]


def test_an_agreement_is_drafted_signed_by_both_and_in_force(town):
    for nation in ("asteria", "borea"):
        town.found(nation)
    town.befriend("asteria", "borea")
    town.do(
        "asteria",
        "agreement",
        "new",
        "--template",
        "team-to-team",
        "--party",
        "borea",
        "--id",
        "north",
    )

    proposed = town.ask("asteria", "agreement", "propose", "north.toml", actor="lina")
    town.settle()
    there = town.ask("borea", "agreement", "list")
    signed = town.ask("borea", "agreement", "sign", "north", actor="lina")
    town.settle()

    assert proposed["state"] == "proposed"
    assert [(row["agreement"], row["state"]) for row in there] == [("north", "proposed")]
    assert signed["state"] == "in-force"
    assert town.ask("asteria", "agreement", "list")[0]["state"] == "in-force"
    assert town.ask("asteria", "agreement", "show", "north")["id"] == "north"
    assert town.ask("asteria", "status")["agreements"][0]["signed"] == ["asteria", "borea"]


def test_a_partner_sees_all_that_it_would_sign_and_can_keep_the_exact_text(allies):
    said = allies.do("borea", "agreement", "show", "pact", "--out", "pact.json")
    words = catalogue("mithaq.cli", "en").sentences
    exact = (allies.folder / "pact.json").read_bytes()
    text = msgspec.json.decode(exact, type=Agreement)

    structs = (Agreement, Clause)
    for field in (field for each in structs for field in msgspec.structs.fields(each)):
        if field.name not in {"id", "clauses", "direction"}:
            assert words[f"head.{field.name}"] in said, field.name
    for clause in text.clauses:
        assert clause.id in said
    assert digest(exact) in said


def test_what_may_go_goes_and_arrives(allies):
    numbers = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")

    told = allies.ask("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.settle()

    assert told["peers"] == [{"peer": "borea", "goes": 1, "waits": 0, "stays": 0, "reasons": []}]
    assert names(allies, "borea") >= {"first stage"}
    [row] = allies.ask("borea", "search", "first", actor="amal")
    assert (row["marking"], row["from"], row["agreement"]) == ("TLP:AMBER", "asteria", "pact")


def test_what_stays_is_explained_by_its_clause_and_nothing_arrives(allies):
    numbers = taken_in(allies, indicator(3, "for our eyes"), tlp="RED")

    told = allies.ask("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    [why] = allies.ask("asteria", "explain", *numbers, "--to", "borea", actor="amal")
    allies.settle()

    assert told["peers"][0]["stays"] == 1
    assert why["verb"] == "stays"
    assert any("technical" in sentence and "RED" in sentence for sentence in why["sentences"])
    assert "for our eyes" not in names(allies, "borea")


def test_a_preview_sends_nothing_and_says_so(allies):
    numbers = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")

    said = allies.do(
        "asteria", "release", *numbers, "--agreement", "pact", "--preview", actor="amal"
    )
    allies.settle()

    assert "Nothing has been sent." in said
    assert "first stage" not in names(allies, "borea")


def test_strict_waits_for_a_second_person_with_a_key_of_their_own(allies):
    numbers = taken_in(allies, indicator(2, "second stage"), tlp="AMBER+STRICT")
    told = allies.ask("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.settle()
    assert told["waiting"] == [int(each) for each in numbers]
    assert "second stage" not in names(allies, "borea")

    [waits] = allies.ask("asteria", "queue", actor="lina")
    as_amal = allies.run(
        "asteria", "approve", STRICT, "--key", allies.key("asteria", "amal"), "--yes", actor="lina"
    )
    no = allies.run(
        "asteria",
        "approve",
        STRICT,
        "--key",
        allies.key("asteria", "lina"),
        actor="lina",
        typed="n\n",
    )
    yes = allies.run(
        "asteria",
        "approve",
        STRICT,
        "--key",
        allies.key("asteria", "lina"),
        actor="lina",
        typed="y\n",
    )
    allies.settle()

    assert (waits["peers"], waits["needs"], waits["proposer"]) == (
        ["borea"],
        ["second-person"],
        "amal",
    )
    assert as_amal.exit_code == 3
    assert no.exit_code == 1
    assert "Nothing was done." in no.stderr
    assert yes.exit_code == 0, yes.output
    assert "n2.example" in yes.stdout  # the exact bytes were on the screen
    assert allies.ask("asteria", "queue", actor="lina") == []
    assert "second stage" in names(allies, "borea")


def test_who_proposed_cannot_approve(town):
    for nation in ("asteria", "borea"):
        town.found(nation)
    both = town.key("asteria", "both")
    about = ("--role", "analyst,duty-officer", "--clearance", "RED", "--key", both)
    town.do("asteria", "actor", "add", "both", *about, actor="omar")
    town.befriend("asteria", "borea")
    town.agree(PACT, "asteria", "borea")
    numbers = taken_in(town, indicator(2, "second stage"), tlp="AMBER+STRICT")
    town.do("asteria", "release", *numbers, "--agreement", "pact", actor="both")

    alone = town.run("asteria", "approve", *numbers, "--key", both, "--yes", actor="both")

    assert alone.exit_code == 3
    assert len(town.ask("asteria", "queue", actor="both")) == 1


def test_a_release_is_proved_to_who_has_only_the_key_document(allies):
    [number] = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", number, "--agreement", "pact", actor="amal")
    proof, keys, others = (allies.folder / name for name in ("proof.json", "keys.json", "b.json"))
    for nation, file in (("asteria", keys), ("borea", others)):
        request = Request(method="GET", url=f"http://{nation}.example/mithaq/keys/")
        file.write_bytes(allies.wire.deliver(f"{nation}.example", request).body)

    id_ = indicator(1, "")["id"]
    allies.do("asteria", "log", "prove", id_, "--peer", "borea", "--out", proof, actor="lina")
    nowhere = "not-a-home"
    checked = allies.ask(nowhere, "log", "check", proof, "--keys", keys)
    by_others = allies.run(nowhere, "log", "check", proof, "--keys", others)
    proof.write_text(proof.read_text().replace("borea", "caria"))
    forged = allies.run(nowhere, "log", "check", proof, "--keys", keys)

    assert checked["origin"] == "asteria"
    assert [(r["kind"], r["id"], r["peer"]) for r in checked["records"]] == [
        ("release", id_, "borea")
    ]
    assert (by_others.exit_code, forged.exit_code) == (1, 1)


def test_a_suspended_agreement_shows_nothing_as_soon_as_the_command_returns(allies):
    [number] = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", number, "--agreement", "pact", actor="amal")
    allies.workers["asteria"].show()

    def shelves():
        with allies.nodes["asteria"].shelf.read() as unit:
            rows = unit.exec_driver_sql("SELECT state FROM shelves WHERE title <> ''").all()
        return [row.state for row in rows]

    before = shelves()
    allies.do("asteria", "agreement", "suspend", "pact", actor="lina")
    after = shelves()

    assert before == ["open"]
    assert after == ["closed"]
    assert allies.ask("asteria", "agreement", "list")[0]["state"] == "suspended"
    allies.settle()
    assert allies.ask("borea", "agreement", "list")[0]["state"] == "suspended"


def test_an_end_is_asked_about_and_is_for_good(allies):
    said_no = allies.run("asteria", "agreement", "end", "pact", actor="lina", typed="\n")
    still = allies.ask("asteria", "agreement", "list")[0]["state"]
    allies.do("asteria", "agreement", "end", "pact", "--yes", actor="lina")
    again = allies.run("asteria", "agreement", "resume", "pact", actor="lina")

    assert said_no.exit_code == 1
    assert still == "in-force"
    assert allies.ask("asteria", "agreement", "list")[0]["state"] == "ended"
    assert again.exit_code == 5


def test_a_draft_is_simulated_against_the_text_in_force_before_anybody_signs(allies):
    taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    taken_in(allies, indicator(4, "open"), tlp="CLEAR")
    draft = allies.folder / "narrower.toml"
    draft.write_text(
        PACT.replace("version = 1", "version = 2").replace('max_tlp = "AMBER"', 'max_tlp = "GREEN"')
    )

    told = allies.ask("asteria", "agreement", "simulate", draft, "--last", "1d", actor="amal")

    assert told["in_force"] == 1
    assert [(p["peer"], p["goes"]) for p in told["peers"]] == [("borea", 1)]
    moves = [(c["move"], c["tlp"], c["count"]) for c in told["changes"]]
    assert moves == [("no-longer-goes", "TLP:AMBER", 1)]


def test_a_narrower_text_is_signed_once_the_shelf_shows_nothing_of_before(allies):
    draft = allies.folder / "narrower.toml"
    draft.write_text(
        PACT.replace("version = 1", "version = 2").replace('max_tlp = "AMBER"', 'max_tlp = "GREEN"')
    )
    allies.ask("borea", "agreement", "propose", draft, actor="lina")
    allies.settle()

    allies.ask("asteria", "agreement", "sign", "pact", actor="lina")

    def state():
        with allies.nodes["asteria"].shelf.read() as unit:
            query = "SELECT state FROM shelves WHERE peer = 'borea'"
            return unit.exec_driver_sql(query).scalar_one()

    assert state() == "blocked"
    allies.settle()
    assert state() == "open"


def test_what_is_on_no_open_shelf_is_not_counted_as_there(allies):
    [number] = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", number, "--agreement", "pact", actor="amal")
    allies.settle()
    before = counted(allies)
    allies.do("asteria", "agreement", "end", "pact", "--yes", actor="lina")
    after = counted(allies)

    assert before == ([("borea", "pact", 1)], 1)
    assert after == ([], 0)


def counted(allies):
    """Return the open shelves with how much is on each, and how many rows a check counts."""
    shelves = allies.ask("asteria", "status")["shelves"]
    told = [(each["peer"], each["agreement"], each["objects"]) for each in shelves]
    return told, allies.ask("asteria", "verify")["rows"]


def test_the_log_is_counted_without_its_padding(allies):
    before = allies.ask("asteria", "status")
    allies.clock.step(3700)
    allies.settle()
    after = allies.ask("asteria", "status")

    assert before["log"] <= after["log"] < before["log"] + 20
    assert after["padding"] > 0
    assert (after["log"] + after["padding"]) % 256 in range(20)


def test_a_removed_peer_is_a_stranger_at_once(allies):
    asked = Request(method="GET", url="http://asteria.example/mithaq/heartbeat/")
    allies.do("asteria", "peer", "remove", "borea", "--yes", actor="lina")

    with allies.nodes["asteria"].shelf.read() as unit:
        callers = unit.exec_driver_sql("SELECT name FROM callers").all()

    assert callers == []
    assert allies.ask("asteria", "peer", "list") == []
    assert allies.wire.deliver("asteria.example", asked).status in {401, 404}


def test_a_client_gets_a_token_once_and_loses_it_at_once(town):
    town.found("asteria")
    town.do("asteria", "peer", "add", "--taxii", "siem", "--constituency-of-us", actor="omar")
    token = town.do("asteria", "token", "create", "--peer", "siem", actor="omar").strip()
    town.workers["asteria"].show()
    headers = {"authorization": f"Bearer {token}", "accept": "application/taxii+json;version=2.1"}
    discover = Request(method="GET", url="http://asteria.example/taxii2/", headers=headers)

    before = town.wire.deliver("asteria.example", discover).status
    town.do("asteria", "token", "revoke", "--peer", "siem", actor="omar")
    after = town.wire.deliver("asteria.example", discover).status

    assert (before, after) == (200, 401)


def test_a_node_whose_books_were_changed_does_not_verify(allies):
    taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    whole = allies.ask("asteria", "verify")
    with allies.nodes["asteria"].core.begin() as unit:
        unit.exec_driver_sql("UPDATE leaves SET record = CAST(record || ' ' AS BLOB) WHERE idx = 3")
        unit.exec_driver_sql("UPDATE bodies SET body = x'7b7d'")

    broken = allies.run("asteria", "verify", "--json")

    assert whole["problems"] == []
    assert broken.exit_code == 1
    assert {row["part"] for row in json.loads(broken.stdout)["problems"]} >= {"log", "bodies"}


def test_what_is_shown_without_a_release_does_not_verify(allies):
    [number] = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", number, "--agreement", "pact", actor="amal")
    allies.workers["asteria"].show()
    allies.do("asteria", "verify")
    with allies.nodes["asteria"].core.begin() as unit:
        unit.exec_driver_sql('DELETE FROM "rows"')

    assert allies.run("asteria", "verify").exit_code == 1


def test_a_no_keeps_it_here_and_takes_it_off_the_queue(allies):
    numbers = taken_in(allies, indicator(2, "second stage"), tlp="AMBER+STRICT")
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")

    by_analyst = allies.run("asteria", "decline", *numbers, actor="amal")
    allies.do("asteria", "decline", *numbers, actor="lina")
    allies.settle()

    assert by_analyst.exit_code == 3
    assert allies.ask("asteria", "queue", actor="lina") == []
    assert "second stage" not in names(allies, "borea")


def test_a_proof_signed_by_another_than_whose_log_it_claims_does_not_hold(allies):
    [number] = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", number, "--agreement", "pact", actor="amal")
    node, other = allies.nodes["asteria"], allies.nodes["borea"]
    with node.core.begin() as unit:  # asteria's log, its head signed by borea in asteria's name
        head = log.checkpoint(unit, ("asteria", "live"), other.us.signer, allies.clock())
        [index, *_] = [at for at, _ in subjects.find(unit, indicator(1, "")["id"])]
        allies.folder.joinpath("proof.json").write_bytes(log.prove(unit, [index], head))
    keys = []
    for nation in ("asteria", "borea"):
        request = Request(method="GET", url=f"http://{nation}.example/mithaq/keys/")
        file = allies.folder / f"{nation}.keys"
        file.write_bytes(allies.wire.deliver(f"{nation}.example", request).body)
        keys += ["--keys", file]

    done = allies.run("nowhere", "log", "check", "proof.json", *keys)

    assert done.exit_code == 1


def test_the_queue_names_an_object_only_to_who_may_read_it(allies):
    about = ("--role", "duty-officer", "--clearance", "GREEN", "--key", "low.pem")
    allies.do("asteria", "actor", "add", "low", *about, actor="omar")
    numbers = taken_in(allies, indicator(2, "second stage"), tlp="AMBER+STRICT")
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")

    [hidden] = allies.ask("asteria", "queue", actor="low")
    [seen] = allies.ask("asteria", "queue", actor="lina")

    assert (hidden["name"], hidden["id"], hidden["number"]) == ("", "", int(numbers[0]))
    assert (seen["name"], seen["id"]) == ("second stage", STRICT)


def test_a_peer_whose_heartbeat_ran_out_is_shown_as_silent(allies):
    allies.settle()
    before = allies.ask("asteria", "status")["peers"][0]["state"]
    allies.clock.step(3600)
    after = allies.ask("asteria", "status")["peers"][0]["state"]

    assert (before, after) == ("confirmed", "silent")


def test_a_no_is_explained_by_whose_it_is_and_when_until_it_is_proposed_anew(allies):
    numbers = taken_in(allies, indicator(2, "second stage"), tlp="AMBER+STRICT")
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.do("asteria", "decline", *numbers, actor="lina")

    asked = ("asteria", "explain", *numbers, "--to", "borea")
    [told] = allies.ask(*asked, actor="amal")
    said = {at: allies.do(*asked, actor="amal", language=at) for at in ("en", "fr", "ar")}

    assert (told["verb"], told["declined_by"]) == ("stays", "lina")
    assert told["declined_at"] <= text(allies.clock())
    assert all("lina" in each and told["declined_at"] in each for each in said.values())
    [other] = allies.ask(*asked, "--purpose", "exercise", actor="amal")
    assert "declined_by" not in other
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    [told] = allies.ask(*asked, actor="amal")
    assert (told["verb"], "declined_by" in told) == ("waits", False)
