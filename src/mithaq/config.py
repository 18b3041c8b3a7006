"""Settings of one node: one TOML file becomes one frozen Config; an unknown key refuses to start."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from mithaq.countries import is_country
from mithaq.errors import InputError

FILE = "mithaq.toml"
_NATION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_SINK = re.compile(
    r"file:[^\0]+|(?:syslog\+(?:udp|tcp|tls)|https?)://[^\s/@?#]+(?:/[^\s#@]*)?", re.ASCII
)
_DATABASES = ("postgresql+psycopg://", "sqlite:///")


Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]


class InvalidConfig(InputError):
    """The settings cannot be used; the message names the key."""

    code = "invalid-config"


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this node talks with others; times in seconds, sizes in bytes."""

    poll_seconds: Seconds = 30.0  # how often each peer is asked for news when no nudge comes
    tick_seconds: Seconds = 1.0  # releases become visible at these instants (border.md 4.2)
    heartbeat_seconds: Seconds = 60.0
    heartbeat_life_seconds: Seconds = 600.0
    max_frame_bytes: Count = 8 << 20
    spool_bytes_per_peer: Count = 256 << 20
    page_limit: Count = 10_000  # objects in one TAXII page at most


class Benign(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known here to be harmless, beside the lists that ship."""

    own: tuple[str, ...] = ()  # our addresses, networks and names
    evil: tuple[str, ...] = ()  # values that count as evil, whatever lists have them
    lists: Mapping[str, Literal["suppress", "advise", "off"]] = {}


Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Few = Annotated[int, msgspec.Meta(ge=0)]


class Defence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From where on what matched here is too common, or worth too little, to be told as a sighting."""

    common_machines: Percent = 5  # percent of the machines that there is telemetry of
    few_machines: Few = 3  # so many are never too many
    common_days: Percent = 50  # percent of the days
    few_days: Few = 5
    confidence: Percent = 30  # as the indicator states it
    worth: Percent = 10  # of what is left of that on the day of the sighting
    among: Count = 8  # values in one field; what stands among more is not what the event is about


class Briefs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The briefs that the worker writes by itself."""

    folder: str = ""  # empty: none; relative to the home
    reader: str = ""  # the person whose clearance counts
    periods: tuple[Literal["day", "week"], ...] = ("day", "week")
    languages: tuple[Literal["en", "fr", "ar"], ...] = ("en",)
    forms: tuple[Literal["html", "pdf"], ...] = ("html",)
    up_to: Literal["", "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"] = (
        ""  # empty: what the reader may read
    )


class Cycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the defence cycle counts as lately, as ours and as collected."""

    days: Count = 30  # telemetry, and rules that are looked for
    proof_days: Count = 365
    named_days: Count = 180  # mentions of threats
    telemetry: tuple[str, ...] = ()  # log sources that are collected elsewhere, such as sysmon/*
    sectors: tuple[str, ...] = ()  # ours, as identities in STIX have them


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of the nation's own telemetry."""

    folder: str = "telemetry"  # relative to the home
    past_days: Days = 90  # of the index of what was seen; 0: none is kept
    back_days: Days = 90  # of them, in which what is new is looked for; 0: in none
    raw_days: Days = 0  # of the events themselves, as Parquet; 0: none are kept
    raw_bytes: Count = 100_000_000_000  # of them at most; the oldest days go first


class Sink(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tool of ours that is told of hits as they come; an audience like any other."""

    name: str
    to: str  # file:PATH, syslog+udp://, syslog+tcp:// or syslog+tls://HOST:PORT, https://…
    up_to: Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT"]  # of what is RED nobody is told
    secret: str = ""  # a file with one line, ``Header: value``; relative to the home
    ca: str = ""  # a file (PEM): who vouches for its server; empty: whom the system trusts
    most: Count = 100_000  # hits that wait for it; beyond, the oldest are dropped


class Watching(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How telemetry is watched as it comes."""

    silent_seconds: Seconds = 900.0  # without an event, and a source is called silent
    window: Count = 10_000  # events; what finds more in one, or takes longer, is set aside
    matches: Count = 1000  # of one rule or indicator in a window
    seconds: Seconds = 5.0  # spent on one rule in a window
    sink: tuple[Sink, ...] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file's keys, as written."""

    nation: str  # party name: a short slug, the same in every agreement
    organisation: str
    country: str
    url: str  # where peers reach this node
    realm: str = "live"
    listen: str = "127.0.0.1:8450"  # the peers' listener
    console: str = ""  # the people's listener; empty: there is none
    console_url: str = ""  # where people reach it, if that is another address
    # PEM files, relative to the home; empty: plain HTTP, behind loopback or a proxy
    tls_certificate: str = ""
    tls_key: str = ""
    # whether peers and clients show certificates: by the pins of key documents, or by an authority (PEM file)
    tls_clients: Literal["none", "optional", "required"] = "none"
    tls_client_ca: str = ""
    # PEM files of what we show to peers that ask for a certificate
    client_certificate: str = ""
    client_key: str = ""
    database: str = ""  # empty: SQLite in the home; or postgresql+psycopg://…
    peer_database: str = ""  # PostgreSQL as the listener's role; empty: as database
    exchange_key: str = "file:core/keys/exchange.pem"
    listener_user: str = ""  # operating-system user of the listener when serve runs as root
    log_level: str = "info"
    exchange: Exchange = Exchange()
    benign: Benign = Benign()
    brief: Briefs = Briefs()
    cycle: Cycle = Cycle()
    telemetry: Telemetry = Telemetry()
    watch: Watching = Watching()
    defence: Defence = Defence()

    def __repr__(self) -> str:
        """Name the node alone: addresses of databases hold passwords."""
        return f"Settings(nation={self.nation!r}, url={self.url!r})"


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
    def past(self) -> Path:
        """Folder of the index of what was seen in telemetry."""
        return self.home / self.settings.telemetry.folder / "past"

    @property
    def compiled(self) -> Path:
        """Folder of what rules were compiled to."""
        return self.home / "core" / "compiled"

    @property
    def raw(self) -> Path:
        """Folder of the events themselves."""
        return self.home / self.settings.telemetry.folder / "raw"

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port of the peers' listener."""
        return host_and_port(self.settings.listen)

    def console_url(self, address: tuple[str, int]) -> str:
        """Return where people reach the console that listens at an address."""
        host, port = address
        host = f"[{host}]" if ":" in host else host
        return self.settings.console_url.rstrip("/") or f"http://{host}:{port}"

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Files of the listener's certificate and key; None: it speaks plain HTTP.

        Raises:
            InvalidConfig: one is named without the other.
        """
        found = self._pair("tls_certificate", "tls_key")
        if found is None and self.settings.tls_clients != "none":
            raise InvalidConfig(
                "tls_certificate is missing: without TLS nobody shows a certificate",
                key="tls_certificate",
            )
        return found

    @property
    def client(self) -> tuple[Path, Path] | None:
        """Files of the certificate that we show to peers, and of its key; None: we show none.

        Raises:
            InvalidConfig: one is named without the other.
        """
        return self._pair("client_certificate", "client_key")

    @property
    def authority(self) -> Path | None:
        """File of the authorities whose certificates clients may show; None: pins alone count."""
        named = self.settings.tls_client_ca
        return self.home / named if named else None

    def _pair(self, certificate: str, key: str) -> tuple[Path, Path] | None:
        written = [getattr(self.settings, name) for name in (certificate, key)]
        if not any(written):
            return None
        if not all(written):
            missing = key if written[0] else certificate
            raise InvalidConfig(f"{missing} is missing: TLS needs both files", key=missing)
        return self.home / written[0], self.home / written[1]

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
    digits = port.isascii() and port.isdecimal()
    if not colon or not host or not digits or not 0 < int(port) < 1 << 16:
        raise InvalidConfig(f"listen: expected HOST:PORT, got {written!r}", key="listen")
    return host.strip("[]"), int(port)


def load(home: Path) -> Config:
    """Read the settings of the node whose home is ``home``.

    Raises:
        InvalidConfig: there is no such file, it is no TOML, or a key is unknown, missing or of the wrong form.
    """
    file = home / FILE
    try:
        settings = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Settings)
    except FileNotFoundError as error:
        hint = f"no node at {home}: run `mithaq init --home {home} …` first"
        raise InvalidConfig(hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{file}: {error}") from error
    except msgspec.ValidationError as error:
        key, says = _mistake(str(error))
        raise InvalidConfig(f"{file}: {says}", key=key) from error
    check(settings)
    config = Config(home=home, settings=settings)
    _ = (
        config.listen,
        config.tls,
        config.client,
        config.exchange_key_path,
    )  # each says what is wrong with its key
    return config


def check(settings: Settings) -> None:
    """See that every key can mean what it says.

    Raises:
        InvalidConfig: one cannot; it is named.
    """
    faults = {
        "nation": None if _NATION.fullmatch(settings.nation) else "small letters, digits, hyphens",
        "country": None if is_country(settings.country) else "a code of ISO 3166-1",
        "url": _url_fault(settings.url),
        "database": _database_fault(settings.database),
        "peer_database": _database_fault(settings.peer_database),
        "telemetry.raw_days": _raw_fault(settings.telemetry),
    }
    for key, fault in faults.items():
        if fault is not None:
            written = attrgetter(key)(settings) if "database" not in key else "…"
            raise InvalidConfig(f"{key}: expected {fault}, got {written!r}", key=key)
    _check_sinks(settings.watch.sink)


def _check_sinks(sinks: Sequence[Sink]) -> None:
    names = [sink.name for sink in sinks]
    for sink in sinks:
        if _NATION.fullmatch(sink.name) is None or names.count(sink.name) > 1:
            fault = "small letters, digits, hyphens, another for each sink"
            raise InvalidConfig(
                f"watch.sink.name: expected {fault}, got {sink.name!r}", key="watch.sink.name"
            )
        if _SINK.fullmatch(sink.to) is None:  # not shown: it may hold what is secret
            fault = "file:PATH, syslog+udp://, syslog+tcp:// or syslog+tls://HOST:PORT, https://HOST/PATH"
            raise InvalidConfig(f"watch.sink.to: expected {fault}", key="watch.sink.to")


def _url_fault(url: str) -> str | None:
    """Say what an address of a node must be, if ``url`` is none."""
    try:
        parts = urlsplit(url)
        plain = (parts.scheme in ("http", "https"), parts.hostname, parts.port != 0)
    except ValueError:
        plain = (False, None, False)
        parts = urlsplit("")
    more = parts.username or parts.password or parts.query or parts.fragment
    odd = not url.isascii() or not url.isprintable() or " " in url or ".." in parts.path
    if all(plain) and not more and not odd:
        return None
    return "http:// or https://, a host, and at most a port and a path"


def _raw_fault(telemetry: Telemetry) -> str | None:
    """Say what the days of events must be, if they are more than those of the index, which tells what is there."""
    return None if telemetry.raw_days <= telemetry.past_days else "past_days at most"


def _database_fault(url: str) -> str | None:
    """Say what an address of a database must be, if ``url`` is none; it may hold a password."""
    good = not url or url.startswith(_DATABASES)
    return None if good else "nothing (SQLite in the home) or postgresql+psycopg://…"


_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_PLACE = re.compile(r" - at `\$\.?([^`]*)`")


def _mistake(message: str) -> tuple[str, str]:
    """Return the key that msgspec's ``message`` is about, and the message in our words."""
    place = _PLACE.search(message)
    table = place[1] if place else ""
    for form, says in ((_UNKNOWN, "unknown key"), (_MISSING, "missing key")):
        found = form.match(message)
        if found is not None:
            key = f"{table}.{found[1]}" if table else found[1]
            return key, f"{says} {key}"
    return table, f"{table}: {_PLACE.sub('', message)}"


def write(home: Path, settings: Settings) -> None:
    """Write the settings file of a new home; defaults stay unwritten so that they can improve."""
    lines = [
        "# Settings of this Mithaq node. Every key: docs/start.md. An unknown key refuses to start.",
        *_lines(settings),
    ]
    exchange = _lines(settings.exchange)
    if exchange:
        lines += ["", "[exchange]", *exchange]
    file = home / FILE
    file.touch(mode=0o600)  # it may hold the database's credentials
    file.write_text("\n".join(lines) + "\n", "utf-8")


def _lines(struct: Settings | Exchange) -> list[str]:
    lines: list[str] = []
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if value == field.default:
            continue
        if isinstance(value, str):
            lines.append(f"{field.name} = {toml_string(value)}")
        elif isinstance(value, int | float):
            lines.append(f"{field.name} = {value}")
    return lines


def toml_string(value: str) -> str:
    """Write ``value`` as a TOML basic string: JSON's form, which leaves DEL bare where TOML does not."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
