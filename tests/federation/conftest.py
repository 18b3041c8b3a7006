"""Federations for tests: closed when the test ends."""

import pytest

from tests.federation.world import Federation


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()
