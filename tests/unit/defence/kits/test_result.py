"""A result says counts and times of a kit's lines, to the node that made it; whatever else comes is refused."""

import contextlib
import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.clock import text
from mithaq.defence.kits import result
from mithaq.defence.kits.pack import opened
from mithaq.defence.kits.result import BadResult, Result, Row, of_kit, sealed, unsealed, without
from mithaq.errors import MithaqError
from mithaq.seal.messages import encode
from tests.unit.defence.kits.values import MADE, SECRET, WORDS, kit

KIT = opened(kit(), WORDS, MADE)
LATER = MADE + timedelta(days=1)
ROW = {"line": 1, "day": "2026-02-27", "count": 3}
TIMES = {"first": "2026-02-27T01:00:00.000Z", "last": "2026-02-27T02:00:00.000Z"}


def made(*rows, **changed):
    values = {
        "kit": KIT.digest,
        "at": text(LATER),
        "mithaq": "0.1.0",
        "events": 10,
        "refused": 1,
        "left": 0,
        "sources": {"windows/sysmon": 10},
        "rows": [Row(**row) for row in rows],
    }
    return Result(**values | changed)


def back(said, secret=SECRET, now=LATER):
    return unsealed(sealed(said, KIT.manifest), secret, of_kit(KIT), now)


def test_what_was_sealed_for_a_node_is_read_by_it_alone():
    said = made(ROW | TIMES, {"line": 2, "day": "", "count": 1})
    raw = sealed(said, KIT.manifest)

    assert back(said) == said
    assert b"sysmon" not in raw
    assert sealed(said, KIT.manifest) != raw  # nobody sees that two are the same
    with pytest.raises(BadResult):
        back(said, secret=b"\x08" * 32)


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ({"line": 3}, "line"),
        ({"first": None}, "times"),
        ({"first": None, "last": None}, "times"),
        ({"day": ""}, "times"),
        ({"first": TIMES["last"], "last": TIMES["first"]}, "times"),
        ({"day": "2026-02-26"}, "times"),
        ({"day": "2026-02-31", "first": "2026-02-31T01:00:00.000Z", "last": "2026-02-31T01:00:00.000Z"}, "day"),
        ({"day": "2036-02-01", "first": "2036-02-01T01:00:00.000Z", "last": "2036-02-01T01:00:00.000Z"}, "day"),
        ({"day": "1999-02-01", "first": "1999-02-01T01:00:00.000Z", "last": "1999-02-01T01:00:00.000Z"}, "day"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_all_the_rest(row, cause):
    with pytest.raises(BadResult) as refused:
        back(made(ROW | TIMES | row))
    assert refused.value.facts["cause"] == cause


def test_a_result_of_another_kit_of_tomorrow_or_with_a_row_twice_is_refused():
    for said in (
        made(kit="sha256:" + "0" * 64),
        made(at=text(LATER + timedelta(days=2))),
        made(ROW | TIMES, ROW | TIMES),
    ):
        with pytest.raises(BadResult):
            back(said)


@pytest.mark.parametrize(
    "more",
    [
        {"host": "ws-17"},
        {"sources": {"WS-17 secret": 1}},
        {"sources": {"windows/" + "x" * 64: 1}},
        {"mithaq": "ws 17"},
        {"rows": [ROW | TIMES | {"note": "ws-17"}]},
        {"rows": [ROW | TIMES | {"count": 0}]},
        {"rows": [ROW | TIMES | {"count": 10**9}]},
        {"events": -1},
        {"site": "ws-17"},
    ],
)
def test_there_is_no_room_in_a_result_for_anything_else(more):
    said = msgspec.json.decode(encode(made(ROW | TIMES)))
    body = result._SUITE.encrypt(
        json.dumps(said | more).encode(),
        result.X25519PublicKey.from_public_bytes(KIT.manifest.seal),
        result._INFO + KIT.manifest.name.encode(),
    )
    raw = encode(result._Sealed(name=KIT.manifest.name, sealed=body))

    with pytest.raises(BadResult):
        unsealed(raw, SECRET, of_kit(KIT), LATER)


def test_lines_that_are_struck_out_are_gone_and_counted():
    said = made(
        ROW | TIMES, {"line": 2, "day": "", "count": 1}, {"line": 2, **ROW | TIMES | {"line": 2}}
    )

    left = without(without(said, [2]), [2, 7])

    assert [row.line for row in left.rows] == [1]
    assert left.struck == 2


@given(st.binary(max_size=300) | st.integers(0, 500))
def test_whatever_bytes_come_are_refused_in_words(given_):
    raw = sealed(made(ROW | TIMES), KIT.manifest)
    some = given_ if isinstance(given_, bytes) else raw[:given_] + b"A" + raw[given_ + 1 :]
    with contextlib.suppress(MithaqError):
        assert unsealed(some, SECRET, of_kit(KIT), LATER) == made(ROW | TIMES)
