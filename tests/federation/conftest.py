"""Federations for tests: closed when the test ends."""

import pytest

from tests.federation.world import Federation


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


def pytest_addoption(parser):
    parser.addoption("--schedules", type=int, default=2, help="so many seeded schedules")
    parser.addoption("--first", type=int, default=0, help="the seed of the first of them")
    parser.addoption("--schedule", type=int, default=None, help="this one alone, again")
