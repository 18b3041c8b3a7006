"""A hunt kit as one file: what to look for, signed by the node that gives it, read as what a stranger sent. Pure.

It is a zip of a few files. ``kit.json`` is an envelope (DSSE) over a manifest that names the others by their digests;
``keys.json`` holds the node's key documents from the one whose words people compare to its newest, so that a reader who
heard twelve words knows whose kit it is and needs no network. Nothing of a kit is read before that holds.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.model.canonical import digest
from mithaq.seal import documents, words
from mithaq.seal.documents import KeyDocument
from mithaq.seal.envelope import Envelope, payload_type, read, sign, verify
from mithaq.seal.keys import Signer
from mithaq.seal.messages import Digest, Instant, Message, Name, PartyName, Size, decode, encode

KIT: Final = payload_type("hunt-kit")
LONGEST: Final = timedelta(days=90)  # that a kit counts
MOST_LINES: Final = 200_000
MOST: Final = 256 << 20  # bytes of a kit, and of what it holds
_MOST_FILES: Final = 16
_MOST_KEYS: Final = 1 << 20  # bytes of key documents
_CHAIN: Final = 64  # key documents
_MANIFEST, _KEYS, LINES = "kit.json", "keys.json", "lines.jsonl"

_BROKEN: Final = (
    *(
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,  # also what zipfile has not
        EOFError,
        OSError,
        ValueError,
    ),
)
Kind = Literal["stix", "sigma", "yara", "veiled"]


class BadKit(InputError):
    """A file that is no kit, or not the one that was signed; fact ``cause`` says which."""

    code = "bad-kit"


class KitOver(InputError):
    """A kit, or the keys that it was signed by, count no more."""

    code = "kit-over"


class Strangers(InputError):
    """The words are not those of the node that signed a kit."""

    code = "kit-words"


class Member(Message, frozen=True, kw_only=True):
    """A file of a kit."""

    digest: Digest
    size: Size


class Manifest(Message, frozen=True, kw_only=True):
    """What is signed of a kit."""

    name: Name  # random, of this kit
    sender: PartyName
    organisation: Annotated[str, msgspec.Meta(max_length=500)]
    to: PartyName
    made: Instant
    until: Instant
    up_to: str  # the highest TLP of what it holds
    seal: bytes  # the X25519 key that results are encrypted to, 32 bytes
    veil: bytes = b""  # the key of what is veiled, 32 bytes; empty: nothing is
    files: dict[str, Member]


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing to look for."""

    number: int
    kind: Kind
    title: str = ""
    tlp: str = ""
    text: str = ""  # the rule, or the pattern
    values: tuple[str, ...] = ()  # of what is veiled: keyed hashes in hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A kit that was verified."""

    manifest: Manifest
    digest: str  # of the manifest as it was signed
    lines: Sequence[Line]


_read_line = msgspec.json.Decoder(Line).decode


def made(
    manifest: Manifest,
    lines: Sequence[Line],
    texts: Mapping[str, str],
    keys: Sequence[bytes],
    signer: Signer,
) -> tuple[bytes, str]:
    """Return the bytes of a kit, and the digest of its manifest; the same kit has the same bytes.

    Args:
        manifest: without its files.
        texts: what people read, by name.
        keys: our key documents, from the one whose words are compared to the newest.
    """
    body = b"".join(msgspec.json.encode(each) + b"\n" for each in lines)
    files = {LINES: body, **{name: said.encode() for name, said in texts.items()}}
    members = {
        name: Member(digest=digest(raw), size=len(raw)) for name, raw in sorted(files.items())
    }
    payload = encode(msgspec.structs.replace(manifest, files=members))
    chain = msgspec.json.encode([each.decode() for each in keys])
    whole = {_MANIFEST: sign(KIT, payload, signer).to_bytes(), _KEYS: chain, **files}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, raw in whole.items():
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), raw, 8)
    return out.getvalue(), digest(payload)


def opened(raw: bytes, typed: str, now: datetime) -> Kit:
    """Verify a kit and read it.

    Args:
        typed: the words of the node that it is to be from, as somebody heard them.

    Raises:
        BadKit: it is none, or was altered. Strangers: it is another node's. KitOver: it counts no more.
        BadEnvelope, BadKeyDocument: its signatures do not hold.
    """
    files = _unpacked(raw)
    document, mark = _signer(files[_KEYS])
    if not words.same(typed, mark):
        raise Strangers("these are not the words of the node that signed this kit")
    envelope = read(files[_MANIFEST])
    manifest = _manifest(envelope, document, now)
    if manifest.files.keys() | {_MANIFEST, _KEYS} != files.keys():
        raise BadKit("it holds other files than were signed", cause="files")
    for name, member in manifest.files.items():
        if (len(files[name]), digest(files[name])) != (member.size, member.digest):
            raise BadKit("a file in it is not the one that was signed", cause="altered")
    lines = _lines(files.get(LINES, b""))
    return Kit(manifest=manifest, digest=digest(envelope.payload), lines=lines)


def whose(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Return whose keys stand in a kit, with their words in English: to be compared, not to be believed.

    Raises:
        BadKit: it is none.
    """
    document, mark = _signer(_unpacked(raw)[_KEYS])
    return document.organisation, words.words(mark)


def _unpacked(raw: bytes) -> dict[str, bytes]:
    """Return the files of a zip; what says to be more than it may be is not read."""
    if len(raw) > MOST:
        raise BadKit("a kit is not as long as that", cause="size")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            entries = packed.infolist()
            names = {each.filename for each in entries}
            if not {_MANIFEST, _KEYS} <= names or len(names) != len(entries):
                raise BadKit("it is no hunt kit", cause="files")
            if len(entries) > _MOST_FILES or sum(each.file_size for each in entries) > MOST:
                raise BadKit("it holds more than a kit does", cause="size")
            return {each.filename: _one(packed, each) for each in entries}
    except _BROKEN as error:
        raise BadKit("it is no hunt kit", cause="zip") from error


def _one(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with packed.open(entry) as file:
        found = file.read(entry.file_size + 1)
    if len(found) != entry.file_size:
        raise BadKit("a file in it is longer than it says", cause="size")
    return found


def _signer(raw: bytes) -> tuple[KeyDocument, bytes]:
    """Return the newest key document of a chain, and the digest whose words people compare."""
    if len(raw) > _MOST_KEYS:
        raise BadKit("it holds more than a kit does", cause="keys")
    try:
        chain = msgspec.json.decode(raw, type=list[str])
    except (msgspec.DecodeError, ValueError) as error:
        raise BadKit("it is no hunt kit", cause="keys") from error
    if not 0 < len(chain) <= _CHAIN:
        raise BadKit("it is no hunt kit", cause="keys")
    begin = read(chain[0].encode())
    document = documents.first(begin)
    if document.version != document.begins:
        raise BadKit("its keys begin in the middle", cause="keys")
    for each in chain[1:]:
        document = documents.following(document, read(each.encode()))
    return document, documents.fingerprint(begin.payload)


def _manifest(envelope: Envelope, document: KeyDocument, now: datetime) -> Manifest:
    manifest = decode(envelope.payload, Manifest)
    made_at, until = parse(manifest.made), parse(manifest.until)
    verify(envelope, KIT, document.exchange_keys(made_at))
    if manifest.sender != document.party or until > made_at + LONGEST:
        raise BadKit("it says what no kit says", cause="manifest")
    if until <= now or document.expired(now):
        raise KitOver(f"this kit counted until {manifest.until}", until=manifest.until)
    if made_at > now + timedelta(days=1):
        raise KitOver(f"this kit counts from {manifest.made} on", since=manifest.made)
    return manifest


def _lines(raw: bytes) -> list[Line]:
    each = raw.splitlines()
    if len(each) > MOST_LINES:
        raise BadKit("it holds more than a kit does", cause="lines")
    try:
        lines = [_read_line(line) for line in each]
    except (msgspec.DecodeError, ValueError) as error:
        raise BadKit("a line in it cannot be read", cause="lines") from error
    if [line.number for line in lines] != list(range(1, len(lines) + 1)):
        raise BadKit("a line in it cannot be read", cause="lines")
    return lines


def bounds(now: datetime, until: str) -> tuple[str, str]:
    """Return from when and until when a kit made now counts.

    Raises:
        InputError: it would end before it begins, or count too long.
    """
    end = parse(until)
    if not now < end <= now + LONGEST:
        raise InputError(
            f"a kit counts from now on, and at most {LONGEST.days} days", cause="until"
        )
    return text(now), text(end)
