r"""Sigma rules: a document for each value of each entry, for logs that are at hand (Sigma specification 2).

Every text is written as a quoted scalar of YAML in ASCII, so none ends where its writer wants it to; in a value what
Sigma reads as a wildcard is escaped as well.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime

from mithaq.formats.export.told import Entry
from mithaq.model.values import Value

_RULES = uuid.UUID("7c1f8b4e-6d63-4f0c-8a3e-2f9b7d1e5a90")  # namespace of their ids
_SIGNS = re.compile(r"[\\*?]")
_FOREIGN = re.compile(r"[^\x20-\x7e]")
_MOST_OF_TITLE = 120
_HASHES = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "imphash": "IMPHASH"}
_DNS, _PROXY, _FIREWALL = {"category": "dns"}, {"category": "proxy"}, {"category": "firewall"}
_PROCESS = {"category": "process_creation", "product": "windows"}
_FILE = {"category": "file_event", "product": "windows"}


class Sigma:
    """Rules, one document after the other."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rules: dict[str, str] = {}

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""
        told = False
        for value in entry.alone():
            for source, fields in _matches(value):
                told = True
                id_ = str(uuid.uuid5(_RULES, f"{entry.id} {value.kind} {value.text}"))
                self._rules[id_] = _document(id_, entry, value, source, fields)
        return told

    def done(self, _at: datetime) -> bytes:
        """Return the rules."""
        return "".join(rule for _, rule in sorted(self._rules.items())).encode("ascii")


def _matches(value: Value) -> Iterator[tuple[Mapping[str, str], Mapping[str, str]]]:
    """Yield the logs a value stands in, and the fields, all of them together, that hold it."""
    kind, text = value
    match kind:
        case "domain":
            yield _DNS, {"query": text}
        case "ipv4" | "ipv6":
            yield _FIREWALL, {"dst_ip|cidr" if "/" in text else "dst_ip": text}
        case "ip-port":
            address, _, port = text.rpartition(":")
            yield _FIREWALL, {"dst_ip": address.strip("[]"), "dst_port": port}
        case "url":
            yield _PROXY, {"c-uri": text}
        case "user-agent":
            yield _PROXY, {"c-useragent": text}
        case "filename":
            yield _FILE, {"TargetFilename|endswith": "\\" + text}
        case _ if kind in _HASHES:
            yield _PROCESS, {"Hashes|contains": f"{_HASHES[kind]}={text.upper()}"}


def _document(
    id_: str, entry: Entry, value: Value, source: Mapping[str, str], fields: Mapping[str, str]
) -> str:
    title = " ".join(f"mithaq {value.kind} {entry.name}".split())[:_MOST_OF_TITLE]
    lines = [
        "---",
        f"title: {_quoted(title)}",
        f"id: {id_}",
        "status: experimental",
        f"description: {_quoted(f'From {entry.id}, PAP:{entry.pap}')}",
        f"date: {_quoted(entry.modified[:10] or '1970-01-01')}",
        *(["tags:", f"    - tlp.{entry.tlp.lower().replace('+', '-')}"] if entry.tlp else []),
        "logsource:",
        *(f"    {name}: {written}" for name, written in source.items()),
        "detection:",
        "    selection:",
        *(f"        {_quoted(name)}: {_quoted(_escaped(text))}" for name, text in fields.items()),
        "    condition: selection",
        "level: medium",
    ]
    return "".join(f"{line}\n" for line in lines)


def _escaped(text: str) -> str:
    return _SIGNS.sub(lambda sign: "\\" + sign[0], text)


def _quoted(text: str) -> str:
    """Write a double-quoted scalar (YAML 1.2 section 7.3.1) of printable ASCII alone."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _FOREIGN.sub(lambda sign: f"\\U{ord(sign[0]):08x}", plain) + '"'
