"""Codes of countries: ISO 3166-1 alpha-2 as assigned, and what it leaves to its users."""

from itertools import product
from string import ascii_uppercase

import pytest

from mithaq.countries import is_country, looks_like_one

TWO = ["".join(pair) for pair in product(ascii_uppercase, repeat=2)]


def test_as_many_codes_are_countries_as_the_standard_assigns_leaves_to_users_and_we_take_besides():
    users = 1 + 14 + 26 + 1
    assert sum(map(is_country, TWO)) == 249 + users + len(["EU", "UN"])


@pytest.mark.parametrize("code", ["DE", "FR", "SA", "GB", "AA", "QM", "QZ", "XA", "XK", "ZZ", "EU"])
def test_these_are_countries(code):
    assert is_country(code)


@pytest.mark.parametrize("code", ["UK", "QL", "AB", "ZY", "SU", "de", "D", "", "DEU", "D1", "ДЕ"])
def test_these_are_none(code):
    assert not is_country(code)


def test_what_is_written_as_a_code_need_not_be_one():
    assert all(map(looks_like_one, TWO))
    assert not any(map(looks_like_one, ["borea", "Qm", "QMX", "Q"]))
