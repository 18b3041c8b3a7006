"""Breaking off with a partner at a terminal: seen beforehand, done in one act, packed, checked, lifted by two."""

from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import names, taken_in

WHY = ("--reason", "case 12", "--basis", "decree 3")


def test_a_partner_is_broken_off_with_packed_up_and_dealt_with_again(allies):
    numbers = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.settle()

    seen = allies.do("asteria", "rupture", "borea", *WHY, "--preview", actor="lina")
    no = allies.run("asteria", "rupture", "borea", *WHY, actor="lina", typed="n\n")
    assert "pact" in seen
    assert no.exit_code == 1
    assert allies.ask("asteria", "rupture", "list", actor="lina") == []

    out = allies.folder / "pack"
    done = allies.ask("asteria", "rupture", "borea", *WHY, "--yes", "--out", out, actor="lina")
    allies.settle()

    assert (done["suspended"], done["ordered"]) == (["pact"], 1)
    assert "first stage" not in names(allies, "borea")
    [row] = allies.ask("asteria", "rupture", "list", actor="lina")
    assert (row["party"], row["person"], row["reason"]) == ("borea", "lina", "case 12")
    [receipt] = allies.ask("asteria", "receipts", actor="lina")
    assert (receipt["cause"], receipt["missing"]) == ("rupture", 0)
    [told] = allies.ask("borea", "rupture", "list", actor="lina")
    assert (told["by"], told["party"], told["reason"]) == ("asteria", "borea", "")


def test_the_pack_is_checked_and_two_persons_lead_back(allies):
    again = allies.folder / "again"
    allies.do("asteria", "rupture", "borea", *WHY, "--yes", "--keep", actor="lina")
    allies.do("asteria", "rupture", "pack", "borea", "--out", again, actor="lina")

    assert "as it was signed" in allies.do("asteria", "rupture", "check", again)
    (again / "receipts.json").write_bytes(b"[]")
    assert allies.run("asteria", "rupture", "check", again).exit_code == 6
    assert allies.run("asteria", "rupture", "check", allies.folder / "nowhere").exit_code == 2

    roles = ("--role", "director", "--clearance", "RED", "--key", allies.key("asteria", "dora"))
    allies.do("asteria", "actor", "add", "dora", *roles, actor="omar")
    dora = ("--with", "dora", "--key", allies.key("asteria", "dora"), "--yes")
    lina = ("--with", "lina", "--key", allies.key("asteria", "lina"), "--yes")
    alone = allies.run("asteria", "rupture", "lift", "borea", *lina, actor="lina")
    analyst = allies.run("asteria", "rupture", "lift", "borea", *dora, actor="amal")
    both = allies.run("asteria", "rupture", "lift", "borea", *dora, actor="lina")

    assert [each.exit_code for each in (alone, analyst, both)] == [3, 3, 0]
    assert allies.ask("asteria", "rupture", "list", actor="lina") == []
    past = allies.ask("asteria", "rupture", "list", "--past", actor="lina")
    assert [row["rupture"] for row in past] == ["lifted", "standing"]
