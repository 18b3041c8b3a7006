"""Reasons and decisions as sentences, in the languages the product speaks; the wording lies in ``sentences/``."""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from mithaq.model.markings import FIXED
from mithaq.policy.decision import Decision, Hold, Reason, Rule, View, Withhold

Language = Literal["en", "fr", "ar"]
LANGUAGES: tuple[Language, ...] = ("en", "fr", "ar")
Wording: TypeAlias = Mapping[str, str | Mapping[str, str]]
_OPEN, _CLOSE = "\u2068", "\u2069"  # FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LISTS = frozenset(
    {"added", "for", "gained", "lists", "lost", "most", "removed", "to", "unknown", "which"}
)
_NONE: frozenset[str] = frozenset()


def _facts(**named: str) -> Mapping[str, frozenset[str]]:
    return {because.replace("_", "-"): frozenset(names.split()) for because, names in named.items()}


# What each rule's reasons state: ``because`` ("" where a rule has one sentence) -> names of its facts.
FACTS: Mapping[Rule, Mapping[str, frozenset[str]]] = {
    Rule.RUPTURE: _facts(ours="peer", theirs="peer", owner="by peer"),
    Rule.RESTRICTION: {"": frozenset({"number", "basis", "peer"})},
    Rule.NOT_IN_FORCE: {"": _NONE},
    Rule.SHADOW: {"": _NONE},
    Rule.NO_CLAUSE: _facts(
        direction="",
        kind="kind",
        level="is most",
        pap="is most",
        purpose="purpose",
        embargo="until",
        expiry="since",
        releasable_to="to",
        labels_wanted="which",
        labels_excluded="which",
        sectors_wanted="which",
        sectors_excluded="which",
        attack_wanted="which",
        attack_excluded="which",
        one_view="first",
    ),
    Rule.UNMARKED: {"": _NONE},
    Rule.MARKING_UNKNOWN: {"": frozenset({"marking"})},
    Rule.MARKING_FORGED: {"": _NONE},
    Rule.OWNERSHIP: {"": _NONE},
    Rule.RELEASABLE_TO: {"": frozenset({"to"})},
    Rule.PURPOSE: {"": frozenset({"purpose", "for"})},
    Rule.EMBARGO: {"": frozenset({"until"})},
    Rule.EXPIRY: {"": frozenset({"since"})},
    Rule.ONWARD_GREEN: {"": frozenset({"owner"})},
    Rule.ONWARD_AMBER: {"": frozenset({"owner"})},
    Rule.ONWARD_STRICT: {"": frozenset({"owner"})},
    Rule.ONWARD_RED: {"": frozenset({"owner"})},
    Rule.ORIGINATOR_CONTROL: {"": frozenset({"owner"})},
    Rule.ECHO: {"": _NONE},
    Rule.RELAY_EXACT: _facts(cut="", target="target"),
    Rule.READERS: _facts(none="", unknown="unknown", client=""),
    Rule.CLIENT: _facts(level="is", originator_control="", receipt="", recall=""),
    Rule.NOT_ADOPTED: {"": _NONE},
    Rule.INVALID_VIEW: {"": frozenset({"removed"})},
    Rule.SCO_PARTIAL: _facts(cut="", target="target"),
    Rule.REFERENCE_REQUIRED: {"": frozenset({"target"})},
    Rule.SILENT_VERSION: {"": frozenset({"since"})},
    Rule.NOT_NEWEST: {"": _NONE},
    Rule.SUPERSEDED: {"": frozenset({"by"})},
    Rule.HISTORY: {"": frozenset({"joined"})},
    Rule.FIRST_VIEW: _facts(changed="", target="target"),
    Rule.ATTRIBUTION: {"": _NONE},
    Rule.RECALLED: {"": _NONE},
    Rule.PRIVATE_KIND: {"": frozenset({"kind"})},
    Rule.SECOND_PERSON: _facts(level="is", lowers=""),
    Rule.POLICY_OWNER: {"": _NONE},
    Rule.KNOWN_BENIGN: {"": frozenset({"lists"})},
}


def sentence(reason: Reason, language: Language = "en") -> str:
    """Return what a reason says to a person: what bit, in which clause, and what could be done."""
    said = _wording(language)["rule"][str(reason.rule)]
    if not isinstance(said, str):
        said = said[reason.facts["because"]]
    if reason.rule == Rule.ONWARD_GREEN and ":" in reason.facts["owner"]:
        said = wording(language, "source")["onward-green"]  # a file or a feed answers nobody
    return fill(said, language, clause=reason.clause, **reason.facts)


def explain(
    decision: Decision, language: Language = "en", *, peer: str, title: str
) -> Sequence[str]:
    """Return what a decision means for one peer, sentence by sentence.

    Args:
        peer: the name people know the peer by.
        title: what people call the object.
    """
    says = wording(language, "decision")
    names = {"peer": peer, "title": title}
    if isinstance(decision, Withhold):
        first = fill(says["stays"], language, **names)
        why = [sentence(reason, language) for reason in decision.reasons]
        if decision.would is None:
            return [first, *why]
        would = explain(decision.would, language, peer=peer, title=title)
        return [first, *why, fill(says["would"], language), *would]
    reasons = decision.reasons if isinstance(decision, Hold) else ()
    said = says["waits" if isinstance(decision, Hold) else "goes"]
    first = fill(said, language, clause=decision.clause, **names)
    why = [sentence(reason, language) for reason in reasons]
    return [first, *why, *_view(decision.view, decision.onward, language, peer)]


def declined(
    language: Language = "en", *, peer: str, title: str, by: str, at: str
) -> Sequence[str]:
    """Return what stands before an explanation of what a person declined: what follows is for a new proposal."""
    says = wording(language, "decision")
    return [
        fill(says["declined"], language, peer=peer, title=title, by=by, at=at),
        fill(says["anew"], language),
    ]


def fill(said: str, language: Language, **values: str) -> str:
    """Put ``values`` into a sentence; in Arabic each stands isolated, so that directions do not mix.

    What lists several, parted by ", ", is isolated one by one.
    """
    comma = "، " if language == "ar" else ", "
    parts = {
        name: value.split(", ") if name in _LISTS else [value] for name, value in values.items()
    }
    return said.format_map(
        {name: comma.join(_isolated(one, language) for one in many) for name, many in parts.items()}
    )


def _isolated(value: str, language: Language) -> str:
    """Return a value that can break neither the line nor the direction of what stands around it."""
    plain = "".join(c for c in value if c not in _BIDI and unicodedata.category(c) != "Cc")
    return f"{_OPEN}{plain}{_CLOSE}" if language == "ar" else plain


def _view(seen: View, onward: str, language: Language, peer: str) -> Sequence[str]:
    says = wording(language, "decision")
    removed, added = ", ".join(seen.removed), ", ".join(map(_level, seen.added))
    lines = [] if seen.removed or seen.added else [fill(says["whole"], language)]
    if removed:
        lines.append(fill(says["without"], language, removed=removed))
    if added:
        lines.append(fill(says["added"], language, added=added))
    return [*lines, fill(says[f"onward-{onward}"], language, peer=peer)]


def _level(marking: str) -> str:
    label = FIXED[marking].label
    return f"PAP:{label.pap}" if label.tlp is None else f"TLP:{label.tlp}"


def wording(language: Language, part: str) -> Mapping[str, str]:
    """Return the sentences of one part of the product: ``decision`` or ``compare``."""
    return {name: str(said) for name, said in _wording(language)[part].items()}


@cache
def _wording(language: Language) -> Mapping[str, Wording]:
    text = files(__package__).joinpath("sentences", f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)
