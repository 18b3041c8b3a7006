"""Instants are aware UTC in milliseconds, and sort as texts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq import clock
from mithaq.errors import InputError

FIRST = datetime(1990, 1, 1, tzinfo=UTC)
zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
instants = st.builds(
    lambda ms, zone: (FIRST + timedelta(microseconds=ms)).astimezone(zone),
    st.integers(0, 10**16),
    zones,
)


@given(instants)
def test_an_instant_survives_its_text_to_the_millisecond(instant):
    cut = instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    assert clock.parse(clock.text(instant)) == cut
    assert clock.parse(clock.text(instant)).tzinfo == UTC


@given(instants, instants)
def test_texts_sort_as_instants_do(one, other):
    tick = timedelta(milliseconds=1)
    if abs(one - other) >= tick:
        assert (clock.text(one) < clock.text(other)) == (one < other)


def test_now_is_cut_to_the_millisecond():
    first, second = clock.now(), clock.now()

    assert first <= second
    assert first.tzinfo == UTC
    assert first.microsecond % 1000 == 0
    assert clock.monotonic() <= clock.monotonic()


def test_a_leap_second_is_the_second_after_it():
    assert clock.text(clock.parse("2016-12-31T23:59:60Z")) == "2017-01-01T00:00:00.000Z"


def test_the_first_years_sort_before_the_others():
    first = "0001-01-01T00:00:00.000Z"

    assert clock.text(clock.parse(first)) == first


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z"),
        *("9999-12-31T23:59:60Z", "0001-01-01T00:00:00+14:00", "2016-12-31T23:59:61Z"),
    ],
)
def test_what_is_no_instant_with_a_zone_is_refused(written):
    with pytest.raises(InputError):
        clock.parse(written)
