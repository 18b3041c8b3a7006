"""Feeds as people add, pause and remove them; what they come to is read in ``collecting``."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from mithaq.border import alarms
from mithaq.border.peers import administrative
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound
from mithaq.ingest import rules
from mithaq.ingest.fetching import NotFetched
from mithaq.ingest.rules import Health, Secret, Terms
from mithaq.store import feeds as store
from mithaq.store.feeds import ACTIVE, PAUSED, FeedRow

SECRETS = Path("core/feeds")  # in the home; one file a feed, its owner's alone


class NoFeed(NotFound):
    """There is no feed of that name."""

    code = "no-feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as it stands."""

    terms: Terms
    health: Health
    state: str
    due_at: str


def _feed(row: FeedRow) -> Feed:
    return Feed(
        terms=msgspec.json.decode(row.terms, type=Terms),
        health=msgspec.json.decode(row.health, type=Health),
        state=row.state,
        due_at=row.due_at,
    )


def every(unit: Connection) -> list[Feed]:
    """Return every feed, by name."""
    return [_feed(row) for row in store.every(unit)]


def named(unit: Connection, name: str) -> Feed:
    """Return one feed.

    Raises:
        NoFeed: there is none of that name.
    """
    row = store.named(unit, name)
    if row is None:
        raise NoFeed(f"no feed named {name!r}; `mithaq feed list` shows them", name=name)
    return _feed(row)


def add(unit: Connection, home: Path, terms: Terms, secret: Secret | None, now: datetime) -> Feed:
    """Add a feed, due at once.

    Raises:
        BadFeed: its terms cannot be followed. Conflict: the name is taken.
    """
    rules.checked(terms)
    if store.named(unit, terms.name) is not None:
        raise Conflict(f"there is a feed named {terms.name!r} already", name=terms.name)
    if secret is not None:
        keep_secret(home, terms.name, secret)
    said = msgspec.json.encode(terms).decode()
    row = FeedRow(name=terms.name, due_at=text(now), terms=said)
    store.put_feed(unit, row)
    facts = {"by": terms.by, "url": terms.shown.url, "via": terms.via, "tlp": terms.tlp}
    if terms.to:
        facts["to"] = terms.to
    administrative(unit, now, "feed-added", terms.name, dict(facts))
    return _feed(row)


def pause(unit: Connection, name: str, now: datetime, *, by: str) -> Feed:
    """Read a feed no more until it is resumed."""
    return _turn(unit, name, PAUSED, now, by)


def resume(unit: Connection, name: str, now: datetime, *, by: str) -> Feed:
    """Read a feed again, at once."""
    return _turn(unit, name, ACTIVE, now, by)


def _turn(unit: Connection, name: str, state: str, now: datetime, by: str) -> Feed:
    named(unit, name)
    store.set_state(unit, name, state, text(now))
    administrative(unit, now, f"feed-{state}", name, {"by": by})
    return named(unit, name)


def remove(unit: Connection, home: Path, name: str, now: datetime, *, by: str) -> None:
    """Forget a feed and its credential; what it gave stays, under its source's name."""
    named(unit, name)
    store.remove(unit, name)
    for why in ("yield", "reach"):
        alarms.over(unit, f"feed-{why}:{name}", "feed-removed", now)
    (home / SECRETS / name).unlink(missing_ok=True)
    administrative(unit, now, "feed-removed", name, {"by": by})


def keep_secret(home: Path, name: str, secret: Secret) -> None:
    """Keep a credential in the home, for its owner alone, in place of one before."""
    folder = home / SECRETS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / name).unlink(missing_ok=True)  # of a feed that was never added to the end
    with os.fdopen(
        os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
    ) as file:
        file.write(msgspec.json.encode(secret))


def secret_of(home: Path, terms: Terms) -> Secret | None:
    """Return a feed's credential, None where it needs none.

    Raises:
        NotFetched: it cannot be read.
    """
    if not terms.secret:
        return None
    try:
        return msgspec.json.decode((home / SECRETS / terms.name).read_bytes(), type=Secret)
    except (OSError, msgspec.MsgspecError) as error:
        raise NotFetched("its credential cannot be read in the home", cause="secret") from error
