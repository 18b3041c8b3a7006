"""Rules for Suricata 6 and newer: a rule that names its indicator for each value, or one rule for a list of values.

Every rule alerts and none drops. What a rule quotes is written by its number unless it is a letter, a digit or one of a
few signs, so no name or value ends its string, its option or its rule.
"""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from mithaq.clock import parse
from mithaq.formats.export.lists import Plain
from mithaq.formats.export.told import Entry
from mithaq.model.values import Value

_FIRST, _COUNT = 1_500_000_000, 500_000_000  # sids, far from those that are given out to anybody
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-=&?+~%,@")
_SHOWN = frozenset(" ._-@+/")
_MOST_OF_NAME, _MOST_OF_CONTENT = 120, 255  # characters of a message; bytes that a rule may compare
_HTTP = re.compile(r"(?:http://)?[a-z0-9._-]+(?::[0-9]+)?(?:/[!-\"$-~]*)?")
_CARRIERS = ("http", "http2", "smtp", "ftp-data", "smb", "nfs")  # of files
_MOST_REV = (1 << 32) - 1  # a rule with more is none, and Suricata may not start
_FILES = ("md5", "sha1", "sha256")
# of a data set: names that there is room for at least, bytes that one may take, rows that a rule may ask for
_FEWEST, _BYTES_OF_NAME, _MOST_ROWS = 1 << 16, 1 << 10, 1 << 18


class Rules:
    """A rule, or several, for each value of each entry; the same value has the same sid each time."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rules: dict[tuple[int, str], str] = {}  # by the sid it wants and what it is about

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""
        about = _about(entry)
        told = False
        for value in entry.alone():
            for place, options in _matches(value):
                told = True
                subject = f"{entry.id} {value.kind} {value.text} {place}"
                drawn = int.from_bytes(sha256(subject.encode("utf-8", "replace")).digest()[:8])
                self._rules[drawn % _COUNT, subject] = (
                    f'alert {place} (msg:"{_message(entry, value)}"; {options}{about}'
                )
        return told

    def done(self, _at: datetime) -> bytes:
        """Return the rules; of two that want one sid the second takes the next."""
        lines, last = [], -1
        for (wanted, _), rule in sorted(self._rules.items()):
            last = max(wanted, last + 1)
            lines.append(f"{rule} sid:{_FIRST + last};)\n")
        return "".join(lines).encode()


def _message(entry: Entry, value: Value) -> str:
    shown = "".join(c if c.isalnum() or c in _SHOWN else "_" for c in entry.name)
    return f"mithaq {value.kind} {shown[:_MOST_OF_NAME]}".strip()


def _about(entry: Entry) -> str:
    """Return the options that say where a rule comes from; its revision is the second of the version."""
    rev = int(parse(entry.modified).timestamp()) if entry.modified else 1
    facts = [f"mithaq_id {entry.id}", f"mithaq_pap {entry.pap}"]
    if entry.tlp:
        facts.append(f"mithaq_tlp {entry.tlp}")
    return f"metadata:{', '.join(facts)}; rev:{min(max(rev, 1), _MOST_REV)};"


def _matches(value: Value) -> Iterator[tuple[str, str]]:
    """Yield protocol, sides and options of the rules that say a value in full."""
    kind, text = value
    if kind in {"ipv4", "ipv6"}:
        yield f"ip any any <> [{text}] any", ""
    elif kind == "ip-port":
        address, _, port = text.rpartition(":")
        for protocol in ("tcp", "udp"):
            yield f"{protocol} any any -> [{address.strip('[]')}] {port}", ""
    elif kind == "domain":
        same = f"content:{_content(text)}; bsize:{len(text)};"
        yield "dns any any -> any any", f"dns.query; {same} nocase; "
        yield "tls any any -> any any", f"tls.sni; {same} nocase; "
        yield "http any any -> any any", f"http.host; {same} "
    elif kind == "url" and _HTTP.fullmatch(text):
        yield from _url(text)


def _url(text: str) -> Iterator[tuple[str, str]]:
    """Yield the rule for a URL that is asked for in the clear; what stands in it is compared byte for byte."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    host, path = parts.hostname or "", text.partition("://")[2] or text
    path = "/" + path.partition("/")[2]
    if len(path) > _MOST_OF_CONTENT:
        return
    where = f"http.host; content:{_content(host)}; bsize:{len(host)}; "
    what = f"http.uri.raw; content:{_content(path)}; bsize:{len(path)}; "
    yield f"http any any -> any {parts.port or 'any'}", where + what


def _content(text: str) -> str:
    signs = (c if c in _PLAIN else f"|{ord(c):02X}|" for c in text)
    return '"' + "".join(signs).replace("||", " ") + '"'


class DomainSet(Plain):
    """Domain names as a data set of strings: each in base64, one to a line."""

    def __init__(self) -> None:
        """Take domain names."""
        super().__init__("domain")

    def done(self, at: datetime) -> bytes:
        """Return the data set."""
        names = super().done(at).split()
        return b"".join(base64.b64encode(name) + b"\n" for name in names)


class ListRules:
    """The rules that look into the lists: the same few whatever stands there; one for an empty list is left out.

    Suricata's own bounds of a data set are those of a few thousand names: a million would take it an hour to load.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kinds: set[str] = set()
        self._names = 0

    def take(self, entry: Entry) -> bool:
        """Note which lists an entry is in; say whether it is in any."""
        kinds = [value.kind for value in entry.alone() if value.kind in {"domain", *_FILES}]
        self._kinds.update(kinds)
        self._names += kinds.count("domain")
        return bool(kinds)

    def done(self, _at: datetime) -> bytes:
        """Return the rules."""
        bodies = [
            *(_of_domains(*each, self._names) for each in _BUFFERS if "domain" in self._kinds),
            *(
                _of_files(kind, carrier)
                for kind in _FILES
                if kind in self._kinds
                for carrier in _CARRIERS
            ),
        ]
        last = _FIRST + _COUNT
        return "".join(f"{b} sid:{last + n};)\n" for n, b in enumerate(bodies)).encode()


_BUFFERS = (
    ("dns", "dns.query; to_lowercase;"),
    ("tls", "tls.sni; to_lowercase;"),
    ("http", "http.host;"),
)


def _of_domains(protocol: str, buffer: str, names: int) -> str:
    room = max(_FEWEST, 1 << names.bit_length())  # by powers of two, so that rules seldom change
    bounds = f"memcap {room * _BYTES_OF_NAME >> 20}mb,hashsize {min(room, _MOST_ROWS)}"
    dataset = f"dataset:isset,mithaq-domains,type string,load suricata-domains.lst,{bounds};"
    return f'alert {protocol} any any -> any any (msg:"mithaq domain in list"; {buffer} {dataset} rev:1;'


def _of_files(kind: str, carrier: str) -> str:
    return (
        f'alert {carrier} any any -> any any (msg:"mithaq {kind} in list"; '
        f"file{kind}:suricata-{kind}.lst; rev:1;"
    )
