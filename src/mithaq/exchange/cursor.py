"""The opaque ``next`` of a page: a place on one shelf under one set of filters, sealed by the listener's key.

A cursor keeps no state here and names a place, not a count, so an answer that was lost can be asked for again, and
rows placed or taken away meanwhile move nothing (TAXII 2.1 section 3.5, border.md 4.2). It is hidden too: how far a
shelf has counted is nobody's business.

``added_after`` is no filter that a cursor is bound to: it is carried inside. Clients drop it beside ``next``, repeat
it, or move it on to the date of the page they hold; each of them goes on where that page ended.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from mithaq.exchange.problems import HttpProblem

_TAG = 16
_NUMBER = 7  # bytes; two of them and the tag fill base64 without padding


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a reading goes on: behind ``position``, among what came behind ``floor``, its ``added_after`` at first."""

    position: int = 0
    floor: int = 0


START = Mark()


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads cursors with one key."""

    _key: bytes = field(repr=False)

    def make(self, place: str, mark: Mark) -> str:
        """Return the cursor that goes on at ``mark``; ``place`` says where, and under which filters."""
        plain = mark.position.to_bytes(_NUMBER, "big") + mark.floor.to_bytes(_NUMBER, "big")
        tag = self._mac(b"tag", place.encode(), plain)[:_TAG]
        pad = self._mac(b"pad", tag)[: len(plain)]
        hidden = bytes(a ^ b for a, b in zip(plain, pad, strict=True))
        return base64.urlsafe_b64encode(tag + hidden).decode()

    def read(self, place: str, cursor: str | None) -> Mark:
        """Return the mark in ``cursor``, the very beginning without one.

        Raises:
            HttpProblem: 400, it was not made here for ``place``.
        """
        if cursor is None:
            return START
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except ValueError as error:
            raise HttpProblem(400, "next is malformed") from error
        tag, hidden = raw[:_TAG], raw[_TAG:]
        pad = self._mac(b"pad", tag)[: 2 * _NUMBER]
        plain = bytes(a ^ b for a, b in zip(hidden, pad, strict=False))
        position, floor = (
            int.from_bytes(part, "big") for part in (plain[:_NUMBER], plain[_NUMBER:])
        )
        mark = Mark(position, floor)
        if not secrets.compare_digest(self.make(place, mark).encode(), cursor.encode()):
            raise HttpProblem(400, "next is malformed, or the filters are not those it came with")
        return mark

    def _mac(self, *parts: bytes) -> bytes:
        return hmac.digest(self._key, b"\0".join(parts), hashlib.sha256)
