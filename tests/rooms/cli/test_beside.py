"""What happens beside a long command is a sentence at the terminal, and a line of the log in the home."""

import json
import logging
import threading
from io import StringIO

import pytest
import structlog
from rich.console import Console

from mithaq.cli import beside as telling
from mithaq.cli.beside import beside
from mithaq.cli.screen import Screen
from mithaq.languages import catalogue


@pytest.fixture
def terminal():
    said = StringIO()
    console = Console(file=said, width=500, force_terminal=False)
    return said, lambda lang: Screen(words=catalogue("mithaq.cli", lang), out=console, err=console)


def written(home):
    return [json.loads(line) for line in (home / "logs" / "watch.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_people_are_told_sentences_once_and_the_log_has_each_line(terminal, tmp_path, language):
    said, screen = terminal
    with beside(screen(language), tmp_path, "watch"):
        for _ in range(3):
            structlog.get_logger().warning("sink-not-told", sink="siem", why="cannot write: x")
        structlog.get_logger().info("stream-trouble", kind="TimeoutError")
        logging.getLogger("some.library").warning("socket.accept() out of system resource")
        fallen = threading.Thread(target=lambda: 1 / 0, name="mithaq-x")
        fallen.start()
        fallen.join()
    told = said.getvalue().strip().splitlines()

    assert len(told) == 2
    assert "siem" in told[0]
    assert "ZeroDivisionError" in told[1]
    assert str(tmp_path / "logs") in told[1]
    for sign in ("{", "[", "Traceback", "sink-not-told"):
        assert sign not in said.getvalue()
    events = [each["event"] for each in written(tmp_path)]
    assert events == ["sink-not-told"] * 3 + ["stream-trouble", "library", "fault"]
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_stops_nothing_and_one_that_is_large_is_put_by(
    terminal, tmp_path, monkeypatch
):
    said, screen = terminal
    monkeypatch.setattr(telling, "_MOST", 500)
    before = structlog.get_config()
    with beside(screen("en"), tmp_path, "watch"):
        for number in range(30):
            structlog.get_logger().info("stream-trouble", number=number)
    (tmp_path / "no").write_text("a file where a folder would be")
    with beside(screen("en"), tmp_path / "no", "watch"):
        structlog.get_logger().info("stream-back", server="nats://192.0.2.1:4222")
    with beside(screen("en"), None, "forward"):
        structlog.get_logger().info("stream-back", server="nats://192.0.2.2:4222")

    assert sum(file.stat().st_size for file in (tmp_path / "logs").iterdir()) < 1200
    assert said.getvalue().count("answers again") == 2
    assert structlog.get_config() == before
