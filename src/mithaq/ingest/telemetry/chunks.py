"""Chunks of telemetry: as many lines of one input as are sent, spooled and worked on at once.

A chunk can be read alone, whoever reads it: what the head of a table says goes before each of its chunks, records of
one event stay together, and what does not grow by lines (EVTX, an array over many lines) becomes an array of its events
as they were written. So the events of all chunks are those of the input, each with the bytes that it had.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import BinaryIO, Final

from mithaq.formats import telemetry
from mithaq.formats.telemetry import PLAIN, Broken, Found, Kind, Refusal, Said
from mithaq.formats.telemetry.packed import Part, parts
from mithaq.formats.telemetry.reading import MAX_LINE
from mithaq.ingest.telemetry.source import Taken, Ways
from mithaq.model.telemetry import Event

SIZE: Final = 1 << 20  # bytes at which a chunk is full
MOST_BYTES: Final = 128 << 20  # that a chunk may unpack to, whoever sent it
_EVENTS: Final = 2000  # of a chunk that are given at once
_BYTES: Final = 4 << 20  # the same, as they were written
_BY_LINE: Final = frozenset(
    {"json", "syslog", "access-log", "squid", "resolver", "windows-dns", "exim"}
)
_OVER: Final = 4  # times the size, at which a chunk ends even within an event
_WITH_HEAD: Final = frozenset({"zeek", "w3c"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some lines of one input."""

    raw: bytes = field(repr=False)
    kind: str = ""  # empty: what its opening fits
    name: str = ""  # of the file or sender
    sensor: str = ""  # where it was collected

    @property
    def id(self) -> str:
        """What it is known by: the same whenever the same is sent again."""
        said = f"{self.kind}\n{self.name}\n{self.sensor}\n".encode()
        return sha256(said + self.raw).hexdigest()


def unpacked(chunk: Chunk) -> None:
    """See that a chunk can be unpacked, and to no more than one may.

    Raises:
        Broken: it cannot.
    """
    for part in parts([chunk.raw], chunk.name, most=MOST_BYTES):
        for _ in part.pieces:
            pass


def handed(chunk: Chunk, mark: object, ways: Ways) -> Iterator[Taken]:
    """Yield what a chunk holds, some at once; what comes last bears ``mark``: all of it was given."""
    before: list[Found] = []
    size = 0
    for one in read(chunk, ways.said, ways.as_kind):
        before.append(one)
        size += len(one.raw) if isinstance(one, Event) else 0
        if len(before) >= _EVENTS or size >= _BYTES:
            yield Taken(found=before, name=chunk.name)
            before, size = [], 0
    yield Taken(found=before, name=chunk.name, mark=mark)


def read(chunk: Chunk, said: Said = PLAIN, as_kind: Kind | None = None) -> Iterator[Found]:
    """Yield the events and refusals of a chunk: of the kind it says, else ``as_kind``, else what its opening fits."""
    try:
        kind = telemetry.kind(chunk.kind) if chunk.kind else as_kind
    except telemetry.UnknownKind as why:
        said_ = "its kind is not known here"
        yield Refusal(number=0, code=why.code, why=said_, name=chunk.name)
        return
    bounded = replace(said, most=MOST_BYTES)
    yield from telemetry.read([chunk.raw], chunk.name, bounded, as_kind=kind)


def chunks(
    pieces: Iterable[bytes],
    name: str,
    *,
    as_kind: Kind | None = None,
    place: BinaryIO | None = None,
    sensor: str = "",
) -> Iterator[Chunk | Refusal]:
    """Yield the chunks of an input, unpacked, and a refusal for what cannot be in one.

    ``pieces`` are its bytes, cut anywhere; ``place`` is the file they are of, if it can be sought in.
    """
    unpacked = parts(pieces, name, place)
    while True:
        try:
            part = next(unpacked, None)
            if part is None:
                return
            kind = as_kind or telemetry.fitting(part.opening, part.name)
            if kind is not None:
                yield from _cut(part, kind, sensor)
                continue
            for _ in part.pieces:
                pass
            if part.opening:
                yield _refusal(part.name, "unknown", "no kind of telemetry fits")
        except Broken as why:
            yield Refusal(number=0, code=why.code, why=str(why), name=name)
            return


def _cut(part: Part, kind: Kind, sensor: str) -> Iterator[Chunk | Refusal]:
    """Yield the chunks of a part; where its rest cannot be unpacked, of all before, and then why."""
    broken: list[Refusal] = []
    part.pieces = _up_to(part.pieces, part.name, broken)
    yield from _pieced(part, kind, sensor)
    yield from broken


def _up_to(pieces: Iterator[bytes], name: str, broken: list[Refusal]) -> Iterator[bytes]:
    try:
        yield from pieces
    except Broken as why:
        broken.append(Refusal(number=0, code=why.code, why=str(why), name=name))


def _pieced(part: Part, kind: Kind, sensor: str) -> Iterator[Chunk | Refusal]:
    if kind.name in _BY_LINE:
        cut = _lines(part)
    elif kind.name in _WITH_HEAD:
        cut = _headed(part)
    elif kind.name == "csv":
        cut = _rows(part)
    elif kind.name == "auditd":
        cut = _joined(part, kind)
    else:
        yield from _events(part, kind, sensor)
        return
    for each in cut:
        if isinstance(each, Refusal):
            yield each
        elif each.strip():
            yield Chunk(raw=each, kind=kind.name, name=part.name, sensor=sensor)


def _lines(part: Part) -> Iterator[bytes | Refusal]:
    """Yield as many whole lines as are a chunk."""
    held = bytearray()
    for piece in part.pieces:
        held += piece
        while len(held) >= SIZE:
            end = held.rfind(b"\n", 0, SIZE) + 1 or held.find(b"\n", SIZE) + 1
            if not end:
                break
            yield bytes(held[:end])
            del held[:end]
        if len(held) > MAX_LINE:
            yield _refusal(part.name, "long", f"a line longer than {MAX_LINE} bytes")
            return
    yield bytes(held)


def _each(part: Part) -> Iterator[bytes]:
    """Yield lines with their ends; one that is too long comes in parts, and is refused where it is read."""
    held = b""
    for piece in part.pieces:
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(held) > MAX_LINE:
            yield held
            held = b""
    if held:
        yield held


def _headed(part: Part) -> Iterator[bytes]:
    """Yield chunks that each begin with what was said last of the columns."""
    head: dict[bytes, bytes] = {}  # what a line speaks of -> the line
    body: list[bytes] = []
    size = 0
    for line in _each(part):
        if line.startswith(b"#"):
            if body:  # those before are of the columns that were said before them
                yield b"".join([*head.values(), *body])
                body, size = [], 0
            head[line.split(None, 1)[0].rstrip(b":\r\n")] = line.rstrip(b"\r\n") + b"\n"
            continue
        body.append(line)
        size += len(line)
        if size >= SIZE:
            yield b"".join([*head.values(), *body])
            body, size = [], 0
    if body:
        yield b"".join([*head.values(), *body])


def _rows(part: Part) -> Iterator[bytes]:
    """Yield chunks of whole rows, the first one before each; a row may hold ends of lines in quotation marks."""
    head: list[bytes] = []
    begun = False
    body: list[bytes] = []
    size = quotes = 0
    for line in _each(part):
        quotes += line.count(b'"')
        size += len(line)
        (body if begun else head).append(line)
        if quotes % 2:
            continue
        begun = True
        if size >= SIZE and body:
            yield b"".join([*head, *body])
            body, size = [], 0
    if body:
        yield b"".join([*head, *body])


def _joined(part: Part, kind: Kind) -> Iterator[bytes]:
    """Yield chunks that end where no event is open; where one is for too long, it is cut."""
    reader = kind.open(part.name, PLAIN)
    held: list[bytes] = []
    size = 0
    for line in _each(part):
        held.append(line)
        size += len(line)
        try:
            for _ in reader.feed(line):
                pass
        except Exception:  # noqa: BLE001 whoever reads the chunk is told
            reader = kind.open(part.name, PLAIN)
        if (size >= SIZE and not reader.held) or size >= _OVER * SIZE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _events(part: Part, kind: Kind, sensor: str) -> Iterator[Chunk | Refusal]:
    """Yield arrays of events."""
    held: list[bytes] = []
    size = 0
    for one in _found(part, kind):
        if isinstance(one, Refusal):
            yield one
            continue
        if one.raw.lstrip()[:1] not in (b"{", b"["):
            yield _refusal(part.name, "kind", f"{kind.name} does not travel in chunks")
            return
        held.append(one.raw)
        size += len(one.raw)
        if size >= SIZE:
            yield _array(held, part.name, sensor)
            held, size = [], 0
    if held:
        yield _array(held, part.name, sensor)


def _array(raws: list[bytes], name: str, sensor: str) -> Chunk:
    raw = b"[" + b",\n".join(raws) + b"]"
    return Chunk(raw=raw, kind="json-array", name=name, sensor=sensor)


def _found(part: Part, kind: Kind) -> Iterator[Found]:
    """Yield what a part holds; where the rest cannot be read, what came before, and why."""
    reader = kind.open(part.name, PLAIN)
    why: Exception | None = None
    try:
        for piece in part.pieces:
            yield from reader.feed(piece)
    except Exception as error:  # noqa: BLE001 a reader that errs costs its input, never the others
        why = error
    try:
        yield from reader.end()
    except Exception as error:  # noqa: BLE001 as above
        why = why or error
    if why is not None:
        said = str(why) if isinstance(why, Broken) else f"a reader failed: {type(why).__name__}"
        code = why.code if isinstance(why, Broken) else Broken.code
        yield Refusal(number=0, code=code, why=said, name=part.name)


def _refusal(name: str, code: str, why: str) -> Refusal:
    return Refusal(number=0, code=f"telemetry-{code}", why=why, name=name)
