"""Objects as people write them: what a field takes, what a version may change, and what differs."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.intel.authoring import drafts
from mithaq.intel.authoring.drafts import NoSuchField, Revoked
from mithaq.model.labels import Beside, Pap, Tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.model.objects import InvalidObject
from mithaq.model.values import of_kind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
US = "identity--00000000-0000-4000-8000-000000000001"


def malware(**more):
    return drafts.first("malware", {"name": "لبلاب", "is_family": True, **more}, US, NOW)


def test_each_field_is_read_by_its_kind():
    read = drafts.fields(
        "malware",
        ["is_family=TRUE", "first_seen=2026-01-02", "aliases=a,b", "aliases=c", "confidence=80", "lang="],
    )  # fmt: skip

    assert read == {
        "is_family": True, "first_seen": "2026-01-02T00:00:00.000Z", "aliases": ["a,b", "c"], "confidence": 80,
        "lang": None,
    }  # fmt: skip
    assert drafts.fields("file", ['hashes={"MD5": "x"}']) == {"hashes": {"MD5": "x"}}
    assert drafts.fields("tool", ["x_ours=1"]) == {"x_ours": "1"}


@pytest.mark.parametrize(
    ("type_", "written", "says"),
    [
        ("malware", "name", "NAME=VALUE"),
        ("malware", "=x", "NAME=VALUE"),
        ("malware", "descripton=x", "is description meant?"),
        ("malware", "qqq=x", "one of your own begins with x_"),
        ("malware", "created_by_ref=x", "given by the node"),
        ("malware", "confidence=high", "/confidence"),
        ("malware", "aliases=[", "/aliases"),
        ("malware", "first_seen=yesterday", "instant"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_field_and_the_cure(type_, written, says):
    with pytest.raises(InputError, match=re.escape(says)):
        drafts.fields(type_, [written])


def test_only_types_that_people_write_are_written():
    assert drafts.known_type("grouping") == "grouping"
    for name in ("malwares", "marking-definition", "x-own"):
        with pytest.raises(InputError, match="no type") as raised:
            drafts.known_type(name)
        assert ("is malware meant?" in str(raised.value)) == (name == "malwares")


def test_a_first_version_is_ours_and_now():
    made = malware()

    assert made.body["created_by_ref"] == US
    assert made.body["created"] == made.body["modified"] == "2026-03-01T12:00:00.000Z"
    assert made.id != malware().id


def test_an_observable_is_named_by_its_value_and_by_nobody():
    one, two = (drafts.first("domain-name", {"value": "evil.example"}, US, NOW) for _ in range(2))

    assert one.id == two.id
    assert one.body.keys() == {"type", "spec_version", "id", "value"}
    with pytest.raises(InputError, match="no versions"):
        drafts.later(one, {"value": "other.example"}, NOW)


def test_what_a_type_needs_is_named():
    with pytest.raises(InvalidObject, match="/is_family: is missing"):
        drafts.first("malware", {"name": "x"}, US, NOW)
    with pytest.raises(NoSuchField):
        drafts.first("malware", {"id": "x"}, US, NOW)


@pytest.mark.parametrize(
    ("kind", "value", "type_", "made"),
    [
        ("domain", "evil.example", "domain-name", {"value": "evil.example"}),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e", "file", {"hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427e"}}),
        ("asn", "AS64500", "autonomous-system", {"number": 64500}),
        ("filename", "a.exe", "file", {"name": "a.exe"}),
    ],
)  # fmt: skip
def test_a_value_alone_makes_the_observable_or_an_indicator(kind, value, type_, made):
    read = of_kind(kind, value)

    assert drafts.of_value(read, type_) == made
    assert drafts.first(type_, made, US, NOW)
    pattern = drafts.first("indicator", drafts.of_value(read), US, NOW).body
    assert read.comparison in pattern["pattern"]
    assert pattern["valid_from"] == pattern["created"]


@pytest.mark.parametrize(
    ("kind", "value", "type_"),
    [("domain", "evil.example", "url"), ("imphash", "d" * 32, "file"), ("ip-port", "192.0.2.1:80", "ipv4-addr")],
)  # fmt: skip
def test_a_value_makes_no_observable_of_another_type(kind, value, type_):
    with pytest.raises(InputError, match="makes no"):
        drafts.of_value(of_kind(kind, value), type_)


@given(st.integers(-5000, 5000))
@settings(max_examples=10)
def test_a_version_is_always_later_than_the_one_before_whatever_the_clock_says(seconds):
    before = malware()

    after = drafts.later(before, {"description": "x"}, NOW + timedelta(seconds=seconds))

    assert after.version > before.version
    assert after.body["created"] == before.body["created"]
    assert after.id == before.id


def test_nothing_follows_a_revoked_version_and_nothing_is_no_change():
    gone = drafts.later(malware(), {"revoked": True}, NOW)

    with pytest.raises(Revoked):
        drafts.later(gone, {"revoked": None}, NOW)
    with pytest.raises(InputError, match="nothing of it changes"):
        drafts.later(malware(name="x"), {"name": "x"}, NOW)
    with pytest.raises(NoSuchField):
        drafts.later(malware(), {"created": "2020-01-01T00:00:00.000Z"}, NOW)


def test_a_field_that_came_with_an_object_may_be_changed_whatever_its_name():
    odd = malware(x_own="a")

    assert drafts.later(odd, {"x_own": None}, NOW).body.get("x_own") is None


def test_a_whole_text_is_what_differs_of_it():
    body = malware(description="x").body
    whole = {**body, "name": "ivy"}
    del whole["description"], whole["modified"]

    assert drafts.set_to(body, whole) == {"name": "ivy", "description": None}
    with pytest.raises(NoSuchField, match="/created_by_ref"):
        drafts.set_to(body, {**whole, "created_by_ref": "identity--x"})


def test_what_differs_is_told_field_by_field():
    before = malware(description="x")
    after = drafts.later(before, {"description": None, "labels": ["rat"]}, NOW)

    told = [(c.field, c.before, c.after) for c in drafts.changes(before.body, after.body)]

    assert told == [("description", "x", None), ("labels", None, ["rat"])]


def test_a_level_takes_the_place_of_the_one_before_and_leaves_other_markings():
    other = "marking-definition--00000000-0000-4000-8000-000000000009"
    refs = [tlp_id(Tlp.AMBER), other, pap_id(Pap.RED)]

    assert drafts.marked(refs, Beside(tlp=Tlp.RED)) == [other, pap_id(Pap.RED), tlp_id(Tlp.RED)]
    assert drafts.marked(refs, Beside(pap=Pap.CLEAR)) == [*refs[:2], pap_id(Pap.CLEAR)]
    assert [drafts.level_named(ref) for ref in (refs[0], refs[2])] == ["TLP:AMBER", "PAP:RED"]


def test_the_fields_of_a_file_are_one_object():
    assert drafts.object_in(b'{"name": "x"}') == {"name": "x"}
    with pytest.raises(InputError, match="one JSON object"):
        drafts.object_in(b"[]")
    with pytest.raises(InputError):
        drafts.object_in(b"{")
