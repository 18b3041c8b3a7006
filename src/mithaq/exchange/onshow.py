"""The frames of one channel as its peer may have them, whether it fetches them or is brought them (border.md 5.4)."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.seal.envelope import read
from mithaq.seal.frames import blank, frame
from mithaq.seal.messages import Seal, decode
from mithaq.store import pages
from mithaq.store import shelf as shelves
from mithaq.store.pages import PAGE_BYTES
from mithaq.store.shelf import Frame, heartbeat_for

__all__ = ["frames_after", "heartbeat_for", "is_open"]


def is_open(unit: Connection, peer: str, channel: str, now: datetime) -> bool:
    """Say whether the frames of a channel are shown to ``peer``: unless its shelf is being worked out again.

    A closed channel still carries recalls and receipts (border.md 3.5), and the seals before them.

    Raises:
        NotFound: it is no channel to this peer.
    """
    shelf = shelves.any_shelf(unit, channel)
    if shelf is not None and shelf.peer != peer:
        raise NotFound("no such channel")
    if shelf is None and not pages.is_channel_to(unit, peer, channel):
        raise NotFound("no such channel")
    return shelf is None or shelf.state == "closed" or not shelf.blocked(text(now))


def frames_after(unit: Connection, peer: str, channel: str, after: int) -> Iterator[bytes]:
    """Yield frames after a number, in order, up to ``PAGE_BYTES`` of them, the first whatever its size.

    A view that no longer stands on the shelf is blanked, so that what was taken back is not sent while the
    numbers go on without a hole.
    """
    chosen: list[int] = []
    size = 0
    for mark in pages.frame_marks(unit, peer, channel, after):
        size += mark.size
        if chosen and size > PAGE_BYTES:
            break
        chosen.append(mark.seq)
    for shown in pages.frames_of(unit, peer, channel, chosen):
        yield frame(shown.envelope, _body(unit, shown))


def _body(unit: Connection, shown: Frame) -> bytes:
    """Return the slices that may be had: on an open shelf those that stand there, whatever stands on another's."""
    shelf = shelves.any_shelf(unit, shown.channel)
    if shelf is None:
        slices = pages.left_of(unit, shown.bodies)
    elif shelf.state == "open":
        slices = pages.standing_on(unit, shown.channel, shown.bodies)
    else:
        slices = [None] * len(shown.bodies)
    if None not in slices:
        return b"".join(part for part in slices if part is not None)
    seal = decode(read(shown.envelope).payload, Seal)
    return b"".join(
        blank(entry.size) if part is None else part
        for entry, part in zip(seal.parts, slices, strict=True)
    )
