"""Indicators as tools that compare values take them: what counts now, and the values of which any tells it.

Such a tool takes what a pattern says in full, or nothing of it (``mithaq.model.patterns``). Nothing is decided here:
whatever comes has been released to whom it is for.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from mithaq.clock import parse
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside, Pap, join
from mithaq.model.markings import Body, Table, object_label, path_labels
from mithaq.model.patterns import Group, groups
from mithaq.model.values import EXACT, Value, is_everybodys


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An indicator that counts now; ``groups`` is None if it says more than values, or is in another language."""

    id: str
    name: str
    groups: tuple[Group, ...] | None
    tlp: str  # as TLP 2.0 writes it; empty: none, or none that we can read
    pap: Pap
    created: str
    modified: str
    since: str
    until: str
    confidence: str
    labels: tuple[str, ...]

    def alone(self) -> Iterator[Value]:
        """Yield each value that tells it by itself, once: one alone, or a digest, whatever stands beside it.

        What every machine has or half the world is in singles nobody out: whoever sends ``0.0.0.0/0`` blocks nothing.
        """
        told: set[Value] = set()
        for group in self.groups or ():
            for value in _telling(group):
                if value not in told and not is_everybodys(value):
                    told.add(value)
                    yield value

    def without(self, harmless: Callable[[Value], bool]) -> "Entry":
        """Return it without what would be told by a value that is known to be harmless."""
        if self.groups is None:
            return self
        kept = tuple(g for g in self.groups if not any(harmless(v) for v in _telling(g)))
        same = len(kept) == len(self.groups)
        return self if same else msgspec.structs.replace(self, groups=kept)


def _telling(group: Group) -> Group:
    """Return the values of a group that tell what is meant by themselves."""
    return group if len(group) == 1 else tuple(value for value in group if value.kind in EXACT)


def entry(body: Body, at: datetime, table: Table) -> Entry | None:
    """Return an object as an entry; None if it is no indicator, or none that counts at ``at``.

    Args:
        table: what markings besides the fixed ones mean.
    """
    if body.get("type") != "indicator" or body.get("revoked") is True or not _counts(body, at):
        return None
    label = join(object_label(body, Beside(), table), *path_labels(body, table).values())
    pattern = body.get("pattern")
    known = None
    if isinstance(pattern, str) and body.get("pattern_type") == "stix":
        known = groups(pattern)
    labels = body.get("labels")
    return Entry(
        id=str(body["id"]),
        name=_text(body, "name"),
        groups=None if known is None else tuple(known),
        tlp="" if label.tlp is None or label.unresolved else str(label.tlp),
        pap=Pap.RED if label.unresolved else label.pap,
        created=_text(body, "created"),
        modified=_text(body, "modified"),
        since=_text(body, "valid_from"),
        until=_text(body, "valid_until"),
        confidence=_text(body, "confidence"),
        labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
    )


def turns(body: Body, at: datetime) -> Iterator[datetime]:
    """Yield the instants after ``at`` at which an indicator begins or ends to count."""
    if body.get("type") == "indicator":
        for name in ("valid_from", "valid_until"):
            written = body.get(name)
            if isinstance(written, str) and (turn := parse(written)) > at:
                yield turn


def _counts(body: Body, at: datetime) -> bool:
    since, until = body.get("valid_from"), body.get("valid_until")
    return not (
        (isinstance(since, str) and parse(since) > at)
        or (isinstance(until, str) and parse(until) <= at)
    )


def _text(body: Body, name: str) -> str:
    value: Json = body.get(name)
    return "" if value is None else str(value)
