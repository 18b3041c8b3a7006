"""The log for operators: one JSON object a line on standard error."""

import io
import json
import sys

import pytest
import structlog

from mithaq.serve import logs


@pytest.fixture
def log():
    made = structlog.get_logger()
    logs.configure("info")
    yield made
    structlog.reset_defaults()


def test_events_go_to_standard_error_as_it_stands_when_they_happen(log, monkeypatch):
    """A log that was told of a stream that is closed by now would stop the work it tells of."""
    for event in ("first", "second"):
        with io.StringIO() as stream:
            monkeypatch.setattr(sys, "stderr", stream)
            log.info(event, peer="borea")
            [line] = stream.getvalue().splitlines()
        said = json.loads(line)
        assert (said["event"], said["level"], said["peer"]) == (event, "info", "borea")


def test_events_below_the_level_are_not_written(log, monkeypatch):
    with io.StringIO() as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        log.debug("nothing")
        assert stream.getvalue() == ""
