"""What people are shown of the defence cycle: rows, bars and sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mithaq.cli.desk import Desk
from mithaq.defence.cycle import Change, Cycle, Next, Technique
from mithaq.detect.coverage import Gap, Seen, Stopped, Threat

if TYPE_CHECKING:
    from mithaq.defence.cycle import Measure

Facts = dict[str, Any]
_WIDE = 8  # signs of a bar
_FULL, _EMPTY = "█", "░"
GOOD, BAD, HALF = "✓", "✗", "◐"
_SIGNS: Mapping[str, str] = {
    Seen.NONE: BAD, Seen.BLIND: BAD, Seen.IDLE: HALF, Seen.WATCHED: GOOD, Seen.PROVED: GOOD,
    Stopped.UNKNOWN: HALF, Stopped.NOT: BAD, Stopped.PARTLY: HALF, Stopped.FULLY: GOOD,
}  # fmt: skip


def bar(count: int, of: int) -> str:
    """Return a share as a bar with its figures: never by its length alone."""
    full = _WIDE * count // of if of else 0
    full = max(full, 1) if count else 0
    return f"{_FULL * full}{_EMPTY * (_WIDE - full)} {count}/{of}"


def signed(desk: Desk, column: str, state: str) -> str:
    """Return a state as a sign and a word."""
    return f"{_SIGNS[state]} {desk.screen.value(column, state)}"


def marking(cycle: Cycle) -> str:
    """Return the highest marking that may be in it."""
    return f"TLP:{cycle.marking}"


# --- rows ----------------------------------------------------------------------------------------------
def threat_facts(cycle: Cycle, threat: Threat) -> Facts:
    """Return all that is told of a threat, for programs."""
    used = cycle.used(threat)
    seen = Counter(each.standing.seen for each in used)
    gaps = Counter(each.standing.gap for each in used)
    score = sum(each.standing.score for each in used) // len(used) if used else None
    return {
        "priority": threat.priority,
        "threat": threat.name,
        "key": threat.key,
        "type": threat.type,
        "reasons": [{"reason": r, "by": threat.facts[r]} for r in threat.reasons],
        "set_by": threat.by,
        "why": threat.why,
        "techniques": len(used),
        "seen": seen[Seen.WATCHED] + seen[Seen.PROVED],
        "proved": seen[Seen.PROVED],
        "stopped": sum(each.standing.stopped is Stopped.FULLY for each in used),
        "gaps": gaps[Gap.OPEN],
        "accepted": gaps[Gap.ACCEPTED],
        "unproved": gaps[Gap.UNPROVED],
        "overdue": sum(each.overdue(cycle.day) for each in used),
        "score": score,
    }


def threat_row(desk: Desk, cycle: Cycle, threat: Threat) -> Facts:
    """Return what a table shows of a threat."""
    told = threat_facts(cycle, threat)
    count = told["techniques"]
    why = [desk.screen.value("reason_of_threat", r) for r in threat.reasons]
    return told | {
        "because": [threat.why] if threat.set_priority else why,
        "seen": bar(told["seen"], count),
        "stopped": bar(told["stopped"], count),
        "open_gaps": bar(told["gaps"], count),
        "cycle_score": told["score"],
        "known_as": told["key"],
    }


def technique_facts(cycle: Cycle, each: Technique) -> Facts:
    """Return what is told of a technique in a list, for programs."""
    stands, gap = each.standing, each.gap
    return {
        "technique": each.number,
        "name": each.name,
        "tactics": list(each.tactics),
        "threats": len(each.threats),
        "weight": each.weight,
        "seen": str(stands.seen),
        "stopped": str(stands.stopped),
        "gap": str(stands.gap),
        "see": stands.see,
        "stop": stands.stop,
        "score": stands.score,
        "rules": stands.rules,
        "evaluable": stands.evaluable,
        "evaluable_kinds": dict(sorted(stands.kinds.items())),
        "owner": gap.owner if gap else "",
        "due": gap.due if gap else "",
        "overdue": each.overdue(cycle.day),
        "note": gap.note if gap else "",
        "accepted_until": gap.accepted_until if gap else "",
        "accepted_by": gap.accepted_by if gap else "",
    }


def technique_row(desk: Desk, cycle: Cycle, each: Technique) -> Facts:
    """Return what a table shows of a technique."""
    told = technique_facts(cycle, each)
    due = desk.screen.words.say("say.overdue", day=told["due"]) if told["overdue"] else told["due"]
    return told | {
        "seen": signed(desk, "seen", told["seen"]),
        "stopped": signed(desk, "stopped", told["stopped"]),
        "due_by": due,
        "cycle_score": told["score"],
    }


# --- what is told besides ------------------------------------------------------------------------------
def say_whole(desk: Desk, cycle: Cycle) -> None:
    """Say in a sentence how it stands."""
    used, screen = cycle.used(), desk.screen
    seen = sum(each.standing.seen in {Seen.WATCHED, Seen.PROVED} for each in used)
    proved = sum(each.standing.seen is Seen.PROVED for each in used)
    stopped = sum(each.standing.stopped is Stopped.FULLY for each in used)
    facts = {"threats": len(cycle.threats), "techniques": len(used), "seen": seen, "proved": proved}
    of = ", ".join(f"{name} {version}" for name, version in cycle.versions.items())
    screen.line(marking(cycle))
    screen.say(
        "say.cycle", day=cycle.day, sets=of, stopped=stopped, score=cycle.score or 0, **facts
    )


def say_change(desk: Desk, changed: Change | None) -> None:
    """Say what changed, if a day is kept to hold it against."""
    if changed is None:
        return
    facts = {"closed": len(changed.closed), "new": len(changed.new), "proved": len(changed.proved)}
    scores = {"before": changed.before or 0, "after": changed.after or 0}
    desk.screen.say("say.change", day=changed.since, **facts, **scores)


def layer_words(desk: Desk) -> dict[str, str]:
    """Return what a layer calls states and what stands beside them."""
    screen = desk.screen
    heads = {name: screen.head(name) for name in ("threats", "rules", "stopped", "owner")}
    seen = {str(each): screen.value("seen", each) for each in Seen}
    gaps = {str(each): screen.value("gap", each) for each in Gap if each not in seen}
    return {
        **heads,
        "due": screen.head("due_by"),
        "proofs": screen.head("proof_kind"),
        **gaps,
        **seen,
    }


def say_wanting(desk: Desk, cycle: Cycle) -> None:
    """Say what the cycle itself lacks, and what to do next."""
    screen = desk.screen
    if not cycle.lore.techniques:
        screen.say("none.cycle-attack")
        return
    if not cycle.rules:
        screen.say("none.cycle-rules")
    if not cycle.collected:
        screen.say("none.cycle-telemetry")
    if all(not each.reasons and not each.set_priority for each in cycle.threats):
        screen.say("none.cycle-threats")
    if cycle.unread:
        screen.note("say.cycle-unread", count=cycle.unread)


def say_next(desk: Desk, made: Next, most: int) -> None:
    """Say what would close most."""
    screen = desk.screen
    for idle in made.idle[:most]:
        facts = {"rules": idle.rules, "count": len(idle.techniques), "source": idle.source}
        screen.say("say.next-idle" if idle.source else "say.next-idle-ours", **facts)
    for gain in made.sources[:most]:
        screen.say(
            "say.next-source", source=gain.source, rules=gain.rules, count=len(gain.techniques)
        )
    for measure in made.measures[:most]:
        _say_measure(desk, measure)
    for work in made.work[:most]:
        by = ", ".join(sorted(work.by))
        screen.say(
            "say.next-work", technique=work.technique, partners=by, count=sum(work.by.values())
        )
    if made.without:
        some = ", ".join(each.number for each in made.without[:most])
        screen.say("say.next-without", count=len(made.without), techniques=some)


def _say_measure(desk: Desk, measure: "Measure") -> None:
    facts = {"number": measure.number, "name": measure.name, "count": len(measure.techniques)}
    desk.screen.say(
        "say.next-measure", state=desk.screen.value("mitigation_state", measure.state), **facts
    )


def next_facts(made: Next) -> Facts:
    """Return what would close gaps, for programs."""

    def listed(some: Iterable[str]) -> list[str]:
        return sorted(some)

    return {
        "idle_rules": [
            {"source": e.source, "rules": e.rules, "techniques": listed(e.techniques), "weight": e.weight}
            for e in made.idle
        ],
        "log_sources": [
            {"source": e.source, "rules": e.rules, "techniques": listed(e.techniques), "weight": e.weight}
            for e in made.sources
        ],
        "mitigations": [
            {"number": e.number, "name": e.name, "state": str(e.state), "techniques": listed(e.techniques),
             "weight": e.weight}
            for e in made.measures
        ],
        "partners": [{"technique": e.technique, "partners": dict(e.by)} for e in made.work],
        "without_rule": [each.number for each in made.without],
    }  # fmt: skip
