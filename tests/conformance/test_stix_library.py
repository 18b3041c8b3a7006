"""The stix2 library reads what we read; what it refuses, we refuse (it forgives much that we do not)."""

import json

import pytest
import stix2
from stix2.exceptions import STIXError

from mithaq.formats import BUILT_IN
from mithaq.model.objects import Object, problems, read
from mithaq.samples import path

OBJECTS = [
    each
    for name in ("attack-subset.json", "indicator-report.json")
    for each in BUILT_IN.read(path(name).read_bytes())
    if isinstance(each, Object)
]
BY_TYPE = {each.type: dict(each.body) for each in OBJECTS}
WRONG = [None, [], {}, "", 7, True, "bogus", ["bogus"], [{}], {"a": 1}]
JUDGED_ELSEWHERE = {
    ("marking-definition", "definition"),  # what it means is judged by `classify`
    ("marking-definition", "definition_type"),
    ("indicator", "pattern"),  # its grammar is the pattern language's
}


def _library_accepts(body):
    try:
        stix2.parse(json.dumps(body), allow_custom=True, version="2.1")
    except (STIXError, ValueError, TypeError, KeyError):
        return False
    return True


def test_both_read_every_object_of_both_samples():
    assert len(OBJECTS) == 245 + 155
    assert all(_library_accepts(dict(each.body)) for each in OBJECTS)


@pytest.mark.parametrize("type_", BY_TYPE)
def test_what_the_library_refuses_we_refuse(type_):
    """Each property in turn is dropped, and set to values of every wrong sort."""
    body = BY_TYPE[type_]
    changed = [
        (name, body | {name: value}) for name in body for value in WRONG if value != body[name]
    ]
    changed += [(name, {k: v for k, v in body.items() if k != name}) for name in body]

    passed = {name for name, each in changed if not problems(each) and not _library_accepts(each)}

    assert {(type_, name) for name in passed} <= JUDGED_ELSEWHERE


def test_what_the_library_writes_we_read():
    identity = stix2.v21.Identity(name="CERT", identity_class="organization")
    indicator = stix2.v21.Indicator(
        pattern="[ipv4-addr:value = '198.51.100.1']",
        pattern_type="stix",
        created_by_ref=identity.id,
        object_marking_refs=[stix2.TLP_AMBER],
        valid_from="2026-01-01T00:00:00.123456Z",
    )
    written = [identity, indicator, stix2.v21.Sighting(sighting_of_ref=indicator.id), stix2.TLP_RED]

    for each in written:
        assert read(each.serialize().encode()).id == each.id
