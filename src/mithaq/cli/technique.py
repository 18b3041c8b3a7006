"""One technique of the defence cycle, and all that its figures rest on."""

from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.cli.covered import technique_facts, technique_row
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.options import TlpLevel
from mithaq.cli.stood import standing, technique_of
from mithaq.defence import cycle as cycles
from mithaq.defence.cycle import Cycle, Technique
from mithaq.detect.collected import serves

_SHOWN = 20  # rules that a screen names


def technique(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER")],
    *,
    up_to: TlpLevel = "",
) -> None:
    """Show all that a technique's figures rest on."""
    desk = desk_of(ctx)
    with standing(desk, up_to) as (node, unit, actor, stands):
        one = technique_of(stands, number)
        rules = cycles.named(unit, node.us, actor, one.evidence.rules)
        days = node.config.settings.cycle.named_days
        said = cycles.said_of(unit, node.us, actor, stands, one.number, node.clock(), days, _SHOWN)
    told = technique_facts(stands, one)
    ruled = [
        {
            "rule": rule.title or rule.key,
            "kind": rule.kind,
            "number": rule.number,
            "evaluable": serves(stands.collected, rule.needs),
            "looked_for": rule.used,
            "needs": [sorted(each) for each in rule.needs],
            "source": rule.source,
        }
        for rule in rules
    ]
    ruled.sort(key=lambda r: (not r["looked_for"], not r["evaluable"], str(r["rule"])))
    more: dict[str, Any] = {
        "threats": [
            {"threat": t.name, "key": t.key, "known_as": t.key, "priority": t.priority}
            for t in one.threats
        ],
        "rules": ruled,
        "mitigations": [
            {"mitigation": m, "name": stands.lore.mitigations.get(m, ""), "state": str(state)}
            for m, state in one.evidence.mitigations.items()
        ],
        "proofs": [
            {"kind": p.kind, "text": p.what, "day": p.day, "by": p.by} for p in one.evidence.proofs
        ],
        "logs": [f"{log.name} {log.channel}" for log in stands.lore.logs.get(one.number, ())],
        "said": [
            {
                "number": c.seq,
                "name": intel.title(c.object.body),
                "from": c.voucher,
                "marking": intel.marking(c),
            }
            for c in said
        ],
    }
    if desk.screen.as_json:
        desk.screen.json(told | more)
        return
    _technique(desk, stands, one, more)


def _technique(desk: Desk, stands: Cycle, one: Technique, more: dict[str, Any]) -> None:
    screen = desk.screen
    told = technique_row(desk, stands, one)
    names = (
        "technique",
        "name",
        "tactics",
        "seen",
        "stopped",
        "gap",
        "cycle_score",
        "owner",
        "due_by",
        "note",
    )
    screen.facts({name: told[name] for name in names})
    screen.line("")
    stop = "–" if one.standing.stop is None else one.standing.stop  # noqa: RUF001 nothing known
    screen.say("say.technique-score", see=one.standing.see, stop=stop, score=one.standing.score)
    for title, columns, rows in (
        ("say.of-threats", ("priority", "threat", "known_as"), more["threats"][:_SHOWN]),
        (
            "say.of-rules",
            ("rule", "kind", "evaluable", "looked_for", "needed_logs", "source"),
            _shown(more["rules"]),
        ),
        (
            "say.of-mitigations",
            ("mitigation", "name", "mitigation_state"),
            _states(more["mitigations"]),
        ),
        ("say.of-proofs", ("day", "proof_kind", "text", "by"), _kinds(more["proofs"])),
        ("say.of-said", ("number", "marking", "name", "from"), more["said"]),
    ):
        if rows:
            screen.line("")
            screen.say(title)
            screen.rows(columns, rows)
    if more["logs"]:
        screen.line("")
        screen.say("say.of-logs", logs="; ".join(more["logs"][:6]))


def _shown(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        rule | {"needed_logs": " + ".join(" | ".join(each) for each in rule["needs"])}
        for rule in rules[:_SHOWN]
    ]


def _states(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"mitigation_state": each["state"]} for each in some]


def _kinds(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"proof_kind": each["kind"]} for each in some]
