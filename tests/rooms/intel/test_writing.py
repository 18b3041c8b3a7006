"""What analysts write: who may change what, what a text bears, and that no version is lost."""

import json
from datetime import timedelta

import pytest

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.errors import InputError, NotFound
from mithaq.formats import BUILT_IN
from mithaq.intel import NotOurs, Overtaken, Terms
from mithaq.intel.authoring.drafts import Revoked
from mithaq.model.labels import Beside, Pap, Tlp
from tests.rooms.intel.conftest import NOW, person
from tests.rooms.intel.test_service import id_, tool

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def desk(core, us):
    """Write and read as an analyst does."""

    class Desk:
        def new(self, type_, tlp=Tlp.GREEN, actor=None, beside=None, **given):
            terms = Terms(beside=beside or Beside(tlp=tlp))
            with core.begin() as unit:
                draft = intel.new(unit, us, actor or person(), type_, given, NOW, terms=terms)
                return intel.store(unit, us, actor or person(), draft, NOW)

        def tool(self, **more):
            return self.new("tool", **{"name": "مطرقة", **more})

        def draft(self, verb, *args, actor=None, now=LATER, **more):
            with core.read() as unit:
                return verb(unit, us, actor or person(), *args, now, **more)

        def store(self, draft, actor=None):
            with core.begin() as unit:
                return intel.store(unit, us, actor or person(), draft, LATER)

        def set(self, copy, beside=None, actor=None, **given):
            terms = Terms(beside=beside or Beside())
            name = copy.object.id
            draft = self.draft(intel.revised, name, given, actor=actor, terms=terms)
            return self.store(draft, actor)

        def versions(self, copy, actor=None):
            with core.read() as unit:
                return intel.versions(unit, us, actor or person(), copy.object.id)

        def received(self, *bodies, tlp=Tlp.GREEN, community=None):
            with core.read() as unit:
                source = intel.source(unit, "report", community)
            incoming = intel.Incoming(
                raw=json.dumps({"objects": list(bodies)}).encode(),
                source=source,
                beside=Beside(tlp=tlp),
            )
            added = intel.add(core, us, person(), incoming, NOW, formats=BUILT_IN)
            with core.read() as unit:
                return [intel.versions(unit, us, person(), str(n))[0] for n in added.stored]

    return Desk()


def test_what_is_written_is_ours_by_its_author_and_bears_its_level_in_its_bytes(desk):
    copy = desk.tool(beside=Beside(tlp=Tlp.AMBER, pap=Pap.GREEN, releasable_to=frozenset({"B"})))

    assert (copy.standing, copy.author, copy.level) == ("own", "amal", Tlp.AMBER)
    assert intel.marking(copy) == "TLP:AMBER"
    assert len(copy.object.marking_refs) == 2
    assert copy.beside == Beside(releasable_to=frozenset({"B"}))


def test_without_a_level_it_stays_unmarked(desk):
    assert intel.marking(desk.tool(tlp=None)) == ""


def test_who_may_not_speak_for_us_writes_nothing(desk):
    auditor = person(Tlp.RED, "auditor")
    copy = desk.tool()

    with pytest.raises(Forbidden):
        desk.tool(actor=auditor)
    for verb, args in ((intel.revised, ({"name": "x"},)), (intel.revoked, ())):
        with pytest.raises(Forbidden):
            desk.draft(verb, copy.object.id, *args, actor=person(Tlp.RED, "liaison"))
    with pytest.raises(Forbidden):
        desk.store(desk.draft(intel.revoked, copy.object.id), actor=auditor)


def test_an_observable_that_is_here_already_is_the_same(desk):
    one, two = (desk.new("domain-name", value="evil.example") for _ in range(2))

    assert one.seq == two.seq


def test_every_change_is_a_version_and_earlier_ones_stay(desk):
    copy = desk.tool()
    desk.set(copy, description="أثقل")
    desk.set(copy, name="hammer")

    found = desk.versions(copy)

    assert [c.object.body["name"] for c in found] == ["hammer", "مطرقة", "مطرقة"]
    assert found[0].object.body["description"] == "أثقل"
    assert [intel.marking(c) for c in found] == ["TLP:GREEN"] * 3
    assert len({c.object.version for c in found}) == 3


def test_two_who_change_the_same_version_do_not_overwrite_each_other(desk):
    copy = desk.tool()
    one = desk.draft(intel.revised, copy.object.id, {"name": "one"})
    two = desk.draft(intel.revised, copy.object.id, {"description": "two"})
    desk.store(one)

    with pytest.raises(Overtaken):
        desk.store(two)
    with pytest.raises(Overtaken, match="newer version"):
        desk.draft(intel.revised, str(copy.seq), {"name": "three"})

    assert desk.versions(copy)[0].object.body["name"] == "one"


def test_a_newer_version_that_one_may_not_read_is_not_written_over(desk):
    low = person(Tlp.GREEN)
    copy = desk.tool()
    desk.set(copy, Beside(tlp=Tlp.RED), description="secret")

    for name in (copy.object.id, str(copy.seq)):
        with pytest.raises(NotFound):
            desk.draft(intel.revised, name, {"name": "x"}, actor=low)
    assert [c.seq for c in desk.versions(copy, low)] == [copy.seq]


def test_a_revision_bears_what_stood_there_unless_another_marking_is_given(desk):
    copy = desk.tool(beside=Beside(tlp=Tlp.AMBER, embargo="2026-04-01T00:00:00.000Z"))

    kept = desk.set(copy, name="a")
    raised = desk.set(copy, Beside(tlp=Tlp.RED, pap=Pap.RED), name="b")
    lowered = desk.set(copy, Beside(tlp=Tlp.CLEAR, originator_control=True))

    assert (intel.marking(kept), kept.beside) == ("TLP:AMBER", copy.beside)
    assert intel.marking(raised) == "TLP:RED"
    assert intel.marking(lowered) == "TLP:CLEAR"
    assert lowered.beside.embargo == "2026-04-01T00:00:00.000Z"
    assert lowered.beside.originator_control
    assert lowered.object.body["name"] == "b"


def test_a_level_beside_the_bytes_gives_way_to_a_new_one(desk, core, us):
    copy = desk.tool(tlp=None)
    with core.begin() as unit:
        beside = Beside(tlp=Tlp.AMBER, pap=Pap.RED)
        intel.mark(unit, us, person(), copy.object.id, beside, NOW)

    lowered = desk.set(copy, Beside(tlp=Tlp.GREEN))

    assert (intel.marking(lowered), lowered.beside) == ("TLP:GREEN", Beside(pap=Pap.RED))


def test_only_our_own_word_is_changed(desk):
    [theirs] = desk.received(tool(1))

    with pytest.raises(NotOurs):
        desk.draft(intel.revised, id_(1), {"name": "x"})
    with pytest.raises(NotOurs):
        desk.draft(intel.revoked, str(theirs.seq))
    with pytest.raises(NotFound):
        desk.draft(intel.revoked, id_(2))


def test_nothing_follows_a_revocation(desk):
    copy = desk.tool()
    desk.store(desk.draft(intel.revoked, copy.object.id))

    assert desk.versions(copy)[0].object.body["revoked"] is True
    for verb, args in ((intel.revised, ({"name": "x"},)), (intel.restored, (str(copy.seq),))):
        with pytest.raises(Revoked):
            desk.draft(verb, copy.object.id, *args)


def test_an_earlier_version_is_said_again_under_the_marking_of_now(desk):
    copy = desk.tool(description="first")
    desk.set(copy, Beside(tlp=Tlp.AMBER), description=None, labels=["x"])

    again = desk.store(desk.draft(intel.restored, copy.object.id, copy.object.version))

    assert again.object.body["description"] == "first"
    assert "labels" not in again.object.body
    assert intel.marking(again) == "TLP:AMBER"
    with pytest.raises(NotFound):
        desk.draft(intel.restored, copy.object.id, "2020-01-01T00:00:00.000Z")


def test_the_history_tells_each_version_and_nothing_that_is_hidden(desk, core, us):
    copy = desk.tool()
    desk.set(copy, Beside(tlp=Tlp.RED), description="secret")
    desk.set(copy, Beside(tlp=Tlp.GREEN), description=None, name="x")
    desk.received(tool(1), tool(1, version="2026-02-01T00:00:00.000Z", labels=["a"]))

    def told(name, actor):
        with core.read() as unit:
            return [
                (each.first, [c.field for c in each.changes], each.copy.author)
                for each in intel.history(unit, us, actor, name)
            ]

    low = told(copy.object.id, person(Tlp.GREEN))
    assert low == [(True, [], "amal"), (False, ["name"], "amal")]
    assert len(told(copy.object.id, person())) == 3
    assert [fields for _, fields, _ in told(id_(1), person())] == [[], ["labels"]]
    with pytest.raises(NotFound):
        told(id_(2), person())


# --- texts about objects -------------------------------------------------------------------------
def test_a_note_bears_at_least_what_it_is_about(desk):
    copy = desk.tool(
        beside=Beside(tlp=Tlp.AMBER, pap=Pap.GREEN, embargo="2026-04-01T00:00:00.000Z")
    )

    note = desk.new("note", tlp=None, content="انتبه", object_refs=[copy.object.id])
    raised = desk.new("note", tlp=Tlp.RED, content="x", object_refs=[copy.object.id])

    assert intel.marking(note) == "TLP:AMBER"
    assert note.beside == Beside(embargo="2026-04-01T00:00:00.000Z")
    assert intel.marking(raised) == "TLP:RED"
    for beside in (Beside(tlp=Tlp.GREEN), Beside(pap=Pap.CLEAR)):
        with pytest.raises(InputError, match="what it is about"):
            desk.new("note", beside=beside, content="x", object_refs=[copy.object.id])


def test_a_note_follows_what_it_is_about_when_that_is_raised(desk):
    copy = desk.tool()
    note = desk.new("note", content="x", object_refs=[copy.object.id])
    desk.set(copy, Beside(tlp=Tlp.AMBER))

    assert intel.marking(desk.set(note, content="y")) == "TLP:AMBER"
    assert intel.marking(desk.set(note, content="z")) == "TLP:AMBER"


def test_a_note_on_what_one_may_not_read_is_not_written(desk):
    copy = desk.tool()
    desk.set(copy, Beside(tlp=Tlp.RED))
    refs = {"object_refs": [copy.object.id]}

    with pytest.raises(NotFound):
        desk.new("note", actor=person(Tlp.GREEN), content="x", **refs)
    with pytest.raises(NotFound):
        desk.new("opinion", opinion="agree", object_refs=[id_(9)])


@pytest.mark.parametrize(
    ("level", "community", "reach"),
    [
        (Tlp.CLEAR, None, None),
        (Tlp.GREEN, None, {"file:report"}),
        (Tlp.GREEN, {"borealis"}, {"file:report", "borealis"}),
        (Tlp.AMBER, {"borealis"}, {"file:report"}),
    ],
)
def test_a_note_on_anothers_object_reaches_whom_that_may_reach(desk, level, community, reach):
    desk.received(tool(1), tlp=level, community=frozenset(community) if community else None)

    note = desk.new("note", tlp=None, content="x", object_refs=[id_(1)])

    assert note.standing == "own"
    assert note.beside.releasable_to == (None if reach is None else frozenset(reach))


def test_what_a_person_names_is_found_once_each(desk, core, us):
    one, two = desk.tool(), desk.tool()
    with core.read() as unit:
        found = intel.targets(unit, us, person(), [str(two.seq), one.object.id, two.object.id])
        assert [c.seq for c in found] == [two.seq, one.seq]
        with pytest.raises(NotFound):
            intel.targets(unit, us, person(), ["99"])
