"""Settings of one node: one TOML file becomes one frozen Config; an unknown key refuses to start."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mithaq.errors import InputError

FILE = "mithaq.toml"


class InvalidConfig(InputError):
    """The settings cannot be used; the message names the key."""

    code = "invalid-config"


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this node talks with others; times in seconds, sizes in bytes."""

    poll_seconds: float = 30.0  # how often each peer is asked for news when no nudge comes
    tick_seconds: float = 1.0  # releases become visible at these instants (border.md 4.2)
    heartbeat_seconds: float = 60.0
    heartbeat_life_seconds: float = 600.0
    max_frame_bytes: int = 8 << 20
    spool_bytes_per_peer: int = 256 << 20
    page_limit: int = 1000  # objects in one TAXII page at most


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file's keys, as written."""

    nation: str  # party name: a short slug, the same in every agreement
    organisation: str
    country: str
    url: str  # where peers reach this node
    realm: str = "live"
    listen: str = "127.0.0.1:8450"  # the peers' listener
    database: str = ""  # empty: SQLite in the home; or postgresql+psycopg://…
    peer_database: str = ""  # PostgreSQL as the listener's role; empty: as database
    exchange_key: str = "file:core/keys/exchange.pem"
    listener_user: str = ""  # operating-system user of the listener when serve runs as root
    log_level: str = "info"
    exchange: Exchange = Exchange()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings together with the home they were read from."""

    home: Path
    settings: Settings

    @property
    def core_url(self) -> str:
        """Address of the node's own database: objects, journal, log, agreements, outbox."""
        return self.settings.database or f"sqlite:///{self.home / 'core' / 'node.db'}"

    @property
    def shelf_url(self) -> str:
        """Address of what peers may read."""
        return self.settings.database or f"sqlite:///{self.home / 'shelf' / 'shelf.db'}"

    @property
    def spool_url(self) -> str:
        """Address of what came in, unread."""
        return self.settings.database or f"sqlite:///{self.home / 'spool' / 'spool.db'}"

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port of the peers' listener."""
        return host_and_port(self.settings.listen)

    @property
    def exchange_key_path(self) -> Path:
        """The online exchange key's file.

        Raises:
            InvalidConfig: the key is named by another scheme than ``file:``.
        """
        scheme, _, path = self.settings.exchange_key.partition(":")
        if scheme != "file" or not path:
            raise InvalidConfig("exchange_key must be file:PATH", key="exchange_key")
        return self.home / path


def host_and_port(written: str) -> tuple[str, int]:
    """Read ``HOST:PORT``; the host may be an IPv6 address in brackets.

    Raises:
        InvalidConfig: it is not of that form.
    """
    host, colon, port = written.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise InvalidConfig(f"expected HOST:PORT, got {written!r}", key="listen")
    return host.strip("[]"), int(port)


def load(home: Path) -> Config:
    """Read the settings of the node whose home is ``home``.

    Raises:
        InvalidConfig: there is no such file, it is no TOML, or a key is unknown, missing or of the wrong type.
    """
    file = home / FILE
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
        settings = msgspec.convert(raw, Settings)
    except FileNotFoundError as error:
        raise InvalidConfig(
            f"no node at {home}: run `mithaq init --home {home} …` first"
        ) from error
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        msgspec.ValidationError,
    ) as error:
        raise InvalidConfig(f"{file}: {error}") from error
    config = Config(home=home, settings=settings)
    host_and_port(settings.listen)
    return config


def write(home: Path, settings: Settings) -> None:
    """Write the settings file of a new home; defaults stay unwritten so that they can improve."""
    lines = [
        "# Settings of this Mithaq node. Every key: docs/start.md. An unknown key refuses to start."
    ]
    plain = msgspec.to_builtins(settings)
    defaults = {name.name: name.default for name in msgspec.structs.fields(Settings)}
    for key, value in plain.items():
        if isinstance(value, str) and value != defaults[key]:
            lines.append(f"{key} = {toml_string(value)}")
    (home / FILE).write_text("\n".join(lines) + "\n", "utf-8")


def toml_string(value: str) -> str:
    """Write ``value`` as a TOML basic string, which is JSON's form for every text."""
    return msgspec.json.encode(value).decode()
