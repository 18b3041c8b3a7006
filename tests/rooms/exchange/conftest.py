"""A fresh world for each test that asks for one."""

import pytest

from tests.rooms.exchange.world import build


@pytest.fixture
def world(tmp_path):
    made = build(tmp_path / "home")
    yield made
    made.shelf.close()
    made.spool.close()
