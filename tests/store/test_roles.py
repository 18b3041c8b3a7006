"""On PostgreSQL the peers' listener can open what it serves and nothing else (border.md 10.3, 10.4)."""

import json

import pytest
from sqlalchemy import create_engine, make_url, text

from mithaq.border.peers import token_digest
from mithaq.exchange.listener import Listener
from mithaq.exchange.visit import Settings
from mithaq.exchange.wire import Request
from mithaq.model.canonical import digest
from mithaq.store import journal, spool
from mithaq.store import shelf as shelves
from mithaq.store.engine import ROOMS, StoreFault, open_store
from mithaq.store.migrate import upgrade
from mithaq.store.roles import grant_roles
from mithaq.store.tables import core as core_tables
from tests.store.values import NOW

DENIED = "InsufficientPrivilege"


@pytest.fixture
def database(fresh_postgres):
    """The three rooms and two roles of the test's own; answers (owner's url, core's, peer's)."""
    url = make_url(fresh_postgres)
    owner, core, peer = (f"{url.database}_{name}" for name in ("owner", "core", "peer"))
    admin = create_engine(fresh_postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as unit:
        for role in (owner, core, peer):
            unit.execute(text(f"CREATE ROLE {role} LOGIN"))
        unit.execute(text(f"GRANT CREATE ON DATABASE {url.database} TO {owner}"))
    urls = [
        url.set(username=role).render_as_string(hide_password=False) for role in (owner, core, peer)
    ]
    for room in ROOMS:
        store = open_store(urls[0], room)
        upgrade(store)
        with store.begin() as unit:
            if room == ROOMS[-1]:
                grant_roles(unit, core, peer)
                grant_roles(unit, core, peer)
        store.close()
    yield urls
    with admin.connect() as unit:
        unit.execute(text(f"DROP OWNED BY {owner}, {core}, {peer}"))
        unit.execute(text(f"DROP ROLE {owner}, {core}, {peer}"))
    admin.dispose()


@pytest.fixture
def peer(database):
    """Try one statement as the peers' listener: what it gave, or how it was refused."""
    engine = create_engine(database[2])

    def attempt(statement):
        try:
            with engine.begin() as unit:
                done = unit.execute(text(statement))
                return done.all() if done.returns_rows else []
        except Exception as error:  # noqa: BLE001
            return str(error)

    yield attempt
    engine.dispose()


def test_the_listener_reads_shelves_and_adds_to_the_spool(database):
    with open_store(database[1], "shelf").begin() as unit:
        shelves.put_document(unit, "keys", b"ours")

    listener = open_store(database[2], "shelf")
    with listener.read() as unit:
        assert shelves.document(unit, "keys") == b"ours"
    knock = spool.Arrival(peer="borealis", kind="frame", facts={}, raw=b"bytes")
    with open_store(database[2], "spool").begin() as unit:
        spool.arrive(unit, knock, NOW, 10_000)

    with open_store(database[1], "spool").begin() as unit:
        assert [arrival.raw for arrival in spool.since(unit, 0)] == [b"bytes"]
        spool.settle(unit, 1)


def test_the_listener_keeps_to_its_quota_though_it_cannot_read_what_waits(database, peer):
    store = open_store(database[2], "spool")
    knock = spool.Arrival(peer="borealis", kind="frame", facts={}, raw=b"x" * 500)
    with store.begin() as unit:
        spool.arrive(unit, knock, NOW, 1_000)

    with pytest.raises(spool.SpoolFull), store.begin() as unit:
        spool.arrive(unit, knock, NOW, 1_000)
    assert DENIED in peer("SELECT raw FROM spool.arrivals")


def test_the_listener_answers_with_these_rights_alone(database, tmp_path):
    """Reading, posting, asking what became of it and withdrawing: nothing needs more."""
    shelf, inbox = "a" * 32, f"/taxii2/{'a' * 32}/collections/inbox/objects/"
    with open_store(database[1], "shelf").begin() as unit:
        token = token_digest("mq_token")
        shelves.put_caller(unit, shelves.Caller(name="misp", kind="client", keys={}, token=token))
        shelves.put_shelf(unit, shelves.Shelf(shelf=shelf, peer="misp", title="x", state="open"))
        row = shelves.Shown(
            position=1,
            id="tool--1",
            version="2026-01-01T00:00:00.000Z",
            type="tool",
            view=digest(b"{}"),
            date_added="2026-03-01T12:00:00.000001Z",
        )
        shelves.add_views(unit, {digest(b"{}"): b"{}"})
        shelves.add_rows(unit, shelf, [row], {1: row.version})
        shelves.add_to_inbox(unit, shelf, [row])
    (tmp_path / "key").write_bytes(b"k" * 32)
    settings = Settings(
        url="https://aurelia.example",
        shelf_url=database[2],
        spool_url=database[2],
        cursor_key_path=str(tmp_path / "key"),
    )
    stores = [
        open_store(database[2], "shelf", read_only=True),
        open_store(database[2], "spool"),
    ]
    listener = Listener(settings, *stores, lambda: NOW)
    headers = {
        "authorization": "Bearer mq_token",
        "content-type": "application/taxii+json;version=2.1",
    }

    def ask(method, path, body=b""):
        url = "https://aurelia.example" + path
        return listener.answer(Request(method=method, url=url, headers=headers, body=body))

    read = ask("GET", inbox.replace("inbox", "intel"))
    posted = ask("POST", inbox, b'{"objects":[{}]}')
    status = ask("GET", f"/taxii2/{shelf}/status/{json.loads(posted.body)['id']}/")
    withdrawn = ask("DELETE", inbox + "tool--1/")
    gone = ask("GET", inbox + "tool--1/")

    assert (read.status, read.body) == (200, b'{"objects":[{}]}')
    assert (posted.status, status.status, status.body) == (202, 200, posted.body)
    assert (withdrawn.status, gone.status) == (200, 404)
    for store in stores:
        store.close()


def test_the_listener_opens_no_table_of_the_core(peer):
    for table in core_tables.sorted_tables:
        assert DENIED in peer(f"SELECT * FROM core.{table.name}")
        assert DENIED in peer(f"DELETE FROM core.{table.name}")


def test_the_listener_is_refused_what_is_not_its_own(peer):
    for statement in (
        "INSERT INTO shelf.marks VALUES ('a', 'b')",
        "UPDATE shelf.shelves SET state = 'open'",
        "DELETE FROM shelf.shelf_rows",
        "TRUNCATE shelf.views",
        "SELECT raw FROM spool.arrivals",
        "UPDATE spool.arrivals SET peer = 'another'",
        "DELETE FROM spool.arrivals",
        "CREATE TABLE core.mine (n integer)",
        "CREATE TABLE shelf.mine (n integer)",
        "CREATE TABLE public.mine (n integer)",
        "CREATE SCHEMA mine",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ):
        assert DENIED in peer(statement), statement


def test_the_listener_becomes_nobody_else(database, peer):
    for url in database[:2]:
        assert DENIED in peer(f"SET ROLE {make_url(url).username}")


def test_the_core_works_in_all_rooms_and_changes_no_schema(database):
    store = open_store(database[1], "core")
    with store.begin() as unit:
        journal.record(unit, NOW, "x", "y")

    for statement in ("DROP TABLE core.journal", "CREATE TABLE core.mine (n integer)"):
        with pytest.raises(Exception, match=r"must be owner|denied"), store.begin() as unit:
            unit.execute(text(statement))
    with pytest.raises(Exception, match="denied"), store.begin() as unit:
        unit.execute(text("UPDATE core.alembic_version SET version_num = 'x'"))


def test_rights_given_by_mistake_are_taken_back(database, peer):
    name = make_url(database[2]).username
    store = open_store(database[0], "core")
    with store.begin() as unit:
        unit.execute(text(f"GRANT USAGE ON SCHEMA core TO {name}"))
        unit.execute(text(f"GRANT SELECT (body) ON core.bodies TO {name}"))
    assert peer("SELECT body FROM core.bodies") == []

    with store.begin() as unit:
        grant_roles(unit, name.replace("_peer", "_core"), name)

    assert DENIED in peer("SELECT body FROM core.bodies")


def test_a_peer_role_with_a_way_round_is_refused(database, fresh_postgres):
    name = make_url(database[2]).username
    core = name.replace("_peer", "_core")
    admin = create_engine(fresh_postgres, isolation_level="AUTOCOMMIT")
    owner = open_store(database[0], "core")
    ways = [
        (f"GRANT {core} TO {name}", f"REVOKE {core} FROM {name}"),
        (f"ALTER ROLE {name} SUPERUSER", f"ALTER ROLE {name} NOSUPERUSER"),
        (
            "CREATE FUNCTION public.way() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "DROP FUNCTION public.way()",
        ),
    ]
    for way, back in ways:
        with admin.connect() as unit:
            unit.execute(text(way))
        with pytest.raises(StoreFault), owner.begin() as unit:
            grant_roles(unit, core, name)
        with admin.connect() as unit:
            unit.execute(text(back))
    with pytest.raises(StoreFault, match="no such role"), owner.begin() as unit:
        grant_roles(unit, core, "nobody_of_that_name")
    admin.dispose()
