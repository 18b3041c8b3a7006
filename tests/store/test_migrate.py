"""Migrations lead to exactly the tables that the code reads and writes."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from mithaq.store import tables
from mithaq.store.engine import ROOMS, open_store
from mithaq.store.migrate import OtherSchema, upgrade, version

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("room", ROOMS)
def test_postgresql_after_the_migrations_lacks_nothing_the_tables_have(fresh_postgres, room):
    store = open_store(fresh_postgres, room)
    upgrade(store)
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": True,
        "version_table_schema": room,
        "include_name": lambda name, kind, _: kind != "schema" or name == room,
    }

    with store.read() as unit:
        context = MigrationContext.configure(unit, opts=options)
        differences = compare_metadata(context, getattr(tables, room))

    assert differences == []
    store.close()


@pytest.mark.parametrize("room", ROOMS)
def test_sqlite_is_told_the_same_by_migrations_as_by_the_tables(tmp_path, room):
    """Alembic compares neither AUTOINCREMENT nor conditions of indexes; SQLite's own words do."""
    migrated = open_store(f"sqlite:///{tmp_path}/migrated.db", room)
    upgrade(migrated)
    created = create_engine("sqlite://").execution_options(schema_translate_map={room: None})
    with created.connect() as unit:
        getattr(tables, room).create_all(unit)
        expected = _words(unit)
    with migrated.read() as unit:
        assert _words(unit) == expected
    migrated.close()
    created.dispose()


def _words(unit):
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'"
    rows = unit.execute(text(query)).all()
    return {name: sorted((sql or "").replace(", ", ",").split()) for name, sql in rows}


@pytest.mark.parametrize("room", ROOMS)
def test_upgrading_again_changes_nothing(opened, room):
    store = opened(room)
    with store.read() as unit:
        before = version(unit, store)

    upgrade(store)

    with store.read() as unit:
        assert version(unit, store) == before == f"{room}_0001"


@pytest.mark.parametrize("room", ROOMS)
def test_what_another_version_wrote_is_refused(opened, room):
    store = opened(room)
    prefix = "" if store.on_sqlite else f"{room}."
    with store.begin() as unit:
        unit.execute(text(f"UPDATE {prefix}alembic_version SET version_num = '{room}_9999'"))

    with pytest.raises(OtherSchema, match="another version"):
        upgrade(store)


def test_a_failed_upgrade_leaves_the_room_as_it_was(address, monkeypatch):
    store = open_store(address("core"), "core")
    monkeypatch.setattr(tables.core, "schema", "core")
    with store.begin() as unit:
        if not store.on_sqlite:
            unit.execute(text("CREATE SCHEMA core"))
        prefix = "" if store.on_sqlite else "core."
        unit.execute(text(f"CREATE TABLE {prefix}alembic_version (version_num text)"))
        unit.execute(text(f"CREATE TABLE {prefix}waiting (mine integer)"))  # in the way, and late

    with pytest.raises(Exception, match="already exists"):
        upgrade(store)

    with store.read() as unit:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        if not store.on_sqlite:
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'core'"
        assert unit.execute(text(query)).scalars().all() == ["alembic_version", "waiting"]
    store.close()


def test_processes_that_start_together_upgrade_once(fresh_postgres):
    script = (
        "import sys; from mithaq.store.engine import open_store; from mithaq.store.migrate import upgrade;"
        "upgrade(open_store(sys.argv[1], 'core'))"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    started = [
        subprocess.Popen([sys.executable, "-c", script, fresh_postgres], env=env) for _ in range(3)
    ]

    assert [process.wait() for process in started] == [0, 0, 0]


def test_a_wheel_unpacked_anywhere_upgrades_itself(tmp_path):
    """Offline, out of a folder whose name holds what Alembic's options treat as special."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    if "No module named hatchling" in done.stderr:
        pytest.skip("hatchling is not installed (it is in requirements-dev.lock)")
    assert done.returncode == 0, done.stderr
    place = tmp_path / "a place, 100%:(all of it)"
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(place)
    script = (
        f"import sys; sys.path.insert(0, {str(place)!r}); import mithaq.store.engine as engine;"
        f"assert engine.__file__.startswith({str(place)!r}), engine.__file__;"
        "from mithaq.store.migrate import upgrade;"
        "[upgrade(engine.open_store('sqlite://', room)) for room in engine.ROOMS]"
    )

    ran = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
