"""Agreements: drafted, proposed, signed, looked at, narrowed."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy import Connection

from mithaq.auth.actors import Permission, require
from mithaq.border import agreements, peers, people, shelf, signing
from mithaq.border.agreements import Held
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Instant, Text, Yes, one_of
from mithaq.cli.simulate import simulate
from mithaq.cli.status import agreement_row
from mithaq.clock import text
from mithaq.countries import is_country
from mithaq.errors import NotFound
from mithaq.model.ids import NAME
from mithaq.node import Node
from mithaq.policy import agreement as policy
from mithaq.policy import iep, templates
from mithaq.policy.agreement import Agreement, Basis, Clause, Direction, Duty, Party
from mithaq.policy.lifecycle import Signed
from mithaq.seal.keys import Signer
from mithaq.store import parties, releases

app = topic("agreement")
app.command("simulate", cls=Command)(simulate)
Id = Annotated[str, typer.Argument(metavar="ID")]
Version = Annotated[int, typer.Option(metavar="NUMBER", min=0)]


@app.command("new", cls=Command)
def new(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    template: Annotated[str, typer.Option(metavar="NAME", callback=one_of(templates.names()))],
    party: Annotated[list[str], typer.Option(metavar="NAME[=CODE:ORGANISATION]")],
    id_: Annotated[str, typer.Option("--id", metavar="ID")] = "",
    title: Text = "",
    start: Instant = "",
    end: Instant = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Write a draft to edit."""
    desk = desk_of(ctx)
    if id_ and not NAME.fullmatch(id_):
        raise BadUsage("bad-id", name=id_)
    with desk.node() as node, node.core.read() as unit:
        names = [node.us.party, *(each for each in party if each != node.us.party)]
        sides = [_party(unit, each, template) for each in names]
        now = text(node.clock())
    name = id_ or "-".join((*(side.name for side in sides), template))
    draft = templates.text(
        template, sides, agreement=name, title=title or name, term=(start or now, end)
    )
    file = out or Path(f"{name}.toml")
    desk.write(file, draft.encode())
    if desk.screen.as_json:
        desk.screen.json({"agreement": name, "file": str(file), "parties": [s.name for s in sides]})
    desk.screen.say("say.drafted", file=file)


def _party(unit: Connection, written: str, template: str) -> Party:
    """Return a party as it is enrolled here, or as it is written: ``NAME=CODE:ORGANISATION``."""
    name, equals, rest = written.partition("=")
    country, _, organisation = rest.partition(":")
    if equals:
        if not NAME.fullmatch(name) or not is_country(country.upper()):
            raise BadUsage("bad-party", name=written)
        return Party(name=name, country=country.upper(), organisation=organisation or name)
    document = peers.document_of(unit, name)
    if document is not None:
        return Party(name=name, country=document.country, organisation=document.organisation)
    if template == "grant":
        client = parties.peer(unit, name)
        return Party(name=name, country=client.country, organisation=name, role="client")
    raise NotFound(f"{name!r} is not enrolled here; write {name}=CODE:ORGANISATION", party=name)


@app.command("propose", cls=Command)
def propose(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    second: Annotated[str, typer.Option("--with", metavar="NAME")] = "",
    key: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    passphrase_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Sign a draft for our nation and send it to the other parties."""
    desk = desk_of(ctx)
    if bool(second) != (key is not None):
        raise BadUsage("with-key")
    raw = desk.read(file)
    with desk.node() as node:
        _sign(desk, node, raw, (second, desk.key(key, passphrase_file)) if key else None)


@app.command("sign", cls=Command)
def sign(ctx: typer.Context, name: Id, *, version: Version = 0) -> None:
    """Countersign what another party proposed."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            held = agreements.held(unit, name, node.clock())
        _sign(desk, node, policy.to_bytes(_unsigned(held, node.us.party, version)))


def _unsigned(held: Held, us: str, version: int) -> Agreement:
    """Return the text to sign: the newest we have not signed, or the one of a version.

    Raises:
        NotFound: there is none.
    """
    open_ = [s for s in held.versions if us not in s.by and version in {0, s.text.version}]
    if not open_:
        raise NotFound("nothing of that agreement waits for our signature", agreement=held.id)
    return max((signed.text for signed in open_), key=lambda each: each.version)


def _sign(desk: Desk, node: Node, raw: bytes, second: tuple[str, Signer] | None = None) -> None:
    with node.core.begin() as unit:
        actor = desk.actor(unit, Permission.AGREEMENT_SIGN)
        if second is not None:
            require(people.named(unit, second[0]), Permission.AGREEMENT_DRAFT)
        signed = signing.sign_text(unit, node.us, raw, node.clock(), by=actor.name, second=second)
        held = agreements.held(unit, signed.id, node.clock())
        missing = sorted({p.name for p in signed.parties} - _signers(held, signed.version))
    shelf.project(node.core, node.shelf, node.clock(), additions=False)
    row = agreement_row(held)
    if desk.screen.as_json:
        desk.screen.json(row | {"digest": policy.digest_of(signed)})
        return
    state = desk.screen.value("state", str(held.state))
    desk.screen.say("say.signed", agreement=signed.id, version=signed.version, state=state)
    if missing and signed.kind != "grant":
        desk.screen.say("say.missing-signatures", parties=", ".join(missing))


def _signers(held: Held, version: int) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for signed in held.versions:
        if signed.text.version == version:
            found |= signed.by
    return found


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List agreements and where each stands."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        rows = [agreement_row(held) for held in agreements.every(unit, node.clock())]
    columns = ("agreement", "state", "version", "kind", "parties", "signed", "title")
    desk.screen.rows(columns, rows, empty="none.agreements")


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    name: Id,
    *,
    version: Version = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Show all that a text says: the one in force, else the newest."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        held = agreements.held(unit, name, node.clock())
    shown = _text(held, version)
    if out is not None:
        desk.write(out, policy.to_bytes(shown.text))
    if desk.screen.as_json:
        desk.screen.json(json.loads(policy.to_bytes(shown.text)))
        return
    row: dict[str, Any] = {"agreement": held.id, "state": str(held.state)}
    row |= _written(shown.text, {"id", "clauses"}) | {"signed": sorted(shown.by)}
    desk.screen.facts(row | {"digest": policy.digest_of(shown.text)}, whole=True)
    for clause in shown.text.clauses:
        desk.screen.line("")
        desk.screen.line(desk.screen.words.say("title.clause", clause=clause.id), style="bold")
        desk.screen.facts(_written(clause, {"id"}), whole=True)
    others = sorted({signed.text.version for signed in held.versions} - {shown.text.version})
    if others:
        desk.screen.say("say.other-versions", versions=", ".join(map(str, others)))


def _text(held: Held, version: int) -> Signed:
    wanted = version or (held.text.version if held.text else held.newest.text.version)
    found = [signed for signed in held.versions if signed.text.version == wanted]
    if not found:
        raise NotFound(f"no version {wanted} of {held.id!r} is here", agreement=held.id)
    return max(found, key=lambda signed: len(signed.by))


def _written(text_: Agreement | Clause, without: Collection[str]) -> dict[str, Any]:
    """Return all that a text or a clause says, also what it leaves unsaid and so means by default."""
    said: dict[str, Any] = {}
    for field in msgspec.structs.fields(text_):
        value = getattr(text_, field.name)
        match value:
            case Direction():
                said |= {"from": value.sender, "to": value.to}
            case dict():
                said[field.name] = [f"{kind}: {', '.join(kept)}" for kind, kept in value.items()]
            case list():
                said[field.name] = [_in_words(each) for each in value]
            case _ if field.name not in without:
                said[field.name] = _in_words(value)
    return {name: value for name, value in said.items() if name not in without}


def _in_words(value: object) -> object:
    match value:
        case Party():
            return f"{value.name} ({value.country}, {value.organisation}, {value.role})" + (
                f" {value.joined}" if value.joined else ""
            )
        case Duty():
            return f"{value.kind} {value.hours} h" if value.hours else value.kind
        case Basis():
            parts = (value.title, value.article, value.signatory, value.digest)
            return " · ".join(filter(None, parts))
        case _:
            return value


@app.command("suspend", cls=Command)
def suspend(ctx: typer.Context, name: Id) -> None:
    """Stop everything under an agreement, for now."""
    _narrow(desk_of(ctx), name, "suspend", yes=True)


@app.command("resume", cls=Command)
def resume(ctx: typer.Context, name: Id) -> None:
    """Go on after our own suspension."""
    _narrow(desk_of(ctx), name, "resume", yes=True)


@app.command("end", cls=Command)
def end(ctx: typer.Context, name: Id, *, yes: Yes = False) -> None:
    """End an agreement for good."""
    _narrow(desk_of(ctx), name, "end", yes=yes)


def _narrow(desk: Desk, name: str, act: str, *, yes: bool) -> None:
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.AGREEMENT_NARROW)
            held = agreements.held(unit, name, node.clock())
            standing = len(releases.rows_of_agreement(unit, name))
        others = ", ".join(n for n in held.newest.text.names if n != node.us.party)
        desk.confirm("ask.end", yes=yes, agreement=name, objects=standing, peers=others)
        with node.core.begin() as unit:
            signing.narrow(unit, node.us, name, act, node.clock(), by=actor.name)
            after = agreements.held(unit, name, node.clock())
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    if desk.screen.as_json:
        desk.screen.json(agreement_row(after))
        return
    state = desk.screen.value("state", str(after.state))
    desk.screen.say(f"say.{act}", agreement=name, peers=others, state=state)


@app.command("iep-export", cls=Command)
def iep_export(
    ctx: typer.Context,
    name: Id,
    *,
    version: Version = 0,
    out: Annotated[Path, typer.Option(metavar="FILE")],
) -> None:
    """Write an agreement's clauses as IEP 2.0 policies, and name what does not fit."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        held = agreements.held(unit, name, node.clock())
    policies, unfit = iep.export(_text(held, version).text)
    desk.write(out, iep.to_bytes(policies))
    _fitted(desk, out, len(policies), unfit)
    desk.screen.say("say.iep-exported", file=out, count=len(policies))


@app.command("iep-import", cls=Command)
def iep_import(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    party: Annotated[list[str], typer.Option(metavar="NAME[=CODE:ORGANISATION]")],
    id_: Annotated[str, typer.Option("--id", metavar="ID")],
    start: Instant = "",
    out: Annotated[Path, typer.Option(metavar="FILE")],
) -> None:
    """Write a draft from IEP 2.0 policies, to complete; nothing is signed or sent."""
    desk = desk_of(ctx)
    if not NAME.fullmatch(id_):
        raise BadUsage("bad-id", name=id_)
    policies = iep.read(desk.read(file))
    with desk.node() as node, node.core.read() as unit:
        names = [node.us.party, *(each for each in party if each != node.us.party)]
        sides = [_party(unit, each, "") for each in names]
        draft, unfit = iep.draft(policies, sides, id_, start or text(node.clock()))
    desk.write(out, msgspec.json.format(policy.to_bytes(draft), indent=1))
    policy.read(policy.to_bytes(draft))
    _fitted(desk, out, len(draft.clauses), unfit)
    desk.screen.say("say.iep-imported", file=out)


def _fitted(desk: Desk, out: Path, count: int, unfit: Sequence[iep.Unfit]) -> None:
    """Print what did not fit, clause by clause."""
    rows = [{"clause": u.clause, "field": u.field, "left_out": u.value} for u in unfit]
    if desk.screen.as_json:
        desk.screen.json({"file": str(out), "count": count, "unfit": rows})
    else:
        desk.screen.rows(("clause", "field", "left_out"), rows, empty="none.unfit")


@app.command("schema", cls=Command)
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of an agreement."""
    desk_of(ctx).screen.json(policy.schema())
