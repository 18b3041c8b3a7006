"""A node as its peer sees it: keys, heartbeats, channels, and shelves that show what was sealed and no more."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from mithaq.clock import text
from mithaq.errors import MithaqError
from mithaq.exchange.client import MAX_ANSWER
from mithaq.exchange.conform.frames import Channel, by_id, read_channel
from mithaq.exchange.conform.pair import Line, Pair, same
from mithaq.exchange.conform.probe import Answer, Probe
from mithaq.exchange.conform.report import Why
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.model.canonical import digest
from mithaq.model.markings import FIXED
from mithaq.seal import documents
from mithaq.seal.envelope import read, verify
from mithaq.seal.keys import generate
from mithaq.seal.messages import HEARTBEAT, Heartbeat, decode

_OK, _BAD, _UNKNOWN, _NOT_FOUND = 200, 400, 401, 404
_SKEW = timedelta(minutes=5)
_MOST_PAGES = 200
HEART = "/mithaq/heartbeat/"


@dataclass(slots=True)
class Seen:
    """What was read: channels by their heads, and the digests of what each shelf shows."""

    channels: Sequence[Channel] = ()
    shown: dict[str, frozenset[str]] = field(default_factory=dict)


class _Envelope(msgspec.Struct):
    objects: list[msgspec.Raw] = msgspec.field(default_factory=list)
    more: bool = False
    next: str = ""


class _Name(msgspec.Struct):
    id: str = ""


def key_document(probe: Probe, pair: Pair | None) -> None:
    """Judge the key documents that anybody may ask for (border.md 9.1)."""
    newest = _plain(probe, "/mithaq/keys/")
    first = _plain(probe, "/mithaq/keys/1/")
    try:
        met = documents.first(read(first.body))
        now = documents.unverified(read(newest.body))
    except MithaqError as error:
        probe.book.judge("key-document", first.evidence(error.code), holds=False)
        return
    fact = f"{now.party}, version {now.version}, {now.standing}, expires {now.expires}"
    holds = (now.party, now.realm) == (met.party, met.realm) and now.issued < now.expires
    if pair is not None:
        held = documents.unverified(read(pair.document))
        holds &= now.party == pair.them and now.version >= held.version
        if now.version == held.version:
            holds &= read(newest.body).payload == read(pair.document).payload
    probe.book.judge("key-document", newest.evidence(fact), holds=holds)
    none = _plain(probe, "/mithaq/keys/999999/")
    probe.book.judge("key-document", none.evidence(), holds=none.status == _NOT_FOUND)


def _plain(probe: Probe, target: str) -> Answer:
    request = Request(method="GET", url=probe.url(target), headers={"accept": "application/json"})
    return probe.plain(request, target)


def examine(line: Line) -> Seen:
    """Examine everything that the other node shows us."""
    _strangers(line)
    _replay(line)
    _unknown(line)
    heartbeat = _heartbeat(line)
    if heartbeat is None:
        return Seen()
    seen = Seen([read_channel(line, head.channel) for head in heartbeat.heads])
    _heads(line, heartbeat, seen)
    for channel in seen.channels:
        shown = _shelf(line, channel)
        if shown is not None:
            seen.shown[channel.id] = shown
    if not seen.channels:
        codes = ("frames-signed", "frames-order", "frames-body", "batches", "heads", "intel-sealed")
        line.probe.book.pass_over(codes, Why.NOTHING_SENT)
    line.probe.book.pass_over(("batches", "frames-body", "intel-sealed"), Why.NOTHING_SENT)
    return seen


def _strangers(line: Line) -> None:
    """Ask as nobody, by a key that nobody knows, and with a signature that does not hold (border.md 9.2)."""
    probe, clock = line.probe, line.pair.clock
    for target in (HEART, "/taxii2/", f"/taxii2/{secrets.token_hex(16)}/frames/"):
        bare = line.request("GET", target)
        nobody = probe.plain(bare, target)
        challenged = nobody.status == _UNKNOWN and "www-authenticate" in nobody.headers
        probe.book.judge("strangers-alike", nobody.evidence("unsigned"), holds=challenged)
        unknown = probe.plain(sign(bare, generate(), clock()), target)
        probe.book.judge(
            "strangers-alike", unknown.evidence("unknown key"), holds=same(nobody, unknown)
        )
        good = line.dress(bare)
        broken = {**good.headers, "signature": "mithaq=:" + "A" * 86 + "==:"}
        forged = probe.plain(replace(good, headers=broken), target)
        probe.book.judge(
            "strangers-alike", forged.evidence("wrong signature"), holds=same(nobody, forged)
        )
        late = sign(bare, line.pair.signer, clock() - timedelta(hours=1))
        stale = probe.plain(late, target)
        probe.book.judge(
            "strangers-alike", stale.evidence("signed an hour ago"), holds=same(nobody, stale)
        )


def _replay(line: Line) -> None:
    """Send one signed request twice: the second is nobody's (border.md 6.1)."""
    signed = line.dress(line.request("GET", "/taxii2/"))
    first = line.probe.plain(signed, "/taxii2/")
    second = line.probe.plain(signed, "/taxii2/")
    fact = f"{first.status}, then {second.status}"
    holds = first.status == _OK and second.status == _UNKNOWN
    line.probe.book.judge("replay-refused", second.evidence(fact), holds=holds)


def _unknown(line: Line) -> None:
    """Ask for channels and roots that are none, or not ours: they look alike (border.md 4.3)."""
    name = secrets.token_hex(16)
    for target in (
        f"/taxii2/{name}/frames/?after=0",
        f"/taxii2/{name}/",
        f"/taxii2/{name}/collections/",
    ):
        answer = line.get(target)
        line.probe.book.judge(
            "channel-unknown", answer.evidence(), holds=answer.status == _NOT_FOUND
        )


def heartbeat_of(line: Line) -> tuple[Answer, Heartbeat | None]:
    """Fetch the heartbeat that was made for us; None if it does not hold."""
    answer = line.get(HEART, limit=4 << 20)
    try:
        payload = verify(read(answer.body), HEARTBEAT, line.pair.keys)
        return answer, decode(payload, Heartbeat)
    except MithaqError:
        return answer, None


def _heartbeat(line: Line) -> Heartbeat | None:
    answer, heartbeat = heartbeat_of(line)
    pair = line.pair
    if heartbeat is None:
        line.probe.book.judge("heartbeat-signed", answer.evidence(), holds=False)
        return None
    named = (heartbeat.sender, heartbeat.to, heartbeat.realm)
    ours = named == (pair.them, pair.us, pair.realm)
    line.probe.book.judge("heartbeat-signed", answer.evidence(", ".join(named)), holds=ours)
    now = pair.clock()
    fact = f"issued {heartbeat.issued}, expires {heartbeat.expires}"
    fresh = heartbeat.issued <= text(now + _SKEW) and text(now) < heartbeat.expires
    line.probe.book.judge("heartbeat-fresh", answer.evidence(fact), holds=fresh)
    return heartbeat


def _heads(line: Line, heartbeat: Heartbeat, seen: Seen) -> None:
    """Judge that a channel goes as far as the heartbeat says, with the same last seal."""
    channels = by_id(seen.channels)
    for head in heartbeat.heads:
        channel = channels[head.channel]
        if not channel.whole and head.seq not in channel.heads and channel.seals:
            continue  # longer than is read here
        answer = line.get(f"/taxii2/{head.channel}/frames/?after={head.seq}", limit=MAX_ANSWER)
        fact = (
            f"channel {head.channel}: head {head.seq}, read up to {max(channel.heads, default=0)}"
        )
        line.probe.book.judge(
            "heads", answer.evidence(fact), holds=channel.heads.get(head.seq) == head.seal
        )


def _shelf(line: Line, channel: Channel) -> frozenset[str] | None:
    """Read the shelf of a channel whole: whatever is shown there was sealed (border.md 5.4).

    None if the channel has no shelf that is open to us.
    """
    path = f"/taxii2/{channel.id}/collections/intel/objects/?match%5Bversion%5D=all"
    shown: set[str] = set()
    onward = ""
    for _ in range(_MOST_PAGES):
        answer = line.get(path + onward, limit=MAX_ANSWER)
        if answer.status != _OK:
            return None
        try:
            page = msgspec.json.decode(answer.body, type=_Envelope)
            names = [msgspec.json.decode(raw, type=_Name).id for raw in page.objects]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            line.probe.book.judge("intel-sealed", answer.evidence("no envelope"), holds=False)
            return None
        for raw, name in zip(page.objects, names, strict=True):
            view = digest(bytes(raw))
            if name in FIXED:
                continue
            shown.add(view)
            if channel.whole:
                fact = f"{name} {view}"
                line.probe.book.judge(
                    "intel-sealed", answer.evidence(fact), holds=view in channel.digests
                )
        if not page.more:
            return frozenset(shown)
        onward = f"&next={page.next}"
    return None
