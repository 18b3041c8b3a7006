"""A release taken back, typed at two terminals: who had it, the order, the receipts, and a client by hand."""

import pytest

from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import names, taken_in

FIRST = indicator(1, "")["id"]
WRONG = ("--cause", "wrong", "--basis", "case 12")


@pytest.fixture
def shared(allies):
    """Asteria's indicator is at Borea."""
    numbers = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.settle()
    assert "first stage" in names(allies, "borea")
    return allies


def test_a_preview_names_who_had_it_and_takes_nothing_back(shared):
    said = shared.do("asteria", "recall", FIRST, *WRONG, "--preview", actor="lina")
    shared.settle()

    assert "borea" in said
    assert "Nothing has been sent." in said
    assert "first stage" in names(shared, "borea")


def test_a_recall_is_asked_about_and_a_no_takes_nothing_back(shared):
    no = shared.run("asteria", "recall", FIRST, *WRONG, actor="lina", typed="n\n")
    shared.settle()

    assert no.exit_code == 1
    assert "first stage" in names(shared, "borea")
    assert shared.ask("asteria", "receipts", actor="lina") == []


def test_when_the_command_returns_the_row_is_gone_and_the_receipt_follows(shared):
    [given] = shared.ask("asteria", "recall", FIRST, *WRONG, "--yes", actor="lina")
    with shared.nodes["asteria"].shelf.read() as unit:
        rows = unit.exec_driver_sql("SELECT * FROM shelf_rows WHERE id = ?", (FIRST,)).all()
    [before] = shared.ask("asteria", "receipts", actor="lina")
    shared.settle()
    after = shared.ask("asteria", "receipts", given["order"][:6], actor="lina")
    [there] = shared.ask("borea", "receipts", "--received", actor="lina")

    assert rows == []
    assert (before["asked"], before["missing"], before["overdue"]) == (1, 1, 0)
    assert (after["person"], after["basis"], after["cause"]) == ("lina", "case 12", "wrong")
    [receipt] = after["receipts"]
    assert (receipt["peer"], receipt["outcome"], receipt["proof"]) == ("borea", "deleted", "signed")
    assert receipt["seal"].startswith("sha256:")
    assert (there["from"], there["id"]) == ("asteria", FIRST)
    assert "first stage" not in names(shared, "borea")
    assert shared.run("borea", "show", FIRST, actor="amal").exit_code == 4


def test_who_recalls_again_is_told_of_the_recall_before(shared):
    first = shared.do("asteria", "recall", FIRST, *WRONG, "--yes", actor="lina")
    again = shared.do("asteria", "recall", FIRST, *WRONG, "--preview", actor="lina")

    assert "It was recalled before" not in first
    assert "It was recalled before" in again


def test_what_is_late_is_called_overdue(shared):
    shared.wire.fault = lambda wire, sender, request: wire.deliver("nowhere", request)
    shared.do("asteria", "recall", FIRST, *WRONG, "--deadline", "1h", "--yes", actor="lina")
    shared.clock.step(3601)

    [row] = shared.ask("asteria", "receipts", actor="lina")

    assert (row["missing"], row["overdue"]) == (1, 1)


def test_who_may_not_recall_and_what_was_never_released(shared):
    numbers = taken_in(shared, indicator(4, "kept here"), tlp="AMBER")

    by_analyst = shared.run("asteria", "recall", FIRST, *WRONG, "--yes", actor="amal")
    by_partner = shared.run("borea", "recall", FIRST, *WRONG, "--yes", actor="lina")
    never = shared.run("asteria", "recall", *numbers, *WRONG, "--yes", actor="lina")
    unknown = shared.run("asteria", "recall", FIRST, "--cause", "mood", "--yes", actor="lina")

    codes = [each.exit_code for each in (by_analyst, by_partner, never, unknown)]
    assert codes == [3, 4, 4, 2]
    assert "wrong, confidential, legal, other" in unknown.stderr


def test_a_recall_is_in_the_log_with_who_ordered_it_and_whom_it_is_for(shared):
    shared.do("asteria", "recall", FIRST, *WRONG, "--yes", actor="lina")
    shared.settle()

    given = shared.ask("asteria", "log", "list", FIRST, actor="lina")
    there = shared.ask("borea", "log", "list", FIRST, actor="lina")

    [order] = [leaf for leaf in given if leaf["kind"] == "recall"]
    assert (order["by"], order["to"], order["cause"]) == ("lina", ["borea"], "wrong")
    assert [leaf["copies"] for leaf in there if leaf["kind"] == "recalled"] == [1]
