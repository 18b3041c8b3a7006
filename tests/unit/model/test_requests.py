"""Requests and replies are notes that any reader of STIX can read, and what is not of their form asks nothing."""

import pytest

from mithaq.model.canonical import canonical
from mithaq.model.objects import from_body, read
from mithaq.model.requests import EXTENSION, Reply, Request, definition, read_reply, reply, written
from mithaq.model.requests import read as read_request

ASKER = "identity--00000000-0000-4000-8000-000000000001"
NOTE = "note--00000000-0000-4000-8000-000000000002"
TOOL = "tool--00000000-0000-4000-8000-000000000003"
AT = "2026-03-01T12:00:00.000Z"


def note(fields):
    body = {"type": "note", "spec_version": "2.1", "id": NOTE, "created": AT, "modified": AT}
    return from_body({**body, **fields}).body


def test_what_is_asked_and_replied_comes_back_from_a_valid_note():
    asked = Request(question="من يستهدفنا؟", needed_by=AT, about=[ASKER])
    said = Reply(request=NOTE, outcome="answered", text="هم", objects=[TOOL])

    assert read_request(note(written(asked))) == asked
    assert read_reply(note(reply(said))) == said
    assert read_request(note(reply(said))) is None
    assert read_reply(note(written(asked))) is None
    assert read(canonical(definition())).id == EXTENSION


@pytest.mark.parametrize(
    "change",
    [
        {"extensions": {}},
        {"extensions": {EXTENSION: {"extension_type": "new-sdo", "kind": "information"}}},
        {"extensions": {EXTENSION: {"extension_type": "property-extension"}}},
        {"extensions": {EXTENSION: {"extension_type": "property-extension", "kind": "x", "more": 1}}},
        {"extensions": {EXTENSION: {"extension_type": "property-extension", "kind": "x", "needed_by": "soon"}}},
        {"extensions": "none"},
        {"type": "opinion"},
    ],
)  # fmt: skip
def test_what_is_of_another_form_asks_nothing(change):
    assert read_request({**note(written(Request(question="?", about=[ASKER]))), **change}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"object_refs": [TOOL]},
        {"object_refs": "none"},
        {"extensions": {EXTENSION: {"extension_type": "new-sdo", "request": NOTE, "outcome": "answered"}}},
        {"extensions": {EXTENSION: {"extension_type": "property-extension", "request": NOTE, "outcome": "yes"}}},
        {"extensions": {EXTENSION: {"extension_type": "property-extension", "request": "x", "outcome": "nothing"}}},
    ],
)  # fmt: skip
def test_what_is_of_another_form_replies_to_nothing(change):
    assert (
        read_reply({**note(reply(Reply(request=NOTE, outcome="nothing", text="-"))), **change})
        is None
    )
