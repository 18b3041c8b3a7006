"""Shelves open, block and close as their agreement stands (border.md 3.4, 3.5)."""

from datetime import datetime

from sqlalchemy import Connection

from mithaq.border.agreements import Held, held
from mithaq.border.channels import outgoing_channel
from mithaq.border.us import Us
from mithaq.policy import agreement as policy
from mithaq.store import blocks, channels, parties, releases
from mithaq.store.journal import keep, setting
from mithaq.store.parties import Peer

NOTHING = "none"  # what is noted of an agreement whose shelves are closed


def noted(id_: str) -> str:
    """Return where it is noted which text of an agreement the shelves follow; ``NOTHING``: none."""
    return f"in-force:{id_}"


def refresh(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    id_: str,
    now: datetime,
    *,
    decided: bool = False,
    stale: bool = False,
) -> None:
    """Open, block or close the shelves of an agreement as it stands now, also those of parties that it had before.

    The shelf of a party that broke off with us, or we with it, is closed whatever the agreement says.

    A shelf that follows another text than the one in force shows nothing until it is decided anew (border.md 3.4).

    Args:
        decided: what stands there is decided anew by the end of this unit; only then does a shelf open again.
        stale: it will be decided anew in later units, though the text may be the same.
    """
    what = held(unit, id_, now)
    in_force_now = what.text
    closed = blocks.closed_to(unit, us.party)
    followed = setting(unit, noted(id_))
    current = in_force_now is not None and followed == policy.digest_of(in_force_now)
    peers = {peer.name: peer for peer in parties.all_peers(unit)}
    for name in dict.fromkeys(name for v in what.versions for name in v.text.names):
        peer = peers.get(name)
        if peer is None or peer.state != "confirmed":  # we are no peer of ours
            continue
        channel = channels.find(unit, name, id_, "out")
        if in_force_now is None or in_force_now.party(name) is None or name in closed:
            if channel is not None:
                _close(unit, channel)
                _show_shelf(unit, channel.id, peer, "closed")
        elif decided or (channel is None and not stale):
            made = channel or outgoing_channel(unit, name, id_)
            if setting(unit, _shut(made.id)):
                keep(unit, _shut(made.id), "")
            _show_shelf(unit, made.id, peer, "open", in_force_now.title)
            _show_until(unit, made.id, what, in_force_now)
        elif channel is None:
            made = outgoing_channel(unit, name, id_)
            _show_shelf(unit, made.id, peer, "blocked", in_force_now.title)
        elif (stale or not current) and followed != NOTHING:  # closed is narrower: it stays so
            _show_shelf(unit, channel.id, peer, "blocked")
        else:
            _show_until(unit, channel.id, what, in_force_now)


def shut(unit: Connection, peer: Peer) -> None:
    """Close every shelf of a peer at once, whatever its agreements say."""
    for channel in channels.of_peer(unit, peer.name, "out"):
        if channel.agreement:
            _close(unit, channel)
            _show_shelf(unit, channel.id, peer, "closed")


def _show_shelf(unit: Connection, shelf: str, peer: Peer, state_: str, title: str = "") -> None:
    facts = {"peer": peer.name, "kind": peer.kind, "title": title, "state": state_}
    releases.show(unit, "shelf", shelf, **facts)


def _show_until(unit: Connection, shelf: str, what: Held, current: policy.Agreement) -> None:
    """Let the listener show nothing from the instant at which time alone puts another text or clause in place.

    The worker decides anew then; whoever asks between the instant and that finds the shelf blocked.
    """
    after = what.instants.opens
    instants_ = {
        at
        for signed in what.versions
        if signed.complete
        for at in (signed.text.start, signed.text.takes_over)
    }
    instants_.add(current.end)
    instants_ |= {at for clause in current.clauses for at in (clause.embargo, clause.expiry)}
    releases.show(unit, "until", shelf, until=min((i for i in instants_ if i > after), default=""))


def _close(unit: Connection, channel: channels.Channel) -> None:
    """Note which frames the peer may not hold: while the shelf is closed they show no view (border.md 3.5).

    Should it open again, ``outbox.repeat`` sends these views in new frames.
    """
    keep(unit, _shut(channel.id), "yes")
    if not setting(unit, unfetched(channel.id)):
        _note(unit, channel)


def sealed_for(unit: Connection, channel: channels.Channel) -> None:
    """Note what was sealed for a shelf that is closed still, a moment after its agreement was resumed."""
    if setting(unit, _shut(channel.id)):
        _note(unit, channel)


def _note(unit: Connection, channel: channels.Channel) -> None:
    begun = setting(unit, unfetched(channel.id)).partition("-")[0]
    first = begun or channels.first_undelivered(unit, channel.id)
    if first is not None:
        keep(unit, unfetched(channel.id), f"{first}-{channel.seq}")


def _shut(channel: str) -> str:
    """Return where it is noted that the shelf of a channel is closed."""
    return f"shut:{channel}"


def unfetched(channel: str) -> str:
    """Return where it is noted which frames a peer may not have fetched before its shelf was closed."""
    return f"unfetched:{channel}"
