"""The acts of the demonstration, done as a nation's people would do them with the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mithaq import intel, samples
from mithaq.audit import log, subjects
from mithaq.border import agreements, local, peers, people, signing
from mithaq.border.approval import approve
from mithaq.border.people import OWNER
from mithaq.border.publish import Outcome, preview, publish, text_in_force
from mithaq.demo.incident import Incident
from mithaq.demo.nations import Nation, wait
from mithaq.errors import Fault
from mithaq.exchange.client import fetch_keys
from mithaq.formats import BUILT_IN
from mithaq.intel import Copy, Source
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import Object
from mithaq.policy import agreement as policy
from mithaq.policy import templates
from mithaq.policy.agreement import Agreement
from mithaq.seal.envelope import read
from mithaq.seal.messages import Seal, decode
from mithaq.store import inbound

BILATERAL, FORUM = "aurelia-borea", "three-seas"


def meet(one: Nation, other: Nation, language: str) -> str:
    """Let ``one`` fetch the other's keys and type the words it hears; return the words."""
    now = one.node.clock()
    raw = fetch_keys(one.node.wire, other.url)
    with other.node.core.read() as unit:
        heard = " ".join(peers.fingerprint_words(unit, other.name, language))
    with one.node.core.begin() as unit:
        peers.meet(unit, one.node.us, raw, now, by=OWNER)
        signing.confirm(unit, one.node.us, other.name, heard, now, by=OWNER)
    return heard


def agree(parties: Sequence[Nation], template: str, id_: str, title: str) -> Agreement:
    """Let the first party propose a text and the others countersign it; return it once all hold it in force."""
    first = parties[0]
    start = first.node.clock()
    raw = templates.text(
        template,
        [nation.party for nation in parties],
        agreement=id_,
        title=title,
        term=(start.isoformat(), ""),
    ).encode()
    text = policy.read(raw)
    exact = policy.to_bytes(text)
    for nation in parties:
        wait(lambda nation=nation: nation is first or _holds(nation, id_), f"{id_} did not arrive")  # type: ignore[misc]
        with nation.node.core.begin() as unit:
            signing.sign_text(unit, nation.node.us, exact, nation.node.clock(), by="lena")
    for nation in parties:
        wait(lambda nation=nation: _in_force(nation, id_), f"{id_} is not in force")  # type: ignore[misc]
    return text


def _holds(nation: Nation, id_: str) -> bool:
    with nation.node.core.read() as unit:
        return bool(agreements.versions(unit, id_))


def _in_force(nation: Nation, id_: str) -> bool:
    with nation.node.core.read() as unit:
        return agreements.held(unit, id_, nation.node.clock()).text is not None


def import_sample(nation: Nation, name: str, source: Source, level: Tlp) -> list[Copy]:
    """Import one of the bundles that ship with the product, marked beside its bytes."""
    raw = samples.path(name).read_bytes()
    read_ = [each for each in BUILT_IN.read(raw) if isinstance(each, Object)]
    given = [local.Given(object=each, beside=Beside(tlp=level)) for each in read_]
    with nation.node.core.begin() as unit:
        outcome = local.local(
            unit, nation.node.us, source, given, author="ana", own=False, now=nation.node.clock()
        )
    return list(outcome.stored)


def write_up(nation: Nation, incident: Incident) -> list[Copy]:
    """Import the incident as the nation's own, each object with its level."""
    given = [
        local.Given(object=each, beside=Beside(tlp=level))
        for each, level in incident.levels.items()
    ]
    source = Source(name=nation.name, kind="file")
    with nation.node.core.begin() as unit:
        outcome = local.local(
            unit, nation.node.us, source, given, author="ana", own=True, now=nation.node.clock()
        )
    return list(outcome.stored)


def release(nation: Nation, agreement: str, copies: Sequence[Copy]) -> Outcome:
    """Let the analyst propose copies under an agreement."""
    with nation.node.core.begin() as unit:
        return publish(
            unit,
            nation.node.us,
            "ana",
            [copy.seq for copy in copies],
            agreement,
            nation.node.clock(),
        )


def look(nation: Nation, agreement: str, copies: Sequence[Copy]) -> Outcome:
    """Decide again, for the story alone: nothing is recorded or sent."""
    now = nation.node.clock()
    with nation.node.core.read() as unit:
        text = text_in_force(unit, agreement, now)
        return preview(unit, nation.node.us, text, [copy.seq for copy in copies], now)


def second_person(nation: Nation, agreement: str, copy: Copy) -> Outcome:
    """Let the duty officer approve what waits, with a key of their own."""
    with nation.node.core.begin() as unit:
        return approve(
            unit,
            nation.node.us,
            ("omar", nation.keys["omar"]),
            copy.seq,
            agreement,
            nation.node.clock(),
        )


def held(nation: Nation) -> dict[str, Copy]:
    """Return what a nation holds from others, by id and agreement."""
    with nation.node.core.read() as unit:
        reader = people.named(unit, "ana")
        copies = intel.received(unit, nation.node.us, reader)
    return {f"{copy.agreement} {copy.object.id}": copy for copy in copies}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the receiver's check of a proof said."""

    file: Path
    origin: str
    record: dict[str, object]
    same_bytes: bool  # the record's digest is that of the bytes the receiver holds
    same_seal: bool  # the leaf is the one that the seal named when they came


def prove(owner: Nation, receiver: Nation, copy: Copy, folder: Path) -> Proven:
    """Hand the receiver a proof of one release, and let it check it with what it holds, offline."""
    here = held(receiver)[f"{BILATERAL} {copy.object.id}"]
    seal = _seal_of(receiver, here)
    with owner.node.core.begin() as unit:
        us = owner.node.us
        leaves = [
            index
            for subject in (copy.object.id, f"envelope:{seal.channel}:{seal.seq}")
            for index, record in subjects.find(unit, subject)
            if record.get("peer", record.get("to")) == receiver.name
        ]
        head = log.head(unit, (us.party, us.realm), us.signer, owner.node.clock())
        proof = log.prove(unit, leaves, head)
    file = folder / "release-proof.json"
    file.write_bytes(proof)
    with receiver.node.core.read() as unit:
        keys = peers.every_key_of(unit, owner.name)
    checked = log.check(file.read_bytes(), keys)
    record = next(r for r in checked.records if r.get("kind") == "release")
    return Proven(
        file=file,
        origin=checked.origin,
        record=dict(record),
        same_bytes=record.get("view") == here.object.digest,
        same_seal=seal.audit in checked.hashes,
    )


def _seal_of(receiver: Nation, here: Copy) -> Seal:
    with receiver.node.core.read() as unit:
        for raw in inbound.accepted_envelopes(unit, here.sent_by):
            seal = decode(read(raw).payload, Seal)
            if any(getattr(entry, "id", "") == here.object.id for entry in seal.entries):
                return seal
    raise Fault("no seal names that object", object=here.object.id)


def pretty(copy: Copy) -> str:
    """Return an object's bytes for people to read."""
    return msgspec.json.format(copy.object.raw, indent=2).decode()
