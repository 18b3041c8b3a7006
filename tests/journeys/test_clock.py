"""The clock at a terminal: who witnesses it, when it is in doubt, and how a person lets it count again."""

from mithaq.border import clocks
from tests.journeys.conftest import bundle, indicator

HOUR = 3600


def minded(town, nation):
    """Let a nation's worker look at the machine's clock, as it does while it serves."""
    town.workers[nation].mind_clock()


def test_a_peer_is_made_a_time_witness_and_dismissed(allies):
    before = allies.ask("asteria", "clock", actor="lina")
    said = allies.do("asteria", "peer", "clock", "borea", actor="omar")
    allies.clock.step(HOUR)  # its next heartbeat comes
    allies.settle()
    told = allies.ask("asteria", "clock", actor="lina")
    forbidden = allies.run("asteria", "peer", "clock", "borea", "--off", actor="amal")
    nobody = allies.run("asteria", "peer", "clock", "corvia", actor="omar")
    off = allies.do("asteria", "peer", "clock", "borea", "--off", actor="omar")

    assert before["time_witnesses"] == []
    assert "borea" in said
    assert told["time_witnesses"][0].startswith("borea 2026-")
    assert (forbidden.exit_code, nobody.exit_code) == (3, 4)
    assert "our own clock alone" in off
    assert allies.ask("asteria", "status", actor="lina")["clock"]["time_witnesses"] == []


def test_a_clock_that_jumped_is_told_in_status_and_counts_again_when_a_person_says_so(
    allies, monkeypatch
):
    monkeypatch.setattr(clocks, "monotonic", lambda: 0.0)  # no time passes
    minded(allies, "asteria")
    assert "Our clock jumped" not in allies.do("asteria", "status", actor="lina")
    early = allies.run("asteria", "clock", "--right", "--yes", actor="omar")

    allies.clock.step(HOUR)
    minded(allies, "asteria")

    assert "Our clock jumped" in allies.do("asteria", "status", actor="lina")
    assert "mithaq clock --right" in allies.do("asteria", "clock", actor="lina")
    preview = ("release", "--agreement", "pact", "--preview", "1")
    file = bundle(allies.folder, indicator(1, "Loader"))
    allies.do("asteria", "import", file, "--own", "--tlp", "GREEN", actor="amal")
    assert "Our clock jumped" in allies.do("asteria", *preview, actor="amal")
    told = allies.ask("asteria", "clock", actor="lina")
    assert told["opens"] == told["believed"] < told["closes"] == told["clock"]
    forbidden = allies.run("asteria", "clock", "--right", "--yes", actor="amal")
    assert (early.exit_code, forbidden.exit_code) == (5, 3)

    assert "counts again" in allies.do("asteria", "clock", "--right", "--yes", actor="omar")
    assert allies.ask("asteria", "clock", actor="lina")["believed"] == ""
    assert "clock-doubted" not in allies.ask("asteria", "status", actor="lina")["warnings"]
