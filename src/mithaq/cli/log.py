"""The log: what happened, and proofs that others check without us (border.md 4.6)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from mithaq.audit import log, subjects
from mithaq.auth.actors import Permission
from mithaq.border import witness
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.errors import InputError, NotFound, PeerError
from mithaq.node import Node
from mithaq.seal import documents
from mithaq.seal.documents import KeyDocument
from mithaq.seal.envelope import BadEnvelope, read
from mithaq.store import witnesses
from mithaq.store.witnesses import Cosigned, Kept

app = topic("log")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID")] = "",
    *,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=100_000)] = 50,
) -> None:
    """List what the log holds, of one object or the newest of all."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.LOG_READ)
        found = subjects.find(unit, name) if name else subjects.newest(unit, limit)
    rows = [_row(index, record) for index, record in found[-limit:]]
    columns = ("leaf", "at", "kind", "peer", "agreement", "clause", "by")
    desk.screen.rows(columns, rows, empty="none.log", wide=("id",))


def _row(index: int, record: log.Record) -> dict[str, Any]:
    by = record.get("by") or record.get("proposer") or record.get("author") or ""
    return {**record, "leaf": index, "by": by}


@app.command("prove", cls=Command)
def prove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID")],
    *,
    peer: Annotated[str, typer.Option(metavar="NAME")] = "",
    witness: Annotated[str, typer.Option(metavar="NAME")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Write a proof of what the log holds of an object."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        desk.actor(unit, Permission.LOG_PROVE)
        found = [
            index
            for index, record in subjects.find(unit, name)
            if not peer or record.get("peer") == peer
        ]
        if not found:
            raise NotFound("the log holds nothing of that", id=name)
        head = _head(unit, node, witness)
        proof = log.prove(unit, found, head)
    if out is None:
        desk.screen.exact(proof)
    else:
        desk.write(out, proof)
        desk.screen.say("say.proved", count=len(found), file=out)


def _head(unit: Connection, node: Node, witness: str) -> bytes:
    """Return our head now, or the newest that a witness signed too."""
    if not witness:
        return log.head(unit, (node.us.party, node.us.realm), node.us.signer, node.clock())
    signed = witnesses.newest(unit, witness)
    if not signed:
        raise NotFound(f"{witness!r} has signed no head of our log", witness=witness)
    return signed[0].envelope


@app.command("witness", cls=Command)
def witness_(ctx: typer.Context) -> None:
    """List the heads of our log that witnesses signed, and those that we keep for others."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.LOG_READ)
        named = witness.witnesses_of(unit, node.us.party, node.clock())
        signed = {head.witness: head for head in witnesses.newest(unit)}
        ours = [
            {"log_of": node.us.party, "witness": name, **_seen(signed.get(name))}
            for name in sorted({*named, *signed})
        ]
        theirs = [
            {"log_of": head.party, "witness": node.us.party, **_seen(head)}
            for head in witnesses.kept(unit)
        ]
    columns = ("log_of", "witness", "leaves", "at", "root")
    desk.screen.rows(columns, [*ours, *theirs], empty="none.witnesses")


def _seen(head: Cosigned | Kept | None) -> dict[str, Any]:
    if head is None:
        return {"leaves": None, "at": "", "root": ""}
    root = log.head_of(read(head.envelope)).root
    return {"leaves": head.size, "at": head.at, "root": root}


@app.command("check", cls=Command)
def check(
    ctx: typer.Context,
    proof: Annotated[Path, typer.Argument(metavar="PROOF")],
    *,
    keys: Annotated[list[Path], typer.Option(metavar="KEYDOC")],
    witness: Annotated[Path | None, typer.Option(metavar="KEYDOC")] = None,
) -> None:
    """Check a proof against its owner's key document; needs no node and no network."""
    desk = desk_of(ctx)
    owners = [document(desk, file) for file in keys]
    raw = desk.read(proof)
    try:
        claims = log.check(raw, keys_of(owners))
        signer = keys_of([document(desk, witness)]) if witness is not None else None
        theirs = keys_of(each for each in owners if each.party == claims.origin)
        if signer is not None and signer.keys() & theirs.keys():
            desk.stop("say.own-witness", origin=claims.origin)
        checked = log.check(raw, theirs, signer)
    except BadEnvelope as error:
        desk.stop("say.proof-fails", why=error)
    rows = [
        {**record, "leaf_hash": leaf}
        for record, leaf in zip(checked.records, checked.hashes, strict=True)
    ]
    if desk.screen.as_json:
        desk.screen.json(
            {"holds": True, "origin": checked.origin, "at": checked.at, "records": rows}
        )
        return
    desk.screen.say("say.proof-holds", origin=checked.origin, at=checked.at, count=len(rows))
    desk.screen.rows(("kind", "at", "id", "peer", "agreement", "clause"), rows)


def keys_of(owners: Iterable[KeyDocument]) -> dict[str, bytes]:
    """Return every exchange key that some key documents name."""
    return {name: raw for owner in owners for name, raw in owner.all_exchange_keys().items()}


def document(desk: Desk, file: Path) -> KeyDocument:
    """Read a key document: an envelope, as a node publishes it at ``/mithaq/keys/``."""
    try:
        return documents.first(read(desk.read(file)))
    except PeerError as error:
        raise InputError(f"{file} is no key document", file=str(file)) from error
