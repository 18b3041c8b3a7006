"""A reference set: held by version, compared before it counts, of one voice when it does, and taken back."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.errors import InputError
from mithaq.formats import BUILT_IN
from mithaq.intel import Filters, finding
from mithaq.intel.authoring.revising import to_revise
from mithaq.intel.finding import noticed, saved
from mithaq.intel.finding.saved import Asked
from mithaq.intel.reference import sets
from mithaq.intel.reference.changes import Became
from mithaq.intel.reference.sets import Counts, HeldOtherwise, NoSet, SetFile
from mithaq.intel.trends.emerging import count_on
from mithaq.model.labels import Tlp
from mithaq.store.sources import all_sources
from mithaq.store.tables import tellers
from tests.rooms.intel.conftest import NOW, on_both, person
from tests.rooms.intel.test_finding import indicator, made, technique, tie
from tests.rooms.intel.test_service import desk

__all__ = ["desk"]
OLGA = person(Tlp.CLEAR, "operator")
NAME = "attack"
OLD, NEW, GROUP = technique(1, "PowerShell", "T1086"), technique(2, "PowerShell", "T1059.001"), made(
    "intrusion-set", 3, name="APT 28", aliases=["Fancy Bear", "Sofacy"],
    external_references=[{"source_name": "mitre-attack", "external_id": "G0007"}],
)  # fmt: skip
USES = tie(4, GROUP["id"], OLD["id"])
ONE = [OLD, GROUP, USES]
TWO = [
    OLD | {"revoked": True, "modified": "2026-02-01T00:00:00.000Z"},
    NEW,
    GROUP | {"aliases": ["Fancy Bear"], "modified": "2026-02-01T00:00:00.000Z"},
    tie(5, OLD["id"], NEW["id"]) | {"relationship_type": "revoked-by"},
]


class Library:
    """Sets of one node."""

    def __init__(self, core, us):
        self.core, self.us = core, us

    def take(self, bodies, version, name=NAME, actor=OLGA):
        raw = bodies if isinstance(bodies, bytes) else json.dumps({"objects": bodies}).encode()
        given = SetFile(raw=raw, name=name, version=version)
        return sets.take(self.core, self.us, actor, given, NOW, formats=BUILT_IN)

    def use(self, version, actor=OLGA):
        return sets.use(self.core, self.us, actor, self.of(version), NOW + timedelta(hours=1))

    def drop(self, version, actor=OLGA):
        sets.drop(self.core, self.us, actor, self.of(version), NOW)

    def of(self, version=""):
        with self.core.read() as unit:
            return sets.version_of(unit, NAME, version)

    def changes(self, before, after):
        older, newer = before and self.of(before), self.of(after)
        with self.core.read() as unit:
            return sets.changes(unit, older, newer)


@pytest.fixture
def library(core, us):
    return Library(core, us)


@pytest.fixture
def both(library):
    library.take(ONE, "1.0")
    library.use("1.0")
    library.take(TWO, "2.0")
    return library


def ids(copies):
    return {copy.object.id for copy in copies}


def all_of(desk, **more):
    return ids(desk.ask(intel.search, "", Filters(source=NAME), **more))


def test_what_is_taken_changes_nothing_until_it_counts(library, desk):
    taken = library.take(ONE, "1.0")

    assert (taken.held.objects, taken.known, taken.held.current) == (3, False, False)
    assert all_of(desk) == set()
    assert desk.ask(lambda u, us, a: sets.find(u, finding.visible(us, a), "T1086")) == []
    used = library.use("1.0")
    assert (used.stored, used.back, used.aside, list(used.refused)) == (3, 0, 0, [])
    assert all_of(desk) == ids_of(ONE)


def ids_of(bodies):
    return {body["id"] for body in bodies}


def test_who_uses_a_set_reads_it_whatever_their_clearance_and_it_is_public_at_the_border(
    both, desk, core
):
    assert all_of(desk, actor=person(Tlp.CLEAR)) == ids_of(ONE)
    with core.read() as unit:
        assert all_sources(unit)[f"set:{NAME}"].reference


def test_a_step_says_what_becomes_of_each_object_and_replaces_all_at_once(both, desk):
    made = both.changes("1.0", "2.0")

    told = {each.id: (each.became, each.by) for each in made.objects}
    assert told == {
        OLD["id"]: (Became.REVOKED, (NEW["id"],)),
        NEW["id"]: (Became.ADDED, ()),
        GROUP["id"]: (Became.CHANGED, ()),
    }
    assert {(t.became, t.id) for t in made.ties} == {
        (Became.REMOVED, USES["id"]),
        (Became.ADDED, TWO[3]["id"]),
    }
    assert all_of(desk) == ids_of(ONE)
    used = both.use("2.0")
    assert (used.stored, used.back, used.aside) == (4, 0, 3)
    assert all_of(desk) == ids_of(TWO)


@pytest.mark.parametrize("read", [False, True], ids=["at once", "read out"])
@on_both
def test_one_can_go_back_and_forth_and_nothing_of_the_other_version_is_shown(
    both, desk, core, read
):
    for version, bodies in (("2.0", TWO), ("1.0", ONE), ("2.0", TWO)):
        both.use(version)
        if read:
            intel.read_out(core, NOW)

        shown = desk.ask(intel.search, "", Filters(source=NAME))
        assert {copy.object.id: copy.object.body for copy in shown} == {
            body["id"]: body for body in bodies
        }
        [group] = desk.ask(intel.versions, GROUP["id"])
        assert (
            group.object.body["aliases"]
            == next(b for b in bodies if b["id"] == GROUP["id"])["aliases"]
        )
        related = desk.ask(intel.relate, group)
        assert {each.id for each in related} & {USES["id"]} == (
            {USES["id"]} if version == "1.0" else set()
        )
    back = both.use("1.0")
    assert (back.stored, back.back, back.aside) == (0, 3, 4)


@on_both
def test_things_are_looked_up_by_number_name_and_alias_as_the_version_that_counts_has_them(
    both, desk
):
    def found(asked):
        return ids(desk.ask(lambda u, us, a: sets.find(u, finding.visible(us, a), asked)))

    assert found("T1086") == {OLD["id"]}
    assert (
        found("apt28") == found("Apt-28") == found("fancy bear") == found("sofacy") == {GROUP["id"]}
    )
    assert found("bear") == found("T1059.001") == found("-") == set()
    both.use("2.0")
    assert found("sofacy") == set()
    assert found("t1059.001") == found("T1086") == found("powershell") == {OLD["id"], NEW["id"]}


@on_both
def test_a_search_by_technique_finds_what_refers_to_what_it_replaces(both, desk):
    ours = indicator(10, "[file:name = 'x']"), tie(11, indicator(10, "")["id"], OLD["id"])
    desk.add(*ours)
    both.use("2.0")

    for asked in ("T1059.001", "T1086", "PowerShell"):
        found = ids(desk.ask(intel.search, "", Filters(technique=asked, type="indicator")))
        assert found == {ours[0]["id"]}, asked


@on_both
def test_people_are_told_which_of_what_they_may_read_refers_to_what_changed(both, desk):
    ours = indicator(10, "[file:name = 'x']")
    desk.add(ours, tie(11, ours["id"], OLD["id"]), tie(12, ours["id"], GROUP["id"]))
    desk.add(
        indicator(13, "[file:name = 'y']", labels=["attack.t1086", "attack.execution"]),
        indicator(14, "[file:name = 'z']", description="as in T1086."),
        indicator(15, "[file:name = 'z']", description="as in T1086.001 or T10861"),
        made("report", 16, name="r", published="2026-01-01T00:00:00Z", object_refs=[NEW["id"]],
             external_references=[{"source_name": "mitre-attack", "external_id": "T1086"}]),
        tlp=Tlp.AMBER,
    )  # fmt: skip
    changes = both.changes("1.0", "2.0")

    def told(**more):
        made = desk.ask(to_revise, changes, **more)
        assert not made.more
        return [(int(e.copy.object.id[-2:]), e.how, e.change.became) for e in made.entries]

    gone, changed = Became.REVOKED, Became.CHANGED
    open_ = [(11, "refers", gone), (12, "refers", changed)]
    closed = [(16, "bears", gone), (14, "says", gone), (13, "label", gone)]
    assert told() == [*closed, *open_]
    assert told(actor=person(Tlp.GREEN)) == open_
    assert desk.ask(to_revise, both.changes("1.0", "1.0")).entries == []
    with pytest.raises(Forbidden):
        desk.ask(to_revise, changes, actor=OLGA)


def test_the_same_file_is_known_and_another_of_that_version_is_refused(library):
    library.take(ONE, "1.0")

    assert library.take(ONE, "1.0").known
    with pytest.raises(HeldOtherwise):
        library.take(TWO, "1.0")


def test_objects_that_say_the_same_in_two_files_are_stored_once(both):
    both.take(
        json.dumps({"objects": [dict(reversed(each.items())) for each in ONE]}, indent=2).encode(),
        "1.1",
    )

    used = both.use("1.1")

    assert (used.stored, used.back, used.aside) == (0, 0, 0)


def test_the_version_is_as_the_collection_says_which_is_no_part_of_the_set(library):
    collection = made("x-mitre-collection", 9, name="ATT&CK", x_mitre_version="17.1")

    taken = library.take([*ONE, collection, OLD | {"modified": "2020-01-01T00:00:00.000Z"}], "")

    assert (taken.held.version, taken.held.objects) == ("17.1", 3)
    assert library.of("17.1") == library.of() == taken.held


@pytest.mark.parametrize(
    ("bodies", "version", "name"),
    [
        (ONE, "", NAME),
        ([], "1", NAME),
        (ONE, "1/2", NAME),
        (ONE, "1", "../x"),
        (b"evil.example\n", "1", NAME),
    ],
)
def test_a_file_of_no_version_of_no_objects_or_no_name_is_refused(library, bodies, version, name):
    with pytest.raises(InputError):
        library.take(bodies, version, name)


def test_what_no_object_is_stays_out_and_is_told(library):
    taken = library.take([*ONE, {"type": "tool", "id": "tool--x"}], "1.0")

    assert taken.held.objects == 3
    assert [each.position for each in taken.refused] == [3]


def test_the_version_that_counts_is_dropped_last_and_then_nobody_is_shown_its_objects(
    both, desk, core
):
    with pytest.raises(Counts):
        both.drop("1.0")
    with pytest.raises(Counts):
        both.use("1.0")
    both.drop("2.0")
    with pytest.raises(NoSet):
        both.of("2.0")
    both.drop("1.0")

    assert all_of(desk) == set()
    with core.read() as unit:
        assert sets.every(unit) == []
        assert not all_sources(unit)[f"set:{NAME}"].reference
        assert sets.called(unit, "G0007") == []


def test_who_may_not_say_what_our_sources_are_takes_uses_and_drops_nothing(both):
    ana = person()
    for act in (
        lambda: both.take(ONE, "3", actor=ana),
        lambda: both.use("2.0", ana),
        lambda: both.drop("2.0", ana),
    ):
        with pytest.raises(Forbidden):
            act()


def test_what_a_set_brings_gives_nobody_notice_and_is_nobodys_claim(library, desk, core):
    who = person()
    with core.begin() as unit:
        kept = saved.save(
            unit, who, "shells", Asked(words="powershell", filters=Filters()), NOW, shared=False
        )
        saved.notify(unit, who, kept, on=True)
    library.take(ONE, "1.0")
    library.use("1.0")
    desk.add(indicator(10, "[file:name = 'x']", name="PowerShell"))
    intel.read_out(core, NOW)
    count_on(core)

    with core.read() as unit:
        [notice] = noticed.notices(
            unit,
            library.us,
            who,
            [saved.notice_of(who, one) for one in saved.followed(unit, who)],
            10,
        )
        voices = [row.voucher for row in unit.execute(select(tellers.c.voucher))]
    assert [hit.copy.object.type for hit in notice.hits] == ["indicator"]
    assert f"set:{NAME}" not in voices
