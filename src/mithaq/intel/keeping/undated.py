"""What bears neither identifier nor instants, as the lines of lists do, becomes objects and versions here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.formats import Undated
from mithaq.model.canonical import Json, canonical, digest
from mithaq.model.objects import Object, made
from mithaq.store import provenance


@dataclass(slots=True)
class Dated:
    """What is new of what was said, how much was said before, and what cannot be said: as ``here`` stood."""

    names: Sequence[str] = field(repr=False)  # identifiers of all that was said
    here: Mapping[str, provenance.Span] = field(repr=False)  # which versions of these were here
    fresh: list[Object] = field(default_factory=list)
    known: int = 0
    refused: list[tuple[Undated, InputError]] = field(default_factory=list)


def dated(unit: Connection, us: Us, voucher: str, said: Sequence[Undated], now: datetime) -> Dated:
    """Return what a source says as objects: the first version now, another where it says something else than last."""

    def body(each: Undated, id_: str, first: str, last: str) -> dict[str, Json]:
        made_ = _body(each, id_, first, last)
        if each.names:
            made_["object_refs"] = [_id(us, voucher, type_, key) for type_, key in each.names]
        return made_

    names = [each.id or _id(us, voucher, str(each.body["type"]), each.key) for each in said]
    here = provenance.spans(unit, voucher, names)
    found = Dated(names, here)
    for each, id_ in zip(said, names, strict=True):
        span = here.get(id_)
        try:
            first, last = _instants(each, now)
            if span is None:
                found.fresh.append(made(body(each, id_, first or text(now), last or text(now))))
                continue
            first = first or span.first
            if digest(canonical(body(each, id_, first, span.last))) == span.digest:
                found.known += 1
            else:
                found.fresh.append(made(body(each, id_, first, _next(span.last, last, now))))
        except InputError as error:
            found.refused.append((each, error))
    return found


def _instants(said: Undated, now: datetime) -> tuple[str, str]:
    """Return since when it is and when it changed, as it says itself; empty where it does not, or tells of a future."""
    return ("", "") if said.modified > text(now) else (said.created, said.modified)


def _next(before: str, says: str, now: datetime) -> str:
    """Return the instant of a version that says something else than the last one here.

    What names its day is of that day, an older version too. Of the day of the last one it is later than that: many
    forget to change the day.
    """
    after = parse(before) + timedelta(milliseconds=1)
    if not says:
        return text(max(now, after))
    return text(after) if says <= before and says[:10] == before[:10] else says


def stands(unit: Connection, voucher: str, found: Dated) -> bool:
    """Say whether what was here still is all that is here."""
    return provenance.spans(unit, voucher, found.names) == found.here


def _id(us: Us, voucher: str, type_: str, key: str) -> str:
    """Return an identifier that is the same each time here, and by which nobody else can tell the source."""
    drawn = us.derive("undated", voucher, key).hex()
    variant = "89ab"[int(drawn[16], 16) & 3]
    uuid = f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:32]}"
    return f"{type_}--{uuid}"


def _body(said: Undated, id_: str, first: str, last: str) -> dict[str, Json]:
    body: dict[str, Json] = {**said.body, "id": id_, "created": first, "modified": last}
    since = {"indicator": "valid_from", "report": "published"}.get(str(body["type"]))
    if since is not None:
        body.setdefault(since, first)
    return body
