"""What our people add, find and mark; and what those without the clearance never see."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.errors import InputError, NotFound
from mithaq.formats import BUILT_IN
from mithaq.intel import rules
from mithaq.model.labels import Beside, Tlp
from mithaq.store.engine import Store
from tests.rooms.intel.conftest import NOW, person


def tool(number, version="2026-01-01T00:00:00.000Z", **more):
    body = {"type": "tool", "spec_version": "2.1", "name": f"tool {number}"}
    body |= {"id": f"tool--00000000-0000-4000-8000-{number:012d}"}
    return {**body, "created": "2026-01-01T00:00:00.000Z", "modified": version, **more}


def id_(number):
    return tool(number)["id"]


def link(number, source, target):
    body = tool(number) | {"type": "relationship", "relationship_type": "related-to"}
    body |= {"id": f"relationship--00000000-0000-4000-8000-{number:012d}"}
    del body["name"]
    return body | {"source_ref": id_(source), "target_ref": id_(target)}


@pytest.fixture
def desk(core, us):
    """Add objects, each call one file of the source ``report``."""

    class Desk:
        def add(self, *bodies, tlp=Tlp.GREEN, actor=None, own=False, ticks=None, now=NOW, **more):
            raw = more.pop("raw", None) or json.dumps({"objects": list(bodies)}).encode()
            from_ = more.pop("source", None) or self.source("report")
            incoming = intel.Incoming(
                raw=raw, source=from_, beside=Beside(tlp=tlp), own=own, **more
            )
            return intel.add(
                core,
                us,
                actor or person(),
                incoming,
                now,
                formats=BUILT_IN,
                progress=None if ticks is None else lambda *at: ticks.append(at),
            )

        def source(self, *args):
            with core.read() as unit:
                return intel.source(unit, *args)

        def ask(self, verb, *args, actor=None, **more):
            with core.read() as unit:
                return verb(unit, us, actor or person(), *args, **more)

        def change(self, verb, *args, actor=None):
            with core.begin() as unit:
                return verb(unit, us, actor or person(), *args, NOW)

    return Desk()


def test_what_is_added_is_found_again_and_a_second_time_is_known(desk):
    first = desk.add(tool(1), tool(2))
    again = desk.add(tool(1), tool(3))

    assert (len(first.stored), first.known, first.rejected) == (2, 0, [])
    assert (len(again.stored), again.known) == (1, 1)
    assert [c.object.id for c in desk.ask(intel.search, "TOOL 1")] == [id_(1)]


def test_each_refusal_says_what_where_and_why_and_neighbours_go_on(desk):
    added = desk.add(tool(1), tool(2, version="yesterday"), tool(3))

    [refusal] = added.rejected
    assert len(added.stored) == 2
    assert refusal.id == id_(2)
    assert refusal.code.startswith("stix-")
    assert "object 1" in refusal.where
    assert "/modified" in refusal.where
    assert refusal.why


def test_a_big_file_is_added_in_units_with_progress(desk, monkeypatch):
    monkeypatch.setattr(rules.parts, "__defaults__", (2,))
    ticks = []

    added = desk.add(*(tool(n) for n in range(5)), ticks=ticks)

    assert len(added.stored) == 5
    assert ticks == [(2, 5), (4, 5), (5, 5)]


def test_a_long_list_is_added_in_units_with_progress_by_its_lines(desk, monkeypatch):
    monkeypatch.setattr(rules, "LINES", 2)
    ticks = []

    added = desk.add(raw=b"# c\n198.51.100.1\n198.51.100.2\nx\n198.51.100.3\n", ticks=ticks)

    assert (len(added.stored), [each.where for each in added.rejected]) == (3, ["line 4"])
    assert ticks == [(3, 6), (6, 6)]


def test_a_list_that_somebody_adds_meanwhile_is_known_and_not_here_twice(desk, monkeypatch):
    raw, source, theirs = b"a.example\nb.example\n", desk.source("report"), []
    reading = Store.read

    @contextmanager
    def read(store):
        with reading(store) as unit:
            yield unit
        if not theirs:
            theirs.append(None)
            theirs.append(desk.add(raw=raw, source=source, now=NOW - timedelta(seconds=1)))

    monkeypatch.setattr(Store, "read", read)
    ours = desk.add(raw=raw, source=source)

    assert (len(theirs[1].stored), len(ours.stored), ours.known) == (2, 0, 2)


def test_each_line_of_a_list_that_stays_outside_is_named_by_its_number(desk):
    long = "http://evil.example/" + "x" * 4000
    raw = f"value,tlp,name\n{long},GREEN,a\nevil.example,PURPLE,b\nb.example,,c\n"

    added = desk.add(raw=raw.encode())

    assert len(added.stored) == 2
    [refusal] = added.rejected
    assert (refusal.id, refusal.code, refusal.where) == ("", "list-tlp", "line 3")
    assert "CLEAR" in refusal.why  # what would have been understood


def test_how_many_of_a_file_are_unmarked_is_counted(desk):
    added = desk.add(raw=b"value,tlp\na.example,AMBER\nb.example,\nc.example,\n", tlp=None)

    assert (len(added.stored), added.unmarked, added.unreadable) == (3, 2, 0)


def test_reading_stops_at_the_clearance_on_every_verb(desk):
    desk.add(tool(1), tlp=Tlp.GREEN)
    desk.add(tool(2), link(9, 1, 2), tlp=Tlp.RED)
    low = person(Tlp.GREEN)

    [seen] = desk.ask(intel.search, actor=low)
    related = desk.ask(intel.relate, seen, actor=low)

    assert seen.object.id == id_(1)
    assert related == []  # the link that names it is RED
    for ask in (intel.versions, lambda u, us, a, n: intel.worked_on(u, us, a, names=[n])):
        with pytest.raises(NotFound):
            desk.ask(ask, id_(2), actor=low)
    assert len(desk.ask(intel.worked_on, actor=low, source="report")) == 1
    assert len(desk.ask(intel.recent, NOW, actor=low)) == 1


def test_what_may_not_be_read_is_told_like_what_is_not_there(desk):
    desk.add(tool(2), tlp=Tlp.RED)
    low = person(Tlp.GREEN)

    with pytest.raises(NotFound) as hidden:
        desk.ask(intel.versions, id_(2), actor=low)
    with pytest.raises(NotFound) as absent:
        desk.ask(intel.versions, id_(7), actor=low)

    assert str(hidden.value).replace(id_(2), "") == str(absent.value).replace(id_(7), "")
    assert type(hidden.value) is type(absent.value)


def test_relations_are_shown_in_both_directions(desk):
    desk.add(tool(1), tool(2), link(9, 1, 2))

    [one] = desk.ask(intel.versions, id_(1))
    [line] = desk.ask(intel.versions, link(9, 1, 2)["id"])
    to_one = desk.ask(intel.relate, one)
    of_line = desk.ask(intel.relate, line)

    assert [(r.direction, r.pointer, r.id) for r in to_one] == [
        ("from", "/source_ref", line.object.id)
    ]
    assert {(r.direction, r.pointer, r.copy.object.id) for r in of_line} == {
        ("to", "/source_ref", id_(1)),
        ("to", "/target_ref", id_(2)),
    }


def test_what_is_named_and_not_here_is_shown_as_such(desk):
    desk.add(link(9, 1, 2))

    [line] = desk.ask(intel.versions, link(9, 1, 2)["id"])

    assert [r.copy for r in desk.ask(intel.relate, line)] == [None, None]


def test_work_is_done_on_the_newest_copy_of_an_id(desk):
    desk.add(tool(1))
    newer = desk.add(tool(1, version="2026-02-01T00:00:00.000Z")).stored[0]

    assert desk.ask(intel.worked_on, names=[id_(1)]) == [newer]
    assert desk.ask(intel.worked_on, source="report") == [newer]
    assert [c.object.version[:7] for c in desk.ask(intel.versions, id_(1))] == [
        "2026-02",
        "2026-01",
    ]


def test_a_newer_version_that_may_not_be_read_hides_the_older_one_from_work(desk):
    desk.add(tool(1), tlp=Tlp.GREEN)
    desk.add(tool(1, version="2026-02-01T00:00:00.000Z"), tlp=Tlp.RED)

    assert desk.ask(intel.worked_on, actor=person(Tlp.GREEN), names=[id_(1)]) == []


def test_a_number_names_exactly_one_copy(desk):
    old = desk.add(tool(1)).stored[0]
    desk.add(tool(1, version="2026-02-01T00:00:00.000Z"))

    assert desk.ask(intel.worked_on, names=[str(old)]) == [old]


@pytest.mark.parametrize("names", [["nonsense"], ["tool--1"], []])
def test_what_is_neither_id_nor_number_is_refused(desk, names):
    with pytest.raises(InputError):
        desk.ask(intel.worked_on, names=names)


def test_an_unknown_source_is_not_found(desk):
    with pytest.raises(NotFound):
        desk.ask(intel.worked_on, source="nobody")


def test_only_who_may_import_imports(desk):
    with pytest.raises(Forbidden):
        desk.add(tool(1), actor=person(Tlp.RED, "auditor"))

    assert desk.ask(intel.search) == []


@pytest.mark.parametrize(
    "verb",
    [
        intel.search,
        lambda u, us, a: intel.versions(u, us, a, "1"),
        lambda u, us, a: intel.worked_on(u, us, a, names=["1"]),
        lambda u, us, a: intel.recent(u, us, a, NOW),
    ],
)
def test_who_keeps_the_machine_reads_nothing(desk, verb):
    desk.add(tool(1))

    with pytest.raises(Forbidden):
        desk.ask(verb, actor=person(Tlp.RED, "operator", "auditor"))


def test_a_marking_goes_beside_our_own_object_and_gates_reading(desk):
    [mine] = desk.add(tool(1), own=True, tlp=None).stored

    marked = desk.change(intel.mark, id_(1), Beside(tlp=Tlp.RED))

    assert marked.beside.tlp is Tlp.RED
    assert intel.marking(marked) == "TLP:RED"
    assert desk.ask(intel.search, actor=person(Tlp.AMBER)) == []
    assert [c.seq for c in desk.ask(intel.search)] == [mine]


def test_an_id_that_several_vouch_for_is_marked_by_number(desk):
    desk.add(tool(1))
    [mine] = desk.add(tool(1), own=True).stored

    with pytest.raises(InputError, match="numbers"):
        desk.change(intel.mark, id_(1), Beside(tlp=Tlp.RED))

    assert desk.change(intel.mark, str(mine), Beside(tlp=Tlp.RED)).seq == mine


def test_a_source_keeps_its_terms_until_others_are_given(desk):
    desk.add(tool(1), source=desk.source("report", frozenset({"borea"})))

    kept, changed = desk.source("report"), desk.source("report", frozenset({"caria"}))
    ended, other = desk.source("report", frozenset()), desk.source("other")

    assert kept.community == {"borea"}
    assert changed.community == {"caria"}
    assert ended.community is other.community is None


def test_a_marking_defined_at_the_end_of_a_big_file_holds_for_its_beginning(desk, monkeypatch):
    monkeypatch.setattr(rules.parts, "__defaults__", (1,))
    statement = "marking-definition--00000000-0000-4000-8000-000000000001"
    definition = {"type": "marking-definition", "spec_version": "2.1", "id": statement}
    definition |= {"created": "2026-01-01T00:00:00.000Z", "definition_type": "statement"}
    definition |= {"definition": {"statement": "Copyright somebody"}}

    added = desk.add(tool(1, object_marking_refs=[statement]), definition)

    assert (added.rejected, len(added.stored), added.unreadable) == ([], 1, 0)
    assert [intel.marking(copy) for copy in desk.ask(intel.search)] == ["TLP:GREEN"]
