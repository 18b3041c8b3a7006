"""Our keys: which ones speak for us, the next exchange key, and those that count no longer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from mithaq.auth.actors import Permission
from mithaq.border import keys, peers, shelf
from mithaq.border.keys import Change
from mithaq.cli.common import BadUsage, span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Instant, Yes
from mithaq.clock import parse, text
from mithaq.errors import Fault
from mithaq.node import Node
from mithaq.seal.documents import KeyDocument, Reader
from mithaq.seal.keys import decode, generate, keyid
from mithaq.store import parties

app = topic("key")
Roots = Annotated[list[Path], typer.Option("--root-key", metavar="FILE")]
Passphrase = Annotated[Path | None, typer.Option(metavar="FILE")]


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the exchange keys that our newest key document names."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        document = newest(unit, node)
        now, signing = text(node.clock()), "" if node.keys.lost else node.us.signer.keyid
    gone = {entry.key: entry.since for entry in document.revoked}
    rows: list[dict[str, Any]] = []
    for key in document.exchange:
        name = keyid(decode(key.public))
        state = "signs" if name == signing else "counts"
        state = "to-come" if key.not_before > now else state
        state = "past" if key.not_after <= now else state
        rows.append(_row(name, state, key.not_before, key.not_after))
    rows += [_row(name, "revoked", "", since) for name, since in gone.items()]
    desk.screen.rows(("key", "state", "start", "end"), rows)


def _row(name: str, state: str, start: str, end: str) -> dict[str, Any]:
    return {"key": name, "state": state, "start": start, "end": end}


def newest(unit: Connection, node: Node) -> KeyDocument:
    """Return our newest key document."""
    held = peers.document_of(unit, node.us.party)
    if held is None:
        raise Fault("no key document of our own")
    return held


def named(document: KeyDocument, key: str) -> str:
    """Return the id of the exchange key that ``key`` is, or begins.

    Raises:
        BadUsage: there is none, or more than one.
    """
    return one_of_keys(key, [keyid(decode(each.public)) for each in document.exchange])


def one_of_keys(key: str, known: Sequence[str]) -> str:
    """Return the one of ``known`` that ``key`` is, or begins.

    Raises:
        BadUsage: there is none, or more than one.
    """
    bare = key.removeprefix("sha256:")
    found = [name for name in known if name.removeprefix("sha256:").startswith(bare)]
    if len(found) != 1:
        raise BadUsage("no-key", name=key, known=", ".join(known))
    return found[0]


@app.command("rotate", cls=Command)
def rotate(
    ctx: typer.Context,
    *,
    root_key: Roots,
    after: Annotated[str, typer.Option(metavar="TIME")] = "24h",
    passphrase_file: Passphrase = None,
) -> None:
    """Let a new exchange key follow the one that signs now."""
    desk = desk_of(ctx)
    later = span(after)

    def change(node: Node, public: bytes) -> Change:
        return Change(public=public, begins=node.clock() + later)

    document = _signed(desk, root_key, passphrase_file, change)
    begins = max(key.not_before for key in document.exchange)
    _told(desk, document, "say.rotated", begins=begins)


@app.command("revoke", cls=Command)
def revoke(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY")],
    *,
    since: Instant,
    root_key: Roots,
    passphrase_file: Passphrase = None,
    yes: Yes = False,
) -> None:
    """Let a key count no more for what is received from an instant on."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        found = named(newest(unit, node), key)
    desk.confirm("ask.revoke", yes=yes, name=found, since=since)

    def change(node: Node, public: bytes) -> Change:
        return Change(public=public, begins=node.clock(), revoked=[found], since=parse(since))

    done = _signed(desk, root_key, passphrase_file, change)
    _told(desk, done, "say.revoked", name=found, since=since)


@app.command("touched", cls=Command)
def touched(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY")],
    *,
    since: Instant,
) -> None:
    """List what a key touches since an instant."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.KEY_ROTATE)
        known = [*peers.every_key_of(unit, node.us.party)]
        for peer in parties.all_peers(unit):
            known += peers.every_key_of(unit, peer.name)
        found = keys.touched(unit, node.us, one_of_keys(key, known), since)
    rows = [{field: getattr(each, field) for field in keys.Touched.__slots__} for each in found]
    desk.screen.rows(("at", "peer", "agreement", "kind", "id", "version"), rows)


@app.command("readers", cls=Command)
def readers(
    ctx: typer.Context,
    reader: Annotated[list[str], typer.Option(metavar="ID=ROLE:NAME")],
    *,
    root_key: Roots,
    passphrase_file: Passphrase = None,
) -> None:
    """Sign the list of our persons to whom TLP:RED may be addressed."""
    desk = desk_of(ctx)
    whole = [reader_of(each) for each in reader]
    document = _signed(
        desk, root_key, passphrase_file, lambda _node, _public: Change(readers=whole)
    )
    _told(desk, document, "say.readers", count=len(document.readers))


def reader_of(written: str) -> Reader:
    """Read ``ID=ROLE:NAME``.

    Raises:
        BadUsage: it is not of that form.
    """
    id_, _, rest = written.partition("=")
    role, _, name = rest.partition(":")
    if not id_ or not role or not name or any(c.isspace() or c == "," for c in id_):
        raise BadUsage("bad-reader", name=written)
    return Reader(id=id_, role=role, name=name)


def _signed(
    desk: Desk, roots: list[Path], passphrase: Path | None, change: Callable[[Node, bytes], Change]
) -> KeyDocument:
    """Sign and show the next document; its new exchange key, if it has one, lies in the home before."""
    signers = [desk.key(file, passphrase) for file in roots]
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.KEY_ROTATE)
        fresh = generate()
        wanted = change(node, fresh.public)
        with node.core.begin() as unit:
            document = keys.rotate(unit, node.us, signers, wanted, node.clock(), by=actor.name)
            if wanted.public:
                desk.write(node.keys.beside(fresh.keyid), fresh.pem(), secret=True)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    return document


def _told(desk: Desk, document: KeyDocument, sentence: str, **facts: object) -> None:
    if desk.screen.as_json:
        found = [keyid(decode(key.public)) for key in document.exchange]
        desk.screen.json({"version": document.version, "expires": document.expires, "keys": found})
    desk.screen.say(sentence, version=document.version, **facts)
