"""What a reviewer is advised to do with a finding, and why: take it, look at it, or leave it.

Authors of reports put out of action what is harmful and leave as it is what they refer to; they list what they found
under a heading; and they name files, versions and parts of programs that look like hosts. The advice follows from
these habits. It decides nothing: a person does.
"""

import re
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from mithaq.formats.reports.scan import CVE, OTHER, TECHNIQUE
from mithaq.model import values
from mithaq.model.values import Value


class Advice(StrEnum):
    """What to do with a finding."""

    TAKE = "take"
    LOOK = "look"
    LEAVE = "leave"


class Reason(StrEnum):
    """Why."""

    DEFANGED = "defanged"  # its author wrote it so that nobody follows it
    LISTED = "listed"  # it stands under a heading of indicators
    ALONE = "alone"  # it is all that its line says
    NAMED = "named"  # a hash, and the text says of what kind
    LENGTH = "length"  # a hash whose kind its length alone tells
    TOLD = "told"  # a vulnerability or a technique: it becomes a reference of the report
    PROSE = "prose"  # written as everything else is
    SPOKEN = "spoken"  # a full stop or an at-sign written as a word: it may be one
    JOINED = "joined"  # it was put together over the end of a line
    SHARED = "shared"  # a service that everybody uses, and that is abused
    HARMLESS = "harmless"  # on a list of what nobody should block
    COMMON = "common"  # keys and addresses that well-behaved machines have as well
    NAME = "name"  # of the kind that examples bear
    RESERVED = "reserved"  # an address of no one machine
    VERSION = "version"  # rather a version
    FILE = "file"  # rather the name of a file
    CODE = "code"  # rather a part of a program
    REFERENCE = "reference"  # what the report refers to
    OWN = "own"  # its publisher's
    CONTACT = "contact"  # whom to write to
    NOTHING = "nothing"  # the hash of an empty file
    OTHER_HASH = "other-hash"  # of something that is no file


class Around(NamedTuple):
    """What stands around a value."""

    ways: frozenset[str]  # how it was put out of action
    before: str  # of its line, in lower case
    after: str
    written: str
    alone: bool
    section: str  # of SECTIONS, or empty
    hashes: str  # what the text says that its hashes are


class Own(NamedTuple):
    """What is known of the report as a whole."""

    hosts: frozenset[str]  # its publisher's
    careful: bool  # it puts out of action what is harmful


INDICATORS, REFERENCES = "indicators", "references"
_HARMLESS = frozenset({"unseen", "joined"})  # ways that say nothing of harm
_AT_HOST = frozenset({"domain", "url", "email"})
# Ends of names that are names of files more often than hosts, where nothing says otherwise.
_FILES = frozenset(
    {
        "bat",
        "cab",
        "doc",
        "dot",
        "mov",
        "md",
        "pl",
        "ps",
        "py",
        "rs",
        "sh",
        "so",
        "zip",
    }
)
_CODE = re.compile(r"(?:[A-Z][A-Za-z]*\.)+[A-Z][A-Za-z]*|[a-z]+\.[A-Z][A-Za-z]+(?:\.[A-Za-z]+)*")
_PROGRAMS = frozenset(
    {"asp.net", "node.js", "socket.io", "system.net", "vb.net", "ml.net", "ado.net"}
)
_VERSION = re.compile(
    r"(?:\bv(?:er(?:s(?:ion(?:en|s)?)?)?)?|\bbuild|\brelease|\brev(?:ision)?|\bfirmware|\bupdate|\bpatch|إصدار|الإصدار"
    r"|\b(?:chrome|firefox|safari|edge|opera|msie|trident|webkit|gecko|version|nt|office|java|windows|android|ios))"
    r"[\s:=/.]*(?:number|is|to|from|n°)?[\s:=/.]*\Z|[a-z]/\Z",
    re.IGNORECASE,
)
_AFTER_VERSION = re.compile(
    r"\s*(?:and (?:earlier|later|below|prior)|or (?:earlier|later)|through )", re.IGNORECASE
)
_REFERS = re.compile(
    r"(?:\A\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\d{1,3}[.)])\s*\S{0,200}|source|sources|reference|ref|references|see|see also"
    r"|read more|available at|available|via|credit|advisory|according to|blog|download(?:ed)? from our|voir|lire|selon"
    r"|disponible|المصدر|راجع|انظر)[\s:(–-]*\Z",  # noqa: RUF001 dashes as they are printed
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"contact|press|questions?|feedback|e-?mail (?:us|me)|report (?:to|it)|reach (?:us|out)|write to|author|about us"
    r"|contactez|للتواصل|اتصل",
    re.IGNORECASE,
)
_SHARED = frozenset(
    {
        "github.com", "gitlab.com", "bitbucket.org", "githubusercontent.com", "pastebin.com", "drive.google.com",
        "docs.google.com", "dropbox.com", "mega.nz", "discord.com", "discordapp.com", "telegram.org", "t.me",
        "onedrive.live.com", "sharepoint.com", "amazonaws.com", "azureedge.net", "cloudfront.net", "blogspot.com",
        "wordpress.com", "firebaseio.com", "duckdns.org", "ngrok.io", "workers.dev", "herokuapp.com",
        "mediafire.com", "transfer.sh", "archive.org", "bit.ly", "tinyurl.com", "4shared.com", "weebly.com",
        "yahoo.com", "gmail.com", "outlook.com", "hotmail.com", "protonmail.com", "proton.me", "mail.ru",
        "yandex.ru", "qq.com", "163.com", "icloud.com", "aol.com", "gmx.de", "gmx.com",
    }
)  # fmt: skip
_KNOWN = frozenset(
    {
        "google.com", "microsoft.com", "apple.com", "adobe.com", "mozilla.org", "twitter.com", "x.com",
        "facebook.com", "linkedin.com", "youtube.com", "instagram.com", "reddit.com", "medium.com", "wikipedia.org",
        "mitre.org", "nist.gov", "cve.org", "cisa.gov", "us-cert.gov", "first.org", "virustotal.com", "any.run",
        "hybrid-analysis.com", "abuse.ch", "urlscan.io", "shodan.io", "censys.io", "misp-project.org",
        "oasis-open.org", "ietf.org", "w3.org", "iana.org", "python.org", "stackoverflow.com",
        "unit42.paloaltonetworks.com", "paloaltonetworks.com", "eset.com", "welivesecurity.com", "kaspersky.com",
        "securelist.com", "mandiant.com", "fireeye.com", "crowdstrike.com", "talosintelligence.com", "cisco.com",
        "trendmicro.com", "symantec.com", "broadcom.com", "sophos.com", "checkpoint.com", "proofpoint.com",
        "recordedfuture.com", "bleepingcomputer.com", "thehackernews.com", "krebsonsecurity.com", "amnesty.org",
        "citizenlab.ca", "cert.ssi.gouv.fr", "europa.eu", "ibm.com", "oracle.com", "vmware.com", "fortinet.com",
        "ivanti.com", "debian.org", "ubuntu.com", "redhat.com", "kernel.org", "schema.org", "creativecommons.org",
        "apache.org", "gnu.org", "windows.com", "office.com", "live.com", "msn.com", "bing.com",
        "windowsupdate.com",
    }
)  # fmt: skip
_EXAMPLES = frozenset({"example.com", "example.org", "example.net"})
_NOTHING = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)


def judged(value: Value, around: Around, own: Own) -> tuple[Advice, Reason]:  # noqa: PLR0911 a reason each
    """Return what to do with a value, and the reason that counts most."""
    if value.kind in {CVE, TECHNIQUE}:
        return Advice.TAKE, Reason.TOLD
    if value.kind == OTHER:
        return Advice.LEAVE, Reason.OTHER_HASH
    if value.text in _NOTHING or not value.text.strip("0"):
        return Advice.LEAVE, Reason.NOTHING
    if value.kind in values.HASHES or value.kind == "imphash":
        return Advice.TAKE, Reason.NAMED if around.hashes else Reason.LENGTH
    if value.kind in {"asn", "mac", "registry-key"} or value.kind.startswith("certificate"):
        listed = around.alone or around.section == INDICATORS
        return Advice.LOOK, Reason.LISTED if listed else Reason.COMMON
    if value.kind in {"ipv4", "ipv6", "ip-port"}:
        return _of_address(value, around)
    return _of_host(value, around, own)


def _of_address(value: Value, around: Around) -> tuple[Advice, Reason]:
    if values.is_everybodys(value) or not _is_somebodys(value):
        return Advice.LEAVE, Reason.RESERVED
    if not _defanged(around):
        if _VERSION.search(around.before) or _AFTER_VERSION.match(around.after):
            return Advice.LEAVE, Reason.VERSION
        if around.section == REFERENCES:
            return Advice.LEAVE, Reason.REFERENCE
    return _by_writing(around)


def _is_somebodys(value: Value) -> bool:
    bare = value.text
    if value.kind == "ip-port":
        bare = bare.rpartition(":")[0].strip("[]")
    if "/" in bare:
        network = ip_network(bare)
        return network.is_global and not network.is_multicast
    address = ip_address(bare)
    return address.is_global and not address.is_multicast


def _of_host(value: Value, around: Around, own: Own) -> tuple[Advice, Reason]:
    host = host_of(value)
    defanged = _defanged(around)
    if _quad(host) and (host.startswith("0.") or not ip_address(host).is_global):
        return Advice.LEAVE, Reason.RESERVED
    if host.rpartition(".")[2] in {"example", "test", "invalid"} or within(host, _EXAMPLES):
        return (Advice.LOOK if defanged else Advice.LEAVE), Reason.NAME
    if not defanged:
        reason = _harmless(value, host, around, own)
        if reason is not None:
            return Advice.LEAVE, reason
    elif within(host, _SHARED) or within(host, _KNOWN):
        return (Advice.TAKE if value.kind != "domain" else Advice.LOOK), Reason.SHARED
    return _by_writing(around)


def _harmless(value: Value, host: str, around: Around, own: Own) -> Reason | None:  # noqa: PLR0911 a reason each
    """Return why a host that can be followed is rather no indicator."""
    if within(host, own.hosts):
        return Reason.OWN
    if value.kind == "email":
        return Reason.CONTACT if _CONTACT.search(around.before[-80:]) else None
    if value.kind == "domain" or (value.kind == "url" and "://" not in value.text):
        first = around.written.partition("/")[0]
        if host in _PROGRAMS or _CODE.fullmatch(first):
            return Reason.CODE
        if value.kind == "domain" and host.rpartition(".")[2] in _FILES:
            return Reason.FILE
    if around.section == REFERENCES or within(host, _KNOWN):
        return Reason.REFERENCE
    if around.section == INDICATORS or "://" not in value.text:
        return None
    refers = _REFERS.search(around.before) or (own.careful and not around.alone)
    return Reason.REFERENCE if refers else None


def _by_writing(around: Around) -> tuple[Advice, Reason]:
    ways = around.ways - _HARMLESS
    if ways and not ways.issubset({"spoken", "at_spoken"}):
        return Advice.TAKE, Reason.DEFANGED
    if around.section == INDICATORS:
        return Advice.TAKE, Reason.LISTED
    if around.alone:
        return Advice.TAKE, Reason.ALONE
    if ways:
        return Advice.LOOK, Reason.SPOKEN
    return Advice.LOOK, Reason.JOINED if "joined" in around.ways else Reason.PROSE


def _defanged(around: Around) -> bool:
    return bool(around.ways - _HARMLESS)


def host_of(value: Value) -> str:
    """Return the host in a value; empty if it has none."""
    if value.kind not in _AT_HOST:
        return ""
    place = value.text.partition("://")[2] or value.text if value.kind == "url" else value.text
    place = re.split(r"[/?#]", place, maxsplit=1)[0].rpartition("@")[2]
    return place if place.startswith("[") else place.partition(":")[0]


def _quad(host: str) -> bool:
    return bool(host) and host.replace(".", "").isdecimal() and host.count(".") == 3  # noqa: PLR2004


def within(host: str, names: frozenset[str]) -> bool:
    """Say whether a host is one of ``names``, or below one."""
    parts = host.split(".")
    return any(".".join(parts[n:]) in names for n in range(len(parts) - 1))
