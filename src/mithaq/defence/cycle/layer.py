"""The cycle as a layer of the ATT&CK Navigator (layer format 4.5): what we see, what proves it, and what is wanting."""

from collections.abc import Mapping
from typing import Final

from mithaq.defence.cycle.standing import Cycle, Technique
from mithaq.detect.coverage import Seen
from mithaq.model.canonical import Json

_DOMAINS: Final[Mapping[str, str]] = {
    "enterprise": "enterprise-attack",
    "mobile": "mobile-attack",
    "ics": "ics-attack",
}
_COLOURS: Final[Mapping[Seen, str]] = {  # apart in shades of grey as well
    Seen.NONE: "#f3f1eb",
    Seen.BLIND: "#d8d3c6",
    Seen.IDLE: "#b5d9d4",
    Seen.WATCHED: "#4d9a92",
    Seen.PROVED: "#0b635d",
}


def layer(stands: Cycle, name: str, words: Mapping[str, str]) -> dict[str, Json]:
    """Return a layer of all techniques that threats use here.

    Args:
        words: what states are called, by their codes.
    """
    domain, version = next(iter(stands.versions.items()), ("", ""))
    known = next(
        (each for part, each in _DOMAINS.items() if part in domain), _DOMAINS["enterprise"]
    )
    return {
        "name": f"{name} TLP:{stands.marking}",
        "versions": {"attack": version.partition(".")[0], "navigator": "5.1.0", "layer": "4.5"},
        "domain": known,
        "description": f"TLP:{stands.marking} {stands.day}",
        "sorting": 3,
        "hideDisabled": False,
        "techniques": [
            _technique(each, tactic, words) for each in stands.used() for tactic in each.tactics
        ],
        "gradient": {"colors": ["#f3f1eb", "#0b635d"], "minValue": 0, "maxValue": 100},
        "legendItems": [
            dict[str, Json](label=words[str(seen)], color=colour)
            for seen, colour in _COLOURS.items()
        ],
        "metadata": [{"name": "score", "value": str(stands.score or 0)}],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _technique(each: Technique, tactic: str, words: Mapping[str, str]) -> dict[str, Json]:
    stands = each.standing
    who = ", ".join(t.name for t in each.threats[:5])
    told: dict[str, str] = {
        words["threats"]: f"{len(each.threats)}: {who}",
        words["rules"]: f"{stands.evaluable}/{stands.rules}",
        words["proofs"]: str(len(each.evidence.proofs)),
        words["stopped"]: "–" if stands.stop is None else f"{stands.stop} %",  # noqa: RUF001 nothing known
        words["owner"]: each.gap.owner if each.gap else "",
        words["due"]: each.gap.due if each.gap else "",
    }
    return {
        "techniqueID": each.number,
        "tactic": tactic,
        "score": stands.score,
        "color": _COLOURS[stands.seen],
        "comment": f"{words[str(stands.seen)]}; {words[str(stands.gap)]}",
        "enabled": True,
        "metadata": [{"name": name, "value": value} for name, value in told.items() if value],
        "links": [],
        "showSubtechniques": True,
    }
