"""Chance made repeatable: every random value is drawn for one use alone and named by that use (border.md 4.5).

Two nodes that do the same for a peer draw the same for it, whatever else either of them does. What a node
blinds because it counts hidden work (the log's head, a leaf's number) is reduced to what a peer may know of it.
"""

import hashlib
import re
import sys
import uuid
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from mithaq.audit import log
from mithaq.border import channels, clients, orders
from mithaq.exchange import taxii
from mithaq.seal.envelope import read
from mithaq.seal.messages import decode

_FIRST = re.compile(rb'"first":[0-9]+')  # a leaf's number, in the record of an envelope


def _local(*names):
    """Return the nearest caller's variables that hold one of ``names``."""
    frame = sys._getframe(2)
    while not set(names) & frame.f_locals.keys():
        frame = frame.f_back
    return frame.f_locals


def _home(unit):
    """Return the name of the node whose room ``unit`` writes to."""
    return Path(unit.engine.url.database).parent.parent.name


def _bytes(*about):
    return hashlib.sha256("\0".join(map(str, about)).encode()).digest()


class Nonces:
    """Stands for ``secrets`` in the log: leaves' nonces come from their records, a checkpoint's from its time."""

    @staticmethod
    def token_bytes(_size):
        there = _local("new", "envelope")
        if "new" in there:
            return b"".join(_bytes(_FIRST.sub(b"", raw)) for _subject, raw in there["new"])
        return _bytes("checkpoint", there["now"])


class Names:
    """Stands for ``secrets`` where channels are made: a channel's id comes from its relation."""

    @staticmethod
    def token_hex(_size):
        there = _local("agreement")
        return _bytes(_home(there["unit"]), there["peer"], there["agreement"]).hex()[:32]


class Orders:
    """Stands for ``secrets`` where recalls are ordered: an order's name comes from what it takes back, and when."""

    @staticmethod
    def token_hex(_size):
        there = _local("asked")
        about = (there["us"].party, there["asked"].id, there["asked"].version, there["now"])
        return _bytes(*about, *there["where"]).hex()[:32]


class Numbers:
    """Stands for ``uuid`` where posts are taken and answered: the n-th of one client at one node."""

    UUID, uuid5 = uuid.UUID, uuid.uuid5

    def __init__(self):
        self.drawn = Counter()

    def uuid4(self):
        there = _local("visit", "arrival")
        if "visit" in there:
            who = there["visit"].knock.name
            node = there["visit"].settings.cursor_key_path
        else:
            who = there["arrival"].facts["status"]
            node = _local("unit")["unit"].engine.url.database
        self.drawn[node, who] += 1
        return uuid.UUID(bytes=_bytes(who, self.drawn[node, who])[:16], version=4)


class Hashes:
    """Stands for ``hashlib`` in the log: a blind head shows at most when its checkpoint was made."""

    @staticmethod
    def sha256(raw=b""):
        if raw[32:33] == b"{":
            raw = decode(read(raw[32:]).payload, log.Checkpoint).at.encode()
        return hashlib.sha256(raw)


def leaf_hash(entry):
    """Hash a leaf without the number that stands in its record; the nonce blinds it for everybody else."""
    return hashlib.sha256(b"\0" + _FIRST.sub(b"", entry)).digest()


@contextmanager
def repeatable():
    """Draw all chance by its use."""
    stands = [
        (log, "secrets", Nonces),
        (log, "hashlib", Hashes),
        (log, "leaf_hash", leaf_hash),
        (channels, "secrets", Names),
        (orders, "secrets", Orders),
        (taxii, "uuid", Numbers()),
        (clients, "uuid", Numbers()),
    ]
    with ExitStack() as stack:
        for module, name, stand in stands:
            stack.enter_context(patch.object(module, name, stand))
        yield
