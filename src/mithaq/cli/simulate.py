"""Simulating a draft: what would go to whom, and what would change, before anything is signed or sent."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.border import agreements, publish
from mithaq.cli.common import span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.release import language_of, tally
from mithaq.policy import agreement as policy
from mithaq.policy.compare import Decisions, compare, sentences


def simulate(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    last: Annotated[str, typer.Option(metavar="TIME")] = "90d",
    to: Annotated[str, typer.Option(metavar="PEER")] = "",
) -> None:
    """Say what would go under a draft, and what differs from the text in force."""
    desk = desk_of(ctx)
    draft = policy.read(desk.read(file))
    back = span(last)
    with desk.node() as node, desk.screen.progress("progress.simulate"), node.core.read() as unit:
        now = node.clock()
        actor = desk.actor(unit, Permission.RELEASE_PREVIEW)
        seqs = intel.recent(unit, node.us, actor, now - back)
        after = _only(publish.preview(unit, node.us, draft, seqs, now).decisions, to)
        known = {held.id: held.text for held in agreements.every(unit, now)}
        text = known.get(draft.id)
        before = _only(
            publish.preview(unit, node.us, text, seqs, now).decisions if text else {}, to
        )
    unmet = sorted(set(draft.names) - {node.us.party} - {peer for peer, _ in after}) if seqs else []
    groups = compare(_keyed(before), _keyed(after))
    said = sentences(groups, language_of(desk))
    changes = [
        {
            "peer": group.peer,
            "move": str(group.move),
            "kind": group.kind,
            "tlp": f"TLP:{group.tlp}",
            "attribution": group.attribution,
            "count": len(group.changes),
            "gained": list(group.gained),
            "lost": list(group.lost),
            "sentence": sentence,
        }
        for group, sentence in zip(groups, said, strict=False)
    ]
    facts: dict[str, Any] = {
        "agreement": draft.id,
        "version": draft.version,
        "in_force": text.version if text else None,
        "objects": len(seqs),
        "peers": tally(after, seqs, language_of(desk)),
        "unmet": [name for name in unmet if not to or name == to],
        "changes": changes,
    }
    _told(desk, facts, said, last)


def _only(decisions: publish.Decisions, peer: str) -> publish.Decisions:
    return {(name, seq): one for (name, seq), one in decisions.items() if not peer or name == peer}


def _keyed(decisions: publish.Decisions) -> Decisions:
    return {(name, seq): one for (name, seq), one in decisions.items()}


def _told(desk: Desk, facts: dict[str, Any], said: list[str], last: str) -> None:
    screen = desk.screen
    if screen.as_json:
        screen.json(facts)
        return
    screen.say("say.simulated", count=facts["objects"], last=last, agreement=facts["agreement"])
    screen.rows(("peer", "goes", "waits", "stays"), facts["peers"], empty="none.audience")
    if facts["unmet"]:
        screen.say("say.unmet", parties=", ".join(facts["unmet"]))
    screen.line("")
    head = "say.against" if facts["in_force"] else "say.against-nothing"
    screen.say(head, version=facts["in_force"] or 0)
    for sentence in said:
        screen.line(f"- {sentence}")
    screen.say("say.nothing-sent")
