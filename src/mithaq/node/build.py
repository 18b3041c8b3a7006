"""Build a node from its home: settings, keys, three rooms of the store, a wire and a clock."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from mithaq import clock as clocks
from mithaq import config as settings_file
from mithaq.border import admit, peers
from mithaq.border.people import OWNER
from mithaq.border.us import Us
from mithaq.clock import Clock, text
from mithaq.config import Config, Settings
from mithaq.errors import Conflict, Fault, InputError
from mithaq.exchange.transport import HttpWire
from mithaq.exchange.wire import Wire
from mithaq.formats import BUILT_IN, Registry
from mithaq.ingest.collecting import Collector
from mithaq.model.ids import new_id
from mithaq.node import plugins, tlsfiles, warninglists
from mithaq.node.harmless import Harmless
from mithaq.node.keyring import Keyring
from mithaq.node.trust import Pins
from mithaq.seal.documents import KEYS, ExchangeKey, KeyDocument, RootKey
from mithaq.seal.envelope import sign
from mithaq.seal.keys import KeySigner, encode, generate
from mithaq.seal.messages import encode as to_payload
from mithaq.store.engine import Room, Store, open_store
from mithaq.store.migrate import is_new, upgrade

ROOT_KEY = Path("core/keys/root.pem")  # made here; belongs offline, in a safe, soon after
SECRET = Path("core/secret")
SECRET_BYTES = 32  # of it, and of the cursor key
CURSOR_KEY = Path("listener/cursor.key")
EXCHANGE_LIFE = timedelta(days=90)
DOCUMENT_LIFE = timedelta(days=365)


class DamagedHome(Fault):
    """Something of a home is lost or empty without which it must not be opened."""

    code = "damaged-home"


class NoNode(InputError):
    """There is no node at that home, or there is one already."""

    code = "no-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A nation's node as a value: many may live in one process."""

    config: Config
    us: Us
    keys: Keyring = field(repr=False)  # what ``us`` signs with
    core: Store = field(repr=False)
    shelf: Store = field(repr=False)
    spool: Store = field(repr=False)
    wire: Wire = field(repr=False)
    clock: Clock = field(repr=False)
    formats: Registry = field(repr=False, default=BUILT_IN)

    @property
    def collector(self) -> Collector:
        """What reads feeds."""
        return Collector(
            core=self.core,
            shelf=self.shelf,
            us=self.us,
            home=self.config.home,
            clock=self.clock,
            formats=self.formats,
        )

    def close(self) -> None:
        """Close the store and the wire."""
        for store in (self.core, self.shelf, self.spool):
            store.close()
        self.wire.close()

    def __enter__(self) -> Self:
        """Return the node, to be closed at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close the node."""
        self.close()


def init(
    home: Path,
    settings: Settings,
    *,
    passphrase: str = "",
    clock: Clock = clocks.now,
    wire: Wire | None = None,
) -> Node:
    """Make a home: settings, keys (0600), key document, databases; return the node, open.

    Args:
        passphrase: of the root key's file; empty leaves it unencrypted, readable by its owner alone.

    Raises:
        Conflict: a node lives there already.
        InvalidConfig: the settings cannot be used.
    """
    if (home / settings_file.FILE).exists():
        raise Conflict(f"a node lives at {home} already", home=str(home))
    settings_file.check(settings)
    settings_file.host_and_port(settings.listen)
    _folders(home)
    root, exchange = generate(), generate()
    _secret_file(home / ROOT_KEY, root.pem(passphrase))
    _secret_file(home / settings.exchange_key.removeprefix("file:"), exchange.pem())
    _secret_file(home / SECRET, secrets.token_bytes(SECRET_BYTES))
    _secret_file(home / CURSOR_KEY, secrets.token_bytes(SECRET_BYTES))
    settings_file.write(home, settings)
    node = open_node(home, clock=clock, wire=wire, first=True)
    now = node.clock()
    document = _first_document(settings, (root, exchange), now)
    envelope = sign(KEYS, to_payload(document), root).to_bytes()
    with node.core.begin() as unit:
        peers.publish_own(unit, envelope, document, now, by=OWNER)
        node.keys.follow(unit)
        admit.own_identity(unit, node.us, document.identities[0], now)
    return node


def open_node(
    home: Path,
    *,
    clock: Clock = clocks.now,
    wire: Wire | None = None,
    wait: Callable[[], None] | None = None,
    first: bool = False,
) -> Node:
    """Open the node that lives at ``home``; its databases are brought to the newest schema.

    Args:
        wire: to the peers; over HTTP if none is given.
        wait: called before databases are upgraded, for progress.
        first: its database is made now; else one that is empty is refused, for it was lost.

    Raises:
        InvalidConfig: there is no node, or a key of its settings is unknown or wrong.
        DamagedHome: its database is empty, or one of its secrets is; OtherSchema: they are another version's.
    """
    config = settings_file.load(home)
    if wait is not None:
        wait()
    rooms: dict[Room, str] = {
        "core": config.core_url,
        "shelf": config.shelf_url,
        "spool": config.spool_url,
    }
    stores = {room: open_store(url, room) for room, url in rooms.items()}
    if not first and is_new(stores["core"]):
        raise DamagedHome(f"the database of the node at {home} is empty", home=str(home))
    for store in stores.values():
        upgrade(store)
    us, keys = _us(config, clock)
    known = Harmless(config.settings.benign, us.benign)
    with stores["core"].read() as unit:
        keys.follow(unit)
        known.follow(unit)
    stores["core"].watchers.extend((keys.follow, known.follow))
    return Node(
        config=config,
        us=us,
        keys=keys,
        core=stores["core"],
        shelf=stores["shelf"],
        spool=stores["spool"],
        wire=wire if wire is not None else _wire(config, stores["core"]),
        clock=clock,
        formats=plugins.formats(BUILT_IN),
    )


def _wire(config: Config, core: Store) -> HttpWire:
    if config.client is not None:
        tlsfiles.check_pair(config.client, ("client_certificate", "client_key"))
    return HttpWire(identity=config.client, pins=Pins(core))


def _us(config: Config, clock: Clock) -> tuple[Us, Keyring]:
    settings = config.settings
    try:
        keys = Keyring(settings.nation, config.exchange_key_path, clock)
        secret = (config.home / SECRET).read_bytes()
    except FileNotFoundError as error:
        raise NoNode(f"the home lacks {Path(str(error.filename)).name}") from error
    if len(secret) < SECRET_BYTES:
        raise DamagedHome(f"{SECRET} holds no secret: it was lost", file=str(SECRET))
    us = Us(
        party=settings.nation,
        country=settings.country,
        organisation=settings.organisation,
        realm=settings.realm,
        url=settings.url.rstrip("/"),
        signer=keys,
        secret=secret,
        max_frame_bytes=settings.exchange.max_frame_bytes,
        benign=warninglists.known_here(settings.benign),
        limits=settings.defence,
    )
    return us, keys


def _first_document(
    settings: Settings, keys: tuple[KeySigner, KeySigner], now: datetime
) -> KeyDocument:
    root, exchange = keys
    return KeyDocument(
        realm=settings.realm,
        party=settings.nation,
        organisation=settings.organisation,
        country=settings.country,
        version=1,
        issued=text(now),
        expires=text(now + DOCUMENT_LIFE),
        roots=[RootKey(public=encode(root.public))],
        threshold=1,
        exchange=[
            ExchangeKey(
                public=encode(exchange.public),
                not_before=text(now - timedelta(minutes=5)),
                not_after=text(now - timedelta(minutes=5) + EXCHANGE_LIFE),
            )
        ],
        identities=[new_id("identity")],
        url=settings.url.rstrip("/"),
        standing="single-root",
    )


def _folders(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for name, mode in (("core", 0o700), ("shelf", 0o755), ("spool", 0o755), ("listener", 0o755)):
        folder = home / name
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
    (home / "core" / "keys").mkdir(mode=0o700, exist_ok=True)
    (home / "listener" / "tls").mkdir(exist_ok=True)


def _secret_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
