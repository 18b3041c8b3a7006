"""What the balance is made from is the same on SQLite and on PostgreSQL."""

from mithaq.model.canonical import canonical
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.objects import read as objects_of
from mithaq.model.observed import mark, read
from mithaq.store import balance, channels, objects, parties, recalls, releases, texts
from mithaq.store.channels import Channel
from mithaq.store.recalls import OrderRow, ReceiptRow
from mithaq.store.releases import ShelfRow
from tests.store.values import AT, copy, indicator, tool

SEEN = "sighting--00000000-0000-4000-8000-000000000001"
LATER = "2026-04-01T00:00:00.000Z"


def sighting(of):
    body = {"type": "sighting", "spec_version": "2.1", "id": SEEN, "sighting_of_ref": of}
    return objects_of(canonical(body | {"created": AT, "modified": AT}))


def row(seen, peer):
    return ShelfRow(
        id=seen.object.id,
        shelf=f"to-{peer}",
        version=seen.object.version,
        peer=peer,
        agreement=f"with-{peer}",
        copy=seen.seq,
        view=seen.object.digest,
        removed="[]",
        label="GREEN",
        released_at=AT,
        leaf=1,
        fetched_at=LATER,
    )


def order(name, **facts):
    plain = {"agreement": "a", "by": "us", "id": tool(1).id, "version": "*", "basis": ""}
    plain |= {"cause": "wrong", "issued": AT, "deadline": AT, "envelope": b"", "at": AT}
    return OrderRow(name=name, **(plain | facts))


def test_firsts_sightings_what_is_in_use_and_what_was_ordered_back(core):
    theirs = {"standing": "received", "voucher": "borea", "sent_by": "borea"}
    evil = "[domain-name:value = 'evil.example']"
    given = [
        copy(indicator(1, evil), **theirs),
        copy(indicator(2, evil), voucher="feed:x", standing="received", received_at=LATER),
        copy(tool(3), **theirs),
        copy(sighting(indicator(1, evil).id), standing="own"),
        copy(tool(4), standing="own"),
    ]
    with core.begin() as unit:
        first, second, third, seen, ours = objects.add(unit, given)
        parties.put_peer(
            unit, parties.Peer(name="wall", kind="client", state="confirmed", added_at=AT)
        )
        there = {"direction": "out", "seq": 0, "head": ""}
        for peer in ("wall", "borea"):
            channel = Channel(**there, id=f"to-{peer}", peer=peer, agreement=f"with-{peer}")
            channels.put_channel(unit, channel)
        releases.place(unit, [row(first, "wall"), row(ours, "borea")])
        recalls.give(unit, order("1" * 32, by="borea", sent_by="borea"))
        recalls.give(unit, order("2" * 32, cause="other"))
        recalls.owe(unit, [ReceiptRow(name="2" * 32, agreement="a", by="us", peer="borea")])
    texts.read_out(core, 100)
    value = mark(read("evil.example"))
    with core.read() as unit:
        visible = objects.visible_to(Clearance(tlp=Tlp.RED), "us")
        by = balance.of("borea")

        assert balance.first_of_marks(unit, visible, by, [value]) == {value: (AT, first.seq)}
        assert balance.first_of_marks(unit, visible, ~by, [value]) == {value: (LATER, second.seq)}
        assert balance.first_of_ids(unit, visible, by, [third.object.id]) == {
            third.object.id: (AT, third.seq)
        }
        assert balance.first_of_ids(unit, visible, by, []) == {}
        [spoken] = balance.spoken(unit, visible, balance.ours(), AT, 10)
        assert spoken.seq == seen.seq
        assert balance.spoken(unit, visible, balance.ours(), LATER, 10) == []
        ids = [first.object.id, second.object.id]
        assert balance.among(unit, visible, by, ids) == {first.object.id}
        used = {first.object.id}
        assert balance.in_use(unit, visible, "borea", 10) == (used, used, False)
        assert balance.in_use(unit, visible, "corvia", 10) == (set(), set(), False)
        [(went, at)] = balance.given_to(unit, visible, "borea", AT, 10)
        assert (went.seq, at) == (ours.seq, AT)
        assert balance.given_to(unit, visible, "borea", LATER, 10) == []
        assert balance.orders_of(unit, "borea", AT) == [(tool(1).id, "wrong")]
        assert balance.orders_to(unit, "borea", "us", AT) == [(tool(1).id, "other")]
