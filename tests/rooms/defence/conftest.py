"""A core and people who look at it, as the rooms of intelligence have them."""

from tests.rooms.intel.conftest import core, core_on_postgres, cores_on_postgres, us

__all__ = ["core", "core_on_postgres", "cores_on_postgres", "us"]
