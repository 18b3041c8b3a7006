"""How long the runs are: a few kills in the suite; ``--kills 100`` and ``--every`` for a release."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=5, help="kill -9 so many times at random")
    parser.addoption("--seed", type=int, default=0, help="the seed that chooses when and whom")
    parser.addoption("--every", type=int, default=0, help="kill at every N-th write, not at a few")


@pytest.fixture
def asked(request):
    """Return what the command line asks for; it knows the options only if it names this folder."""
    option = request.config.getoption
    return option("--kills", 5), option("--seed", 0), option("--every", 0)
