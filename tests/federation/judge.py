"""The judge of lies: what may have changed at Aurelia, what its people must see, and what the liar must not."""

import json
from dataclasses import dataclass

from sqlalchemy import text as sql

from mithaq.cli import status
from mithaq.store import parties
from tests.rooms.border.stage import B

# Where a lie may leave a trace whatever becomes of it: for our people, and where the worker stands.
BOOKS = {"refusals", "journal", "settings", "heard", "heads", "shelf_ops", "checkpoints"}
_LOG = {"leaves", "nodes"}
_COPIES = {"copies", "provenance", "bodies", "relations", "batches"}  # what is good of it
_TURN = {"channels", "accepted"}  # a good envelope: the channel goes on
MAY_CHANGE = {
    "turned away": set(),  # at the door: the request is nobody's
    "refused": set(),  # the envelope, the heartbeat, the document's channel: as if it had never come
    "lost": set(),  # fetching failed
    "known": set(),  # the same again
    "kept": {"held_frames"},  # its turn may come
    "frozen": _LOG
    | {"channels", "alarms"},  # and nothing comes in any more until people have looked
    "document": _TURN,  # a wrong document in a good envelope
    "aside": _TURN | _LOG | {"quarantine"} | _COPIES,
    "answered": _TURN | _LOG | {"outbox", "orders"} | _COPIES,
    "proposed": _TURN | _LOG | {"agreements", "signatures", "notices"},
    "blank": _TURN | _LOG,  # views withheld under a good seal
    "own": _LOG | _TURN | {"outbox", "alarms"},
}
_STATE = ("state", "heard", "frozen", "kept", "behind")


@dataclass(frozen=True)
class Verdict:
    """What must become of a lie: ``kind`` is a key of ``MAY_CHANGE``; ``why`` the code or cause on record."""

    kind: str
    why: str = ""


def verdicts(kind):
    return lambda why="": Verdict(kind, why)


turned_away, refused, lost, known, kept, frozen, document, aside, answered, proposed, own = map(
    verdicts,
    (
        "turned away", "refused", "lost", "known", "kept", "frozen", "document", "aside", "answered", "proposed", "own",
    ),
)  # fmt: skip


def rows_of(store, *without):
    """Every row of every table of a room, as values."""
    with store.read() as unit:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        names = sorted(set(unit.execute(sql(query)).scalars()) - {*without})
        return {name: unit.exec_driver_sql(f'select * from "{name}"').all() for name in names}


class Picture:
    """Aurelia at one moment."""

    def __init__(self, liar):
        node = liar.victim
        liar.worker.show()
        self.core = rows_of(node.core)
        # What others see; of the liar's own, what it is shown itself.
        self.shelf = rows_of(node.shelf, "heartbeats", "marks", "frames", "shelves", "views")
        with node.shelf.read() as unit:
            others = f"select channel, seq from frames where peer <> '{B}' order by 1, 2"
            self.onward = unit.exec_driver_sql(others).all()
        with node.core.read() as unit:
            self.peer = status.of_peer(unit, parties.peer(unit, B), node.clock())
        self.journal = [(row.kind, row.subject) for row in self.core["journal"]]

    def changed(self, before):
        return {name for name in self.core if self.core[name] != before.core[name]} - BOOKS

    def new(self, before, table):
        return [row for row in self.core[table] if row not in before.core[table]]

    def visit(self):
        """How the last visit to the liar went, as people are told."""
        return {row.key: row.value for row in self.core["settings"]}.get(f"visit:{B}", "")


def nothing_applied(verdict, before, after):
    """Nothing but what the verdict allows has changed, and nothing goes on to anybody else."""
    assert after.changed(before) <= MAY_CHANGE[verdict.kind], after.changed(before)
    if verdict.kind == "own":
        shelf = {row.id for row in after.core["channels"] if row.peer == B}
        kept = [
            [row for row in picture.shelf["shelf_rows"] if row.shelf not in shelf]
            for picture in (before, after)
        ]
        assert kept[0] == kept[1]
    else:
        assert after.shelf == before.shelf
    assert after.onward == before.onward
    for row in after.new(before, "channels"):
        assert row.peer == B
    for row in after.new(before, "outbox"):
        assert row.channel in {each.id for each in after.core["channels"] if each.peer == B}
    gone = [row for row in before.core["copies"] if row not in after.core["copies"]]
    assert gone == []
    if verdict.kind != "own":
        heads = {row.id: (row.seq, row.head) for row in before.core["channels"] if row.peer != B}
        now = {row.id: (row.seq, row.head) for row in after.core["channels"] if row.peer != B}
        assert heads == now


def truth_goes_on(before, after, honest):
    """Of what came together with a lie the honest part is here, and nothing else of it."""
    assert {row.id for row in after.new(before, "copies")} <= honest


def new_leaves(before, after):
    """The kinds of what was logged meanwhile, padding left out."""
    rows = [row for row in after.core["leaves"][len(before.core["leaves"]) :] if row.subject]
    return [json.loads(bytes(row.record))["kind"] for row in rows]


def seen_by_people(verdict, before, after):
    """The lie stands on record, with its cause."""
    told = {
        "refused": lambda: [row.cause for row in after.new(before, "refusals") if row.peer == B],
        "document": lambda: [
            row.code for row in after.new(before, "refusals")
            if (row.peer, row.cause) == (B, "document")
        ],
        "lost": lambda: [after.visit()],
        "aside": lambda: [row.code for row in after.new(before, "quarantine")],
        "frozen": lambda: [row.reason for row in after.new(before, "channels")],
        "kept": lambda: [row.reason for row in after.new(before, "held_frames")],
    }  # fmt: skip
    if verdict.kind in told:
        assert verdict.why in told[verdict.kind](), told[verdict.kind]()
    elif verdict.kind == "blank":
        assert new_leaves(before, after) == [verdict.why]
    elif verdict.kind in {"answered", "proposed", "own"}:
        assert verdict.why in {kind for kind, _ in after.journal[len(before.journal) :]}
    elif verdict.why:  # known: by how the peer stands
        assert after.peer[verdict.why] != before.peer[verdict.why]
    if verdict.kind == "kept":
        assert after.peer["kept"] > before.peer["kept"]
    if verdict.kind == "frozen":
        assert after.peer["frozen"] > before.peer["frozen"]
        assert len(after.new(before, "alarms")) == 1  # with both seals as evidence
