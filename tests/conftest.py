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

# No deadline: a slow machine is no bug. In CI the same examples every time: a red run there is a change's doing.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# What is thrown away need reach no disk: a tenth of the suite's time is waiting for one.
MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 << 30:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # found anew

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


@pytest.fixture
def fresh_postgres(postgres_url: str) -> Iterator[str]:
    """Address of an empty database of the test's own; roles are the server's, so a test names its own."""
    name = f"test_{next(_numbers)}"
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as unit:
            unit.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        with server.connect() as unit:
            unit.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        server.dispose()
