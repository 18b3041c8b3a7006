"""A match is known by its rule and its event alone."""

import pytest

from mithaq.detect import assets
from mithaq.detect.matches import Match
from mithaq.model.telemetry import Event, LogSource

MATCH = {"rule": "r", "digest": "sha256:1", "title": "T", "event": "sha256:2"}


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ({"title": "U", "level": "high", "found": {"Image": "x"}, "source": LogSource("windows")}, True),
        ({"digest": "sha256:3"}, False),
        ({"event": "sha256:3"}, False),
    ],
)  # fmt: skip
def test_a_match_found_again_is_the_same_match(more, same):
    assert (Match(**MATCH).id == Match(**(MATCH | more)).id) is same


def test_an_event_is_known_by_its_bytes():
    one, other = (Event(fields={"a": n}, raw=b"same") for n in (1, 2))
    assert one.digest == other.digest != Event(fields={"a": 1}, raw=b"other").digest
    assert one.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"Computer": "WS-7.gov.example", "src_ip": "192.0.2.1"}, "ws-7.gov.example"),
        ({"host.name": "ws-7"}, "ws-7"),
        ({"id.orig_h": "192.0.2.1", "id.resp_h": "203.0.113.9"}, "192.0.2.1"),
        ({"Computer": "", "Image": "x"}, ""),
    ],
)
def test_an_event_is_about_the_machine_that_its_log_source_names(fields, name):
    assert assets.of(Event(fields=fields, raw=b"")) == name
