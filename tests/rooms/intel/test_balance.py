"""What counts as useful, word by word."""

import pytest

from mithaq.intel.partners import balance
from mithaq.intel.partners.balance import Given
from mithaq.model.benign import Benign
from mithaq.model.observed import mark, read
from mithaq.store.balance import First
from tests.rooms.intel.test_finding import indicator

HOUR = "2026-03-01T{:02d}:00:00.000Z"
ONE, TWO = ("[domain-name:value = 'one.example']", "[domain-name:value = 'two.example']")
BOTH = f"{ONE} OR {TWO}"


def given(pattern, hour=12, seq=5, **more):
    body = indicator(1, pattern, **more)
    return Given(id=body["id"], at=HOUR.format(hour), seq=seq, body=body)


def told(*hours):
    values = map(read, ("one.example", "two.example"))
    pairs = zip(values, hours, strict=False)
    return {mark(v): First(HOUR.format(h), h) for v, h in pairs if h is not None}


@pytest.mark.parametrize(
    ("pattern", "others", "found"),
    [
        (ONE, told(), (1, [], 0)),
        (ONE, told(14), (1, [7200.0], 0)),
        (ONE, told(11), (0, [], 1)),
        (ONE, told(None, 11), (1, [], 0)),
        (BOTH, told(11), (1, [], 0)),  # it tells more than was known
        (BOTH, told(11, 14), (1, [], 0)),  # and was not the first to speak
        (BOTH, told(15, 14), (1, [7200.0], 0)),
        (BOTH, told(10, 11), (0, [], 1)),
    ],
)
def test_an_object_is_known_before_if_all_that_it_tells_was(pattern, others, found):
    assert balance.precedence([given(pattern)], others) == found


def test_what_came_at_one_instant_goes_by_its_order():
    at = HOUR.format(12)
    [value] = told(12)

    assert balance.precedence([given(ONE)], {value: First(at, 4)}) == (0, [], 1)
    assert balance.precedence([given(ONE)], {value: First(at, 6)}) == (1, [0.0], 0)


@pytest.mark.parametrize(
    ("body", "hit", "against"),
    [
        ({"type": "sighting"}, True, False),
        ({"type": "sighting", "count": 0}, False, True),
        ({"type": "sighting", "revoked": True}, False, False),
        ({"type": "sighting", "count": 0, "revoked": True}, False, False),
        ({"type": "opinion", "opinion": "agree"}, False, False),
        ({"type": "opinion", "opinion": "disagree"}, False, True),
    ],
)
def test_what_saw_it_counts_for_it_and_what_denies_it_against_it(body, hit, against):
    assert (balance.is_hit(body), balance.is_against(body)) == (hit, against)


@pytest.mark.parametrize(("count", "times"), [(7, 7), (None, 1), ("many", 1), (True, 1)])
def test_a_sighting_says_how_often(count, times):
    assert balance.times({"type": "sighting", "count": count}) == times


@pytest.mark.parametrize(
    ("modified", "seconds"),
    [
        (HOUR.format(10), 7200.0),
        ("9999-12-31T23:59:59.999Z", 0.0),
        ("9999-12-31T23:59:60Z", None),
        ("0001-01-01T00:00:00Z", 63907963200.0),
    ],
)
def test_how_old_it_was_is_told_whatever_it_claims(modified, seconds):
    assert balance.age(given(ONE, modified=modified)) == seconds


def test_what_bears_no_date_has_no_age():
    url = {"type": "url", "id": "url--1", "value": "http://a.example/"}

    assert balance.age(Given(id="url--1", at=HOUR.format(1), seq=1, body=url)) is None


def test_an_object_counts_once_as_it_was_given_first():
    first, again = given(ONE, hour=10, seq=1), given(TWO, hour=11, seq=2)

    assert balance.once([again, first]) == [first]


def test_what_lists_hold_to_be_harmless_is_counted():
    harmless = given("[ipv4-addr:value = '127.0.0.1']")

    assert balance.harmless([harmless, given(ONE)], Benign().match) == 1


@pytest.mark.parametrize(("values", "found"), [([], None), ([1], 1), ([1, 2], 1.5), ([1, 2, 9], 2)])
def test_the_middle_is_the_median(values, found):
    assert balance.middle(values) == found
