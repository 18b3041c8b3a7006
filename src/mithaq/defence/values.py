"""What stood in the events that matched, as values with their kinds: a digest is of the kind that the event says."""

import re
from collections.abc import Iterable, Iterator, Mapping

from mithaq.errors import InputError
from mithaq.model import values
from mithaq.model.telemetry import Scalar
from mithaq.model.telemetry import Value as Said
from mithaq.model.values import Value

_KINDS = ("imphash", "md5", "sha1", "sha224", "sha256", "sha384", "sha512")
# as Sysmon writes them, ``MD5=…,IMPHASH=…``
_DIGEST = re.compile(rf"\b({'|'.join(_KINDS)})=([0-9a-f]+)", re.IGNORECASE)
_NAMES = {f"{prefix}{kind}": kind for kind in _KINDS for prefix in ("", "hash", "hash.", "hashes.")}


def observed(some: Iterable[Mapping[str, Said]]) -> list[Value]:
    """Return the values that the fields of some matches hold, each once."""
    found: dict[Value, None] = {}
    for fields in some:
        for name, said in fields.items():
            for each in said if isinstance(said, list) else [said]:
                found.update(dict.fromkeys(_of(name, each)))
    return list(found)


def _of(name: str, said: Scalar) -> Iterator[Value]:
    if not isinstance(said, str) or not said:
        return
    digests = _DIGEST.findall(said)
    plain = name.casefold().replace("-", "").replace("_", "")
    kind = _NAMES.get(plain) or _NAMES.get(plain.rpartition(".")[2])
    if digests:
        yield from _read(digests)
    elif kind is not None:
        yield from _read([(kind, said)])
    elif (value := values.recognised(said)) is not None:
        yield value


def _read(some: Iterable[tuple[str, str]]) -> Iterator[Value]:
    for kind, text in some:
        try:
            yield values.of_kind(kind.casefold(), text)
        except InputError:
            continue
