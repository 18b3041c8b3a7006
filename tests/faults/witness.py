"""What was acknowledged, and whether it is so: a journal beside the nodes, and a judge that reads their stores.

The journal is the oracle: it is written when a command ended with 0 or a request with 2xx, and knows of an object
only whom it was released to, and whether it was taken back since. No rule of the product is asked.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.town import PACTS, Died
from tests.journeys.test_processes import wait
from tests.leaks.model import ID, canaries_in, canary

ACTS = {  # what happens once, and what it is named by in the log
    "import": ["id"],
    "admission": ["id"],
    "release": ["id", "peer", "agreement"],
    "recalled": ["order"],
    "receipt": ["order", "peer"],
    "envelope": ["channel", "seq"],
}
AT = "2026-01-01T00:00:00.000Z"
COPIES = "copies JOIN provenance ON provenance.seq = copies.provenance"


def id_of(number):
    return f"tool--{canary(number, 'i')}"


def body(number, creator=""):
    made = {
        "type": "tool",
        "spec_version": "2.1",
        "id": id_of(number),
        "created": AT,
        "modified": AT,
        "name": f"as {canary(number, 'n')} tells it",
    }
    return made | ({"created_by_ref": creator} if creator else {})


@dataclass
class Journal:
    """What was acknowledged; written down at once, so that a lost driver leaves its word."""

    file: object
    imported: dict = field(default_factory=dict)  # number -> nation
    released: dict = field(default_factory=dict)  # number -> the agreements it went under
    recalled: set = field(default_factory=set)
    posted: dict = field(default_factory=dict)  # number -> where its statuses are
    secret: set = field(default_factory=set)  # numbers nobody but their nation may hold
    tried: dict = field(default_factory=dict)  # number -> the nation whose own it is to be

    def write(self, act, number, **facts):
        line = json.dumps({"act": act, "number": number, **facts})
        self.file.write(line + "\n")
        self.file.flush()

    def due(self, name):
        """Return the numbers that a nation must hold from others, and no more."""
        return {
            number
            for number, agreements in self.released.items()
            if number not in self.recalled
            and self.imported[number] != name
            and any(name in PACTS[agreement] for agreement in agreements)
        }


class Judge:
    """Compares what the journal says with what nations hold, what they show, and what crossed the wire."""

    def __init__(self, town, journal):
        self.town, self.journal = town, journal
        self.complete = set()  # statuses of posts that were seen so

    def settled(self, *, whole=True):
        """Wait until all that is due has arrived and all that is owed is answered, then judge.

        Args:
            whole: recompute logs, digests and shelves too, which takes the longer the more there is.
        """
        for name, nation in self.town.nations.items():
            wait(
                lambda n=nation, name=name: set(self._held(n)) == self.journal.due(name),
                f"{name} does not come to hold what is due",
            )
            wait(lambda n=nation: not self._owed(n), f"{name} is owed answers")
            self._once(nation)
        self._posts(whole=whole)
        wait(self._channels_agree, "channels differ")
        for name, nation in self.town.nations.items():
            assert not whole or nation.problems() == (), name
            assert nation.query("SELECT count(*) FROM quarantine") == [(0,)], name
            assert nation.query("SELECT count(*) FROM refusals") == [(0,)], name

    def _held(self, nation):
        """Return how many copies of each number a nation holds from other nations."""
        rows = nation.query(
            f"SELECT id FROM {COPIES} WHERE standing = 'received' AND voucher NOT LIKE 'client:%'"
        )
        return Counter(int(id_[-12:]) for (id_,) in rows)

    def _owed(self, nation):
        return nation.query(
            "SELECT r.name, r.peer FROM receipts r JOIN orders o ON o.name = r.name"
            " WHERE o.sent_by = '' AND r.outcome <> 'deleted'"
        )

    def _once(self, nation):
        """Nothing happened twice: no copy, no leaf of an act, no release, no answer."""
        assert set(self._held(nation).values()) <= {1}, nation.name
        records = [
            json.loads(raw)
            for (raw,) in nation.query("SELECT record FROM leaves WHERE subject <> ''")
        ]
        acts = Counter(
            (record["kind"], *(record[name] for name in ACTS[record["kind"]]))
            for record in records
            if record["kind"] in ACTS
        )
        twice = {act: times for act, times in acts.items() if times > 1}
        assert not twice, (nation.name, twice)
        mine = {n for n, owner in self.journal.imported.items() if owner == nation.name}
        for number in mine:
            assert acts["import", id_of(number)] == 1, number
        own = nation.query(
            f"SELECT id FROM {COPIES} WHERE standing = 'own' AND id LIKE '%" + ID + "%'"
        )
        counted = Counter(int(id_[-12:]) for (id_,) in own)
        assert mine <= set(counted), (nation.name, mine - set(counted))
        assert set(counted.values()) <= {1}, counted
        ordered = {id_ for (id_,) in nation.query("SELECT id FROM orders WHERE sent_by = ''")}
        missing = {n for n in self.journal.recalled & mine if id_of(n) not in ordered}
        assert not missing, missing

    def _posts(self, *, whole):
        """Each post that was answered 202 is settled, and its object held once.

        Args:
            whole: ask also for those that were settled when they were asked for last.
        """
        client = self.town.client
        for number, statuses in self.journal.posted.items():
            for status in statuses if whole else set(statuses) - self.complete:
                wait(
                    lambda s=status: self._complete(client, s),
                    f"the post of {number} is not settled",
                )
                self.complete.add(status)
        rows = client.nation.query(f"SELECT id FROM {COPIES} WHERE voucher = 'client:misp'")
        held = Counter(int(id_[-12:]) for (id_,) in rows)
        assert held == Counter(dict.fromkeys(self.journal.posted, 1)), held

    def _complete(self, client, status):
        try:
            code, told = client.ask("GET", status)
        except Died:
            return False
        return code == 200 and told["status"] == "complete" and told["success_count"] == 1

    def _channels_agree(self):
        """Say whether each channel's two ends have the same head."""
        ends = {}
        for nation in self.town.nations.values():
            rows = nation.query("SELECT id, direction, seq, head, state FROM channels")
            for id_, direction, *rest in rows:
                ends.setdefault(id_, {})[direction] = rest
        pairs = [both for both in ends.values() if len(both) == 2]
        return len(pairs) >= 4 and all(both["in"] == both["out"] for both in pairs)

    # --- what may not be anywhere ----------------------------------------------------------------------
    def nothing_withheld_went(self):
        """No secret crossed the wire, stands on a shelf, or lies in another's home; what was released did cross."""
        crossed = set()
        for nation in self.town.nations.values():
            for raw in nation.tap.seen():
                crossed |= numbers_in(raw)
        assert not crossed & self.journal.secret
        assert crossed >= set(self.journal.released) - self.journal.recalled
        for name, nation in self.town.nations.items():
            for path, raw in nation.bytes_of("shelf"):
                assert not numbers_in(raw) & self.journal.secret, (name, path)
            may = self._may_hold(name)
            for path, raw in nation.bytes_of():
                strange = numbers_in(raw) - may
                assert not strange, (name, path, strange)

    def _may_hold(self, name):
        """Return the numbers that may lie in a nation's home: its own, those it was ever sent, its clients'."""
        journal = self.journal
        mine = {n for n, owner in journal.imported.items() if owner == name}
        mine |= {n for n, owner in journal.tried.items() if owner == name}
        sent = {
            n
            for n, agreements in journal.released.items()
            if any(name in PACTS[a] for a in agreements)
        }
        return (
            mine | sent | (set(journal.posted) if name == self.town.client.nation.name else set())
        )


def numbers_in(raw):
    """Return the numbers of the objects whose words or id are in bytes, also in what is base64 in them."""
    return {
        int(token[len(ID) :]) if token.startswith(ID) else int(token[3:9])
        for token in canaries_in(raw)
    }
