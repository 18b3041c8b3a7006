"""The journal is for people and for followers with a cursor."""

from datetime import timedelta

from mithaq.store import journal
from tests.store.values import AT, NOW


def test_entries_come_in_order_with_their_facts(core):
    with core.begin() as unit:
        journal.record(unit, NOW, "imported", "tool--1", voucher="aurelia", count=2, names=["a"])
        journal.record(unit, NOW + timedelta(seconds=1), "released", "tool--1")

        first, second = journal.since(unit, 0)

    assert (first.at, first.kind, first.subject) == (AT, "imported", "tool--1")
    assert first.facts == {"voucher": "aurelia", "count": 2, "names": ["a"]}
    assert (second.kind, second.facts) == ("released", {})
    assert second.seq > first.seq


def test_a_follower_goes_on_where_it_stopped(core):
    with core.begin() as unit:
        for n in range(7):
            journal.record(unit, NOW, "x", str(n))

    seen, cursor = [], 0
    while True:
        with core.read() as unit:
            part = journal.since(unit, cursor, limit=3)
        if not part:
            break
        seen += [entry.subject for entry in part]
        cursor = part[-1].seq

    assert seen == list("0123456")


def test_a_kept_value_is_replaced_and_has_a_default(core):
    with core.begin() as unit:
        assert journal.setting(unit, "cursor") == ""
        assert journal.setting(unit, "cursor", "0") == "0"
        journal.keep(unit, "cursor", "5")
        journal.keep(unit, "cursor", "6")
        journal.keep(unit, "other", "x")

        assert journal.setting(unit, "cursor", "0") == "6"
