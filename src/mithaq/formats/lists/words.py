"""What columns and kinds of values are called in lists of the field, and what that means here."""

import re
from functools import lru_cache

from mithaq.errors import InputError
from mithaq.model import values

ROLES = (
    "value", "kind", "name", "description", "labels", "since", "tlp", "confidence", "reference", "detects",
    *values.KINDS,
)  # fmt: skip
_WORDS = {  # how the field's tables head their columns and name their kinds, without signs and capitals
    "value": "ioc iocvalue hash filehash indicator indicatorvalue observable attributevalue value",
    "kind": "type kind ioctype indicatortype observabletype attributetype valuetype",
    "name": "name threat threatname malware malwareprintable malwarefamily family signature trail",
    "description": "description comment comments note notes info sentence",
    "labels": "tags tag labels label category categories attributetag",
    "since": "since firstseen firstseenutc firstseendate dateadded date created validfrom",
    "tlp": "tlp marking tlpmarking tlplevel",
    "confidence": "confidence confidencelevel",
    "reference": "reference references sourceurl report",
    "detects": "detects toids take",
    "ip": "ip ipaddress ipaddr ipsrc ipdst srcip dstip cidr netblock network ipv4cidr inteladdr intelsubnet",
    "ipv4": "ipv4 ipv4addr ipv4address",
    "ipv6": "ipv6 ipv6addr ipv6address",
    "ip-port": "ipport ipdstport ipsrcport",
    "domain": "domain domainname hostname host fqdn inteldomain",
    "url": "url uri intelurl",
    "email": "email emailaddr emailaddress emailsrc emaildst intelemail",
    "md5": "md5 md5hash filehashmd5 hashmd5",
    "sha1": "sha1 sha1hash filehashsha1 hashsha1",
    "sha224": "sha224",
    "sha256": "sha256 sha256hash filehashsha256 hashsha256",
    "sha384": "sha384",
    "sha512": "sha512 sha512hash filehashsha512",
    "sha3-256": "sha3256",
    "sha3-512": "sha3512",
    "imphash": "imphash filehashimphash",
    "ssdeep": "ssdeep",
    "tlsh": "tlsh",
    "filename": "filename file intelfilename",
    "mutex": "mutex",
    "registry-key": "regkey registrykey windowsregistrykey",
    "user-agent": "useragent httpuseragent",
    "asn": "asn asnumber",
    "mac": "mac macaddress macaddr",
    "certificate-sha1": "x509fingerprintsha1 certificatesha1",
    "certificate-sha256": "x509fingerprintsha256 certificatesha256",
}
OF_VALUES = frozenset({"value", *values.KINDS})
BY_FORM = frozenset({"value", "ip", "ipv4", "ipv6", "ip-port", "domain", "url", "email"})
_MEANT = {word: role for role, words in _WORDS.items() for word in words.split()}
WORD = 64  # characters of a word with a meaning
_SIGNS = re.compile(r"[\W_]+")


class BadEntry(InputError):
    """A line that cannot be taken; its code is ``list-`` and the fact ``cause``."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what is wrong with it."""
        super().__init__(says, cause=cause)
        self.code = f"list-{cause}"


def role_of(word: str) -> str:
    """Return what a column or a kind of that name is for; empty if nobody knows."""
    return _MEANT.get(plain_word(word), "") if len(word) <= WORD else ""


@lru_cache(maxsize=1024)
def plain_word(word: str) -> str:
    """Return a word without capitals and signs."""
    return _SIGNS.sub("", word.casefold())
