"""Federations for tests: closed when the test ends."""

import pytest

from tests.federation.test_delivery import NATIONS, agreement
from tests.federation.world import Federation


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def forum(tmp_path_factory):
    """Three nations with a forum in force, closed, to be copied."""
    made = Federation(tmp_path_factory.mktemp("forum"))
    for name, country in NATIONS.items():
        made.nation(name, country)
    made.enrol_all()
    made.sign(agreement("forum", *NATIONS), *NATIONS)
    made.close()
    return made


@pytest.fixture
def three(forum, tmp_path):
    """Three nations with a forum in force."""
    made = Federation.copied(forum, tmp_path)
    yield made
    made.close()


def pytest_addoption(parser):
    parser.addoption("--schedules", type=int, default=2, help="so many seeded schedules")
    parser.addoption("--first", type=int, default=0, help="the seed of the first of them")
    parser.addoption(
        "--every-way", action="store_true", help="each lie both ways and to both victims"
    )
    parser.addoption("--schedule", type=int, default=None, help="this one alone, again")
