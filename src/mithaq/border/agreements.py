"""Agreements as we hold them: their texts, who signed them, and where each stands (border.md 3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from mithaq.border.clocks import instants
from mithaq.errors import NotFound
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Agreement
from mithaq.policy.lifecycle import Instants, Signed, State, in_force, narrowed, state
from mithaq.seal.messages import (
    Terms,
)
from mithaq.store import agreements as store


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All we hold of one agreement."""

    id: str
    versions: Sequence[Signed]
    acts: Sequence[tuple[str, str]]
    instants: Instants

    @property
    def state(self) -> State:
        """Where it stands."""
        return state(self.versions, self.acts, self.instants)

    @property
    def text(self) -> Agreement | None:
        """The text in force, or None."""
        return in_force(self.versions, self.acts, self.instants)

    @property
    def newest(self) -> Signed:
        """The highest version here, signed or not."""
        return max(self.versions, key=lambda signed: signed.text.version)


def held(unit: Connection, id_: str, now: datetime) -> Held:
    """Return all we hold of an agreement.

    Raises:
        NotFound: nothing.
    """
    known = versions(unit, id_)
    if not known:
        raise NotFound(f"no agreement {id_!r}; `mithaq agreement list` shows them", agreement=id_)
    return _held(id_, known, store.notices_of(unit, id_), instants(unit, now))


def _held(
    id_: str, known: Sequence[Signed], notices: Sequence[store.NoticeRow], at: Instants
) -> Held:
    signed = [each for each in known if each.complete]
    stands = max(signed, key=lambda each: each.text.version, default=None)
    acts = [
        (notice.party, notice.act)
        for notice in notices
        if stands is None or stands.text.party(notice.party) is not None  # nobody else's business
    ]
    return Held(id=id_, versions=known, acts=acts, instants=at)


def ended(unit: Connection, id_: str, now: datetime) -> bool:
    """Say whether a party ended an agreement for good."""
    return bool(versions(unit, id_)) and narrowed(held(unit, id_, now).acts) is State.ENDED


def versions(unit: Connection, id_: str) -> list[Signed]:
    """Return every text of an agreement and who signed it, lowest version first."""
    by = store.signers(unit, id_)
    return [_signed(row, by) for row in store.texts(unit, id_)]


def _signed(row: store.Text, by: Mapping[str, frozenset[str]]) -> Signed:
    return Signed(text=_read(row.raw), by=by.get(row.digest, frozenset()))


@lru_cache(maxsize=256)
def _read(raw: bytes) -> Agreement:
    """Read a text that stands here, which never changes."""
    return policy.read(raw)


def texts(unit: Connection) -> list[Agreement]:
    """Return every text of every agreement here, signed or not."""
    return [_read(row.raw) for row in store.texts(unit)]


def every(unit: Connection, now: datetime) -> list[Held]:
    """Return all agreements, by id."""
    at, by = instants(unit, now), store.signers(unit)
    known: dict[str, list[Signed]] = defaultdict(list)
    for row in store.texts(unit):
        known[row.id].append(_signed(row, by))
    notices: dict[str, list[store.NoticeRow]] = defaultdict(list)
    for notice in store.notices_of(unit):
        notices[notice.agreement].append(notice)
    return [_held(id_, signed, notices[id_], at) for id_, signed in known.items()]


def terms_of(agreement: Agreement) -> Terms:
    """Return how a seal or batch names an exact text."""
    return Terms(id=agreement.id, version=agreement.version, digest=policy.digest_of(agreement))
