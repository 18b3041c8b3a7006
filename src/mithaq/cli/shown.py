"""How an object is shown: its marking, where it came from, what it relates to, and in the reader's language."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.benign import BENIGN, finding
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import SHOWN, row
from mithaq.cli.naming import Called, one
from mithaq.cli.options import Flag
from mithaq.clock import text as text_of
from mithaq.intel import Copy, Neighbour, Related
from mithaq.intel.authoring import translations
from mithaq.intel.authoring.translations import Translation
from mithaq.intel.finding import worthy
from mithaq.intel.relating import merging
from mithaq.model.benign import Benign, findings
from mithaq.model.worth import worth

app = topic()

_LONG = 1000  # characters of a description: a screenful


@app.command("show", cls=Command)
def show(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Called,
    *,
    versions: Flag = False,
    raw: Flag = False,
    related: Flag = False,
    original: Flag = False,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=10_000)] = 50,
    page: Annotated[int, typer.Option(metavar="NUMBER", min=0)] = 0,
) -> None:
    """Show an object, where it came from and what it relates to."""
    desk = desk_of(ctx)
    if related:
        _neighbours(desk, name, (limit, page))
        return
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = intel.versions(unit, node.us, actor, one(unit, node, actor, name))
        links = [] if versions or raw else intel.relate(unit, node.us, actor, found[0])
        now, benign = node.clock(), node.us.benign
        reliable = worthy.reliability(unit, found[0])
        said = [] if versions or raw else translations.translations(unit, node.us, actor, found[0])
        others = [] if versions or raw else merging.others(unit, node.us, actor, found[0])
    if raw:
        desk.screen.exact(found[0].object.raw)
    elif versions:
        columns = ("marking", "number", "version", "from", "standing", "agreement", "received")
        desk.screen.rows(columns, [row(copy) for copy in found])
    else:
        judged = _judged(found[0], links, benign, now) | {"reliability": reliable}
        judged["same"] = others
        _show(desk, found[0], links, (judged, said), original=original)


def _judged(
    copy: Copy, related: Sequence[Related], benign: Benign, now: datetime
) -> dict[str, Any]:
    """Return what an indicator is worth now, and what it names that is on lists of what is harmless."""
    body = copy.object.body
    others = [e.copy.object.body for e in related if e.copy and e.direction == "from"]
    found = worth(body, others, now)
    if found is None:
        return {}
    said = {
        "credibility": found.credibility,
        "score": found.score,
        "half_life": found.half_life,
        "last_true": text_of(found.seen),
        "sightings": found.sightings,
        "against": found.against,
        "worth_state": found.state,
    }
    return {"worth": said, "benign": [finding(each) for each in findings(body, benign.match)]}


def _neighbours(desk: Desk, name: str, page: tuple[int, int]) -> None:
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        copy = intel.versions(unit, node.us, actor, one(unit, node, actor, name))[0]
        found, after = intel.beside(unit, node.us, actor, copy, page)
    columns = ("direction", "as", "marking", "number", "type", "name")
    rows = [_row_of_neighbour(each) for each in found]
    desk.screen.rows(columns, rows, wide=("id", "via"))
    if after:
        desk.screen.note("say.next-page", number=after)


def _row_of_neighbour(each: Neighbour) -> dict[str, Any]:
    return {
        "direction": each.direction,
        "as": each.tie,
        "marking": intel.marking(each.copy) if each.copy else "",
        "type": each.id.partition("--")[0],
        "name": intel.title(each.copy.object.body) if each.copy else "",
        "number": each.copy.seq if each.copy else "",
        "id": each.id,
        "via": each.via.object.id if each.via else "",
    }


def _show(
    desk: Desk,
    copy: Copy,
    related: Sequence[Related],
    about: tuple[dict[str, Any], Sequence[Translation]],
    *,
    original: bool,
) -> None:
    screen, (judged, said) = desk.screen, about
    facts = row(copy) | {
        "owner": copy.owner,
        "author": copy.author,
        "beside": copy.beside.to_json(),
        "digest": copy.object.digest,
        "reliability": judged["reliability"],
    }
    links = [_link(each) for each in related]
    if screen.as_json:
        told = [_translation(each) for each in said]
        body = dict(copy.object.body)
        screen.json(facts | judged | {"object": body, "related": links, "translations": told})
        return
    read = None if original else translations.in_language(copy, said, screen.words.language)
    body = translations.translated(copy.object.body, read) if read else dict(copy.object.body)
    facts["name"] = intel.title(body)
    written = ", ".join(f"{key}={json.dumps(value)}" for key, value in facts["beside"].items())
    screen.facts(facts | judged.get("worth", {}) | {"beside": written})
    if judged["same"]:
        screen.line("")
        screen.say("say.same-as", count=len(judged["same"]), name=copy.seq)
    if judged.get("benign"):
        screen.line("")
        screen.rows(BENIGN, judged["benign"])
    _texts(desk, body, read)
    if links:
        screen.line("")
        columns = ("direction", "as", "marking", "number", "type", "name")
        screen.rows(columns, links[:SHOWN], wide=("id",))
        if len(links) > SHOWN:
            screen.say("say.more", count=len(links) - SHOWN)


def _texts(desk: Desk, body: dict[str, Any], read: Translation | None) -> None:
    """Show what an object says, and that it is a translation, if it is."""
    for name in ("description", "content", "explanation"):
        text = body.get(name)
        if isinstance(text, str):
            desk.screen.line("")
            desk.screen.line(text if len(text) < _LONG else f"{text[:_LONG]}…")
    if read is not None:
        desk.screen.line("")
        marking = intel.marking(read.copy) or desk.screen.words.say("none.marking")
        about = {"language": read.language, "by": read.by, "number": read.copy.seq}
        about["marking"] = marking
        desk.screen.say("say.translated-stale" if read.stale else "say.translated", **about)


def _translation(each: Translation) -> dict[str, Any]:
    return {
        "language": each.language,
        "by": each.by,
        "number": each.copy.seq,
        "id": each.copy.object.id,
        "marking": intel.marking(each.copy),
        "stale": each.stale,
        "fields": dict(each.fields),
    }


def _link(each: Related) -> dict[str, Any]:
    return {
        "direction": each.direction,
        "as": each.pointer.strip("/"),
        "marking": intel.marking(each.copy) if each.copy else "",
        "type": each.id.partition("--")[0],
        "name": intel.title(each.copy.object.body) if each.copy else "",
        "number": each.copy.seq if each.copy else "",
        "id": each.id,
    }
