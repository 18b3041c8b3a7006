"""The peers' listener reads shelf.db as another system user than the worker who writes it (border.md 10.2, 10.4)."""

import multiprocessing
import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from mithaq.store import shelf
from mithaq.store.engine import open_store
from mithaq.store.migrate import upgrade

NOT_WRITABLE = "attempt to write a readonly database"
forking = multiprocessing.get_context(
    "fork"
)  # nobody may not start this Python, but may go on as it


@pytest.fixture
def url():
    """Where a shelf.db lies that only its writer may write, in a folder all may look into."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a process as another system user")
    folder = Path(tempfile.mkdtemp(prefix="mithaq-shelf-", dir="/tmp"))
    folder.chmod(0o755)
    before = os.umask(0o022)
    yield f"sqlite:///{folder}/shelf.db"
    os.umask(before)
    shutil.rmtree(folder)


def serve(asked, url):
    """Become ``nobody`` and do what is asked: ``read`` or ``write``."""
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    store = open_store(url, "shelf", read_only=True)
    while (what := asked.recv()) != "end":
        try:
            asked.send(read(store) if what == "read" else write(store, b"forged"))
        except OperationalError as error:
            asked.send(str(error.orig))


@pytest.fixture
def listener(url):
    """Ask a process of the user ``nobody``; it keeps its connection."""
    here, there = forking.Pipe()
    process = forking.Process(target=serve, args=(there, url), daemon=True)
    process.start()

    def ask(what):
        here.send(what)
        assert here.poll(20), "the listener died or hangs"
        return here.recv()

    yield ask
    here.send("end")
    process.join(10)


def read(store):
    with store.read() as unit:
        return shelf.document(unit, "keys")


def write(store, raw):
    with store.begin() as unit:
        shelf.put_document(unit, "keys", raw)


def test_the_listener_reads_each_commit_of_a_living_worker_and_writes_nothing(url, listener):
    worker = open_store(url, "shelf")
    upgrade(worker)
    write(worker, b"first")
    assert listener("read") == b"first"

    write(worker, b"second")

    assert listener("read") == b"second"
    assert listener("write") == NOT_WRITABLE
    assert listener("read") == b"second"
    worker.close()


def test_a_worker_that_starts_again_is_read_on(url, listener):
    worker = open_store(url, "shelf")
    upgrade(worker)
    write(worker, b"first")
    assert listener("read") == b"first"
    worker.close()

    worker = open_store(url, "shelf")
    write(worker, b"second")

    assert listener("read") == b"second"
    worker.close()


def test_a_listener_that_comes_before_the_worker_fails_and_then_reads(url, listener):
    """It is never shown a state from before the worker stopped: serving waits for the projection anyway."""
    worker = open_store(url, "shelf")
    upgrade(worker)
    write(worker, b"first")
    worker.close()

    assert listener("read") in {"unable to open database file", NOT_WRITABLE}

    worker = open_store(url, "shelf")
    write(worker, b"second")
    assert listener("read") == b"second"
    worker.close()


def die_halfway(url):
    store = open_store(url, "shelf")
    upgrade(store)
    write(store, b"first")
    with store.begin() as unit:
        shelf.put_document(unit, "keys", b"half")
        os._exit(9)


def test_a_worker_that_was_killed_leaves_what_it_committed_readable(url, listener):
    worker = forking.Process(target=die_halfway, args=(url,))
    worker.start()
    worker.join(20)
    assert worker.exitcode == 9

    assert listener("read") == b"first"
