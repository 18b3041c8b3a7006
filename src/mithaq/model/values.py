"""Values that indicators are about: told apart by their form, brought into one form, written as STIX patterns.

A hash is never told by its length: an import hash is as long as an MD5, and a list of one matched as the other finds
what it does not mean. Whoever brings hashes says of what kind they are.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from unicodedata import category

from mithaq.errors import InputError


class NoSuchValue(InputError):
    """A text is no value of the kind it is said to be of; ``code`` says what is missing."""

    code = "value"


class Value(NamedTuple):
    """A value in the one form that it is stored, compared and matched in."""

    kind: str  # of PATHS, or ip-port
    text: str

    @property
    def comparison(self) -> str:
        """Say in STIX patterning that something is this value (STIX 2.1 section 9)."""
        kind, text = self
        if kind == "ip-port":
            address, _, port = text.rpartition(":")
            where = "network-traffic:dst_ref.value"
            return f"{where} = '{address.strip('[]')}' AND network-traffic:dst_port = {port}"
        if kind == "asn":
            return f"{PATHS[kind]} = {text}"
        if "\\" in text or "'" in text:
            text = text.replace("\\", "\\\\").replace("'", "\\'")
        return f"{PATHS[kind]} = '{text}'"


_HASHES = {  # hexadecimal digits, where there is one number of them (STIX 2.1 section 10.7)
    "md5": ("MD5", 32),
    "sha1": ("'SHA-1'", 40),
    "sha224": ("'SHA-224'", 56),
    "sha256": ("'SHA-256'", 64),
    "sha384": ("'SHA-384'", 96),
    "sha512": ("'SHA-512'", 128),
    "sha3-256": ("'SHA3-256'", 64),
    "sha3-512": ("'SHA3-512'", 128),
    "tlsh": ("TLSH", None),
    "ssdeep": ("SSDEEP", None),
}
PATHS = {
    "ipv4": "ipv4-addr:value",
    "ipv6": "ipv6-addr:value",
    "domain": "domain-name:value",
    "url": "url:value",
    "email": "email-addr:value",
    "mac": "mac-addr:value",
    "asn": "autonomous-system:number",
    "filename": "file:name",
    "directory": "file:parent_directory_ref.path",
    "mutex": "mutex:name",
    "registry-key": "windows-registry-key:key",
    "user-agent": "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
    "imphash": "file:extensions.'windows-pebinary-ext'.imphash",
    "certificate-sha1": "x509-certificate:hashes.'SHA-1'",
    "certificate-sha256": "x509-certificate:hashes.'SHA-256'",
    **{kind: f"file:hashes.{name}" for kind, (name, _) in _HASHES.items()},
}
_DIGITS = {kind: digits for kind, (_, digits) in _HASHES.items() if digits} | {
    "imphash": 32, "certificate-sha1": 40, "certificate-sha256": 64,
}  # fmt: skip
HASHES = {kind: name.strip("'") for kind, (name, _) in _HASHES.items()}  # as STIX calls them
EXACT = frozenset(kind for kind, (_, digits) in _HASHES.items() if digits)  # name one file
LOOSE = frozenset({"filename", "imphash", "ssdeep", "tlsh"})  # many files may bear the same
FREE = frozenset(
    {"directory", "filename", "mutex", "registry-key", "user-agent"}
)  # texts of any form
_MOST, _MOST_OF_NAME = 4096, 253  # characters of a value; of a domain name (RFC 1035 section 2.3.4)
_RESERVED = frozenset({"example", "invalid", "test"})  # of exercises and documents (RFC 2606)
_MOST_PORT, _MOST_SYSTEM = (1 << 16) - 1, (1 << 32) - 1

_MAPPED = 96  # bits before an address of IPv4 that is written as one of IPv6
_WIDEST = {"ipv4": 8, "ipv6": 16}  # the shortest prefix of a network that belongs to somebody

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(xn--[a-z0-9-]{{1,59}}|[a-z]{{2,63}})")
_EMAIL = re.compile(r"(?i:mailto:)?(?!')([^\s@\"<>:;,()\[\]\\]{1,64})@([^\s@/]{1,253})")
_URL = re.compile(r"([a-z][a-z0-9+.-]{0,30})://([^\s/?#]+)([/?#]\S*)?", re.IGNORECASE)
_PORT = re.compile(r"(.+)[:|]([0-9]{1,5})")
_NUMBER = re.compile(r"[0-9]{1,5}")
_MAC = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}")
_ASN = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]+")
_SSDEEP = re.compile(r"[0-9]{1,10}(?::[A-Za-z0-9+/]{1,64}){2}")
_TLSH = re.compile(r"(?:T1)?([0-9A-F]{70})", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# of which IDNA 2003 and 2008 make different names
_DIFFERENT = re.compile("[\u00df\u03c2\u200c\u200d]")
_OF_NAMES = frozenset(
    "-_.\u3002\uff0e\uff61\u200c\u200d"
)  # with all full stops (RFC 3490 section 3.1)
_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS", "HKCC": "HKEY_CURRENT_CONFIG",
}  # fmt: skip
# What is written so that nobody follows it by mistake; no form begins with a run of any length.
_DEFANGED = (
    (re.compile(r"\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?", re.IGNORECASE), "."),
    (re.compile(r"\s?[\[({]\s?(?:@|at)\s?[\])}]\s?", re.IGNORECASE), "@"),
    (re.compile(r"\[(://|:|/)\]"), r"\1"),
    (re.compile(r"^h(?:xx|\*\*)p(?=s?://)", re.IGNORECASE), "http"),
)


def refanged(written: str) -> str:
    """Return a value as it is meant: ``hxxp://evil[.]example`` is ``http://evil.example``."""
    if "[" in written or "(" in written or "{" in written or written[1:3].lower() in {"xx", "**"}:
        for form, meant in _DEFANGED:
            written = form.sub(meant, written)
    return written


def recognised(written: str) -> Value | None:
    """Tell a value by its form: an address, with a port or not, a network, a URL, a domain, a mail address.

    A hash is never told.
    """
    if len(written) > _MOST:
        return None
    text = refanged(written.strip())
    if _IPV4.fullmatch(text):
        return Value("ipv4", text)
    low = text.lower()
    found = _DOMAIN.fullmatch(low)
    if found is not None:
        return Value("domain", low) if len(low) <= _MOST_OF_NAME and _is_top(found[1]) else None
    for kind in _likely(text):
        try:
            return _READERS[kind](text)
        except NoSuchValue:
            continue
    return None


def _likely(text: str) -> tuple[str, ...]:
    if "/" in text:
        return ("url", "ip")
    if "@" in text:
        return ("email",)
    return ("ip", "ip-port") if ":" in text else ("domain",)


def of_kind(kind: str, written: str) -> Value:
    """Return what is written as a value of a kind.

    Raises:
        InputError: there is no such kind. NoSuchValue: it is none of that kind.
    """
    text = written.strip()
    if not 0 < len(text) <= _MOST:
        raise NoSuchValue(f"a value has 1 to {_MOST} characters")
    digits = _DIGITS.get(kind)
    if digits is not None:
        low = text.lower()
        if kind.startswith("certificate"):
            low = low.replace(":", "")
        if len(low) != digits or not _HEX.fullmatch(low):
            raise NoSuchValue(f"no {kind}: that has {digits} hexadecimal digits")
        return Value(kind, low)
    read = _READERS.get(kind)
    if read is not None:
        return read(refanged(text))
    if kind not in FREE:
        raise InputError(f"no kind of value {kind!r}; known are {', '.join(KINDS)}")
    return _free(kind, text)


def is_everybodys(value: Value) -> bool:
    """Say whether an address is one that every machine has, or a network holds a good part of all there are."""
    kind, text = value
    if kind in {"ipv4", "ip-port"}:
        if text.startswith(("0.", "127.", "255.255.255.255")):
            return True
    elif kind != "ipv6":
        return False
    elif text in {"::", "::1"}:
        return True
    _, slash, length = text.partition("/")
    return bool(slash) and int(length) < _WIDEST[kind]


def pattern(values: Iterable[Value], joined: str = " OR ") -> str:
    """Return the STIX pattern of something that is any of ``values``; joined by AND, all of them."""
    return f"[{joined.join([value.comparison for value in values])}]"


@cache
def _tops() -> frozenset[str]:
    return _RESERVED.union(files("mithaq.model").joinpath("tlds.txt").read_text("utf-8").split())


def _is_top(label: str) -> bool:
    return label in _tops() or label.startswith("xn--")


def _free(kind: str, text: str) -> Value:
    if _CONTROL.search(text):
        raise NoSuchValue("a control character in a value")
    if kind == "filename" and ("/" in text or "\\" in text):
        raise NoSuchValue("a path, where a file's name is meant")
    if kind == "registry-key":
        hive, slash, rest = text.partition("\\")
        text = f"{_HIVES.get(hive.upper(), hive)}{slash}{rest}"
    return Value(kind, text)


def _ip(text: str) -> Value:
    if _IPV4.fullmatch(text):
        return Value("ipv4", text)
    bare = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    try:
        if "/" in text:
            network = _meant(ip_network(text, strict=False))
            whole = network.prefixlen == network.max_prefixlen
            kind = f"ipv{network.version}"
            return Value(kind, str(network.network_address if whole else network))
        address = ip_address(bare)
    except ValueError:
        raise NoSuchValue("no address and no network") from None
    if "%" in bare:
        raise NoSuchValue("an address with a zone means nothing on another machine")
    if address.version == 6:  # noqa: PLR2004
        address = address.ipv4_mapped or address
    return Value(f"ipv{address.version}", str(address))


def _meant(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the network of IPv4 that one of IPv6 stands for (RFC 4291 section 2.5.5.2), else itself."""
    first, length = network.network_address, network.prefixlen - _MAPPED
    if isinstance(first, IPv6Address) and length >= 0 and first.ipv4_mapped is not None:
        return IPv4Network((first.ipv4_mapped, length))
    return network


def _of_version(version: str, text: str) -> Value:
    found = _ip(text)
    if found.kind != version:
        raise NoSuchValue(f"no {version} address")
    return found


def _ip_port(text: str) -> Value:
    found = _PORT.fullmatch(text)
    if found is None or "/" in text or not 0 < int(found[2]) <= _MOST_PORT:
        raise NoSuchValue("no address with a port")
    kind, address = _ip(found[1])
    if kind == "ipv6" and not found[1].startswith("["):
        raise NoSuchValue("no address with a port: one of IPv6 stands in brackets")
    return Value("ip-port", f"{f'[{address}]' if kind == 'ipv6' else address}:{int(found[2])}")


def _domain(text: str) -> Value:
    return Value("domain", _name(text))


def _name(text: str) -> str:
    """Return a domain name in ASCII and lower case."""
    low = text.lower().removesuffix(".")
    if len(low) > _MOST_OF_NAME:
        raise NoSuchValue("no domain name: too long")
    if not low.isascii():
        if not all(map(_is_of_names, low)):
            raise NoSuchValue("no domain name: a sign that no name has")
        if _DIFFERENT.search(low):
            raise NoSuchValue("no domain name that all write alike: write it in ASCII")
        try:
            low = low.encode("idna").decode()
        except UnicodeError:
            raise NoSuchValue("no domain name: it cannot be written in ASCII") from None
    found = _DOMAIN.fullmatch(low)
    if found is None or len(low) > _MOST_OF_NAME:
        raise NoSuchValue("no domain name")
    if not _is_top(found[1]):
        raise NoSuchValue("no domain name: there is no such top-level domain")
    return low


def _is_of_names(sign: str) -> bool:
    """Say whether names in some script hold a sign; quotes around them and what nobody sees are none."""
    return sign.isalnum() or sign in _OF_NAMES or category(sign)[0] == "M"


def _email(text: str) -> Value:
    found = _EMAIL.fullmatch(text)
    if found is None or _CONTROL.search(text):
        raise NoSuchValue("no mail address")
    return Value("email", f"{found[1]}@{_name(found[2])}")


def _url(text: str) -> Value:
    """Read a URL, with its scheme or, as lists have it, without; scheme and host in lower case, the host in ASCII."""
    found = _URL.fullmatch(text)
    if found is not None:
        scheme, place, rest = found[1].lower() + "://", found[2], found[3] or ""
    else:
        place, slash, path = text.partition("/")
        scheme, rest = "", slash + path
        if not slash or "@" in place or len(path.split(None, 1)) > 1:
            raise NoSuchValue("no URL")
    if _CONTROL.search(text):
        raise NoSuchValue("a control character in a URL")
    user, at, host = place.rpartition("@")
    name, port = host, ""
    if not host.endswith("]"):
        name, colon, digits = host.partition(":") if host[:1] != "[" else host.rpartition(":")
        port = colon + digits
        if colon and not (_NUMBER.fullmatch(digits) and int(digits) <= _MOST_PORT):
            raise NoSuchValue("no URL: no such port")
    if name.startswith("["):
        found_at = _ip(name) if ":" in name else _of_version("ipv6", name)
        name = found_at.text if found_at.kind == "ipv4" else f"[{found_at.text}]"
    elif not _IPV4.fullmatch(name):
        name = _name(name)
    elif not scheme and not port and (rest[1:].isdecimal() or _IPV4.fullmatch(rest[1:])):
        raise NoSuchValue("no URL")  # but a network
    return Value("url", f"{scheme}{user}{at}{name}{port}{rest}")


def _mac(text: str) -> Value:
    low = text.lower()
    if not _MAC.fullmatch(low):
        raise NoSuchValue("no MAC address")
    return Value("mac", low.replace("-", ":"))


def _asn(text: str) -> Value:
    found = _ASN.fullmatch(text)
    if found is None or int(found[1]) > _MOST_SYSTEM:
        raise NoSuchValue("no number of an autonomous system")
    return Value("asn", str(int(found[1])))


def _ssdeep(text: str) -> Value:
    if not _SSDEEP.fullmatch(text):
        raise NoSuchValue("no ssdeep: that is a size and two parts")
    return Value("ssdeep", text)


def _tlsh(text: str) -> Value:
    found = _TLSH.fullmatch(text)
    if found is None:
        raise NoSuchValue("no tlsh: that has 70 hexadecimal digits, after T1 or not")
    return Value("tlsh", f"T1{found[1].upper()}")


_READERS = {
    "ip": _ip,
    "ipv4": lambda text: _of_version("ipv4", text),
    "ipv6": lambda text: _of_version("ipv6", text),
    "ip-port": _ip_port,
    "domain": _domain,
    "url": _url,
    "email": _email,
    "mac": _mac,
    "asn": _asn,
    "ssdeep": _ssdeep,
    "tlsh": _tlsh,
}
KINDS = tuple(sorted({*PATHS, "ip", "ip-port"}))
