"""What nobody wants to see again of what matches, as long as that stands."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select, update

from mithaq.model.telemetry import Value
from mithaq.model.whose import Word
from mithaq.store.sql import fetched, unused
from mithaq.store.tables import suppressions


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """What nobody wants to see again; of ``rule``, ``givers`` and ``field`` what is empty is any."""

    seq: int = 0
    rule: str = ""
    givers: tuple[str, ...] = ()
    field: str = ""
    value: str = ""
    until: str = ""
    why: str
    by: str
    at: str
    undone_by: str = ""
    undone_at: str = ""
    undone_why: str = ""

    def about(self, word: Word) -> bool:
        """Say whether it is about a rule, and matches that rest on this word."""
        return self.rule == word.rule and (not self.givers or word.giver in self.givers)

    def meets(self, word: Word, found: Mapping[str, Value]) -> bool:
        """Say whether a match is one of those that it is about."""
        if self.rule and not self.about(word):
            return False
        if not self.field:
            return bool(self.rule)
        said = found.get(self.field)
        each = said if isinstance(said, list) else [said]
        return any(str(one).casefold() == self.value.casefold() for one in each if one is not None)


_SUPPRESSION = tuple(suppressions.c[name] for name in Suppression.__slots__)
_names = msgspec.json.Decoder(tuple[str, ...]).decode


def put(unit: Connection, new: Suppression) -> int:
    """Keep a suppression; return its number."""
    facts = {name: getattr(new, name) for name in Suppression.__slots__}
    facts["seq"] = unused(unit, suppressions.c.seq)
    facts["givers"] = msgspec.json.encode(new.givers).decode()
    unit.execute(suppressions.insert().values(facts))
    return int(facts["seq"])


def every(unit: Connection) -> list[Suppression]:
    """Return every suppression, the newest first, also those that stand no more."""
    query = select(*_SUPPRESSION).order_by(suppressions.c.at.desc(), suppressions.c.seq)
    rows = ((*row[:2], _names(row[2]), *row[3:]) for row in fetched(unit, query))
    return [
        msgspec.convert(dict(zip(Suppression.__slots__, row, strict=True)), Suppression)
        for row in rows
    ]


def undo(unit: Connection, seq: int, by: str, at: str, why: str) -> None:
    """Let a suppression count no more."""
    facts = {"undone_by": by, "undone_at": at, "undone_why": why}
    unit.execute(update(suppressions).where(suppressions.c.seq == seq).values(facts))
