"""What ordinary TAXII clients post to their inbox: settled by the worker (border.md 8.4, 8.5)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border.vet import OWN_TYPES, Ground, ground, markings_hold
from mithaq.clock import text
from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Refusal
from mithaq.model.canonical import Json, digest
from mithaq.model.labels import Beside, tlp
from mithaq.model.markings import FIXED, object_label
from mithaq.model.objects import Object
from mithaq.store import blobs, definitions, inbound, objects, parties, releases
from mithaq.store.inbound import Quarantined
from mithaq.store.journal import record
from mithaq.store.objects import Copy
from mithaq.store.sources import Source, put_source
from mithaq.store.spool import Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a POST, for our people."""

    stored: int
    quarantined: int
    failed: int


def voucher_of(client: str) -> str:
    """Return the name under which a client's objects stand here."""
    return f"client:{client}"


def post(unit: Connection, arrival: Arrival, now: datetime) -> Settled:
    """Settle a client's POST: store, set aside or refuse each object, and answer its status.

    The answer tells only what follows from the bytes themselves; every other outcome reads "success".
    """
    client = parties.peer(unit, arrival.peer)
    voucher = voucher_of(client.name)
    put_source(unit, Source(name=voucher, kind="client"))
    try:
        read = list(BUILT_IN.read(arrival.raw, arrival.facts.get("format", "stix")))
    except (
        InputError
    ):  # the listener has refused what is no envelope; what is left fails as a whole
        return give_up(unit, arrival, now)
    seen = [each for each in read if isinstance(each, Object)]
    refused = [each for each in read if isinstance(each, Refusal)]
    ground_ = ground(unit, voucher, seen)
    default = Beside(tlp=tlp(client.default_tlp)) if client.default_tlp else Beside()
    copies: list[Copy] = []
    aside: list[Quarantined] = []
    for each in seen:
        if code := _against(ground_, each):
            aside.append(_aside(voucher, arrival, each, code, now))
        elif each.type == "marking-definition":
            if each.id not in FIXED:
                definitions.define(unit, voucher, each.id, each.raw)
        else:
            copies.append(_copy(voucher, ground_, each, default, now))
    stored = objects.add(unit, copies)
    inbound.set_aside(unit, aside)
    _record(unit, voucher, stored, aside, now)
    _answer(unit, arrival, seen, refused, now)
    return Settled(stored=len(stored), quarantined=len(aside), failed=len(refused))


def _against(ground_: Ground, seen: Object) -> str:
    """Return the code of what stands against an object of a client's; empty if nothing does."""
    verdict = markings_hold(ground_, seen)
    if verdict is not None:
        return verdict.code
    if seen.type.startswith(OWN_TYPES):
        return "private-kind"
    return "ownership" if ground_.owner_of(seen) else ""


def _copy(voucher: str, ground_: Ground, seen: Object, default: Beside, now: datetime) -> Copy:
    bare = object_label(seen.body, Beside(), ground_.table).tlp is None
    beside = default if bare else Beside()
    return Copy(
        object=seen,
        voucher=voucher,
        sent_by=voucher.removeprefix("client:"),
        beside=beside,
        level=ground_.level(seen, beside),
        received_at=text(now),
    )


def _aside(voucher: str, arrival: Arrival, seen: Object, code: str, now: datetime) -> Quarantined:
    return Quarantined(
        at=text(now),
        voucher=voucher,
        origin=arrival.facts["status"],
        id=seen.id,
        type=seen.type,
        version=seen.version,
        digest=seen.digest,
        code=code,
        where="",
        body=seen.raw,
    )


def _record(
    unit: Connection,
    voucher: str,
    stored: Sequence[Copy],
    aside: Sequence[Quarantined],
    now: datetime,
) -> None:
    facts: dict[str, Json] = {"from": voucher, "at": text(now)}
    leaves: list[tuple[str, dict[str, Json]]] = [
        (c.object.id, {"kind": "admission", "id": c.object.id, "digest": c.object.digest, **facts})
        for c in stored
    ]
    leaves += [
        (q.id, {"kind": "quarantine", "id": q.id, "digest": q.digest, "code": q.code, **facts})
        for q in aside
    ]
    log.append(unit, leaves)
    record(unit, now, "posted", voucher, stored=len(stored), aside=len(aside))


def _answer(
    unit: Connection,
    arrival: Arrival,
    seen: Sequence[Object],
    refused: Sequence[Refusal],
    now: datetime,
) -> None:
    """Queue the inbox rows and the status resource (TAXII 2.1 section 4.3) that the client will see."""
    blobs.put(unit, {each.digest: each.raw for each in seen})
    shown = [(e.id, e.version, e.type, digest(e.raw)) for e in seen]
    releases.show(unit, "inbox", arrival.facts["shelf"], rows=shown)
    successes: list[Json] = [_detail(e.id, e.version or text(now)) for e in seen]
    failures: list[Json] = [
        {**_detail(r.id or _nameless(), text(now)), "message": f"{r.code} at {r.where or '/'}"}
        for r in refused
    ]
    _status(unit, arrival, successes, failures)


def _status(
    unit: Connection, arrival: Arrival, successes: list[Json], failures: list[Json]
) -> None:
    status: dict[str, Json] = {
        "id": arrival.facts["status"],
        "status": "complete",
        "request_timestamp": arrival.facts["at"],
        "total_count": len(successes) + len(failures),
        "success_count": len(successes),
        "failure_count": len(failures),
        "pending_count": 0,
    }
    if successes:
        status["successes"] = successes
    if failures:
        status["failures"] = failures
    raw = msgspec.json.encode(status).decode()
    shelf = arrival.facts["shelf"]
    releases.show(unit, "status", shelf, id=arrival.facts["status"], raw=raw)


def give_up(unit: Connection, arrival: Arrival, now: datetime) -> Settled:
    """Answer a POST that could not be settled: everything in it failed, and its status says so."""
    total = int(arrival.facts.get("total", "0"))
    failed: list[Json] = [{**_detail(_nameless(), text(now)), "message": "not taken"}] * total
    _status(unit, arrival, [], failed)
    return Settled(stored=0, quarantined=0, failed=total)


def _detail(id_: str, version: str) -> dict[str, Json]:
    return {"id": id_, "version": version}


def _nameless() -> str:
    """Return an id for the failure of an object that has none of its own."""
    return f"unknown--{uuid.uuid4()}"


def withdraw(unit: Connection, arrival: Arrival, now: datetime) -> None:
    """Take a client's submission out of its own inbox; what we hold stays, and our people are told."""
    shelf = arrival.facts["shelf"]
    id_, versions = arrival.facts["id"], arrival.facts["versions"]
    releases.show(unit, "withdraw", shelf, id=id_, versions=versions)
    fact: dict[str, Json] = {"kind": "withdrawn", "id": id_, "from": arrival.peer, "at": text(now)}
    log.append(unit, [(id_, fact)])
    record(unit, now, "withdrawn", id_, client=arrival.peer)
