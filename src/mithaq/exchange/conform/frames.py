"""What another node shows us of a channel, read from the first frame on and checked as receivers do (border.md 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mithaq.errors import MithaqError
from mithaq.exchange.client import MAX_ANSWER
from mithaq.exchange.conform.pair import Line
from mithaq.exchange.conform.probe import Answer
from mithaq.model.canonical import digest
from mithaq.seal.envelope import BadEnvelope, read, verify
from mithaq.seal.frames import Slice, cut, several, split
from mithaq.seal.messages import (
    BATCH,
    SEAL,
    ZERO,
    Batch,
    Put,
    Seal,
    batch_leaf,
    batch_root,
    decode,
)

_OK = 200
_MOST_FRAMES = 2000


@dataclass(slots=True)
class Channel:
    """The frames of a channel as far as they were read: each seal, its slices and its digest."""

    id: str
    seals: list[Seal] = field(default_factory=list)
    slices: list[Sequence[Slice]] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)  # number -> digest of the seal
    whole: bool = False  # read to its end

    @property
    def digests(self) -> frozenset[str]:
        """The digests of all views that were sealed."""
        return frozenset(
            entry.digest for seal in self.seals for entry in seal.entries if isinstance(entry, Put)
        )


def read_channel(line: Line, id_: str) -> Channel:
    """Read a channel from its beginning, and judge every frame."""
    channel = Channel(id_)
    while len(channel.seals) < _MOST_FRAMES:
        after = channel.seals[-1].seq if channel.seals else 0
        answer = line.get(f"/taxii2/{id_}/frames/?after={after}", limit=MAX_ANSWER)
        if answer.status != _OK:
            line.probe.book.judge("frames-signed", answer.evidence(), holds=False)
            return channel
        before = len(channel.seals)
        _take(line, channel, answer)
        if len(channel.seals) == before:
            channel.whole = not answer.body
            return channel
    return channel


def _take(line: Line, channel: Channel, answer: Answer) -> None:
    """Take the frames of one answer up to the first that cannot be used."""
    book = line.probe.book
    try:
        for raw in several(answer.body):
            envelope, body = split(raw)
            payload = verify(envelope, SEAL, line.pair.keys)
            seal = decode(payload, Seal)
            book.judge("frames-signed", answer.evidence(f"seq {seal.seq}"), holds=True)
            if not _in_order(line, channel, seal, answer):
                return
            _batch(line, seal, answer)
            channel.slices.append(_slices(line, seal, body, answer))
            channel.seals.append(seal)
            channel.heads[seal.seq] = digest(payload)
    except MithaqError as error:
        book.judge("frames-signed", answer.evidence(_said(error)), holds=False)


def _in_order(line: Line, channel: Channel, seal: Seal, answer: Answer) -> bool:
    """Judge number, link, channel and parties of a seal (border.md 5.1)."""
    pair = line.pair
    last = channel.seals[-1].seq if channel.seals else 0
    prev = channel.heads.get(last)
    linked = seal.prev == prev if prev else True  # a channel begun anew cites the one before it
    known = (seal.channel, seal.sender, seal.to, seal.realm)
    ours = known == (channel.id, pair.them, pair.us, pair.realm)
    fact = f"seq {seal.seq} after {last}; prev {seal.prev[:19]}, {(prev or ZERO)[:19]} before it"
    holds = seal.seq == last + 1 and linked and ours
    return line.probe.book.judge("frames-order", answer.evidence(fact), holds=holds)


def _slices(line: Line, seal: Seal, body: bytes, answer: Answer) -> Sequence[Slice]:
    try:
        slices = cut(seal, body)
    except MithaqError as error:
        line.probe.book.judge("frames-body", answer.evidence(_said(error)), holds=False)
        return [None] * len(seal.parts)
    line.probe.book.judge("frames-body", answer.evidence(f"seq {seal.seq}"), holds=True)
    return slices


def _batch(line: Line, seal: Seal, answer: Answer) -> None:
    """Judge the batch of the views that the sender itself vouches for (border.md 5.2)."""
    own = [e for e in seal.entries if isinstance(e, Put) and e.proof is None]
    if not own:
        return
    fact = f"seq {seal.seq}, {len(own)} views"
    try:
        batch = decode(verify(read(seal.batch.encode()), BATCH, line.pair.keys), Batch)
    except MithaqError as error:
        line.probe.book.judge("batches", answer.evidence(f"{fact}: {_said(error)}"), holds=False)
        return
    fits = (batch.by, batch.realm) == (line.pair.them, line.pair.realm)
    holds = (
        fits and batch.n == len(own) and batch.root == batch_root([batch_leaf(put) for put in own])
    )
    line.probe.book.judge("batches", answer.evidence(fact), holds=holds)


def _said(error: MithaqError) -> str:
    cause = error.facts.get("cause", "")
    kind = "bad-envelope" if isinstance(error, BadEnvelope) else error.code
    return f"{kind} {cause}".strip()


def by_id(channels: Sequence[Channel]) -> Mapping[str, Channel]:
    """Return channels by their ids."""
    return {channel.id: channel for channel in channels}
