"""Seals as STIX objects: any reader may keep them, and they have one name wherever they are shown."""

import json

import pytest
import stix2

from mithaq.errors import InputError
from mithaq.model.canonical import canonical
from mithaq.model.extensions import (
    SEAL_EXTENSION,
    definitions,
    seal_body,
    seal_envelope,
)
from mithaq.model.objects import problems, read

ISSUED = "2026-03-01T12:00:00.000Z"
CHANNEL = "0123456789abcdef0123456789abcdef"


def test_our_definitions_are_valid_stix_for_us_and_for_the_stix2_library():
    for body in definitions():
        assert not problems(body)
        stix2.parse(json.dumps(body), version="2.1")
    assert SEAL_EXTENSION in {body["id"] for body in definitions()}


def test_a_seal_is_a_valid_object_that_gives_its_envelope_back():
    body = seal_body(CHANNEL, 7, ISSUED, b'{"payload":""}')

    assert not problems(body)
    assert stix2.parse(json.dumps(body), allow_custom=True, version="2.1")["seq"] == 7
    assert seal_envelope(read(canonical(body)).body) == b'{"payload":""}'


def test_a_seals_id_follows_from_channel_and_number_alone():
    one = seal_body(CHANNEL, 7, ISSUED, b"a")["id"]

    assert seal_body(CHANNEL, 7, "2027-01-01T00:00:00.000Z", b"b")["id"] == one
    assert seal_body(CHANNEL, 8, ISSUED, b"a")["id"] != one
    assert seal_body(CHANNEL[::-1], 7, ISSUED, b"a")["id"] != one


@pytest.mark.parametrize(
    "changed", [{"type": "tool"}, {"envelope_bin": 5}, {"envelope_bin": "no base64!"}]
)
def test_what_is_no_seal_gives_no_envelope(changed):
    with pytest.raises(InputError):
        seal_envelope(seal_body(CHANNEL, 7, ISSUED, b"a") | changed)
