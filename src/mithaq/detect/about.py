"""Which techniques of ATT&CK a YARA rule or a STIX pattern names, and the telemetry without which it sees none of them.

Sigma rules name theirs in tags, and say their log sources (``detect.sigma``). The others name techniques where whoever
wrote them did: in a reference to ATT&CK, in a label, in the tags or the meta of a YARA rule. What they need follows of
what they are: files that are looked through, or logs that tell of the objects that a pattern asks for. More is asked
for where in doubt, so what could be seen is never said of what could not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cache
from typing import Final, NamedTuple

from mithaq.detect.collected import Needs, known
from mithaq.detect.stix import language as stix
from mithaq.detect.stix.matching import types_of
from mithaq.detect.stix.parser import read
from mithaq.errors import InputError
from mithaq.model.objects import Body

FILES: Final = "files"  # the log source of what is looked through as a file
SIGMA, YARA, STIX = "sigma", "yara", "stix"
_NUMBER: Final = re.compile(r"(?i)T(?<![A-Z0-9]T)([0-9]{4})(?:[._/]([0-9]{3}))?(?![A-Za-z0-9])")
_STRINGS: Final = re.compile(
    r"(?m)^[ \t]*(?:strings|condition)[ \t]*:.*?(?:^\}|\Z)", re.DOTALL
)  # of a YARA rule, where nothing is named
_MOST: Final = 1 << 16  # characters that are looked at, and of one label
_LABEL: Final = 300
_NETWORK: Final = (
    "*/network_connection", "zeek/conn", "eve/flow", "netflow", "*/firewall", "*/http", "*/proxy", "*/webserver",
)  # fmt: skip
_DNS: Final = ("*/dns_query", "*/dns", "passive-dns")
_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {  # by what tells of an object of a type
    "domain-name": (*_DNS, "*/http", "*/proxy"),
    "url": ("*/http", "*/proxy"),
    "ipv4-addr": (*_NETWORK, *_DNS),
    "ipv6-addr": (*_NETWORK, *_DNS),
    "network-traffic": _NETWORK,
    "file": ("*/file_*", "*/image_load", "*/driver_load", "*/process_creation", "antivirus"),
    "directory": ("*/file_*", "*/image_load", "*/process_creation"),
    "process": ("*/process_*",),
    "windows-registry-key": ("*/registry_*",),
    "user-account": ("*/process_creation", "windows/security"),
}


class Named(NamedTuple):
    """A YARA rule or a STIX indicator that names techniques."""

    id: str
    title: str
    kind: str
    techniques: tuple[str, ...]
    needs: Needs


def named(id_: str, body: Body) -> Named | None:
    """Return what an indicator names, of YARA or STIX; None if it is neither, or names no technique."""
    kind, pattern = str(body.get("pattern_type", STIX)), str(body.get("pattern", ""))
    if kind not in {YARA, STIX}:
        return None
    numbers = [*_said(body), *(of_yara(pattern) if kind == YARA else ())]
    if not numbers:
        return None
    return Named(
        id_, str(body.get("name", "")), kind, tuple(dict.fromkeys(numbers)), _needs(kind, pattern)
    )


def in_yara(name: str, text: str) -> Named | None:
    """Return what a YARA rule of a file names; None if that is no technique."""
    numbers = of_yara(text)
    return Named(name, name, YARA, numbers, _needs(YARA, text)) if numbers else None


def of_yara(text: str) -> tuple[str, ...]:
    """Return the techniques that YARA rules name in their tags and meta, not in what they search for."""
    return tuple(dict.fromkeys(_numbers(_STRINGS.sub("", text[:_MOST]))))


def _said(body: Body) -> Iterator[str]:
    sources, labels = body.get("external_references"), body.get("labels")
    for each in sources if isinstance(sources, list) else ():
        if isinstance(each, dict) and str(each.get("source_name")).startswith("mitre"):
            yield from _numbers(str(each.get("external_id"))[:_LABEL])
    for each in labels if isinstance(labels, list) else ():
        if isinstance(each, str):
            yield from _numbers(each[:_LABEL])


def _numbers(written: str) -> Iterator[str]:
    for main, part in _NUMBER.findall(written):
        yield f"T{main}.{part}" if part else f"T{main}"


def _needs(kind: str, pattern: str) -> Needs:
    if kind == YARA:
        return (frozenset({FILES}),) if _compiles(pattern) else ()
    with suppress(InputError):
        return tuple(_of(read(pattern).expression))
    return ()


def _compiles(rules: str) -> bool:
    from mithaq.detect.yara import Text, Yara  # noqa: PLC0415 heavy, and few name a technique

    return not Yara([Text("", rules)]).unserved


def _of(asked: stix.Observing) -> list[frozenset[str]]:
    """Return the log sources that an expression needs; of alternatives, what any of them needs stands for all."""
    match asked:
        case stix.Observed(compared):
            return [_tell(types_of(compared))]
        case stix.Either(parts):
            some = [_of(part) for part in parts]
            if all(len(each) == 1 for each in some):
                return [frozenset().union(*(each for (each,) in some))]
            return [each for part in some for each in part]
        case stix.Together(parts) | stix.Followed(parts):
            return [each for part in parts for each in _of(part)]
        case _:
            return _of(asked.part)


def _tell(types: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*map(_telling, types))


@cache
def _telling(type_: str) -> frozenset[str]:
    shown = _SHOWN.get(type_, ())
    return frozenset(n for n in known() if any(fnmatchcase(n, pattern) for pattern in shown))
