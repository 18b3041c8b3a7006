"""What daemons and devices say within a line of syslog: resolvers, mail servers, firewalls, and those that log in.

A program's name chooses what its message may be; devices that write CEF, LEEF or pairs are known by how they begin.
What is not understood stays a message, in which rules look for words. Fields bear the names that Sigma's rules for
their category use, where it has some.

Every expression here takes time linear in the length of a line.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from mithaq.model.telemetry import LogSource, Value

Fields = dict[str, Value]


class Said(NamedTuple):
    """What a message comes to: its fields, and who says such things if that is told by it alone."""

    fields: Fields
    source: LogSource | None = None


_LONGEST: Final = 1 << 16  # characters of a message that is understood
RESOLVER: Final = LogSource(category="dns", service="resolver")
_FIREWALL: Final = LogSource(category="firewall", service="netfilter")


def said(program: str, message: str) -> Said | None:
    """Return what a message of a program says; None: it is not understood."""
    if len(message) > _LONGEST:
        return None
    for name in (
        program.partition("/")[0],
        program.rpartition("/")[2],
    ):  # postfix/smtpd, /usr/sbin/named
        if reader := _PROGRAMS.get(name):
            return reader(message)
    for begin, device in _DEVICES:
        if message.startswith(begin):
            return device(message)
    return None


# --- resolvers ------------------------------------------------------------------------------------

_BIND: Final = re.compile(
    r"client (?:@0x[0-9a-f]+ )?(?P<ip>[0-9A-Fa-f.:]+)(?:%\w+)?#(?P<port>\d+)(?:/key \S+)? \([^()\s]*\): "
    r"(?:view \S+: )?(?:query: (?P<name>\S+) \S+ (?P<type>\S+) |rpz \S+ (?P<policy>\S+) rewrite (?P<what>\S+) )"
)
_UNBOUND: Final = re.compile(
    r"(?:\[\d+:\d+\] )?(?:info|reply|query): (?P<ip>[0-9A-Fa-f.:]+)(?:@\d+)? (?P<name>\S+) (?P<type>[A-Z0-9]+) IN"
    r"(?: (?P<code>[A-Z]+) .*)?"
)
_DNSMASQ: Final = re.compile(
    r"(?:\d+ [0-9A-Fa-f.:]+/\d+ )?(?:query\[(?P<type>[\w=]+)\] (?P<asked>\S+) from (?P<ip>[0-9A-Fa-f.:]+)"
    r"|(?:reply|cached|config|/\S+) (?P<name>\S+) is (?P<answer>\S+))"
)
_RECURSOR: Final = re.compile(
    r"\d+ \[\d+/\d+\] question for '(?P<name>[^'|\s]+)\|(?P<type>\w+)'"
    r" from (?P<ip>[0-9A-Fa-f.]+|\[?[0-9A-Fa-f:]+\]?):\d+"
)


def bind(message: str) -> Said | None:
    """Of BIND's named: a question, or one that a policy zone answered."""
    found = _BIND.match(message)
    if found is None:
        return None
    name, kind = found["name"], found["type"]
    if name is None:
        name, kind = (*found["what"].split("/"), "")[:2]
    asked = _asked(name, kind, found["ip"])
    return Said(asked | _some(src_port=found["port"], policy=found["policy"]), RESOLVER)


def unbound(message: str) -> Said | None:
    """Of unbound: a question (``log-queries``) or an answer (``log-replies``)."""
    found = _UNBOUND.fullmatch(message)
    if found is None:
        return None
    asked = _asked(found["name"], found["type"], found["ip"])
    return Said(asked | _some(response_code=found["code"]), RESOLVER)


def dnsmasq(message: str) -> Said | None:
    """Of dnsmasq: a question, or what it answered."""
    found = _DNSMASQ.fullmatch(message)
    if found is None:
        return None
    asked = _asked(found["asked"] or found["name"], found["type"] or "", found["ip"] or "")
    return Said(asked | _some(answer=found["answer"]), RESOLVER)


def _recursor(message: str) -> Said | None:
    """Of PowerDNS's recursor."""
    found = _RECURSOR.match(message)
    asked = found and _asked(found["name"], found["type"], found["ip"].strip("[]"))
    return Said(asked, RESOLVER) if asked else None


def _asked(name: str, kind: str, client: str) -> Fields:
    """Return a question, with the fields that Sigma's rules for DNS name."""
    return _some(query=name.rstrip("."), record_type=kind, src_ip=client)


def _some(**fields: str | None) -> Fields:
    return {name: value for name, value in fields.items() if value}


# --- mail servers ---------------------------------------------------------------------------------

_MAIL_PAIR: Final = re.compile(
    r"(?<![\w-])(from|to|orig_to|helo|message-id|relay|client|status|size|nrcpt)=([^,\s]+)"
)
_PLACE: Final = re.compile(r"([\w.-]+)?\[([0-9A-Fa-f.:]+)\](?::\d+)?")
_CONNECTS: Final = re.compile(
    r"(?:connect from|disconnect from|RCPT from|warning: hostname) ([\w.-]+)\[([0-9A-Fa-f.:]+)\]"
)
_DOVECOT: Final = re.compile(r"(user|rip|lip)=<?([^<>,\s]+)")


def _postfix(message: str) -> Said | None:
    """Of Postfix and sendmail: pairs with commas between, and who connects."""
    fields: Fields = {}
    for name, value in _MAIL_PAIR.findall(message):
        bare = value.strip("<>[]") if name not in {"relay", "client"} else value
        if name in {"relay", "client"}:
            fields |= _at(name, value)
        elif bare and bare != "none":
            fields.setdefault(name.replace("-", "_"), bare)
    if connects := _CONNECTS.search(message):
        fields |= _at("client", f"{connects[1]}[{connects[2]}]")
    return _mailed(fields, "postfix")


def _at(name: str, written: str) -> Fields:
    """Return the name and the address of ``host[192.0.2.1]:25``."""
    found = _PLACE.match(written)
    host, address = (found[1], found[2]) if found else (written, "")
    return _some(
        **{f"{name}_name": "" if host in {"unknown", "none"} else host, f"{name}_ip": address}
    )


def _dovecot(message: str) -> Said | None:
    """Of Dovecot: who logs in from where."""
    names = {"user": "user", "rip": "client_ip", "lip": "dst_ip"}
    return _mailed({names[name]: value for name, value in _DOVECOT.findall(message)}, "dovecot")


_EXIM: Final = re.compile(
    r"\S{16,23} (?P<way><=|=>|->|>>|\*\*|==) (?P<address>\S+)(?P<rest>.*)", re.DOTALL
)
_EXIM_HOST: Final = re.compile(r" H=(?:([\w.-]+) )?(?:\(([^()\s]*)\) )?\[([0-9A-Fa-f.:]+)\]")


def exim(message: str) -> Said | None:
    """Of Exim's main log: a mail that came, or one that went."""
    found = _EXIM.fullmatch(message)
    if found is None:
        return None
    came = found["way"] == "<="
    fields = _some(**{"from" if came else "to": found["address"].strip("<>")})
    if host := _EXIM_HOST.search(found["rest"]):
        place = "client" if came else "relay"
        fields |= _some(**{f"{place}_name": host[1], "helo": host[2], f"{place}_ip": host[3]})
    return _mailed(fields, "exim")


def _mailed(fields: Fields, service: str) -> Said | None:
    return Said(fields, LogSource(category="mail", service=service)) if fields else None


# --- logging in, and firewalls --------------------------------------------------------------------

_SSHD: Final = re.compile(
    r"(?:for (?:invalid user )?(?P<user>\S+) )?from (?P<ip>[0-9A-Fa-f.:]+) port (?P<port>\d+)"
)
_NETFILTER: Final = re.compile(r"\b(IN|OUT|SRC|DST|PROTO|SPT|DPT)=(\S+)")
_PACKET: Final = {
    "IN": "in_interface", "OUT": "out_interface", "SRC": "src_ip", "DST": "dst_ip", "PROTO": "protocol",
    "SPT": "src_port", "DPT": "dst_port",
}  # fmt: skip


def _sshd(message: str) -> Said | None:
    """Of sshd: who comes from where; the source stays, for rules look for words of its messages."""
    found = _SSHD.search(message)
    if found is None:
        return None
    return Said(_some(user=found["user"], src_ip=found["ip"], src_port=found["port"]))


def _kernel(message: str) -> Said | None:
    """Of Linux's packet filter."""
    pairs = dict(_NETFILTER.findall(message))
    if not {"SRC", "DST"} <= pairs.keys():
        return None
    return Said({_PACKET[name]: value for name, value in pairs.items()}, _FIREWALL)


# --- devices: CEF, LEEF, pairs --------------------------------------------------------------------

_CEF_HEAD: Final = 7  # parts before the pairs
_LEEF_HEAD: Final = 5
_MOST: Final = 512  # pairs of one line
_KEY: Final = re.compile(r"(?:^| )([\w.-]{1,128})=")
_BAR: Final = re.compile(r"(?<!\\)\|")
_PAIR: Final = re.compile(r'([\w.-]{1,128})=("(?:[^"\\]|\\.)*"|\S*)')
_HEX: Final = re.compile(r"(?:0x|x)?[0-9A-Fa-f]{2}")


def _cef(message: str) -> Said | None:
    """In ArcSight's common event format: a head of seven parts, and pairs whose values may hold blanks."""
    parts = _BAR.split(message, _CEF_HEAD)
    if len(parts) <= _CEF_HEAD:
        return None
    fields = _some(
        device_vendor=parts[1],
        device_product=parts[2],
        event_id=parts[4],
        name=parts[5],
        level=parts[6],
    )
    rest = parts[_CEF_HEAD]
    for (name, begin, _), (_, _, end) in pairwise([*_keys(rest), ("", 0, len(rest))]):
        value = re.sub(r"\\([\\=|])", r"\1", rest[begin:end]).strip()
        fields |= _some(**{name: value})
    return Said(fields, LogSource(product="cef"))


def _keys(written: str) -> Iterator[tuple[str, int, int]]:
    """Yield each key of CEF, where its value begins, and where what is before it ends."""
    for _, found in zip(range(_MOST), _KEY.finditer(written), strict=False):
        yield found[1], found.end(), found.start()


def _leef(message: str) -> Said | None:
    """In QRadar's log event extended format: pairs with a tab between, or with what the head of version 2 says."""
    parts = message.split("|", _LEEF_HEAD)
    if len(parts) <= _LEEF_HEAD:
        return None
    fields = _some(device_vendor=parts[1], device_product=parts[2], event_id=parts[4])
    mark, rest = "\t", parts[_LEEF_HEAD]
    if parts[0] == "LEEF:2.0":
        said_, _, rest = rest.partition("|")
        mark = chr(int(said_[-2:], 16)) if _HEX.fullmatch(said_) else said_[:1] or "\t"
    for pair in rest.split(mark, _MOST):
        name, _, value = pair.strip().partition("=")
        fields |= _some(**{name: value}) if name else {}
    return Said(fields, LogSource(product="leef"))


def _pairs(message: str) -> Said | None:
    """In pairs with blanks between, as Fortinet's devices write."""
    fields: Fields = {}
    for _, found in zip(range(_MOST), _PAIR.finditer(message), strict=False):
        fields |= _some(**{found[1]: found[2].strip('"')})
    if not {"devname", "logid"} <= fields.keys():
        return None
    return Said(fields, LogSource(product="fortigate", service=str(fields.get("type", ""))))


_PROGRAMS: Final[Mapping[str, Callable[[str], Said | None]]] = {
    "named": bind, "unbound": unbound, "dnsmasq": dnsmasq, "pdns_recursor": _recursor, "pdns-recursor": _recursor,
    **dict.fromkeys(("postfix", "sendmail", "sm-mta", "sm-msp-queue"), _postfix),
    "exim": exim, "exim4": exim, "dovecot": _dovecot, "sshd": _sshd, "kernel": _kernel,
}  # fmt: skip
_DEVICES: Final[tuple[tuple[str, Callable[[str], Said | None]], ...]] = (
    ("CEF:", _cef), ("LEEF:", _leef), ("date=", _pairs), ("logver=", _pairs), ("devname=", _pairs),
)  # fmt: skip
