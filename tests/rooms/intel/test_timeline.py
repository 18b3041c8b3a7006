"""What happened stands in one order, whatever dates others claim."""

import pytest

from mithaq import intel
from mithaq.intel.partners.timeline import Event, between
from tests.rooms.intel.conftest import NOW, on_both
from tests.rooms.intel.test_finding import indicator, made
from tests.rooms.intel.test_service import desk, id_, tool

__all__ = ["desk"]


def told(desk, name, **more):
    copies = desk.ask(intel.versions, name)
    return desk.ask(intel.timeline, copies, NOW, **more)


@on_both
def test_hostile_dates_are_told_and_said_to_be_odd(desk):
    first, last = "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:60.000Z"
    body = made("malware", 1, name="Old", is_family=True, first_seen="2050-01-01T00:00:00.000Z")
    desk.add(body | {"last_seen": last, "created": first, "modified": last})

    events = told(desk, body["id"])

    assert [(e.what, e.odd) for e in events] == [
        ("created", ""),
        ("received", ""),
        ("first-seen", "ahead"),
        ("modified", "unreadable"),
        ("last-seen", "unreadable"),
    ]


def test_an_indicator_may_end_in_the_future(desk):
    desk.add(indicator(7, "[domain-name:value = 'a.example']", valid_until="2100-01-01T00:00:00Z"))

    events = told(desk, indicator(7, "x")["id"])

    assert [(e.what, e.odd) for e in events][-1] == ("valid-until", "")


@pytest.mark.parametrize(
    ("body", "what", "detail"),
    [
        (made("sighting", 1, sighting_of_ref=id_(1), count=3), "sighted", "3"),
        (made("sighting", 2, sighting_of_ref=id_(1), count=0), "unseen", "0"),
        (
            made("opinion", 3, object_refs=[id_(1)], opinion="strongly-disagree"),
            "opinion",
            "strongly-disagree",
        ),
        (made("note", 4, object_refs=[id_(1)], content="Look."), "named", "note"),
    ],
)
def test_what_others_say_of_it_is_told(desk, body, what, detail):
    desk.add(tool(1), body)

    [event] = [e for e in told(desk, id_(1)) if e.id == body["id"]]

    assert (event.what, event.detail, event.clock) == (what, detail, "file:report")


@on_both
def test_a_marking_is_told_with_who_put_it(desk):
    desk.add(tool(1))
    desk.change(intel.mark, id_(1), intel.caveats(intel.Caveats(tlp="GREEN", purpose="defence")))

    [event] = [e for e in told(desk, id_(1)) if e.what == "marked"]

    assert (event.who, event.detail) == ("amal", "purposes=defence, tlp=GREEN")


def test_a_part_of_the_time_is_cut_out():
    days = ["0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5Z", "never"]
    events = [Event(at=at, what="created", id="x") for at in days]

    assert [e.at for e in between(events, "2026-01-01", "2026-01-02")] == days[1:2]
    assert [e.at for e in between(events, "", "")] == days[:3]
    assert between(events, "2026-01-02", "") == events[2:3]
