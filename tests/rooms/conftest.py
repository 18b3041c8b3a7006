"""A core on PostgreSQL for whoever needs one."""

import pytest

from mithaq.store.engine import open_store


@pytest.fixture
def core_on_postgres(migrated_postgres):
    store = open_store(migrated_postgres, "core")
    yield store
    store.close()
