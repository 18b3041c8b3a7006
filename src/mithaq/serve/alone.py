"""One process for a home, and one for an address: held by the kernel, and gone with the process that holds it."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from mithaq.clock import monotonic
from mithaq.errors import Conflict

LOCK = Path("core") / "serve.lock"
PAUSE = 0.05  # between two tries
PATIENCE = 1.0  # whoever looks whether the node is served holds its lock for an instant


class AlreadyServed(Conflict):
    """Another process serves this home."""

    code = "already-served"


class AddressTaken(Conflict):
    """Another program listens where this node shall."""

    code = "address-taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where a node is served, and since when."""

    address: str
    since: str
    process: int


@contextmanager
def lock(home: Path) -> Iterator[IO[str]]:
    """Hold the home's lock: two workers would deliver twice.

    Raises:
        AlreadyServed: another process holds it.
    """
    with (home / LOCK).open("a+") as held:
        until = monotonic() + PATIENCE
        while not _locked(held):
            if monotonic() > until:
                raise AlreadyServed(f"the node at {home} is served already", home=str(home))
            time.sleep(PAUSE)
        yield held


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def note(held: IO[str], serving: Serving | None) -> None:
    """Write into the lock that one holds where the node is served; None: nowhere yet."""
    held.seek(0)
    held.truncate()
    if serving is not None:
        held.write(msgspec.json.encode(serving).decode())
    held.flush()


def serving(home: Path) -> Serving | None:
    """Return where the node at ``home`` is served now, or None; what a killed process left behind does not count."""
    try:
        with (home / LOCK).open() as file:
            if _locked(file):
                return None
            return msgspec.json.decode(file.read() or "null", type=Serving | None)
    except FileNotFoundError:
        return None


@contextmanager
def address(where: tuple[str, int]) -> Iterator[None]:
    """Hold an address for this node.

    The server shares its port with whoever else is willing to, as it must to start its listener again, so two nodes
    would share one and each lose half of what comes. A name that the kernel gives to one process keeps nodes apart,
    a bind that shares with nobody keeps other programs away.

    Raises:
        AddressTaken: another program listens there, or this machine has no such address.
    """
    host, port = where
    with socket.socket(socket.AF_UNIX) as name:
        try:
            family, _, _, _, at = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            name.bind(
                "\0mithaq-" + "-".join(map(str, at[:2]))
            )  # by number: a host has several names
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(at)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise AddressTaken(f"cannot listen at {host}:{port}: {why}", address=host) from error
        yield
