"""Bursts and newcomers: what is counted, of whom, for whom, and what is taken back (docs/emerging.md)."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.model.claims import counted
from mithaq.model.labels import Beside, Tlp
from mithaq.model.mentions import Family
from mithaq.model.objects import made as object_made
from mithaq.store import counting, objects, tables, tallies
from mithaq.store.objects import Copy
from tests.rooms.intel.conftest import NOW, on_both, person

TOOK = "2026-03-01T12:00:00.000Z"
TODAY = NOW.date()


def day(ago):
    return f"{TODAY - timedelta(days=ago)}T08:00:00.000Z"


def body(type_, number, ago, **more):
    whole = f"{type_}--00000000-0000-4000-8000-{number:012d}"
    return {
        "type": type_,
        "spec_version": "2.1",
        "id": whole,
        "created": day(ago),
        "modified": day(ago),
        **more,
    }


def family(number, name, ago=300, **more):
    return body("malware", number, ago, name=name, is_family=True, **more)


def sighting(number, of, ago, **more):
    return body("sighting", number, ago, sighting_of_ref=of["id"], **more)


def copy(written, voucher="borea", level=Tlp.GREEN, agreement="pact", **more):
    facts = {"standing": "received", "role": "owner", "owner": voucher} | more
    return Copy(
        object=object_made(written),
        voucher=voucher,
        level=int(level),
        agreement=agreement,
        received_at=TOOK,
        **facts,
    )


class Record:
    """A core, to which copies come, and from which they go."""

    def __init__(self, core, us):
        self.core, self.us, self.numbers = core, us, iter(range(10_000, 99_999))

    def add(self, *copies):
        with self.core.begin() as unit:
            return objects.add(unit, copies)

    def count(self):
        for _ in range(50):
            intel.count_on(self.core)
            with self.core.read() as unit:
                if not counting.behind(unit):
                    return self
        raise AssertionError

    def history(self, voucher, of, every, level=Tlp.GREEN, **more):
        """Let a source name something every so many days before the last week."""
        self.add(
            *(copy(sighting(next(self.numbers), of, ago), voucher, level, **more) for ago in range(8, 97, every))
        )  # fmt: skip

    def ask(self, actor=None, **more):
        asked = intel.Horizon(until=NOW, families=[Family.MALWARE], **more)
        with self.core.read() as unit:
            found = intel.emerging(unit, self.us, actor or person(), asked)
        return SimpleNamespace(
            whole=found,
            family=found.families[0],
            by_name={each.entity.name: each for each in found.families[0].findings},
        )

    def state(self):
        with self.core.read() as unit:
            return {
                table.name: Counter(map(tuple, unit.execute(select(table))))
                for table in (tables.tallies, tables.mentions, tables.spoken_of)
            }


OLD, NEW, IVY = family(1, "Old"), family(2, "New", ago=3), family(3, "Ivy", aliases=["Poison Ivy"])


@pytest.fixture
def record(core, us):
    """Three nations that have named one malware for months, and know of two more."""
    held = Record(core, us)
    held.add(*(copy(each, "file:attack", Tlp.CLEAR, "", owner="") for each in (OLD, IVY)))
    for voucher, every in (("borea", 3), ("cygna", 4), ("deneb", 5)):
        held.history(voucher, OLD, every)
    return held


def name_daily(record, of, ago, *vouchers, level=Tlp.GREEN):
    return record.add(
        *(
            copy(sighting(next(record.numbers), of, n), voucher, level)
            for voucher in vouchers
            for n in ago
        )
    )


@on_both
def test_what_three_partners_begin_to_name_is_a_burst_with_its_figures_and_its_evidence(record):
    stored = name_daily(record, IVY, (1, 3), "borea", "cygna", "deneb")
    found = record.count().ask()

    ivy = found.by_name["Ivy"]
    assert list(found.by_name) == ["Ivy"]
    assert not ivy.newcomer  # the record knows it for 300 days
    assert ivy.chance < 0.001
    assert (ivy.claims, ivy.before, ivy.agreements) == (6, 0, ["pact"])
    assert {each.source for each in ivy.sources} == {"borea", "cygna", "deneb"}
    assert ivy.days.loud_now == 6
    assert ivy.daily[-4:] == [3, 0, 3, 0]
    assert {each.seq for each in ivy.evidence} == {each.seq for each in stored}
    assert {each.voucher for each in ivy.evidence[:3]} == {"borea", "cygna", "deneb"}
    assert str(found.whole.level) == "GREEN"


def test_what_is_named_as_often_as_before_is_no_burst(record):
    name_daily(record, OLD, (1, 4), "borea", "cygna")

    assert record.count().ask().by_name == {}


def test_an_import_of_today_counts_on_the_days_it_tells_of(record):
    name_daily(record, IVY, range(200, 260), "borea", "cygna", "deneb")

    found = record.count().ask()

    assert found.by_name == {}
    assert found.family.named == 0


def test_one_big_import_of_one_source_makes_nothing_a_burst(record):
    some = [family(n, f"Family {n}", ago=1) for n in range(100, 160)]
    known = [each | {"created": day(300)} for each in some]
    record.add(*(copy(each, "file:attack", Tlp.CLEAR, "", owner="") for each in known))
    record.add(
        *(copy(sighting(next(record.numbers), each, 1), "borea") for each in some for _ in range(5))
    )

    found = record.count().ask()

    assert found.by_name == {}
    assert found.family.named == 60


def test_a_newcomer_is_named_for_the_first_time_on_the_whole_record(record):
    record.add(copy(NEW, "borea"), copy(sighting(9_000, NEW, 2), "cygna"))
    record.add(copy(family(5, "Poison Ivy", ago=2), "borea"))  # another's name for what is known

    found = record.count().ask()

    assert list(found.by_name) == ["New"]
    assert found.by_name["New"].newcomer


def test_a_node_without_history_says_that_it_has_no_baseline_and_calls_nothing_new(core, us):
    record = Record(core, us)
    record.add(copy(NEW, "borea"), copy(sighting(9_000, NEW, 2), "cygna"))

    found = record.count().ask()

    assert (found.by_name, found.family.established) == ({}, [])
    assert found.family.young == ["borea", "cygna"]


def test_versions_copies_through_carriers_and_second_agreements_are_one_claim(record):
    seen = sighting(9_001, IVY, 2)
    newer = seen | {"modified": day(1), "count": 7}
    record.add(copy(seen, "borea"), copy(newer, "borea"), copy(newer, "borea", agreement="forum"))
    carried = sighting(9_002, IVY, 2)
    record.add(*(copy(carried, v, role="carrier", owner="") for v in ("cygna", "deneb")))
    record.add(copy(sighting(9_003, IVY, 3), "cygna"), copy(sighting(9_004, IVY, 4), "borea"))

    over_all, of_cygna = record.count().ask(), record.ask(source="cygna")

    ivy = over_all.by_name["Ivy"]
    assert ivy.claims == 4
    assert {each.source: each.claims for each in ivy.sources} == {"borea": 2, "cygna": 2}
    assert ivy.agreements == ["forum", "pact"]
    assert of_cygna.family.named == 1
    assert record.ask(source="deneb").family.named == 1  # it said so too
    assert record.ask(partners=True).by_name["Ivy"].claims == 4


@on_both
def test_counts_come_of_what_the_actor_may_read_alone_and_a_ceiling_lowers_that(record):
    name_daily(record, IVY, (1, 3), "borea", "cygna", "deneb", level=Tlp.AMBER)
    record.add(copy(NEW, "borea", Tlp.AMBER_STRICT), copy(sighting(9_005, NEW, 2), "cygna"))
    record.count()
    low, ceiling = record.ask(person(Tlp.GREEN)), record.ask(up_to=Tlp.GREEN)

    assert set(record.ask().by_name) == {"Ivy", "New"}
    assert set(record.ask(person(Tlp.AMBER)).by_name) == {"Ivy"}  # what New is called is hidden
    for found in (low, ceiling):
        assert found.by_name == {}
        assert found.family.named == 0
        assert found.whole.level == Tlp.GREEN
    assert low.family == ceiling.family
    with pytest.raises(Forbidden):
        record.ask(person(Tlp.RED, "operator", "auditor"))


def test_whoever_may_not_read_an_object_is_told_the_same_whether_it_is_here_or_not(core, us):
    """The proof that no count tells: everything hidden is added, and the low answer stays the same."""
    record = Record(core, us)
    record.add(*(copy(each, "file:attack", Tlp.CLEAR, "", owner="") for each in (OLD, IVY)))
    record.history("borea", OLD, 3)
    name_daily(record, IVY, (1, 2, 3, 4), "borea")
    before = record.count().ask(person(Tlp.GREEN)).whole.families
    for number, level in enumerate((Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)):
        for voucher in ("borea", "cygna", "asteria"):
            record.history(voucher, IVY, 2 + number, level)
            name_daily(record, OLD, range(7), voucher, level=level)
            record.add(copy(family(50 + number, "Ivy", ago=400), voucher, level))

    after = record.count().ask(person(Tlp.GREEN)).whole.families

    assert after == before


def test_what_others_mark_red_for_persons_is_counted_for_nobody(record):
    name_daily(record, IVY, (1, 3), "borea", "cygna", "deneb", level=Tlp.RED)
    name_daily(record, IVY, (1, 3), "borea", "cygna", level=objects.UNRESOLVED)

    assert record.count().ask().family.named == 0


def test_a_newer_version_that_may_not_be_read_takes_the_older_ones_along(record):
    seen = sighting(9_001, IVY, 2)
    record.add(copy(seen, "borea"))
    low = person(Tlp.GREEN)
    first = record.count().ask(low).family.named
    record.add(copy(seen | {"modified": day(1)}, "borea", Tlp.AMBER))

    assert (first, record.count().ask(low).family.named) == (1, 0)
    assert record.ask(person(Tlp.AMBER)).family.named == 1


def test_a_revoked_claim_no_longer_counts(record):
    seen = sighting(9_001, IVY, 2)
    record.add(copy(seen, "borea"))
    before = record.count().ask().family.named
    record.add(copy(seen | {"modified": day(1), "revoked": True}, "borea"))

    assert (before, record.count().ask().family.named) == (1, 0)


@on_both
def test_erasing_copies_takes_their_counts_back_as_if_they_had_never_come(record):
    before = record.count().state()
    gone = name_daily(record, IVY, (1, 3), "borea", "cygna")
    gone += record.add(copy(NEW, "borea"), copy(NEW, "cygna", role="carrier", owner=""))
    record.count()
    assert record.state() != before

    with record.core.begin() as unit:
        objects.erase(unit, gone)

    assert record.state() == before


@on_both
def test_marking_a_copy_higher_moves_its_counts(record):
    [seen] = record.add(copy(sighting(9_001, IVY, 2), "borea"))
    record.count()

    with record.core.begin() as unit:
        objects.set_beside(unit, seen.seq, Beside(tlp=Tlp.AMBER), int(Tlp.AMBER))

    assert record.ask(person(Tlp.GREEN)).family.named == 0
    assert record.ask(person(Tlp.AMBER)).family.named == 1


@on_both
def test_what_is_kept_is_what_all_copies_together_count_for(record):
    """However they came, in how many parts, and whatever was erased meanwhile."""
    seen = sighting(9_001, IVY, 2)
    record.add(copy(seen, "borea"), copy(seen, "cygna", role="carrier", owner=""))
    record.count()
    record.add(copy(seen | {"modified": day(1)}, "borea", Tlp.AMBER))
    gone = record.add(copy(family(7, "Gone"), "deneb"))
    record.count()
    with record.core.begin() as unit:
        objects.erase(unit, gone)

    with record.core.read() as unit:
        expected = counted(objects.load(unit, objects.everything()))
        t, by = tables.tallies.c, tables.tellers.c
        columns = (t.mark, t.day, by.voucher, by.agreement, t.level, t.again, t.claims)
        kept = unit.execute(
            select(*columns).join_from(tables.tallies, tables.tellers, by.seq == t.teller)
        ).all()

    assert Counter({tuple(row[:6]): row[6] for row in kept}) == Counter(
        {(tallies.mark_of(t.key), t.day, t.voucher, t.agreement, t.level, t.again): n
         for t, n in expected.tallies.items()}
    )  # fmt: skip


def test_counting_waits_where_a_copy_changes_between_looking_and_writing(record, monkeypatch):
    record.count().add(copy(sighting(9_001, IVY, 2), "borea"))
    before, seen = record.state(), iter(({(1, 1)}, {(1, 2)}))
    monkeypatch.setattr(counting, "_origins", lambda *_: next(seen))

    counting.count_on(record.core, 100)

    assert record.state() == before
    monkeypatch.undo()
    assert record.count().state() != before


def test_a_public_set_that_the_operator_pinned_tells_nothing_new(record):
    with record.core.begin() as unit:
        unit.exec_driver_sql(
            "INSERT INTO sources (name, kind, reference) VALUES ('file:pinned', 'file', 1)"
        )
    name_daily(record, IVY, (1, 2, 3), "file:pinned")

    assert record.count().ask().family.named == 0
