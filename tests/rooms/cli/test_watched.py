"""How sources do fits on a screen of 80 columns: no instant and no head is torn apart."""

import re
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from mithaq.cli import watched
from tests.rooms.cli.test_screen import plain, printed, screen

NOW = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
KEPT = "2026-11-30T22:59:50.000Z"
FACTS = {"running": True, "events": 1234567, "last": "2026-11-30T22:59:49.123Z", "behind": 4096}
WAITS = {"waiting": 3, "waiting_since": "2026-11-30T22:40:00.000Z"}
NAME = "/srv/telemetry/collected/zeek/of/the/ministry"


def rows():
    ahead = watched.source(NAME, KEPT, FACTS | WAITS, NOW)
    return [ahead, watched.source("syslog://127.0.0.1:5514", KEPT, FACTS | {"behind": 0}, NOW)]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_no_instant_and_no_head_is_torn_apart_at_80_columns(language):
    made = screen(language, terminal=True)
    watched.show(made, rows(), [], [])
    lines = [plain(line) for line in printed(made).splitlines()]
    heads = " ".join(lines[:5])

    assert sum("2026-11-30 22:59:49Z" in line for line in lines) == 2
    for name in ("source", "running", "events", "event_last"):
        assert all(word in heads for word in plain(made.head(name)).split())
    assert max(map(cell_len, lines[:5])) <= 80  # sentences are for the terminal to break


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_what_was_not_read_yet_is_told_of_the_sources_where_something_waits_alone(language):
    made = screen(language, terminal=True)
    watched.show(made, rows(), [], [])
    said = " ".join(plain(printed(made)).split())

    assert re.search(r"zeek/of/the/ministry\D* 4096\D* 3\D*2026-11-30T22:40:00", said)
    assert said.count("4096") == 1


def test_a_program_is_given_a_line_of_each_source_with_all_of_it():
    made = screen()
    watched.show(made, rows(), [], [])
    _, first, *_ = [line.split("\t") for line in printed(made).splitlines()]

    assert first[4:7] == ["4096", "3", "2026-11-30T22:40:00.000Z"]
