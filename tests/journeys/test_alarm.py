"""An alarm at a terminal: seen, shown, handed out, checked by others, and closed."""

import json

import pytest

from mithaq.exchange.wire import PeerUnreachable

DAY = 86400


@pytest.fixture
def silent(allies):
    """Borea falls silent."""
    allies.settle()

    def away(_wire, sender, request):
        if "borea" in (sender, request.url.split("/")[2].split(".")[0]):
            raise PeerUnreachable("away")

    allies.wire.fault = away
    allies.clock.step(DAY)
    allies.settle()
    return allies


def documents(town, *nations):
    """The key documents of nations, as anybody can fetch them."""
    found = []
    for nation in nations:
        file = town.folder / f"{nation}-keys.json"
        with town.nodes[nation].core.read() as unit:
            query = "SELECT envelope FROM key_documents WHERE party = ?"
            file.write_bytes(unit.exec_driver_sql(query, (nation,)).scalar_one())
        found += ["--keys", file]
    return found


def test_an_alarm_is_counted_shown_checked_by_others_and_closed(silent):
    assert silent.ask("asteria", "status", actor="lina")["alarms"] == 1
    [alarm] = silent.ask("asteria", "alarm", "list", actor="lina")
    shown = silent.do("asteria", "alarm", "show", "1", actor="lina")
    file = silent.folder / "evidence.json"
    silent.do("asteria", "alarm", "export", "1", "--out", file, actor="lina")
    holds = silent.run("nobody", "alarm", "check", file, *documents(silent, "borea"))
    other = silent.run("nobody", "alarm", "check", file, *documents(silent, "asteria"))
    broken = silent.folder / "broken.json"
    broken.write_bytes(file.read_bytes().replace(b'"at": "2026', b'"at": "2020'))
    bent = silent.run("nobody", "alarm", "check", broken, *documents(silent, "borea"))

    assert (alarm["alarm"], alarm["accused"], alarm["why"]) == ("silence", "borea", "expired")
    assert "borea has not been heard" in shown
    assert json.loads(silent.do("asteria", "alarm", "export", "1", actor="lina"))
    assert (holds.exit_code, other.exit_code, bent.exit_code) == (0, 1, 1)

    nobody = silent.run("asteria", "alarm", "close", "1", "--reason", "x", actor="amal")
    silent.do("asteria", "alarm", "close", "1", "--reason", "they move house", actor="lina")
    assert nobody.exit_code == 3
    assert silent.ask("asteria", "alarm", "list", actor="lina") == []
    [closed] = silent.ask("asteria", "alarm", "list", "--all", actor="lina")
    assert (closed["state"], closed["closed_by"]) == ("closed", "lina")
    assert (
        silent.run("asteria", "alarm", "close", "1", "--reason", "x", actor="lina").exit_code == 5
    )
    assert silent.run("asteria", "alarm", "show", "9", actor="lina").exit_code == 4


def test_a_peer_that_speaks_again_closes_its_alarm(silent):
    silent.wire.fault = None
    silent.clock.step(600)
    silent.settle()

    assert silent.ask("asteria", "alarm", "list", actor="lina") == []
    [closed] = silent.ask("asteria", "alarm", "list", "--all", actor="lina")
    assert (closed["closed_by"], closed["reason"]) == ("", "spoke-again")
    assert silent.ask("asteria", "status", actor="lina")["alarms"] == 0
