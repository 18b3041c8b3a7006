"""Root keys, which lie offline: making them, drafting for them, signing with them, and bringing back what they signed.

Files carry it: ``key propose`` writes a draft, ``key sign`` runs where a root key is and needs neither node nor
network, ``key publish`` takes as many signed copies as the thresholds ask (border.md 9.1).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.border import keys, shelf
from mithaq.border.keys import Change
from mithaq.cli.common import BadUsage, span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command
from mithaq.cli.key import Passphrase, app, named, newest, reader_of
from mithaq.cli.options import Instant, Name, Yes
from mithaq.clock import parse
from mithaq.errors import Conflict
from mithaq.node import Node
from mithaq.seal import drafts, pins
from mithaq.seal.documents import fingerprint
from mithaq.seal.drafts import Draft, Lacking
from mithaq.seal.keys import generate, public_from_pem, public_pem
from mithaq.seal.words import words

__all__ = ["app"]  # the topic of ``cli.key``, with what it has for roots

File = Annotated[Path, typer.Argument(metavar="DRAFT")]
Files = Annotated[list[Path], typer.Argument(metavar="DRAFT")]


class NoSigningKey(Conflict):
    """With that document nothing could be signed here: no exchange key that it names is in the home."""

    code = "no-signing-key"


# --- the keys themselves ---------------------------------------------------------------------------------
@app.command("root", cls=Command)
def root(
    ctx: typer.Context,
    name: Name,
    *,
    passphrase_file: Passphrase = None,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase")] = False,
) -> None:
    """Make a root key: a private file that stays where it is made, and a public one to carry."""
    desk = desk_of(ctx)
    private, public = Path(f"{name}.pem"), Path(f"{name}.pub.pem")
    passphrase = "" if no_passphrase else desk.new_passphrase(passphrase_file, private)
    made = generate()
    desk.write(private, made.pem(passphrase), secret=True)
    desk.write(public, public_pem(made.public))
    spoken = words(fingerprint(made.public), desk.phrase_language)
    if desk.screen.as_json:
        files = {"private": str(private), "public": str(public)}
        desk.screen.json({"key": made.keyid, "words": list(spoken), **files})
        return
    desk.screen.say("say.root-made", name=made.keyid, private=private, public=public)
    desk.screen.phrase(spoken)
    desk.screen.say("say.root-words")


@app.command("roots", cls=Command)
def roots(ctx: typer.Context) -> None:
    """List our root keys, and say how many of them must sign."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        document = newest(unit, node)
    rows = [
        {"key": name, "words": " ".join(words(fingerprint(raw), desk.phrase_language))}
        for name, raw in document.root_keys.items()
    ]
    if desk.screen.as_json:
        about = {"version": document.version, "threshold": document.threshold}
        desk.screen.json(about | {"roots": rows})
        return
    desk.screen.rows(("key", "words"), rows)
    desk.screen.say("say.threshold", threshold=document.threshold, count=len(rows))
    if document.standing == "single-root":
        desk.screen.line(desk.screen.words.say("warning.single-root"), style="bold")


# --- the draft -------------------------------------------------------------------------------------------
@app.command("propose", cls=Command)
def propose(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="DRAFT")],
    *,
    rotate: Annotated[bool, typer.Option("--rotate")] = False,
    after: Annotated[str, typer.Option(metavar="TIME")] = "24h",
    revoke: Annotated[list[str] | None, typer.Option(metavar="KEY")] = None,
    since: Instant = "",
    root: Annotated[list[Path] | None, typer.Option(metavar="FILE")] = None,
    threshold: Annotated[int, typer.Option(metavar="COUNT", min=0)] = 0,
    pin: Annotated[list[str] | None, typer.Option(metavar="CERTIFICATE")] = None,
    identity: Annotated[list[str] | None, typer.Option(metavar="ID")] = None,
    url: Annotated[str, typer.Option(metavar="URL")] = "",
    reader: Annotated[list[str] | None, typer.Option(metavar="ID=ROLE:NAME")] = None,
) -> None:
    """Draft our next key document, to be carried to the root keys."""
    desk = desk_of(ctx)
    if bool(revoke) != bool(since):
        raise BadUsage("revoke-since")
    wait = timedelta(0) if revoke else span(after)
    public_roots = [public_from_pem(desk.read(file)) for file in root or ()]
    change = Change(
        since=parse(since) if since else None,
        roots=public_roots or None,
        threshold=threshold or (len(public_roots) // 2 + 1 if public_roots else 0),
        pins=[_pin(desk, each) for each in pin] if pin else None,
        identities=identity or (),
        url=url,
        readers=[reader_of(each) for each in reader] if reader else None,
    )
    with desk.node() as node:
        draft = _drafted(desk, node, change, (rotate, wait, revoke or []))
        desk.write(out, draft.to_bytes())
    if desk.screen.as_json:
        desk.screen.json({"file": str(out), **_facts(draft)})
        return
    _read_out(desk, draft)
    desk.screen.say("say.proposed", file=out)
    _say_lacking(desk, draft)


@app.command("anew", cls=Command)
def anew(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="DRAFT")],
    *,
    root: Annotated[list[Path], typer.Option(metavar="FILE")],
    threshold: Annotated[int, typer.Option(metavar="COUNT", min=0)] = 0,
    rotate: Annotated[bool, typer.Option("--rotate")] = False,
    revoke: Annotated[list[str] | None, typer.Option(metavar="KEY")] = None,
    since: Instant = "",
    yes: Yes = False,
) -> None:
    """Draft a new first key document: too few of our root keys are left to sign the next one."""
    desk = desk_of(ctx)
    if bool(revoke) != bool(since):
        raise BadUsage("revoke-since")
    public_roots = [public_from_pem(desk.read(file)) for file in root]
    change = Change(
        anew=True,
        since=parse(since) if since else None,
        roots=public_roots,
        threshold=threshold or len(public_roots) // 2 + 1,
    )
    desk.confirm("ask.anew", yes=yes)
    with desk.node() as node:
        draft = _drafted(desk, node, change, (rotate, timedelta(0), revoke or []))
        desk.write(out, draft.to_bytes())
    if desk.screen.as_json:
        desk.screen.json({"file": str(out), **_facts(draft)})
        return
    _read_out(desk, draft)
    desk.screen.say("say.proposed", file=out)
    _say_lacking(desk, draft)


def _drafted(
    desk: Desk, node: Node, change: Change, keys_: tuple[bool, timedelta, list[str]]
) -> Draft:
    """Return the draft; its new exchange key, if it has one, lies in the home before."""
    rotate, wait, revoke = keys_
    fresh = generate()
    now = node.clock()
    with node.core.read() as unit:
        desk.actor(unit, Permission.KEY_ROTATE)
        gone = [named(newest(unit, node), each) for each in revoke]
        if turns := rotate or bool(gone):
            change = replace(change, revoked=gone, public=fresh.public, begins=now + wait)
        draft = keys.draft(unit, node.us, change, now)
    if turns:
        desk.write(node.keys.beside(fresh.keyid), fresh.pem(), secret=True)
    return draft


def _pin(desk: Desk, written: str) -> str:
    """Read a pin, or take it from a certificate's file."""
    if written.startswith("sha256:"):
        return pins.checked(written)
    return pins.pin_of_pem(desk.read(Path(written)))


# --- signing ---------------------------------------------------------------------------------------------
@app.command("sign", cls=Command)
def sign(
    ctx: typer.Context,
    draft: File,
    *,
    key: Annotated[Path, typer.Option("--with", metavar="FILE")],
    passphrase_file: Passphrase = None,
    yes: Yes = False,
) -> None:
    """Show what a draft says, and sign it with a root key; needs no node and no network."""
    desk = desk_of(ctx)
    if desk.screen.as_json and not yes:
        raise BadUsage("json-yes")
    unsigned = drafts.from_bytes(desk.read(draft))
    if not desk.screen.as_json:
        _read_out(desk, unsigned)
    desk.confirm("ask.sign-draft", yes=yes, name=unsigned.document.party)
    signed = drafts.signed(unsigned, desk.key(key, passphrase_file))
    desk.replace(draft, signed.to_bytes())
    if desk.screen.as_json:
        desk.screen.json({"file": str(draft), **_facts(signed)})
        return
    desk.screen.say("say.draft-signed", file=draft)
    _say_lacking(desk, signed)


@app.command("publish", cls=Command)
def publish(ctx: typer.Context, draft: Files, *, yes: Yes = False) -> None:
    """Let a signed draft be our key document from now on."""
    desk = desk_of(ctx)
    whole = drafts.joined([drafts.from_bytes(desk.read(file)) for file in draft])
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.KEY_ROTATE)
        if not node.keys.here(whole.document):
            raise NoSigningKey("no exchange key that the draft names is in the home")
        if not desk.screen.as_json:
            _read_out(desk, whole)
        desk.confirm("ask.publish", yes=yes, version=whole.document.version)
        with node.core.begin() as unit:
            document = keys.publish(unit, node.us, whole, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    anew = document.version == document.begins
    spoken = words(fingerprint(whole.envelope.payload), desk.phrase_language) if anew else ()
    if desk.screen.as_json:
        about = {"version": document.version, "expires": document.expires}
        desk.screen.json(about | ({"words": list(spoken)} if anew else {}))
    elif anew:
        desk.screen.say("say.published-anew", version=document.version)
        desk.screen.phrase(spoken)
        desk.screen.say("say.our-words")
    else:
        desk.screen.say("say.published", version=document.version)


def _read_out(desk: Desk, draft: Draft) -> None:
    """Say in sentences what a draft is and all that it changes."""
    document, before = draft.document, draft.follows
    about = {"party": document.party, "version": document.version, "realm": document.realm}
    desk.screen.say("draft.first" if before is None else "draft.next", **about)
    for each in drafts.changes(draft):
        desk.screen.say(f"draft.{each.kind}", **each.facts)
        if each.kind == "root-new":
            raw = document.root_keys[str(each.facts["name"])]
            desk.screen.phrase(words(fingerprint(raw), desk.phrase_language))


def _facts(draft: Draft) -> Mapping[str, Any]:
    left = drafts.lacking(draft)
    return {
        "party": draft.document.party,
        "version": draft.document.version,
        "changes": [{"kind": each.kind, **each.facts} for each in drafts.changes(draft)],
        "signed": sorted(each.keyid for each in draft.envelope.signatures),
        "lacking": {"before": left.before, "own": left.own},
    }


def _say_lacking(desk: Desk, draft: Draft) -> None:
    left: Lacking = drafts.lacking(draft)
    if left.nothing:
        desk.screen.say("say.draft-whole")
    else:
        desk.screen.say("say.draft-lacks", before=left.before, own=left.own)
