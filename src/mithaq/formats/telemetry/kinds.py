"""The kinds of telemetry that are read, and one way into all of them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from mithaq.errors import InputError
from mithaq.formats.telemetry import (
    auditd,
    documents,
    evtx,
    flows,
    lines,
    logs,
    parquet,
    resolvers,
    tables,
    zeek,
)
from mithaq.formats.telemetry.packed import Part, parts
from mithaq.formats.telemetry.reading import (
    PLAIN,
    Broken,
    Found,
    Kind,
    Passed,
    Refusal,
    Said,
    Sifted,
)

# The narrower ones first.
KINDS: Final[tuple[Kind, ...]] = (
    evtx.KIND,
    parquet.KIND,
    flows.KIND,
    zeek.KIND,
    auditd.KIND,
    documents.KIND,
    lines.KIND,
    *tables.KINDS,
    *logs.KINDS,
    *resolvers.KINDS,
)


class UnknownKind(InputError):
    """No kind of telemetry of that name."""

    code = "unknown-telemetry"


def kind(name: str) -> Kind:
    """Return the kind of that name.

    Raises:
        UnknownKind: there is none.
    """
    for known in KINDS:
        if known.name == name:
            return known
    raise UnknownKind(f"no telemetry {name}; known are {', '.join(known.name for known in KINDS)}")


def fitting(opening: bytes, name: str) -> Kind | None:
    """Return the first kind that the first bytes and the name of an input fit."""
    return next((known for known in KINDS if known.fits(opening, name)), None)


def read(
    pieces: Iterable[bytes],
    name: str,
    said: Said = PLAIN,
    *,
    as_kind: Kind | None = None,
    place: BinaryIO | None = None,
) -> Iterator[Found]:
    """Yield the events of one input in its order, unpacked, and a refusal for what is none.

    ``pieces`` are its bytes, cut anywhere; ``place`` is the file they are of, if it can be sought in. It is read as
    ``as_kind``, or as the first kind that fits.
    """
    for found in sifted(pieces, name, said, as_kind=as_kind, place=place):
        if not isinstance(found, Passed):
            yield found


def sifted(
    pieces: Iterable[bytes],
    name: str,
    said: Said,
    *,
    as_kind: Kind | None = None,
    place: BinaryIO | None = None,
) -> Iterator[Sifted]:
    """Yield the same, and from time to time how many events were passed over, as ``said.sifting`` has it."""
    try:
        for part in parts(pieces, name, place, said.most):
            yield from _read(part, as_kind, said)
    except Broken as why:
        yield Refusal(number=0, code=why.code, why=str(why), name=name)
    except OSError:
        raise
    except Exception as why:  # noqa: BLE001 a reader that errs costs its input, never the watch, which would meet it again
        said_ = f"a reader failed: {type(why).__name__}"
        yield Refusal(number=0, code=Broken.code, why=said_, name=name)


def _read(part: Part, as_kind: Kind | None, said: Said) -> Iterator[Sifted]:
    chosen = as_kind or fitting(part.opening, part.name)
    if chosen is None:
        if part.opening:  # an empty file says nothing, whatever it is
            yield Refusal(
                number=0, code="telemetry-unknown", why="no kind of telemetry fits", name=part.name
            )
        for _ in part.pieces:
            pass
        return
    if chosen.sought and part.place:
        yield from _sought(chosen.sought(part.place, part.name), part.name)
        return
    reader = chosen.open(part.name, said)
    try:
        for piece in part.pieces:
            yield from _named(reader.feed(piece), part.name)
            if said.sifting:
                yield from said.sifting.passed(len(piece))
        yield from _named(reader.end(), part.name)
    except Broken as why:
        with suppress(Broken):  # said once
            yield from _named(reader.end(), part.name)
        yield Refusal(number=0, code=why.code, why=str(why), name=part.name)
    if said.sifting:
        yield from said.sifting.passed(0)


def _sought(found: Iterator[Found], name: str) -> Iterator[Found]:
    try:
        yield from _named(found, name)
    except Broken as why:
        yield Refusal(number=0, code=why.code, why=str(why), name=name)


def _named(found: Iterator[Found], name: str) -> Iterator[Found]:
    for one in found:
        if type(one) is Refusal:
            yield Refusal(number=one.number, code=one.code, why=one.why, name=name)
        else:
            yield one
