"""What peers were shown before, under one agreement: rows that stand, and views whose rows are gone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from mithaq.model.objects import moment
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Reason, Rule, View
from mithaq.policy.known import Orders
from mithaq.policy.situation import Candidate, Key, Situation, Standing


class Shown:
    """The past of each version under one agreement."""

    def __init__(self, situation: Situation, agreement: Agreement, orders: Orders) -> None:
        """Collect it once for all candidates."""
        self._agreement = agreement
        self._orders = orders
        self._first: dict[Key, Standing | None] = {}
        self._rows: dict[Key, list[Standing]] = defaultdict(list)
        self._ever: dict[Key, list[Standing]] = defaultdict(list)
        self._of_id: dict[str, list[Standing]] = defaultdict(list)
        for row in situation.shelves:
            if row.agreement == agreement.id:
                self._rows[row.key].append(row)
                self._of_id[row.id].append(row)
        for row in (*situation.shelves, *situation.past):
            if row.agreement == agreement.id:
                self._ever[row.key].append(row)

    def ever(self, candidate: Candidate) -> bool:
        """Say whether this version was shown under this agreement; other versions bear on what is cut alone (1.9)."""
        return candidate.key in self._ever

    def stands(self, key: Key, peer: str) -> Standing | None:
        """Return the row of this version on the peer's shelf."""
        return next((row for row in self._rows.get(key, ()) if row.peer == peer), None)

    def first(self, candidate: Candidate) -> Standing | None:
        """Return the view that an agreement of many is bound to, until a recall names it (border.md 5.3)."""
        if self._agreement.kind != "forum":
            return None
        if candidate.key not in self._first:
            binding = (
                row for row in self._ever.get(candidate.key, ()) if self._binds(candidate, row)
            )
            self._first[candidate.key] = min(binding, key=lambda row: row.since, default=None)
        return self._first[candidate.key]

    def _binds(self, candidate: Candidate, row: Standing) -> bool:
        return all(order.view != row.view for order in self._orders.touching(candidate, row.peer))

    def against_version(self, candidate: Candidate, peer: str) -> Iterator[Reason]:
        """Yield why the version is none for this peer: too old, or from before it joined (border.md 1.10, 3.5)."""
        stands = self.stands(candidate.key, peer) is not None
        if not candidate.newest and not stands:
            yield Reason(rule=Rule.NOT_NEWEST)
        party = self._agreement.party(peer)
        joined = party.joined if party else ""
        before = any(row.since < joined for row in self._ever.get(candidate.key, ()))
        if before and not stands and not self._agreement.history:
            yield Reason(rule=Rule.HISTORY, facts={"joined": joined})

    def against_view(self, candidate: Candidate, seen: View, peer: str) -> Iterator[Reason]:
        """Yield why the view would tell of hidden changes, or be a second story (border.md 1.9, 5.3)."""
        first = self.first(candidate)
        if first is not None and seen.digest != first.view:
            yield Reason(rule=Rule.FIRST_VIEW, facts={"because": "changed"})
        if not seen.removed or self.stands(candidate.key, peer):
            return
        earlier = [
            row
            for row in self._of_id.get(candidate.object.id, ())
            if row.peer == peer and moment(row.version) < moment(candidate.object.version)
        ]
        latest = max(earlier, key=lambda row: moment(row.version), default=None)
        if latest is not None and _but_time(latest.body) == _but_time(seen.body):
            yield Reason(rule=Rule.SILENT_VERSION, facts={"since": latest.version})


def _but_time(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != "modified"}
