"""A core and people who look at it, as the rooms of intelligence have them."""

from tests.rooms.intel.conftest import core, us

__all__ = ["core", "us"]
