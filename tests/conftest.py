"""How Hypothesis tries, and what any test may ask for: a PostgreSQL server that lives as long as the run.

The server is a throwaway: its files lie in a temporary folder, it keeps nothing safe (``fsync=off``), and it
listens on a UNIX socket in that folder alone, so it needs no port, meets no other server and is open to nobody
but the user it runs as and root. PostgreSQL refuses to run as root; there it runs as ``postgres`` or ``nobody``.
With pytest-xdist each worker has a server of its own.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import URL, create_engine, make_url, text

from mithaq.store.engine import ROOMS, open_store
from mithaq.store.migrate import upgrade

# No deadline: a slow machine is no bug. In CI the same examples every time: a red run there is a change's doing.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# What is thrown away need reach no disk: a tenth of the suite's time is waiting for one.
MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 << 30:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # found anew

# What takes long begins first: at the end nobody waits for the last of it.
LONG = ("tests/golden/test_seeded_border.py", "tests/faults/", "tests/leaks/", "tests/journeys/")

SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",  # it compiles for longer than any query of a test runs
    "listen_addresses": "",
    "max_connections": "200",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long before what does not, each in its order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def programs() -> Path | None:
    """Where the newest PostgreSQL's programs lie; None without one."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found.sort(key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))])
    if found:
        return found[-1]
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as if we are root: the first of two users that exists."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Address of the run's server, as superuser ``mithaq``, in its database ``postgres``."""
    with postgres_server() as address:
        yield address


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server; yield its address."""
    where = programs()
    if where is None:
        pytest.skip("no PostgreSQL in /usr/lib/postgresql (apt install postgresql)")
    become: list[str] = []
    home = Path(
        tempfile.mkdtemp(prefix="mithaq-pg-", dir="/tmp")
    )  # a socket's path is short: 107 bytes
    try:
        if os.geteuid() == 0:
            user = unprivileged()
            if user is None or not shutil.which("runuser"):
                pytest.skip(
                    "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as"
                )
            os.chown(home, user.pw_uid, user.pw_gid)
            become = ["runuser", "-u", user.pw_name, "--"]
        data = home / "data"
        options = ["-U", "mithaq", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        ask([*become, where / "initdb", "-D", data, *options], home)
        lines = [f"{key} = '{value}'" for key, value in SETTINGS.items()]
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("\n".join([*lines, f"unix_socket_directories = '{home}'", ""]))
        control = [*become, where / "pg_ctl", "-D", data, "-l", home / "log", "-s", "-w"]
        ask([*control, "start"], home)
        try:
            address = URL.create(
                "postgresql+psycopg", "mithaq", database="postgres", query={"host": str(home)}
            )
            yield address.render_as_string(hide_password=False)
        finally:
            ask([*control, "-m", "immediate", "stop"], home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def ask(command: list[str | Path], home: Path) -> None:
    """Run one of PostgreSQL's programs in ``home``; what it said is shown if it fails."""
    # Its output goes to a file: a server keeps the pipe of whoever started it open for ever.
    said = home / "said"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    with said.open("w") as output:
        done = subprocess.run(
            command, cwd=home, env=clean, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        pytest.fail(f"{Path(command[-1]).name}: {said.read_text(errors='replace')}", pytrace=False)


_numbers = count(1)


class Databases:
    """The databases of a server: each test has its own."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")
        self._left: list[str] = []

    @contextmanager
    def made(self, like: str = "template1") -> Iterator[str]:
        """Make a database that is a copy of another; yield its address.

        It goes when the next is made: whoever was connected has hung up by then, where PostgreSQL would wait for them.
        """
        name = f"test_{next(_numbers)}"
        with self._engine.connect() as unit:
            while self._left:
                unit.execute(text(f"DROP DATABASE {self._left.pop()} WITH (FORCE)"))
            unit.execute(text(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY"))
        yield make_url(self._server).set(database=name).render_as_string(hide_password=False)
        self._left.append(name)

    def close(self) -> None:
        """Hang up."""
        self._engine.dispose()


@pytest.fixture(scope="session")
def postgres_databases(postgres_url: str) -> Iterator[Databases]:
    """Return the databases of the run's server."""
    made = Databases(postgres_url)
    yield made
    made.close()


@pytest.fixture
def fresh_postgres(postgres_databases: Databases) -> Iterator[str]:
    """Address of an empty database of the test's own; roles are the server's, so a test names its own."""
    with postgres_databases.made() as address:
        yield address


@pytest.fixture(scope="session")
def rooms_on_postgres(postgres_databases: Databases) -> Iterator[str]:
    """Name of a database with all rooms and nothing in them, to be copied: faster than to migrate each anew."""
    with postgres_databases.made() as address:
        for room in ROOMS:
            store = open_store(address, room)
            upgrade(store)
            store.close()
        yield str(make_url(address).database)


@pytest.fixture
def migrated_postgres(postgres_databases: Databases, rooms_on_postgres: str) -> Iterator[str]:
    """Address of a database of the test's own with all rooms."""
    with postgres_databases.made(rooms_on_postgres) as address:
        yield address
