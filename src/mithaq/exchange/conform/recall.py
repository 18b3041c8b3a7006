"""What was taken back: it is gone from shelf and frames, and our own orders are answered (border.md 7)."""

from collections.abc import Callable

from mithaq.clock import text
from mithaq.errors import MithaqError
from mithaq.exchange.conform.frames import Channel
from mithaq.exchange.conform.pair import Line
from mithaq.exchange.conform.report import Evidence, Why
from mithaq.exchange.conform.seals import Seen
from mithaq.seal.envelope import Envelope, read, signed_by
from mithaq.seal.messages import ORDER, Order, Put, Recall, Receipt, decode

_CODES = ("order-signed", "recalled-gone", "recalled-blank")


def examine(line: Line, seen: Seen) -> None:
    """Judge every order that the other gave us, and the answers to ours."""
    for channel in seen.channels:
        _orders(line, channel, seen.shown.get(channel.id))
    _receipts(line, seen)
    line.probe.book.pass_over((*_CODES, "receipts"), Why.NOTHING_SENT)


def _orders(line: Line, channel: Channel, shown: frozenset[str] | None) -> None:
    for at, seal in enumerate(channel.seals):
        for entry in seal.entries:
            if not isinstance(entry, Recall):
                continue
            order = _order(line, channel, seal.seq, entry)
            if order is not None:
                _gone(line, channel, at, order, shown)


def _order(line: Line, channel: Channel, seq: int, entry: Recall) -> Order | None:
    """Read an order; judge whether it is signed by whom it says, if that is the node examined."""
    evidence = _frame(channel, seq)
    try:
        envelope: Envelope = read(entry.order.encode())
        order = decode(envelope.payload, Order)
    except MithaqError as error:
        line.probe.book.judge("order-signed", evidence(error.code), holds=False)
        return None
    if order.by == line.pair.them:
        signed = envelope.payload_type == ORDER and bool(signed_by(envelope, line.pair.keys))
        line.probe.book.judge("order-signed", evidence(f"order {order.order}"), holds=signed)
    return order


def _gone(
    line: Line, channel: Channel, at: int, order: Order, shown: frozenset[str] | None
) -> None:
    """Judge that the views an order names stand nowhere any more, if none of them was released again."""
    later = {
        entry.digest
        for seal in channel.seals[at:]
        for entry in seal.entries
        if isinstance(entry, Put)
    }
    for before, slices in zip(channel.seals[:at], channel.slices[:at], strict=True):
        for entry, part in zip(before.parts, slices, strict=True):
            if not isinstance(entry, Put) or not _names(order, entry) or entry.digest in later:
                continue
            evidence = _frame(channel, before.seq)
            fact = f"{entry.id} {entry.modified} recalled by {order.order}"
            line.probe.book.judge("recalled-blank", evidence(fact), holds=part is None)
            if shown is not None:
                gone = entry.digest not in shown
                line.probe.book.judge("recalled-gone", evidence(fact), holds=gone)


def _names(order: Order, entry: Put) -> bool:
    """Say whether an order is about that view."""
    so_far = order.modified is None and entry.modified <= order.issued
    return (
        entry.id == order.id
        and (so_far or entry.modified == order.modified)
        and order.digest in {None, entry.digest}
    )


def _frame(channel: Channel, seq: int) -> Callable[[str], Evidence]:
    def evidence(fact: str) -> Evidence:
        request = f"GET /taxii2/{channel.id}/frames/?after={seq - 1}"
        return Evidence(request=request, status=200, fact=fact)

    return evidence


def _receipts(line: Line, seen: Seen) -> None:
    """Judge that each of our orders that is due is answered in one of the other's channels (border.md 7.2)."""
    answered = {
        entry.order: (channel, seal.seq, entry.outcome)
        for channel in seen.channels
        for seal in channel.seals
        for entry in seal.entries
        if isinstance(entry, Receipt)
    }
    now = text(line.pair.clock())
    for name, deadline in line.pair.orders.items():
        if name in answered:
            channel, seq, outcome = answered[name]
            line.probe.book.judge(
                "receipts", _frame(channel, seq)(f"order {name}: {outcome}"), holds=True
            )
        elif deadline < now and all(channel.whole for channel in seen.channels):
            evidence = Evidence(request="frames", status=200, fact=f"order {name} due {deadline}")
            line.probe.book.judge("receipts", evidence, holds=False)
