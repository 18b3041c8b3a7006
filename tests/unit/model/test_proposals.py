"""Proposals and answers are notes and opinions that any reader of STIX may keep, and say exactly what they mean."""

import json

import pytest
import stix2

from mithaq.model.objects import from_body, problems
from mithaq.model.proposals import (
    EXTENSION,
    Proposal,
    Reply,
    answer,
    definition,
    read,
    read_answer,
    written,
)

AT = "2026-03-01T12:00:00.000Z"
TOOL, NOTE, OPINION = (
    f"{type_}--00000000-0000-4000-8000-000000000001" for type_ in ("tool", "note", "opinion")
)
ASKED = Proposal(
    target=TOOL, version=AT, fields={"name": "مطرقة", "labels": None}, why="لأنه", named=True
)


def whole(id_, fields):
    at = {"created": AT, "modified": AT}
    return {"type": id_.partition("--")[0], "spec_version": "2.1", "id": id_, **at, **fields}


def test_what_is_written_is_valid_stix_and_is_read_back():
    note, opinion = (
        whole(NOTE, written(ASKED)),
        whole(OPINION, answer(Reply(proposal=NOTE, outcome="taken"))),
    )

    for body in (definition(), note, opinion):
        assert not problems(body)
        stix2.parse(json.dumps(body), allow_custom=True, version="2.1")
    assert read(from_body(note).body) == ASKED
    assert read_answer(from_body(opinion).body) == Reply(proposal=NOTE, outcome="taken")


def test_a_reply_says_why_and_which_version():
    said = Reply(proposal=NOTE, outcome="declined", why="لا", version=AT)

    assert read_answer(whole(OPINION, answer(said))) == said


@pytest.mark.parametrize(
    "change",
    [
        {"set": {}, "remove": []},
        {"set": {"modified": AT}},
        {"remove": ["granular_markings"]},
        {"set": {"name": "x"}, "remove": ["name"]},
        {"set": {"revoked": False}},
        {"set": []},
        {"target": "no id"},
        {"version": "yesterday"},
        {"extension_type": "new-sdo"},
        {"surplus": True},
    ],
)
def test_what_no_owner_could_take_proposes_nothing(change):
    note = json.loads(json.dumps(whole(NOTE, written(ASKED))))
    note["extensions"][EXTENSION] |= change

    assert read(note) is None


@pytest.mark.parametrize(
    "change",
    [{"type": "report"}, {"extensions": {}}, {"object_refs": [TOOL, NOTE]}, {"extensions": 1}],
)
def test_a_note_of_another_form_proposes_nothing(change):
    assert read(whole(NOTE, written(ASKED)) | change) is None


@pytest.mark.parametrize(
    "change",
    [
        {"type": "note"},
        {"object_refs": [NOTE, TOOL]},
        {"extensions": {EXTENSION: {"outcome": "maybe"}}},
    ],
)
def test_an_opinion_of_another_form_answers_nothing(change):
    assert (
        read_answer(whole(OPINION, answer(Reply(proposal=NOTE, outcome="taken"))) | change) is None
    )
