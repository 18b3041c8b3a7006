"""What came from whom is counted and paged alike on SQLite, on PostgreSQL and copy by copy (the oracle)."""

from collections import Counter

import msgspec
import pytest

from mithaq.model.labels import Clearance, Tlp
from mithaq.store import objects, sharing
from mithaq.store.sharing import Wanted
from tests.store.values import copy, tool

EVERYTHING = Clearance(tlp=Tlp.RED)


def made(number, **facts):
    return msgspec.structs.replace(copy(tool(number)), **facts)


@pytest.fixture
def held(core):
    some = [
        made(1, voucher="borea", sent_by="borea", agreement="pact", level=1),
        made(2, voucher="corvia", owner="corvia", sent_by="borea", agreement="pact", level=2),
        made(3, voucher="feed:list", level=1, received_at="2026-04-01T00:00:00.000Z"),
        made(4, voucher="feed:list", level=4),
        made(5, voucher="aurelia", standing="own", level=1),
    ]
    with core.begin() as unit:
        return objects.add(unit, some)


def whom(each):
    return each.sent_by or each.voucher


@pytest.mark.usefixtures("held")
def test_what_came_is_counted_as_it_is_counted_copy_by_copy(core):
    for level in (Tlp.GREEN, Tlp.RED):
        with core.read() as unit:
            visible = objects.visible_to(Clearance(tlp=level), "aurelia")
            told = sharing.counted(unit, visible, Wanted())
            read = [c for c in objects.load(unit, visible) if c.standing == "received"]

        plain = Counter((whom(c), c.object.type, c.level, c.agreement, c.owner) for c in read)
        assert {(c.whom, c.type, c.level, c.agreement, c.owner): c.count for c in told} == plain


NARROWED = [
    (Wanted(whom=["borea"]), [2, 1]),
    (Wanted(whom=["corvia"]), []),
    (Wanted(whom=["feed:list"], since="2026-03-15T00:00:00.000Z"), [3]),
    (Wanted(until="2026-03-15T00:00:00.000Z", level=1), [1]),
    (Wanted(agreement="pact", type="tool"), [2, 1]),
    (Wanted(type="malware"), []),
]


def test_what_came_is_listed_the_newest_first(core, held):
    with core.read() as unit:
        visible = objects.visible_to(EVERYTHING, "aurelia")
        for wanted, numbers in NARROWED:
            found = sharing.came(unit, visible, wanted)
            paged = sharing.came(unit, visible, wanted, (1, held[1].seq))

            assert [c.object.id for c in found] == [tool(n).id for n in numbers], wanted
            assert [c.object.id for c in paged] == [tool(n).id for n in numbers if n < 2], wanted
