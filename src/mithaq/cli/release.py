"""Releasing: what goes, what waits and what stays, and why."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
import typer
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.border import agreements, approval, clocks, publish
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Named, Purpose, Yes
from mithaq.errors import InputError, NotFound
from mithaq.intel import Copy
from mithaq.intel.authoring import translations
from mithaq.node import Node
from mithaq.policy import explain as sentences
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Decision, Hold, Reason, Release, Withhold
from mithaq.store import releases
from mithaq.store.releases import Verdict

app = topic()

MAIN = 5  # reasons named per peer
_ABOUT = frozenset(
    {"target", "unknown", "removed", "since", "by"}
)  # facts that differ object by object
VERBS: Mapping[type[Decision], str] = {Release: "goes", Hold: "waits", Withhold: "stays"}
Facts: TypeAlias = dict[str, Any]
Decisions: TypeAlias = publish.Decisions


@dataclass(slots=True)
class _Tally:
    """What came of a release for one peer."""

    goes: int = 0
    waits: int = 0
    stays: int = 0
    reasons: dict[tuple[str, ...], list[Reason]] = field(default_factory=lambda: defaultdict(list))

    def add(self, decision: Decision) -> None:
        """Count one decision and its reasons, which are told together where rule and clause are the same."""
        verb = VERBS[type(decision)]
        setattr(self, verb, getattr(self, verb) + 1)
        for reason in () if isinstance(decision, Release) else decision.reasons:
            self.reasons[_sort(reason)].append(reason)

    def main(self, language: sentences.Language) -> list[Facts]:
        """Return the reasons that bit most often; each with the sentence of its first case."""
        most = sorted(self.reasons.values(), key=len, reverse=True)
        return [
            {
                "count": len(same),
                "rule": str(same[0].rule),
                "clause": same[0].clause,
                "alike": all(each.facts == same[0].facts for each in same),
                "sentence": sentences.sentence(same[0], language),
            }
            for same in most[:MAIN]
        ]


def _sort(reason: Reason) -> tuple[str, ...]:
    """Return what makes reasons one sort: all they say, but for the objects they are about."""
    facts = (
        f"{name}={value}" for name, value in sorted(reason.facts.items()) if name not in _ABOUT
    )
    return (str(reason.rule), reason.clause, *facts)


def tally(decisions: Decisions, asked: Iterable[int], language: sentences.Language) -> list[Facts]:
    """Return, peer by peer, how many go, wait and stay, and the main reasons."""
    wanted = set(asked)
    peers: dict[str, _Tally] = defaultdict(_Tally)
    for (peer, seq), decision in decisions.items():
        if seq in wanted:
            peers[peer].add(decision)
    return [
        {
            "peer": peer,
            "goes": t.goes,
            "waits": t.waits,
            "stays": t.stays,
            "reasons": t.main(language),
        }
        for peer, t in sorted(peers.items())
    ]


def language_of(desk: Desk) -> sentences.Language:
    """Return the language that reasons are told in."""
    spoken = desk.screen.words.language
    return next(each for each in sentences.LANGUAGES if each == spoken)


@app.command("release", cls=Command)
def release(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="ID|NUMBER")] = None,
    *,
    agreement: Annotated[str, typer.Option(metavar="ID")],
    source: Annotated[str, typer.Option(metavar="NAME")] = "",
    all_from: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    purpose: Purpose = publish.DEFENCE,
    alone: Annotated[bool, typer.Option("--alone")] = False,
    preview: Flag = False,
) -> None:
    """Propose objects to the parties of an agreement."""
    desk = desk_of(ctx)
    named = [*(names or ()), *(_ids_in(desk, all_from) if all_from else ())]
    may = Permission.RELEASE_PREVIEW if preview else Permission.RELEASE_PROPOSE
    with (
        desk.node() as node,
        desk.screen.progress("progress.release"),
        node.core.read() if preview else node.core.begin() as unit,
    ):
        now = node.clock()
        actor = desk.actor(unit, may)
        seqs = intel.worked_on(unit, node.us, actor, names=named, source=source)
        along = [] if alone else translations.travelling(unit, node.us, actor, seqs)
        together = [*seqs, *along]
        if preview:
            terms = publish.text_in_force(unit, agreement, now)
            made = publish.preview(unit, node.us, terms, together, now, purpose)
        else:
            made = publish.publish(unit, node.us, actor.name, together, agreement, now, purpose)
        doubted = clocks.doubted(unit, now)
    peers = tally(made.decisions, together, language_of(desk))
    held = sorted({seq for (_, seq), each in made.decisions.items() if isinstance(each, Hold)})
    facts = {"agreement": made.agreement.id, "version": made.agreement.version, "preview": preview}
    facts |= {
        "objects": len(seqs),
        "peers": peers,
        "waiting": [n for n in held if n in set(together)],
    }
    facts["translations"] = along
    facts["beforehand"] = [
        {"number": use.copy, "standing": use.standing, "use": use.use, "review": use.seq}
        for use in made.beforehand
    ]
    _told(desk, facts, shadow=made.agreement.shadow)
    if doubted and not desk.screen.as_json:
        desk.screen.say("warning.clock-doubted")


def _ids_in(desk: Desk, file: Path) -> list[str]:
    """Return the ids of the objects in a STIX file."""
    try:
        body = json.loads(desk.read(file))
    except ValueError as error:
        raise InputError(f"{file} is no JSON", file=str(file)) from error
    objects = body.get("objects", [body]) if isinstance(body, dict) else []
    ids = [str(each["id"]) for each in objects if isinstance(each, dict) and "id" in each]
    return list(dict.fromkeys(ids))


def _told(desk: Desk, facts: Facts, *, shadow: bool) -> None:
    screen = desk.screen
    if screen.as_json:
        screen.json(facts)
        return
    screen.rows(("peer", "goes", "waits", "stays"), facts["peers"], empty="none.audience")
    for peer in facts["peers"]:
        for reason in peer["reasons"]:
            screen.say(
                "say.reason" if reason["alike"] else "say.reason-such",
                peer=peer["peer"],
                count=reason["count"],
                why=reason["sentence"],
            )
    if facts.get("translations"):
        screen.say("say.translations-along", count=len(facts["translations"]))
    if facts["preview"]:
        screen.say("say.nothing-sent")
    elif shadow:
        screen.say("say.shadow")
    if facts.get("beforehand"):
        screen.say("say.beforehand", count=len(facts["beforehand"]))
    if facts["waiting"] and not facts["preview"]:
        screen.say("say.waiting", count=len(facts["waiting"]))


@app.command("explain", cls=Command)
def explain(
    ctx: typer.Context,
    name: Named,
    *,
    to: Annotated[str, typer.Option(metavar="PEER")],
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
    purpose: Purpose = publish.DEFENCE,
) -> None:
    """Say what would go to a peer, and why."""
    desk = desk_of(ctx)
    told: list[Facts] = []
    with desk.node() as node, node.core.read() as unit:
        now = node.clock()
        actor = desk.actor(unit, Permission.RELEASE_PREVIEW)
        seqs = intel.worked_on(unit, node.us, actor, names=[name])
        for terms in _texts(unit, node, to, agreement):
            made = publish.preview(unit, node.us, terms, seqs, now, purpose)
            no = _declined(unit, terms, seqs, to, purpose)
            told += [
                _explained(desk, made.gathered.copies[seq], terms, (to, decision), no.get(seq))
                for seq in seqs
                if (decision := made.decisions.get((to, seq))) is not None
            ]
    if desk.screen.as_json:
        desk.screen.json(told)
        return
    for each in told:
        marking = each["marking"] or desk.screen.words.say("none.marking")
        about = {"marking": marking, "title": each["title"], "agreement": each["agreement"]}
        desk.screen.line(desk.screen.words.say("say.explained", **about), style="bold")
        for sentence in each["sentences"]:
            desk.screen.line(f"  {sentence}")


def _texts(unit: Connection, node: Node, peer: str, agreement: str) -> list[Agreement]:
    """Return the texts that may speak for a peer: the one named, or all in force.

    Raises:
        NotFound: none is in force with that peer; Conflict: the one named is not.
    """
    if agreement:
        return [publish.text_in_force(unit, agreement, node.clock())]
    every = [held.text for held in agreements.every(unit, node.clock())]
    found = [text for text in every if text is not None and text.party(peer) is not None]
    if not found:
        raise NotFound(f"no agreement with {peer!r} is in force, so nothing goes there", peer=peer)
    return found


def _declined(
    unit: Connection, terms: Agreement, seqs: Sequence[int], peer: str, purpose: str
) -> dict[int, Verdict]:
    """Return what a second person declined to let go to a peer, and nobody has proposed anew."""
    every = releases.verdicts_where(unit, state=publish.DECLINED, copies=seqs, agreement=terms.id)
    return {i.copy: i for i in every if (i.peer, i.purpose) == (peer, purpose)}


def _explained(
    desk: Desk, copy: Copy, terms: Agreement, to: tuple[str, Decision], no: Verdict | None
) -> Facts:
    """Tell of one object and one peer what was decided; a person's no stands before what policy says."""
    peer, decision = to
    language = language_of(desk)
    title = intel.title(copy.object.body) or copy.object.id
    said = list(sentences.explain(decision, language, peer=peer, title=title))
    told: Facts = {"verb": VERBS[type(decision)]}
    if no is not None and not isinstance(decision, Withhold):
        told = {
            "verb": VERBS[Withhold],
            "declined_by": no.declined_by,
            "declined_at": no.declined_at,
        }
        names = {"peer": peer, "title": title, "by": no.declined_by, "at": no.declined_at}
        said = [*sentences.declined(language, **names), *said]
    return {
        "agreement": terms.id,
        "version": terms.version,
        "peer": peer,
        **told,
        "number": copy.seq,
        "id": copy.object.id,
        "title": title,
        "marking": intel.marking(copy),
        "sentences": said,
    }


@app.command("queue", cls=Command)
def queue(ctx: typer.Context) -> None:
    """List what waits for a person: for whom, since when and why."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.RELEASE_PREVIEW)
        grouped: dict[tuple[int, str], list[Verdict]] = defaultdict(list)
        for verdict in releases.verdicts_where(unit, state="held"):
            grouped[verdict.copy, verdict.agreement].append(verdict)
        seen = _readable(unit, node, actor, [seq for seq, _ in grouped])
    rows = [_waiting(desk, seen.get(seq), intents) for (seq, _), intents in grouped.items()]
    columns = ("marking", "number", "name", "agreement", "peers", "proposer", "since", "needs")
    desk.screen.rows(columns, rows, empty="none.queue", wide=("id",))


def _readable(unit: Connection, node: Node, actor: Actor, seqs: Sequence[int]) -> dict[int, Copy]:
    """Return those of the copies that the actor may read."""
    found: dict[int, Copy] = {}
    for seq in dict.fromkeys(seqs):
        try:
            [found[seq]] = intel.versions(unit, node.us, actor, str(seq))
        except NotFound:
            continue
    return found


def _waiting(desk: Desk, copy: Copy | None, intents: Sequence[Verdict]) -> Facts:
    first = intents[0]
    shown = row(copy) if copy else {"marking": "", "name": "", "id": ""}
    reasons = publish.decode_reasons(first.reasons)
    return {
        **{key: shown[key] for key in ("marking", "name", "id")},
        "number": first.copy,
        "agreement": first.agreement,
        "peers": sorted(intent.peer for intent in intents),
        "proposer": first.proposer,
        "since": first.at,
        "needs": sorted(filter(None, first.needs.split(","))),
        "view": first.view,
        "removed": msgspec.json.decode(first.removed, type=list[str]),
        "reasons": [sentences.sentence(reason, language_of(desk)) for reason in reasons],
    }


@app.command("approve", cls=Command)
def approve(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NUMBER|ID")],
    *,
    key: Annotated[Path, typer.Option(metavar="FILE")],
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
    passphrase_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    yes: Yes = False,
) -> None:
    """Give the second person's yes, after seeing the exact bytes that would go."""
    desk = desk_of(ctx)
    if desk.screen.as_json and not yes:
        raise BadUsage("json-yes")
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.RELEASE_APPROVE)
            copy, waiting, hold = _held(unit, node, actor, (name, agreement))
        _show_view(desk, copy, waiting, hold)
        desk.confirm("ask.approve", yes=yes, peers=", ".join(sorted(i.peer for i in waiting)))
        signer = desk.key(key, passphrase_file)
        with node.core.begin() as unit:
            again = _held(unit, node, actor, (str(copy.seq), waiting[0].agreement))[1]
            if {i.view for i in again} != {hold.view.digest}:
                raise NotFound("what waited has changed meanwhile; look again", number=copy.seq)
            made = approval.approve(
                unit, node.us, (actor.name, signer), copy.seq, waiting[0].agreement, node.clock()
            )
    peers = tally(made.decisions, [copy.seq], language_of(desk))
    facts = {"agreement": made.agreement.id, "version": made.agreement.version, "preview": False}
    _told(desk, facts | {"objects": 1, "peers": peers, "waiting": []}, shadow=made.agreement.shadow)


@app.command("decline", cls=Command)
def decline(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NUMBER|ID")],
    *,
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
) -> None:
    """Give the second person's no; it stays until somebody proposes it anew."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.RELEASE_APPROVE)
        copy, waiting, _ = _held(unit, node, actor, (name, agreement))
        approval.decline(unit, actor.name, copy.seq, waiting[0].agreement, node.clock())
    peers = sorted(intent.peer for intent in waiting)
    if desk.screen.as_json:
        desk.screen.json({**row(copy), "agreement": waiting[0].agreement, "peers": peers})
    desk.screen.say("say.declined", number=copy.seq, peers=", ".join(peers))


def _held(
    unit: Connection, node: Node, actor: Actor, asked: tuple[str, str]
) -> tuple[Copy, Sequence[Verdict], Hold]:
    """Return the one held copy a person means, whom it waits for, and the view that would go.

    Raises:
        NotFound: nothing of that waits, as far as they may read; InputError: more than one does.
    """
    name, agreement = asked
    copies = {copy.seq: copy for copy in intel.versions(unit, node.us, actor, name)}
    found = releases.verdicts_where(
        unit, state="held", copies=list(copies), agreement=agreement or None
    )
    groups = {(intent.copy, intent.agreement) for intent in found}
    if not groups:
        raise NotFound(f"nothing of {name!r} waits for a person", id=name)
    if len(groups) > 1:
        listed = ", ".join(f"{seq} --agreement {id_}" for seq, id_ in sorted(groups))
        raise InputError(f"several wait; say which: {listed}", id=name)
    [(seq, id_)] = groups
    terms = publish.text_in_force(unit, id_, node.clock())
    decisions = publish.preview(unit, node.us, terms, [seq], node.clock()).decisions
    holds = [d for (_, at), d in decisions.items() if at == seq and isinstance(d, Hold)]
    if not holds:
        raise NotFound("it would no longer go as it waits; propose it again", number=seq)
    return copies[seq], found, holds[0]


def _show_view(desk: Desk, copy: Copy, waiting: Sequence[Verdict], hold: Hold) -> None:
    if desk.screen.as_json:
        return
    view = hold.view
    facts: Facts = {
        "marking": f"TLP:{view.label.tlp}" if view.label.tlp is not None else "",
        "name": intel.title(copy.object.body),
        "agreement": waiting[0].agreement,
        "peers": sorted(intent.peer for intent in waiting),
        "proposer": waiting[0].proposer,
        "removed": list(view.removed),
        "view": view.digest,
    }
    desk.screen.facts(facts)
    for reason in hold.reasons:
        desk.screen.line(sentences.sentence(reason, language_of(desk)))
    desk.screen.say("say.exact-bytes", size=len(view.raw))
    desk.screen.raw(json.dumps(view.body, ensure_ascii=False, indent=2))
