"""Federations for tests: closed when the test ends."""

import pytest

from tests.federation.test_delivery import in_forum
from tests.federation.world import Federation


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Return a federation as a function makes it, closed, to be copied: each is made once in a run."""
    made = {}

    def as_made_by(make):
        if make not in made:
            made[make] = Federation(tmp_path_factory.mktemp(make.__name__.strip("_")))
            make(made[make])
            made[make].close()
        return made[make]

    return as_made_by


@pytest.fixture
def copied(kept, tmp_path):
    """Open a copy of what a function makes of a federation; closed when the test ends."""
    opened = []

    def copy(make):
        opened.append(Federation.copied(kept(make), tmp_path / str(len(opened))))
        return opened[-1]

    yield copy
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def forum(kept):
    """Three nations with a forum in force, closed, to be copied."""
    return kept(in_forum)


@pytest.fixture
def three(copied):
    """Three nations with a forum in force."""
    return copied(in_forum)


def pytest_addoption(parser):
    parser.addoption("--schedules", type=int, default=2, help="so many seeded schedules")
    parser.addoption("--first", type=int, default=0, help="the seed of the first of them")
    parser.addoption(
        "--every-way", action="store_true", help="each lie both ways and to both victims"
    )
    parser.addoption("--schedule", type=int, default=None, help="this one alone, again")
