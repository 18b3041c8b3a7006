"""Other terms for a feed: what was said of it is changed, and what it gave stays as it is."""

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from mithaq.border.peers import administrative
from mithaq.clock import text
from mithaq.exchange.transport import origin_of
from mithaq.ingest import rules
from mithaq.ingest.feeds import SECRETS, Feed, keep_secret, named
from mithaq.ingest.rules import BadFeed, Secret, Terms
from mithaq.model.canonical import Json
from mithaq.store import feeds as store


def revise(
    unit: Connection, home: Path, terms: Terms, secret: Secret | None, now: datetime
) -> Feed:
    """Let other terms hold for a feed from its next reading on, which is at once.

    What it gave before keeps its marking. Of another address nothing is known yet; a credential is not taken there.

    Args:
        secret: another credential; without one, what lies in the home stays if the terms say that there is one.

    Raises:
        NoFeed: there is none of that name. BadFeed: the terms cannot be followed, or lack a credential.
    """
    rules.checked(terms)
    before = named(unit, terms.name).terms
    moved = terms.url != before.url
    kept = terms.secret and secret is None
    if kept and (not before.secret or origin_of(terms.url) != origin_of(before.url)):
        raise BadFeed("the credential was for another host: give it anew", cause="secret")
    if secret is not None:
        keep_secret(home, terms.name, secret)
    elif before.secret and not terms.secret:
        (home / SECRETS / terms.name).unlink(missing_ok=True)
    store.set_terms(unit, terms.name, msgspec.json.encode(terms).decode(), text(now))
    if moved:
        store.forget_position(unit, terms.name)
    said = rules.changed(before, terms)
    if secret is not None:
        said["credential"] = ("", "another")
    facts: dict[str, Json] = {name: f"{old} → {new}" for name, (old, new) in said.items()}
    administrative(unit, now, "feed-revised", terms.name, {"by": terms.by, **facts})
    return named(unit, terms.name)
