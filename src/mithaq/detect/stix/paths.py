"""Object paths of STIX patterns (STIX 2.1 section 9.7), brought into one way of writing them.

What people write beside the specification is understood where it can mean one thing alone, and told of by its code:
``hash-name`` (``hashes.sha256``), ``renamed-type`` (``email:subject``), ``unknown-type`` (``app:id``),
``unknown-property`` (``file:path``) and ``unquoted-name`` (``hashes.SHA-256``).
"""

from functools import lru_cache
from itertools import pairwise

from mithaq.detect.stix.language import Path, Step

TYPES = frozenset({
    "artifact", "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr",
    "ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url", "user-account",
    "windows-registry-key", "x509-certificate",
})  # fmt: skip
_RENAMED = {"email": "email-message", "domain": "domain-name", "ip-addr": "ipv4-addr"}
_HASHES = {
    "".join(filter(str.isalnum, name)).lower(): name
    for name in (
        "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512",
        "SSDEEP", "TLSH", "RIPEMD-160", "WHIRLPOOL",
    )
}  # fmt: skip


def hash_name(written: str) -> str:
    """Return the name of a hash as STIX writes it; one that it does not know as it is."""
    return _HASHES.get(written.lower().replace("-", "").replace("_", ""), written)


def path_of(
    type_: str, steps: tuple[Step, ...], unquoted: frozenset[str]
) -> tuple[Path, frozenset[str]]:
    """Return a path as the specification writes it, and the codes of what was tolerated."""
    tolerated = {"unquoted-name"} if any("-" in name for name in unquoted) else set()
    kind = _RENAMED.get(type_, type_)
    if kind != type_:
        tolerated.add("renamed-type")
    elif kind not in TYPES:
        tolerated.add("unknown-type")
    if (kind, steps[:1]) == ("file", ("path",)):
        tolerated.add("unknown-property")
    meant = list(steps)
    for place, (before, step) in enumerate(pairwise(steps), 1):
        if before == "hashes" and isinstance(step, str):
            meant[place] = hash_name(step)
            if meant[place] != step:
                tolerated.add("hash-name")
    return Path(kind, tuple(meant)), frozenset(tolerated)


@lru_cache(maxsize=1024)  # patterns name the same few
def plain(written: str) -> tuple[Path, frozenset[str]]:
    """Return a path of keys that is written without blanks, and what was tolerated in it."""
    type_, _, rest = written.partition(":")
    steps: list[Step] = []
    unquoted: set[str] = set()
    while rest:
        if rest.startswith("'"):
            name, _, rest = rest[1:].partition("'")
        elif rest.startswith("[*]"):
            steps.append(None)
            rest = rest[3:].removeprefix(".")
            continue
        else:
            cut = min((at for at in (rest.find("."), rest.find("[")) if at >= 0), default=len(rest))
            name, rest = rest[:cut], rest[cut:]
            unquoted.add(name)
        steps.append(name)
        rest = rest.removeprefix(".")
    return path_of(type_, tuple(steps), frozenset(unquoted))
