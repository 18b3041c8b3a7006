"""What an indicator is worth now: how credible it is said to be, and what time and others' looks have left of that.

Nothing is written into an object: the figure is worked out when somebody asks. It halves with each half-life since the
indicator was last known to be true, and a sighting makes it fresh again. Half-lives differ by what changes hands: an
address is let to somebody else within weeks, a file is the same file for ever.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log2

from mithaq.clock import parse
from mithaq.model.canonical import Json
from mithaq.model.patterns import groups
from mithaq.model.values import HASHES

HALF_LIVES: Mapping[str, int] = {  # days, by kind of value
    **dict.fromkeys(("ipv4", "ipv6", "ip-port"), 14),
    **dict.fromkeys(("url", "mac"), 30),
    "domain": 60,
    "email": 90,
    **dict.fromkeys(("user-agent", "filename", "directory", "mutex", "registry-key"), 180),
    **dict.fromkeys(("asn", "certificate-sha1", "certificate-sha256"), 365),
    **dict.fromkeys(HASHES, 730),
    **dict.fromkeys(("imphash", "ssdeep", "tlsh"), 365),
}
OTHERWISE = 180  # of what says more than values, or is in another language
UNSAID = 50  # the confidence of what states none
_SCALE = ((80, "1"), (60, "2"), (40, "3"), (20, "4"), (0, "5"))  # least confidence: credibility
_LEFT = {"disagree": 0.5, "strongly-disagree": 0.25}  # after an opinion that it is not so

ABOUT = frozenset({"sighting", "opinion"})  # whose word on an indicator counts
Body = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What an indicator is worth at an instant, and what that comes from."""

    score: int  # 0 to 100
    credibility: str  # 1 to 6, of the Admiralty scale
    base: int  # its confidence
    half_life: int  # days
    seen: datetime  # when it was last known to be true
    sightings: int
    against: int  # opinions that it is not so
    left: float = 1.0  # of it, after these
    state: str = ""  # not-yet, over or revoked: it counts for nothing, whatever it was worth


def credibility(confidence: Json) -> str:
    """Return the credibility that a confidence stands for (STIX 2.1 appendix A, Admiralty scale)."""
    if not isinstance(confidence, int) or isinstance(confidence, bool):
        return "6"
    return next((said for least, said in _SCALE if confidence >= least), "6")


def worth(body: Body, others: Iterable[Body], now: datetime) -> Worth | None:
    """Return what an indicator is worth at ``now``; None if it is none.

    Args:
        others: what names it, as far as the reader may read: sightings and opinions count.
    """
    if body.get("type") != "indicator":
        return None
    base = at_most(body)
    since = _instant(body, "valid_from", "created") or now
    seen, sightings, left, against = since, 0, 1.0, 0
    for other in others:
        at = _seen(other, now)
        if at is not None:
            sightings += 1
            seen = max(seen, at)
        stands = other.get("type") == "opinion" and other.get("revoked") is not True
        factor = _LEFT.get(str(other.get("opinion"))) if stands else None
        if factor is not None:
            against += 1
            left *= factor
    days = half_life(body)
    state = _state(body, since, now)
    age = max(now - seen, timedelta(0)) / timedelta(days=days)
    score = 0 if state else round(base * left * 0.5**age)
    return Worth(
        score=score,
        credibility=credibility(body.get("confidence")),
        base=base,
        half_life=days,
        seen=seen,
        sightings=sightings,
        against=against,
        left=left,
        state=state,
    )


def about(body: Body) -> set[str]:
    """Return what a sighting or an opinion is about."""
    refs = body.get("object_refs")
    named = [body.get("sighting_of_ref"), *(refs if isinstance(refs, list) else ())]
    return {each for each in named if isinstance(each, str)}


def at_most(body: Body) -> int:
    """Return what an indicator is worth at most, whatever is said of it: what it was worth in the beginning."""
    stated = body.get("confidence")
    return stated if isinstance(stated, int) and not isinstance(stated, bool) else UNSAID


def falls(found: Worth, least: int) -> datetime | None:
    """Return when time alone will have made an indicator worth less than ``least``; None: it never will, or is."""
    left = found.base * found.left
    if found.state or found.score < least or least < 1:
        return None
    lives = log2(left / (least - 0.5))  # figures are rounded
    try:
        return found.seen + lives * timedelta(days=found.half_life)
    except OverflowError:
        return None


def half_life(body: Body) -> int:
    """Return an indicator's half-life in days: of what it wants at once the shortest, of several ways the longest."""
    pattern = body.get("pattern")
    if body.get("pattern_type") != "stix" or not isinstance(pattern, str):
        return OTHERWISE
    found = groups(pattern)
    if not found:
        return OTHERWISE
    return max(min(HALF_LIVES[value.kind] for value in group) for group in found)


def _seen(other: Body, now: datetime) -> datetime | None:
    """Return when a sighting saw something last; None if it is none, or saw nothing."""
    if other.get("type") != "sighting" or other.get("count") == 0 or other.get("revoked") is True:
        return None
    at = _instant(other, "last_seen", "first_seen", "created")
    return None if at is None or at > now else at


def _state(body: Body, since: datetime, now: datetime) -> str:
    if body.get("revoked") is True:
        return "revoked"
    until = _instant(body, "valid_until")
    if until is not None and until <= now:
        return "over"
    return "not-yet" if since > now else ""


def _instant(body: Body, *names: str) -> datetime | None:
    """Return the first instant that a body states."""
    written = next((said for name in names if isinstance(said := body.get(name), str)), None)
    return None if written is None else parse(written)
