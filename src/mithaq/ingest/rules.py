"""What a feed is, when it is read, and how it does: values and decisions, without I/O."""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import msgspec
from cryptography import x509

from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.model.labels import tlp

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
VIAS = ("http", "misp", "misp-server", "misp-push", "taxii", "taxii-2.0", "folder")
OUTWARD = frozenset({"misp-push"})  # ways out: what stands on a client's shelf is brought there
MARKED = frozenset({"stix", "stix-2.0", "misp"})  # formats that say how their objects are marked
RELIABILITY = ("A", "B", "C", "D", "E", "F")  # of a source, by the Admiralty scale
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(weeks=8)
SOON = timedelta(minutes=5)  # after a first failure; twice as long after each that follows
PATIENCE = 2  # intervals without an answer, and then it is called unreachable
TRIES = 3  # at least, before it is
REASONS = 20  # kinds of refusals that are kept, each with its first place
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name (RFC 9110 section 5.1)
_KEY = re.compile(
    r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[\w%~-]{20,}"
)  # what a key in a path may look like
_NAMES = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")  # a collection there
_DRIVEN = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}
)


class BadFeed(InputError):
    """A feed cannot be read as it is said; fact ``cause`` names what is wrong."""

    code = "bad-feed"


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person said of a feed when it was added."""

    name: str
    url: str
    via: str = "http"
    format: str = ""  # the first that fits
    kind: str = ""  # of the values of a list
    columns: Mapping[str, str] = {}
    every: int = 3600  # seconds
    tlp: str = ""  # of what bears no marking; empty: it stays unmarked, and goes nowhere
    reliability: str = ""
    secret: bool = False  # a credential lies in the home
    local: bool = False  # addresses of our own networks are meant
    ca: str = ""  # PEM: who vouches for its server, and nobody else; empty: whom the system trusts
    proxy: str = ""  # through which it is read: http://host:port
    to: str = ""  # of a way out: the client whose shelf is brought there
    by: str = ""
    at: str = ""

    @property
    def voucher(self) -> str:
        """The name of the source under which its objects stand here."""
        return f"feed:{self.name}"

    @property
    def shown(self) -> "Terms":
        """The same, with an address that anybody may read: in the log, in alarms, on a screen."""
        return msgspec.structs.replace(self, url=shown(self.url))

    def __repr__(self) -> str:
        """Name it and what may be shown of its address."""
        return f"Terms(name={self.name!r}, url={shown(self.url)!r})"


def shown(url: str) -> str:
    """Return an address without what may be a key: no value of its query, and nothing like one in its path."""
    parts = urlsplit(url)
    asked = (each.partition("=") for each in parts.query.split("&") if each)
    query = "&".join(f"{name}=…" if equals else "…" for name, equals, _ in asked)
    path = "/".join(
        "…" if _KEY.fullmatch(each) and not _NAMES.fullmatch(each) else each
        for each in parts.path.split("/")
    )
    return url if parts.scheme == "file" else urlunsplit(parts._replace(path=path, query=query))


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A credential: a header, and what it holds."""

    header: str
    value: str

    def __repr__(self) -> str:
        """Name the header alone."""
        return f"Secret(header={self.header!r})"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why some of what a feed holds was not taken: how many, and the first of them."""

    code: str
    count: int
    where: str
    why: str


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the last runs of a feed came to."""

    outcome: str = "never"  # never | taken | same | empty | failed
    tried_at: str = ""
    answered_at: str = ""  # the last time that it did
    changed_at: str = ""  # the last time that it said something else
    yielded_at: str = ""  # the last time that it gave entries
    status: int = 0  # of HTTP
    code: str = ""  # what failed
    why: str = ""
    parts: int = 0  # of the last run that read something: documents, events or pages
    size: int = 0  # bytes of them
    taken: int = 0
    known: int = 0
    markings: int = 0
    refused: int = 0
    reasons: list[Reason] = []
    best: int = 0  # entries of the last run that gave some
    failures: int = 0  # in a row
    failing_since: str = ""

    @property
    def entries(self) -> int:
        """What the last reading gave that could be stored, or was here."""
        return self.taken + self.known + self.markings


def checked(terms: Terms) -> Terms:
    """Return terms that can be followed.

    Raises:
        BadFeed: one of them cannot.
    """
    if NAME.fullmatch(terms.name) is None:
        raise BadFeed("a feed's name is small letters, digits and hyphens", cause="name")
    if terms.via not in VIAS:
        raise BadFeed(f"no way {terms.via!r} to read a feed", cause="via")
    _outward(terms)
    if terms.via == "folder":
        if not terms.url.startswith("file:/") or terms.url.startswith("file://"):
            raise BadFeed("a folder or a file here is written file:/PATH", cause="url")
        if terms.ca or terms.proxy:
            raise BadFeed("what lies on this machine needs no authority and no proxy", cause="way")
    else:
        _web(terms)
        _way(terms)
    if not SHORTEST <= timedelta(seconds=terms.every) <= LONGEST:
        raise BadFeed(
            "a feed is read every 5 minutes at most, every 8 weeks at least", cause="every"
        )
    if terms.reliability and terms.reliability not in RELIABILITY:
        raise BadFeed("a source's reliability is one of A to F", cause="reliability")
    if terms.tlp:
        tlp(terms.tlp)
    elif terms.via in {"http", "folder"} and terms.format not in MARKED:
        raise BadFeed(
            "its format bears no markings: say with --tlp what its entries are", cause="tlp"
        )
    return terms


def changed(before: Terms, after: Terms) -> dict[str, tuple[str, str]]:
    """Return what differs between two terms of a feed, each as it was and as it is; of authorities that they do."""
    found: dict[str, tuple[str, str]] = {}
    for name in Terms.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old != new and name not in {"by", "at", "name"}:
            found[name] = (_shown(name, old), _shown(name, new))
    return found


def _shown(name: str, value: object) -> str:
    if name == "url":
        return shown(str(value))
    if name == "ca" and value:
        return "sha256:" + hashlib.sha256(str(value).encode()).hexdigest()[:12]
    if isinstance(value, Mapping):
        return ", ".join(f"{role}={where}" for role, where in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outward(terms: Terms) -> None:
    if bool(terms.to) != (terms.via in OUTWARD):
        raise BadFeed(
            "what goes out says with --to to which client, and nothing else does", cause="to"
        )


def _web(terms: Terms) -> None:
    try:
        parts = urlsplit(terms.url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    written = terms.url.isascii() and terms.url.isprintable() and " " not in terms.url
    if not host or port == 0 or not written or parts.scheme not in {"http", "https"}:
        raise BadFeed("a feed's address is https:// and a host", cause="url")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadFeed("a feed's address holds no credential and no fragment", cause="url")
    if parts.scheme == "http" and not terms.local:
        raise BadFeed(
            "over http:// anybody on the way may change what a feed says; --local allows it",
            cause="plain",
        )


def _way(terms: Terms) -> None:
    """Check by which way a feed is read, and who vouches for its server."""
    if terms.ca:
        try:
            x509.load_pem_x509_certificates(terms.ca.encode())
        except ValueError as error:
            raise BadFeed("an authority is a certificate as PEM", cause="ca") from error
    if terms.proxy:
        try:
            parts = urlsplit(terms.proxy)
            good = parts.scheme in {"http", "https"} and parts.hostname and parts.port
        except ValueError:
            good, parts = None, urlsplit("")
        if not good or parts.username is not None or parts.path not in {"", "/"} or parts.query:
            raise BadFeed("a proxy is http://HOST:PORT, without a credential", cause="proxy")


def header_of(name: str, value: str) -> Secret:
    """Return a credential that is a header.

    Raises:
        BadFeed: it is none.
    """
    good = value and value.isascii() and value.isprintable()
    if _TOKEN.fullmatch(name) is None or name.lower() in _DRIVEN or not good:
        raise BadFeed("no credential can be sent like that", cause="secret")
    return Secret(header=name.lower(), value=value)


def basic_of(user: str, password: str) -> Secret:
    """Return a credential that is a user and a password (RFC 7617)."""
    if ":" in user:
        raise BadFeed("no credential can be sent like that", cause="secret")
    written = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Secret(header="authorization", value=f"Basic {written}")


# --- when --------------------------------------------------------------------------------------------------
def due(terms: Terms, health: Health, now: datetime, wait: int = 0) -> str:
    """Say when a feed is read next: about a tenth sooner or later, so that not all come at once.

    Args:
        wait: seconds for which it asked to be left alone.
    """
    pace = timedelta(seconds=terms.every)
    if health.failures:
        pace = min(pace, SOON * 2 ** min(health.failures - 1, 20))
    draw = hashlib.blake2b(f"{terms.name} {text(now)}".encode(), digest_size=2).digest()
    pace *= 0.9 + 0.2 * int.from_bytes(draw, "big") / 65535
    return text(now + max(pace, timedelta(seconds=wait)))


def unreachable(terms: Terms, health: Health, now: datetime) -> bool:
    """Say whether a feed has not answered for so long that somebody should look."""
    if health.failures < TRIES:
        return False
    return now - parse(health.failing_since) >= PATIENCE * timedelta(seconds=terms.every)
