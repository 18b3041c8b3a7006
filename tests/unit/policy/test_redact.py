"""Redaction only removes, says what it removed, and moves the markings of what stays."""

import pytest

from mithaq.policy.redact import cut_by_keep_list, project, to_bytes, with_markings

MARK = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def marked(*selectors: str) -> list[dict[str, object]]:
    return [{"marking_ref": MARK, "selectors": list(selectors)}]


@pytest.mark.parametrize(
    ("body", "removed", "left", "fell"),
    [
        ({"a": 1, "b": 2}, {"/a"}, {"b": 2}, ("/a",)),
        ({"a": [1, 2, 3]}, {"/a/0", "/a/2"}, {"a": [2]}, ("/a/0", "/a/2")),
        ({"a": [1], "b": 2}, {"/a/0"}, {"b": 2}, ("/a",)),
        ({"a": {"b": {"c": 1}}, "d": 2}, {"/a/b/c"}, {"d": 2}, ("/a",)),
        ({"a": {"b": 1, "c": 2}}, {"/a/b"}, {"a": {"c": 2}}, ("/a/b",)),
        ({"a": {"b": 1}, "c": 2}, {"/a", "/a/b"}, {"c": 2}, ("/a",)),
        ({"a/b": 1, "c": 2}, {"/a~1b"}, {"c": 2}, ("/a~1b",)),
        ({"a": 1}, {"/z"}, {"a": 1}, ()),
        ({"a": [], "b": 1}, {"/b"}, {"a": []}, ("/b",)),
    ],
)
def test_what_is_named_goes_and_so_does_what_is_left_empty(body, removed, left, fell):
    made = project(body, frozenset(removed))

    assert made.body == left
    assert made.removed == fell


def test_nothing_to_remove_leaves_the_very_body():
    body = {"a": 1}

    assert project(body, frozenset()).body is body


def test_markings_of_what_stays_follow_it_and_others_go():
    body = {
        "labels": ["x", "y", "z"],
        "name": "n",
        "granular_markings": [
            *marked("labels.[2]", "labels.[0]"),
            *marked("name"),
            *marked("labels"),
        ],
    }

    made = project(body, frozenset({"/labels/0", "/name"}))

    assert made.body["granular_markings"] == [*marked("labels.[1]"), *marked("labels")]


def test_no_granular_marking_is_left_when_all_they_marked_is_gone():
    made = project({"a": 1, "name": "n", "granular_markings": marked("name")}, frozenset({"/name"}))

    assert made.body == {"a": 1}


@pytest.mark.parametrize("broken", ["text", [1], [{"selectors": "a"}]])
def test_markings_that_are_none_are_dropped_rather_than_carried(broken):
    made = project({"a": 1, "b": 2, "granular_markings": broken}, frozenset({"/b"}))

    assert made.body == {"a": 1}


def test_a_keep_list_cuts_all_it_does_not_name_but_what_makes_an_object():
    body = {"type": "x", "id": "i", "revoked": True, "name": "n", "x/y": 1, "z": 2}

    assert cut_by_keep_list(body, ["name"]) == {"/x~1y", "/z"}
    assert cut_by_keep_list(body, []) == {"/name", "/x~1y", "/z"}
    assert cut_by_keep_list(body, None) == set()


def test_markings_are_added_behind_those_that_are_there():
    assert with_markings({"object_marking_refs": ["a"]}, ["b"]) == {
        "object_marking_refs": ["a", "b"]
    }
    assert with_markings({}, ["b"]) == {"object_marking_refs": ["b"]}


def test_unchanged_bytes_stay_byte_for_byte():
    stored = b'{ "a" : 1 }'

    assert to_bytes({"a": 1}, stored, changed=False)[0] is stored
    assert to_bytes({"a": 1}, stored, changed=True)[0] == b'{"a":1}'


def test_a_keep_list_leaves_what_makes_an_object_whoever_writes_it():
    made = {"type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked"}
    marked = {"object_marking_refs", "granular_markings"}

    assert cut_by_keep_list(dict.fromkeys(made | marked | {"name"}, "x"), []) == {"/name"}


def test_what_fell_is_told_in_order_however_it_was_named():
    body = {"z": 1, "a": {"y": 1, "b": 2, "c": 3}, "m": [1, 2], "keep": True}

    fell = project(body, frozenset({"/z", "/m/1", "/a/y", "/a/b"})).removed

    assert fell == ("/a/b", "/a/y", "/m/1", "/z")


def test_no_marking_points_at_what_fell_because_all_in_it_did():
    body = {
        "x_seen": {"deep": {"a": 1}},
        "name": "n",
        "granular_markings": [*marked("x_seen"), *marked("x_seen.deep", "name")],
    }

    made = project(body, frozenset({"/x_seen/deep/a"}))

    assert made.body == {"name": "n", "granular_markings": marked("name")}


def test_where_nothing_is_added_no_empty_list_is():
    assert with_markings({"name": "n"}, []) == {"name": "n"}
