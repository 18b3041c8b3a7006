"""What a release of ATT&CK knows: techniques, who uses which, what mitigates them, and the logs that show them.

Of an object that the release holds to be over, its number alone is kept, with what replaced it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from mithaq.model.named import FAMILIES, names_of, number
from mithaq.model.objects import Body

FORM: Final = "1"  # of ``Lore``: what is kept in another is made anew
_MOST_LOGS: Final = 12  # log sources of one technique


class Technique(msgspec.Struct, frozen=True, kw_only=True):
    """A technique, or a sub-technique."""

    name: str
    tactics: tuple[str, ...] = ()  # as the release shortens them: credential-access
    platforms: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever uses techniques: a group, a campaign or software."""

    number: str
    name: str
    type: str
    names: tuple[str, ...] = ()  # the name and its aliases
    techniques: tuple[str, ...] = ()


class Log(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A log that shows a technique, in the release's own words."""

    name: str  # WinEventLog:Sysmon
    channel: str  # EventCode=1


class Lore(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; techniques and mitigations by their numbers, the others by their STIX ids."""

    techniques: Mapping[str, Technique] = {}
    tactics: Mapping[str, str] = {}  # as shortened -> its name, in the order of the matrix
    ids: Mapping[str, str] = {}  # of techniques -> number
    replaced: Mapping[str, str] = {}  # a number that is over -> what counts
    groups: Mapping[str, Group] = {}
    mitigations: Mapping[str, str] = {}  # -> name
    mitigated: Mapping[str, Sequence[str]] = {}  # technique -> mitigations
    logs: Mapping[str, Sequence[Log]] = {}  # technique -> logs

    def number_of(self, written: str) -> str:
        """Return the number that counts for one that a rule or a report has; itself, if nothing replaced it."""
        return self.replaced.get(written, written)


def lore(bodies: Iterable[Body]) -> Lore:
    """Read what the objects of one release, or of several for several matrices, say together."""
    return _Reading(bodies).lore()


def is_over(body: Body) -> bool:
    """Say whether a release holds an object to count no more."""
    return body.get("revoked") is True or body.get("x_mitre_deprecated") is True


class _Reading:
    def __init__(self, bodies: Iterable[Body]) -> None:
        self.by_type: dict[str, dict[str, Body]] = defaultdict(dict)
        self.ties: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for body in bodies:
            if body.get("type") == "relationship":
                if not is_over(body):
                    ends = str(body["source_ref"]), str(body["target_ref"])
                    self.ties[str(body["relationship_type"])].append(ends)
            else:
                self.by_type[str(body["type"])][str(body["id"])] = body

    def lore(self) -> Lore:
        patterns = self.by_type["attack-pattern"]
        known = {id_: number(body) for id_, body in patterns.items() if not is_over(body)}
        ids = {id_: name for id_, name in known.items() if name.startswith("T")}
        return Lore(
            techniques={ids[id_]: _technique(patterns[id_]) for id_ in ids},
            tactics=self._tactics(),
            ids=ids,
            replaced=self._replaced(patterns, ids),
            groups=self._groups(ids),
            mitigations=self._mitigations(),
            mitigated=self._mitigated(ids),
            logs=self._logs(ids),
        )

    def _tactics(self) -> dict[str, str]:
        known = self.by_type["x-mitre-tactic"]
        order = [
            id_
            for each in self.by_type["x-mitre-matrix"].values()
            for id_ in _texts(each, "tactic_refs")
        ]
        listed = [known[id_] for id_ in dict.fromkeys([*order, *known]) if id_ in known]
        return {
            str(b.get("x_mitre_shortname")): str(b.get("name")) for b in listed if not is_over(b)
        }

    def _replaced(self, patterns: Mapping[str, Body], ids: Mapping[str, str]) -> dict[str, str]:
        after = dict(self.ties["revoked-by"])
        found: dict[str, str] = {}
        for old in patterns.keys() & after.keys():
            new, passed = after[old], {old}
            while new in after and new not in passed:  # what replaced it was replaced
                passed.add(new)
                new = after[new]
            if new in ids:
                found[number(patterns[old])] = ids[new]
        return {old: new for old, new in found.items() if old and old != new}

    def _groups(self, ids: Mapping[str, str]) -> dict[str, Group]:
        used: dict[str, set[str]] = defaultdict(set)
        for source, target in self.ties["uses"]:
            if target in ids:
                used[source].add(ids[target])
        return {
            id_: Group(
                number=number(body),
                name=str(body.get("name", "")),
                type=type_,
                names=tuple(names_of(body)),
                techniques=tuple(sorted(used[id_])),
            )
            for type_ in FAMILIES
            for id_, body in self.by_type[type_].items()
            if not is_over(body)
        }

    def _mitigations(self) -> dict[str, str]:
        counting = (b for b in self.by_type["course-of-action"].values() if not is_over(b))
        return {number(body): str(body.get("name", "")) for body in counting if number(body)}

    def _mitigated(self, ids: Mapping[str, str]) -> dict[str, list[str]]:
        actions = self.by_type["course-of-action"]
        found: dict[str, set[str]] = defaultdict(set)
        for action, target in self.ties["mitigates"]:
            body = actions.get(action)
            if target in ids and body is not None and not is_over(body):
                found[ids[target]].add(number(body))
        return {each: sorted(named - {""}) for each, named in found.items()}

    def _logs(self, ids: Mapping[str, str]) -> dict[str, list[Log]]:
        analytics = self.by_type["x-mitre-analytic"]
        strategies = self.by_type["x-mitre-detection-strategy"]
        found: dict[str, dict[Log, None]] = defaultdict(dict)
        for strategy, target in self.ties["detects"]:
            if target not in ids or is_over(strategies.get(strategy, _NOTHING)):
                continue
            for each in _texts(strategies.get(strategy, _NOTHING), "x_mitre_analytic_refs"):
                for log in _logs_of(analytics.get(each, _NOTHING)):
                    found[ids[target]][log] = None
        return {each: [*logs][:_MOST_LOGS] for each, logs in found.items()}


_NOTHING: Final[Body] = {}


def _technique(body: Body) -> Technique:
    phases = body.get("kill_chain_phases")
    named = [each for each in phases if isinstance(each, dict)] if isinstance(phases, list) else []
    return Technique(
        name=str(body.get("name", "")),
        tactics=tuple(
            str(each.get("phase_name"))
            for each in named
            if str(each.get("kill_chain_name", "")).startswith("mitre")
        ),
        platforms=tuple(_texts(body, "x_mitre_platforms")),
    )


def _logs_of(analytic: Body) -> Iterable[Log]:
    listed = analytic.get("x_mitre_log_source_references")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield Log(name=str(each.get("name", "")), channel=str(each.get("channel", "")))


def _texts(body: Body, name: str) -> list[str]:
    listed = body.get(name)
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
