"""Selectors of STIX 2.1 section 7.2.3.1; the stix2 library walks the same paths."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2.markings.utils import iterpath

from mithaq.model.selectors import pointer_of, selected, selector_of

keys = st.sampled_from(["a", "b", "a.b", "b.[0]", "x_long_name", "a.b.a"])
bodies = st.dictionaries(
    keys,
    st.recursive(
        st.integers(0, 3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


def every_path(value, path=()):
    if path:
        yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from every_path(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from every_path(child, (*path, index))


@given(bodies)
def test_a_selector_means_every_place_that_is_written_so(body):
    """The oracle writes all paths down and compares texts; ours follows the text."""
    paths = list(every_path(body))

    for selector in {selector_of(path) for path in paths}:
        meant = [path for path in paths if selector_of(path) == selector]
        assert sorted(selected(body, selector), key=repr) == sorted(meant, key=repr)


@given(bodies, st.text("ab.[]01", max_size=8))
def test_a_selector_means_nothing_else(body, selector):
    meant = [path for path in every_path(body) if selector_of(path) == selector]

    assert sorted(selected(body, selector), key=repr) == sorted(meant, key=repr)


def test_the_stix2_library_writes_paths_as_we_do():
    body = {"name": "x", "refs": [{"url": "u"}, {"hashes": {"MD5": "00", "SHA-1": "11"}}]}

    theirs = {".".join(path) for path, _ in iterpath(body)}

    assert theirs == {selector_of(path) for path in every_path(body)}
    assert all(len(selected(body, selector)) == 1 for selector in theirs)


@pytest.mark.parametrize(
    "selector",
    [
        "",
        ".",
        "name.",
        ".name",
        "refs.[2]",
        "refs.[-1]",
        "refs.[01]",
        "refs.0",
        "refs[0]",
        "Name",
        "name.x",
    ],
)
def test_a_selector_that_is_malformed_or_leads_nowhere_selects_nothing(selector):
    assert selected({"name": "x", "refs": ["a", "b"]}, selector) == ()


def test_a_selector_of_a_million_dots_costs_no_more_than_its_length():
    deep = {"a": "x"}
    for _ in range(60):
        deep = {"a": deep, "a.a": [deep]}

    assert selected({"name": "x", "a": deep}, "a." * 1_000_000 + "a") == ()


def test_a_path_as_a_pointer_escapes_its_keys():
    assert pointer_of(("a/b", 0, "~")) == "/a~1b/0/~0"
    assert pointer_of(()) == ""


def test_paths_have_pointers_of_their_own():
    """Unlike selectors: two places never share one."""
    body = {"a": {"b": 1}, "a.b": 2, "a/b": 3}

    pointers = sorted(pointer_of(path) for path in every_path(body))

    assert all(a != b for a, b in pairwise(pointers))
