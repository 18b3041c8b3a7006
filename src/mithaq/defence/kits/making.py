"""A kit is made of what a constituent may have: what stands on the shelf that its grant gives it, and no other.

What may leave was decided at the border when it was released to that client, as for exports (``border.exports``). A
file is less bound to whom it was given than a shelf is, and cannot be taken back: so what is AMBER goes to clients of
our own constituency alone, and what is AMBER+STRICT, RED, or marked so that nobody here can read it goes into none.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import exports, fetches, peers
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.defence.kits.pack import MOST_LINES, Kind, Line, Manifest, bounds, made
from mithaq.defence.kits.result import public
from mithaq.detect.indicators import of_pattern
from mithaq.detect.veiled import veil
from mithaq.errors import InputError
from mithaq.formats.export import Entry, definitions, entry
from mithaq.languages import LANGUAGES, catalogue
from mithaq.model.benign import Benign
from mithaq.model.canonical import Json
from mithaq.model.labels import Tlp, tlp
from mithaq.model.listed import Effect
from mithaq.model.markings import Body
from mithaq.model.objects import moment
from mithaq.model.values import Value
from mithaq.model.whose import Word
from mithaq.seal.documents import unverified
from mithaq.seal.envelope import read
from mithaq.store import kits, parties, releases
from mithaq.store.kits import Given
from mithaq.store.provenance import vouchers

LEFT: Final = ("marking", "tlp", "benign", "language", "many")  # why something is not in a kit
_KINDS: Final[dict[str, Kind]] = {"stix": "stix", "sigma": "sigma", "yara": "yara"}
_PURPOSE: Final = "hunt-kit"
_NETWORKS: Final = ("ipv4", "ipv6")


class Nothing(InputError):
    """Nothing that a kit may hold stands on the client's shelf."""

    code = "kit-empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The kit that somebody wants."""

    client: str
    until: str
    up_to: Tlp = Tlp.AMBER
    veiled: bool = False  # values are told by keyed hashes, where equality finds them


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A kit, and by reason how much of the shelf is not in it."""

    body: bytes
    given: Given
    left: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    shelf: str
    position: int
    line: Line
    id: str
    title: str


def make(  # noqa: PLR0913 two rooms, us, actor and now come with every act
    unit: Connection, shown: Connection, us: Us, actor: Actor, wanted: Wanted, now: datetime
) -> Made:
    """Make a kit for a client; what it holds counts as read by the client, and the log says who gave it.

    Args:
        shown: the room ``shelf``.

    Raises:
        Forbidden: the actor hands out nothing. NotFound: there is no such client. NothingShown, ShelfBlocked: it may
            have nothing now. Nothing: nothing of it fits. InputError: the kit would count too long, or hold what is
            given to nobody in a file.
    """
    require(actor, Permission.PEER_ADD)
    client = exports.client(unit, wanted.client)
    since, until = bounds(now, wanted.until)
    most = Tlp.AMBER if client.constituency_of == us.party else Tlp.GREEN
    if wanted.up_to > most:
        raise InputError(f"a kit for {client.name} holds at most TLP:{most}", cause="tlp")
    name, key = secrets.token_hex(16), secrets.token_bytes(32) if wanted.veiled else b""
    left: Counter[str] = Counter()
    which = [each.shelf for each in exports.shelves_of(shown, client.name, now)]
    pieces = list(_pieces(shown, which, us.benign, (wanted.up_to, key), now, left))
    if not pieces:
        raise Nothing(f"nothing that a kit may hold stands on the shelf of {client.name}")
    manifest = Manifest(
        name=name,
        sender=us.party,
        organisation=us.organisation,
        to=client.name,
        made=since,
        until=until,
        up_to=str(wanted.up_to),
        seal=public(us.derive(_PURPOSE, name)),
        veil=key,
        files={},
    )
    lines = [each.line for each in pieces]
    body, mark = made(manifest, lines, _texts(manifest, len(lines)), _chain(unit, us), us.signer)
    givers = _givers(unit, which, {each.id for each in pieces})
    held = msgspec.json.encode([(each.id, givers.get(each.id, ""), each.title) for each in pieces])
    given = Given(
        name=name,
        digest=mark,
        client=client.name,
        made=since,
        until=until,
        by=actor.name,
        up_to=str(wanted.up_to),
        lines=held,
    )
    kits.give(unit, given)
    _told(unit, shown, pieces, now)
    facts: dict[str, Json] = {"by": actor.name, "kit": name, "digest": mark, "lines": len(lines)}
    peers.administrative(unit, now, "kit-made", client.name, {**facts, "until": until})
    return Made(body=body, given=given, left=left)


def secret_of(us: Us, name: str) -> bytes:
    """Return what opens the results of a kit: it is kept nowhere, for this node can always draw it."""
    return us.derive(_PURPOSE, name)


def _pieces(  # noqa: PLR0913 a step of ``make``
    shown: Connection,
    which: Sequence[str],
    benign: Benign,
    how: tuple[Tlp, bytes],
    now: datetime,
    left: Counter[str],
) -> Iterator[_Piece]:
    marks = [
        p.body for name in which for p in exports.standing(shown, name, ("marking-definition",))
    ]
    table, seen, number = definitions(marks), set[str](), 0
    for shelf in which:
        for piece in exports.standing(shown, shelf, ("indicator",)):
            body: Body = msgspec.json.decode(piece.body)
            found = entry(body, now, table)
            if found is None or found.id in seen:
                continue
            seen.add(found.id)
            reason = _against(found, body, how[0], benign) or ("many" * (number >= MOST_LINES))
            if reason:
                left[reason] += 1
                continue
            number += 1
            line = _line(number, found, body, how[1])
            yield _Piece(shelf=shelf, position=piece.position, line=line, id=found.id,
                         title=found.name or str(body.get("pattern", ""))[:200])  # fmt: skip


def _against(found: Entry, body: Body, most: Tlp, benign: Benign) -> str:
    """Return why something is not in a kit; empty: it may be."""
    if not found.tlp:
        return "marking"
    if tlp(found.tlp) > most:
        return "tlp"
    if body.get("pattern_type") not in _KINDS:
        return "language"
    return "benign" if found.groups and not found.without(_harmless(benign)).groups else ""


def _harmless(benign: Benign) -> Callable[[Value], bool]:
    return lambda value: any(hit.effect is Effect.SUPPRESS for hit in benign.match(value))


def _line(number: int, found: Entry, body: Body, key: bytes) -> Line:
    kind, pattern = _KINDS[str(body["pattern_type"])], str(body["pattern"])
    listed = of_pattern(Word(""), pattern) if key and kind == "stix" else None
    if listed and not any(_network(each.value) for each in listed):
        hashes = tuple(sorted(veil(key, each.value) for each in listed))
        return Line(number=number, kind="veiled", tlp=found.tlp, values=hashes)
    return Line(number=number, kind=kind, title=found.name, tlp=found.tlp, text=pattern)


def _network(value: Value) -> bool:
    return value.kind in _NETWORKS and "/" in value.text


def _texts(manifest: Manifest, count: int) -> dict[str, str]:
    """Return what people read of a kit, in each language."""
    facts = {
        "organisation": manifest.organisation,
        "to": manifest.to,
        "until": manifest.until,
        "count": count,
        "marking": f"TLP:{manifest.up_to}",
    }
    keys = ("what", "run", "sent", "strike", "marked")
    return {
        f"README.{language}.txt": "\n\n".join(
            catalogue("mithaq.defence", language).say(f"kit.{key}", **facts) for key in keys
        )
        + "\n"
        for language in LANGUAGES
    }


def _chain(unit: Connection, us: Us) -> list[bytes]:
    """Return our key documents from the one whose words people compare."""
    held = parties.key_document_envelopes(unit, us.party)
    begins = unverified(read(held[max(held)])).begins
    return [held[version] for version in sorted(held) if version >= begins]


def _givers(unit: Connection, shelves: Collection[str], ids: Collection[str]) -> dict[str, str]:
    """Return whose word stands on some shelves, by id; where several versions do, the newest's."""
    rows = [row for row in releases.rows_of_ids(unit, ids) if row.shelf in shelves]
    whose = vouchers(unit, (row.copy for row in rows))
    rows.sort(key=lambda row: moment(row.version))
    return {row.id: whose[row.copy] for row in rows if row.copy in whose}


def _told(unit: Connection, shown: Connection, pieces: Sequence[_Piece], now: datetime) -> None:
    """Note what the client has now, so that a recall names it."""
    by_shelf: dict[str, list[tuple[int, int]]] = {}
    for each in pieces:
        by_shelf.setdefault(each.shelf, []).append((each.position, each.position))
    for name, runs in by_shelf.items():
        fetches.note_rows(unit, shown, name, runs, text(now))
