"""Other nations' nodes, enrolled by words read out, and ordinary TAXII clients."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from mithaq.auth.actors import Permission
from mithaq.border import clocks, exports, keys, parting, peers, shelf, signing
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Name, TlpLevel, Yes, one_of
from mithaq.clock import text
from mithaq.countries import is_country
from mithaq.errors import PeerError
from mithaq.exchange.client import PeerRefuses, PeerUnreachable, fetch_keys
from mithaq.exchange.transport import HttpWire
from mithaq.exchange.wire import Wire
from mithaq.model.labels import tlp
from mithaq.node import Node
from mithaq.seal import documents
from mithaq.seal.envelope import read
from mithaq.store import inbound, parties
from mithaq.store.parties import Peer

app = topic("peer")
tokens = topic("token")


class NoKeysThere(PeerError):
    """What answers at that address is no node, or keeps its keys to itself."""

    code = "no-keys-there"


def _row(peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name,
        "kind": peer.kind,
        "state": peer.state,
        "country": peer.country,
        "organisation": peer.organisation,
        "url": peer.url,
        "delivery": peer.delivery,
        "added": peer.added_at,
    }


@app.command("add", cls=Command)
def add(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL")] = "",
    *,
    file: Annotated[list[Path] | None, typer.Option(metavar="FILE")] = None,
    words: Annotated[str, typer.Option(metavar="WORDS")] = "",
    taxii: Annotated[str, typer.Option(metavar="NAME")] = "",
    default_tlp: TlpLevel = "",
    constituency_of_us: Annotated[bool, typer.Option("--constituency-of-us")] = False,
    need_to_know: Annotated[bool, typer.Option("--need-to-know")] = False,
    country: Annotated[str, typer.Option(metavar="CODE")] = "",
) -> None:
    """Meet another nation's node, or let a TAXII client in."""
    desk = desk_of(ctx)
    if [bool(url), bool(file), bool(taxii)].count(True) != 1:
        raise BadUsage("url-or-taxii")
    if country and not is_country(country.upper()):
        raise BadUsage("bad-country", name=country)
    with desk.node() as node:
        if url or file:
            _meet(desk, node, (url, file or []), words)
            return
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.PEER_ADD)
            client = Peer(
                name=taxii,
                kind="client",
                state="confirmed",
                country=country.upper() or node.us.country,
                constituency_of=node.us.party if constituency_of_us else "",
                need_to_know=need_to_know,
                default_tlp=str(tlp(default_tlp)) if default_tlp else "",
                added_at=text(node.clock()),
            )
            peers.add_client(unit, client, node.clock(), by=actor.name)
    desk.screen.facts(_row(client))
    desk.screen.say("say.client-added", name=taxii)


def _meet(desk: Desk, node: Node, where: tuple[str, list[Path]], typed: str) -> None:
    with node.core.read() as unit:
        actor = desk.actor(unit, Permission.PEER_ADD)
        ours = peers.fingerprint_words(unit, node.us.party, desk.phrase_language)
    url, files = where
    first, *later = [desk.read(each) for each in files] or _documents(node, url)
    with node.core.begin() as unit:
        peer = peers.meet(unit, node.us, first, node.clock(), by=actor.name)
        for raw in later:
            keys.learn(unit, node.us, peer.name, raw, node.clock())
    if not desk.screen.as_json:
        desk.screen.say("say.met", peer=peer.name, organisation=peer.organisation, url=peer.url)
        desk.screen.phrase(ours)
        desk.screen.say("say.read-out", peer=peer.name)
    if peer.state != "confirmed":
        typed = typed or _asked(desk, peer)
        if typed:
            peer = _confirm(desk, node, peer.name, typed)
    if desk.screen.as_json:
        desk.screen.json(_row(peer) | {"our_words": list(ours)})
    elif peer.state == "confirmed":
        desk.screen.say("say.confirmed", peer=peer.name)
    else:
        desk.screen.say("say.confirm-later", peer=peer.name)


def _asked(desk: Desk, peer: Peer) -> str:
    """Ask for their words; empty if nobody is there to type them."""
    if desk.screen.as_json:
        return ""
    try:
        return desk.ask("ask.words", peer=peer.name)
    except typer.Abort:
        return ""


def _documents(node: Node, url: str) -> list[bytes]:
    """Fetch a nation's first key document and those that follow: the words are of the first."""
    try:
        try:
            return _chain(node.wire, url)
        except PeerUnreachable as error:
            if error.facts.get("cause") != "certificate" or not isinstance(node.wire, HttpWire):
                raise
            # No authority that we trust vouches for it. Nor need one: its words do, and it names its certificate.
            wire, seen = node.wire.of_strangers()
            chain = _chain(wire, url)
            if seen.seen not in documents.unverified(read(chain[-1])).spki_pins:
                raise
            return chain
    except PeerRefuses as error:
        raise NoKeysThere(f"no key document at {url}: is that a node?", url=url) from error


def _chain(wire: Wire, url: str) -> list[bytes]:
    newest = fetch_keys(wire, url)
    document = documents.unverified(read(newest))
    if document.version == document.begins:
        return [newest]
    later = [fetch_keys(wire, url, v) for v in range(document.begins + 1, document.version)]
    return [fetch_keys(wire, url, document.begins), *later, newest]


def _confirm(desk: Desk, node: Node, name: str, typed: str) -> Peer:
    with node.core.begin() as unit:
        actor = desk.actor(unit, Permission.PEER_CONFIRM)
        return signing.confirm(unit, node.us, name, typed, node.clock(), by=actor.name)


@app.command("confirm", cls=Command)
def confirm(
    ctx: typer.Context,
    name: Name,
    *,
    words: Annotated[str, typer.Option(metavar="WORDS")] = "",
) -> None:
    """Confirm a peer by the words its people read out."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.PEER_CONFIRM)
            parties.peer(unit, name)
        peer = _confirm(desk, node, name, words or desk.ask("ask.words", peer=name))
    if desk.screen.as_json:
        desk.screen.json(_row(peer))
    desk.screen.say("say.confirmed", peer=name)


@app.command("renew", cls=Command)
def renew(
    ctx: typer.Context,
    name: Name,
    *,
    words: Annotated[str, typer.Option(metavar="WORDS")] = "",
    url: Annotated[str, typer.Option(metavar="URL")] = "",
    file: Annotated[list[Path] | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Go on with a peer that lost its root keys, by the words of its new first key document."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.PEER_CONFIRM)
            peer = parties.peer(unit, name)
        chain = [desk.read(each) for each in file] if file else _documents(node, url or peer.url)
        typed = words or desk.ask("ask.words", peer=name)
        with node.core.begin() as unit:
            keys.renew(unit, node.us, name, chain, typed, node.clock(), by=actor.name)
            row = _row(parties.peer(unit, name))
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    if desk.screen.as_json:
        desk.screen.json(row)
    desk.screen.say("say.renewed", peer=name)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List peers and clients."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        rows = [_row(peer) for peer in parties.all_peers(unit)]
    columns = ("name", "kind", "state", "country", "organisation", "delivery", "url")
    desk.screen.rows(columns, rows, empty="none.peers")


@app.command("show", cls=Command)
def show(ctx: typer.Context, name: Name) -> None:
    """Show what is known of a peer."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        peer = parties.peer(unit, name)
        facts = _row(peer) | _client(peer) | _keys(unit, desk, peer)
        if peer.kind == "client":
            facts["least_worth"] = exports.least_of(unit, name) or ""
        heard = inbound.last_heard(unit, name)
    desk.screen.facts(facts | {"heard": heard.at if heard else ""})


def _client(peer: Peer) -> dict[str, Any]:
    if peer.kind != "client":
        return {}
    return {
        "constituency_of": peer.constituency_of,
        "need_to_know": peer.need_to_know,
        "default_tlp": peer.default_tlp,
        "token": bool(peer.token),
    }


def _keys(unit: Connection, desk: Desk, peer: Peer) -> dict[str, Any]:
    """Return a node's keys; not its words, which nobody here may read out in its place."""
    document = peers.document_of(unit, peer.name)
    if document is None:
        return {}
    return {
        "keys_version": document.version,
        "keys_expires": document.expires,
        "keys_exchange_until": max(key.not_after for key in document.exchange),
        "keys_roots": f"{document.threshold}/{len(document.roots)}",
        "identities": list(document.identities),
        "readers": [
            f"{reader.id} {desk.screen.value('reader', reader.name)}" for reader in document.readers
        ],
    }


@app.command("words", cls=Command)
def words(ctx: typer.Context) -> None:
    """Show the words of our own key, to be read out."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        ours = peers.fingerprint_words(unit, node.us.party, desk.phrase_language)
    if desk.screen.as_json:
        desk.screen.json({"nation": node.us.party, "words": list(ours)})
        return
    desk.screen.phrase(ours)
    desk.screen.say("say.our-words")


@app.command("delivery", cls=Command)
def delivery(
    ctx: typer.Context,
    name: Name,
    way: Annotated[str, typer.Argument(metavar="pull|push", callback=one_of(parting.WAYS))],
) -> None:
    """Say whether a peer fetches, or is brought, what is for it."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.PEER_ADD)
        peer = parting.set_delivery(unit, name, way, node.clock(), by=actor.name)
    desk.screen.facts(_row(peer))


@app.command("clock", cls=Command)
def clock(
    ctx: typer.Context, name: Name, *, off: Annotated[bool, typer.Option("--off")] = False
) -> None:
    """Let a peer's heartbeats witness the time beside our clock, or no longer."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.KEY_ROTATE)
        clocks.appoint(unit, name, node.clock(), by=actor.name, off=off)
        named = sorted(clocks.witnesses(unit))
    if desk.screen.as_json:
        desk.screen.json({"time_witnesses": named})
    desk.screen.say("say.clock", names=", ".join(named) or desk.screen.words.say("none.clock"))


@app.command("worth", cls=Command)
def worth(
    ctx: typer.Context,
    name: Name,
    least: Annotated[int, typer.Argument(metavar="LEAST", min=0, max=100)],
) -> None:
    """Tell a client's tools only what is worth so much."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.PEER_ADD)
            exports.set_least(unit, name, least, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    desk.screen.facts({"name": name, "least_worth": least}, whole=True)


@app.command("remove", cls=Command)
def remove(ctx: typer.Context, name: Name, *, yes: Yes = False) -> None:
    """Deal with a peer no more."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.PEER_REMOVE)
            parties.peer(unit, name)
        desk.confirm("ask.remove", yes=yes, peer=name)
        with node.core.begin() as unit:
            parting.remove(unit, name, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    if desk.screen.as_json:
        desk.screen.json({"name": name, "state": "removed"})
    desk.screen.say("say.removed", peer=name)


@tokens.command("create", cls=Command)
def create(ctx: typer.Context, *, peer: Annotated[str, typer.Option(metavar="NAME")]) -> None:
    """Give a client a token; the one before stops."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.PEER_ADD)
            token = peers.new_token(unit, peer, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    if desk.screen.as_json:
        desk.screen.json({"peer": peer, "token": token})
        return
    desk.screen.raw(token)
    desk.screen.note("say.token-once", peer=peer)


@tokens.command("revoke", cls=Command)
def revoke(ctx: typer.Context, *, peer: Annotated[str, typer.Option(metavar="NAME")]) -> None:
    """Let a client in no more."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.PEER_ADD)
            peers.revoke_token(unit, peer, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    if desk.screen.as_json:
        desk.screen.json({"peer": peer, "token": None})
    desk.screen.say("say.token-revoked", peer=peer)
