"""The processes that a node is served by: each ends when the one that started it does."""

import os
import pwd
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import msgspec

from mithaq.config import Config
from mithaq.exchange.asgi import VARIABLE
from mithaq.exchange.front import VARIABLE as FRONT
from mithaq.exchange.front import Settings as Front
from mithaq.exchange.visit import Settings
from mithaq.node.build import CURSOR_KEY

HANDED = Path("listener") / "tls"  # what the listener's user is handed
STOP_SECONDS = 10.0


class Child(ABC):
    """A process that this one starts, and that ends with it."""

    name: str

    def __init__(self, config: Config, address: tuple[str, int]) -> None:
        """Know how to start it."""
        self._config = config
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _started(self) -> "subprocess.Popen[bytes]":
        """Return the process, just started; this one holds the other end of its standard input."""

    def start(self) -> None:
        """Start the process."""
        self._process = self._started()

    def ended(self) -> int | None:
        """Return the exit code of a process that has ended; None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """End the process, first by asking."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """Return what a Python program needs of this process's environment, and nothing else of it."""
    needed = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: os.environ[name] for name in needed if name in os.environ}


class Listener(Child):
    """The peers' listener as a child process."""

    name = "listener"

    def _started(self) -> "subprocess.Popen[bytes]":
        settings = self._config.settings
        environment = _environment()
        told = Settings(
            url=settings.url,
            shelf_url=self._listener_url(self._config.shelf_url),
            spool_url=self._listener_url(self._config.spool_url),
            cursor_key_path=str(self._config.home / CURSOR_KEY),
            page_limit=settings.exchange.page_limit,
            max_frame_bytes=settings.exchange.max_frame_bytes,
            spool_bytes_per_peer=settings.exchange.spool_bytes_per_peer,
            realm=settings.realm,
        )
        environment[VARIABLE] = msgspec.json.encode(told).decode()
        host, port = self._address
        command = [sys.executable, "-m", "mithaq.serve.listener", host, str(port)]
        user = self._become()
        certificate, key = self._tls(user) or ("", "")
        command += [str(certificate), str(key)]
        if settings.tls_clients != "none":
            authority = self._config.authority
            front = Front(
                certificate=str(certificate),
                key=str(key),
                clients=settings.tls_clients,
                shelf_url=told.shelf_url,
                authority=str(self._handed(authority, user)) if authority else "",
            )
            environment[FRONT] = msgspec.json.encode(front).decode()
        return subprocess.Popen(  # noqa: S603 our own interpreter and module
            command,
            env=environment,
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends
            cwd=self._config.home,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )

    def _listener_url(self, url: str) -> str:
        """Return the database as the listener opens it: on PostgreSQL as its own, weaker role."""
        peer_database = self._config.settings.peer_database
        return peer_database if peer_database and not url.startswith("sqlite") else url

    def _become(self) -> pwd.struct_passwd | None:
        """Return the user the listener runs as, to whom the spool and the cursor key are given."""
        name = self._config.settings.listener_user
        if not name or os.geteuid() != 0:
            return None
        user = pwd.getpwnam(name)
        home = self._config.home
        for path in (home / "spool", *(home / "spool").iterdir(), home / CURSOR_KEY):
            os.chown(path, user.pw_uid, user.pw_gid)
        return user

    def _tls(self, user: pwd.struct_passwd | None) -> tuple[Path, Path] | None:
        """Return the certificate's and the key's file, as the listener can read them.

        A key that is its owner's alone is handed to the listener's user as a copy that is that user's alone.
        """
        files = self._config.tls
        if files is None or user is None:
            return files
        certificate, key = files
        return self._handed(certificate, user), self._handed(key, user)

    def _handed(self, file: Path, user: pwd.struct_passwd | None) -> Path:
        """Return a file as the listener's user can read it: as a copy that is that user's alone."""
        if user is None:
            return file
        copy = self._config.home / HANDED / file.name
        copy.unlink(missing_ok=True)
        with open(copy, "xb", opener=_secretly) as handed:
            handed.write(file.read_bytes())
        os.chown(copy, user.pw_uid, user.pw_gid)
        return copy


class Console(Child):
    """The people's listener as a child process; it opens the node as whoever serves it does."""

    name = "console"

    def _started(self) -> "subprocess.Popen[bytes]":
        host, port = self._address
        home = str(self._config.home.resolve())
        return subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-m", "mithaq.serve.console", home, host, str(port)],
            env=_environment(),
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends
        )


def _secretly(path: str, flags: int) -> int:
    return os.open(path, flags, 0o400)
