"""Who we are at the border."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from mithaq.model.benign import Benign
from mithaq.seal.keys import Signer

if TYPE_CHECKING:  # the peers' process knows who we are and reads no settings
    from mithaq.config import Defence


@dataclass(frozen=True, slots=True, kw_only=True)
class Us:
    """Our nation as it speaks: its name, realm and online key."""

    party: str
    country: str
    organisation: str
    realm: str
    url: str
    signer: Signer = field(repr=False)  # exchange key
    secret: bytes = field(repr=False)  # of this node; never leaves it
    max_frame_bytes: int
    benign: Benign = field(default_factory=Benign, repr=False)  # what is known to be harmless
    limits: "Defence" = field(repr=False)  # of what is told as a sighting

    def derive(self, purpose: str, *about: str) -> bytes:
        """Return 32 secret bytes that are the same each time for the same purpose and subject."""
        drawn = _keyed(self.secret).copy()  # faster than to begin with the key each time
        drawn.update("\x00".join((purpose, *about)).encode())
        return drawn.digest()


@lru_cache(maxsize=16)  # a process is one node, or a few in tests
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod=hashlib.sha256)
