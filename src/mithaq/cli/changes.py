"""What changed between two versions of a reference set, as a screen, as JSON and as a page to pass round."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mithaq import intel
from mithaq.cli.screen import NOTHING, Screen
from mithaq.intel import SetVersion
from mithaq.intel.authoring.revising import Revisable, Revision
from mithaq.intel.reference.changes import Became, Change, Changes
from mithaq.languages import plain

SHOWN = 20  # rows of a table on a screen
EACH = 6  # of them, to each that objects became
_SIGNS = re.compile(r"([\\`*_\[\]|#~])")  # that Markdown reads as its own
_CHANGE = ("what_became", "called", "type", "name", "was", "by", "differing")
_REVISE = ("what_became", "what_changed", "refers", "marking", "number", "type", "name", "from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All there is to say of a step from one version to another."""

    before: SetVersion | None
    after: SetVersion
    changes: Changes
    revision: Revision | None  # None: whoever asks reads no objects
    called: dict[str, str]  # what ids are called, of what replaces and ties

    @property
    def facts(self) -> dict[str, Any]:
        """What stands above all the rest."""
        return {
            "set": self.after.name,
            "version_before": self.before.version if self.before else "",
            "version": self.after.version,
            "objects": self.after.objects,
            "digest": self.after.digest,
            "taken": self.after.taken_at,
            "by": self.after.taken_by,
        }

    @property
    def counts(self) -> list[dict[str, Any]]:
        """How many objects and relationships became what."""
        whole, ties = self.changes.counts, self.changes.tie_counts
        return [
            {"what_became": str(each), "objects": whole.get(each, 0), "ties": ties.get(each, 0)}
            for each in Became
            if each in whole or each in ties
        ]

    def change(self, each: Change) -> dict[str, Any]:
        """Return what is said of one object."""
        return {
            "what_became": str(each.became),
            "called": each.number,
            "type": each.type,
            "name": each.name,
            "was": each.was,
            "by": [self.called.get(id_, id_) for id_ in each.by],
            "differing": list(each.fields),
            "id": each.id,
        }

    def entry(self, each: Revisable) -> dict[str, Any]:
        """Return what is said of one copy that people have to revise."""
        change, copy = each.change, each.copy
        return {
            "what_became": str(change.became),
            "what_changed": f"{change.number} {change.name}".strip(),
            "refers": each.how,
            "marking": intel.marking(copy),
            "number": copy.seq,
            "type": copy.object.type,
            "name": intel.title(copy.object.body),
            "from": copy.voucher,
            "id": copy.object.id,
            "changed_id": change.id,
        }

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What is said of each copy that people have to revise."""
        return [self.entry(each) for each in self.revision.entries] if self.revision else []


def as_json(told: Told) -> dict[str, Any]:
    """Return all of it for programs."""
    ties = [
        {
            "what_became": str(t.became),
            "id": t.id,
            "tie": t.tie,
            "source": t.source,
            "target": t.target,
        }
        for t in told.changes.ties
    ]
    return told.facts | {
        "counts": told.counts,
        "changes": [told.change(each) for each in told.changes.objects],
        "relationships": ties,
        "revise": told.entries,
        "revise_more": told.revision.more if told.revision else None,
    }


def show(screen: Screen, told: Told) -> None:
    """Print what people want to know first: the counts, the gravest, and what of ours refers to it."""
    screen.facts(
        {name: told.facts[name] for name in ("set", "version_before", "version", "objects")}
    )
    screen.line("")
    screen.rows(("what_became", "objects", "ties"), told.counts, empty="none.changes")
    listed = told.changes.objects if told.before else ()  # of a first version all is new
    some = [each for became in Became for each in _of(became, listed)[:EACH]]
    if some:
        screen.line("")
        screen.rows(_CHANGE[:6], [told.change(each) for each in some], wide=("id",))
        _more(screen, len(listed) - len(some))
    if told.revision is None:
        screen.say("say.no-revision")
        return
    screen.line("")
    screen.say("say.revise", count=_count(told.revision))
    if told.revision.entries:
        screen.rows(_REVISE, told.entries[:SHOWN], wide=("id",))
        _more(screen, len(told.revision.entries) - SHOWN)


def _of(became: Became, listed: Sequence[Change]) -> list[Change]:
    return [each for each in listed if each.became is became]


def _more(screen: Screen, count: int) -> None:
    if count > 0:
        screen.say("say.more", count=count)


def _count(revision: Revision) -> str:
    return f"{len(revision.entries)}{'+' if revision.more else ''}"


def page(screen: Screen, told: Told) -> str:
    """Return all of it as a page in Markdown, in the reader's language."""
    say = screen.words.say
    facts = told.facts
    title = say(
        "page.changes",
        name=facts["set"],
        before=facts["version_before"] or NOTHING,
        after=facts["version"],
    )
    parts = [
        f"# {_safe(title)}",
        "",
        say("page.changes-about", digest=facts["digest"], by=_safe(facts["by"])),
        "",
    ]
    parts += _table(screen, ("what_became", "objects", "ties"), told.counts)
    for became in Became:
        some = [told.change(each) for each in _of(became, told.changes.objects)]
        if some:
            parts += [f"## {screen.value('became', str(became))} ({len(some)})", ""]
            parts += _table(screen, _CHANGE[1:], some)
    if told.revision is not None:
        parts += [f"## {say('page.revise')} ({_count(told.revision)})", ""]
        parts += _table(screen, _REVISE, told.entries) if told.entries else []
    return "\n".join(parts).rstrip() + "\n"


def _table(screen: Screen, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> list[str]:
    heads = [" | ".join(map(screen.head, columns)), " | ".join("---" for _ in columns)]
    cells = (" | ".join(_cell(screen, name, row[name]) for name in columns) for row in rows)
    return [*(f"| {line} |" for line in (*heads, *cells)), ""]


def _cell(screen: Screen, name: str, value: object) -> str:
    said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return _safe(screen.value(name, said)) if said else NOTHING


def _safe(said: str) -> str:
    """Keep what others wrote from being read as Markdown, or as HTML within it."""
    one_line = " ".join(plain(said).split())
    return _SIGNS.sub(r"\\\1", html.escape(one_line, quote=False))
