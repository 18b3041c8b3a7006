"""The opaque ``next`` of a page: a position on one shelf under one set of filters, sealed by the listener's key.

A cursor keeps no state here and names a place, not a count, so an answer that was lost can be asked for again, and
rows placed or taken away meanwhile move nothing (TAXII 2.1 section 3.5, border.md 4.2). The position is hidden too:
how far a shelf has counted is nobody's business.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from mithaq.exchange.problems import HttpProblem

_TAG = 16
_POSITION = 8


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads cursors with one key."""

    _key: bytes = field(repr=False)

    def make(self, place: str, position: int) -> str:
        """Return the cursor that goes on after ``position``; ``place`` says where, and under which filters."""
        plain = position.to_bytes(_POSITION, "big")
        tag = self._mac(b"tag", place.encode(), plain)[:_TAG]
        pad = self._mac(b"pad", tag)[:_POSITION]
        hidden = bytes(a ^ b for a, b in zip(plain, pad, strict=True))
        return base64.urlsafe_b64encode(tag + hidden).decode()

    def read(self, place: str, cursor: str | None) -> int:
        """Return the position in ``cursor``, 0 without one.

        Raises:
            HttpProblem: 400, it was not made here for ``place``.
        """
        if cursor is None:
            return 0
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except ValueError as error:
            raise HttpProblem(400, "next is malformed") from error
        tag, hidden = raw[:_TAG], raw[_TAG:]
        pad = self._mac(b"pad", tag)[:_POSITION]
        position = int.from_bytes(bytes(a ^ b for a, b in zip(hidden, pad, strict=False)), "big")
        if not secrets.compare_digest(self.make(place, position).encode(), cursor.encode()):
            raise HttpProblem(400, "next is malformed, or the filters are not those it came with")
        return position

    def _mac(self, *parts: bytes) -> bytes:
        return hmac.digest(self._key, b"\0".join(parts), hashlib.sha256)
