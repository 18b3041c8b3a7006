"""Questions have owners and answers; what is told of them is counted from what each person may read."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mithaq import intel
from mithaq.auth.actors import Forbidden, roles
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel.finding import noticed
from mithaq.intel.needs import answers, questions, requirements
from mithaq.intel.needs.questions import Sought, Standing, Terms
from mithaq.intel.needs.requirements import Handed
from mithaq.model.labels import Tlp
from mithaq.store import parties
from mithaq.store.parties import ActorRow
from mithaq.store.requirements import Row
from tests.rooms.intel.conftest import NOW, on_both, person
from tests.rooms.intel.test_finding import made, technique, tie
from tests.rooms.intel.test_service import desk, id_, tool

__all__ = ["desk"]
LATER = NOW + timedelta(days=40)


class Office:
    """Ask questions, let things come and look at what answers them."""

    def __init__(self, core, us, desk):
        self.core, self.us, self.desk = core, us, desk

    def ask(
        self,
        name,
        question="?",
        *,
        actor=None,
        level=Tlp.GREEN,
        owner="amal",
        priority=3,
        parent="",
        **terms,
    ):
        who = actor or person()
        sought = {key: terms.pop(key) for key in [*terms] if key in Sought.__struct_fields__}
        row = Row(
            name=name, parent=parent, owner=owner, priority=priority, level=int(level), terms="", made_at="",
            changed_at="",
        )  # fmt: skip
        with self.core.begin() as unit:
            text_ = Terms(question=question, sought=Sought(**sought), **terms)
            one = requirements.draft(unit, who, row, text_, NOW)
            requirements.keep(unit, who, one, NOW)
        return one

    def comes(self, *bodies, now=NOW, **more):
        self.desk.add(*bodies, **more)
        intel.read_out(self.core, now)

    def report(self, name, actor=None, now=NOW, most=10):
        who = actor or person()
        with self.core.read() as unit:
            return answers.report(
                unit, self.us, who, requirements.named(unit, who, name), now, most
            )

    def tagged(self, name, actor=None):
        return [
            each.copy.object.body.get("name", each.copy.object.id)
            for each in self.report(name, actor).tagged
        ]

    def do(self, verb, *args, actor=None, **more):
        with self.core.begin() as unit:
            return verb(unit, actor or person(), *args, **more)

    def tag(self, name, object_, *, off=False):
        with self.core.begin() as unit:
            one = requirements.named(unit, person(), name)
            return answers.tag(unit, self.us, person(), one, object_, NOW, off=off)

    def acts(self, name, actor=None):
        one = self.named(name)
        with self.core.read() as unit:
            return answers.acts(unit, self.us, actor or person(), one)

    def named(self, name, actor=None):
        return self.do(requirements.named, name, actor=actor)

    def gaps(self, now=NOW, actor=None):
        with self.core.read() as unit:
            found = answers.gaps(unit, self.us, actor or person(), now)
        return {each.requirement.name: each.reasons for each in found}

    def held(self, **sought):
        with self.core.read() as unit:
            return [
                c.object.id for c in answers.held(unit, self.us, person(), Sought(**sought), 10)
            ]

    def unread(self, actor=None):
        who = actor or person()
        with self.core.read() as unit:
            found = noticed.notices(unit, self.us, who, answers.followed(unit, self.us, who), 10)
        return {each.of.name: each.unread for each in found}


@pytest.fixture
def office(core, us, desk):
    """Return an office with two people."""
    with core.begin() as unit:
        for name, level in (("amal", "RED"), ("badr", "GREEN")):
            row = ActorRow(
                name=name, roles="analyst", clearance=level, public=name.encode(), added_at=""
            )
            parties.put_actor(unit, row)
    return Office(core, us, desk)


@on_both
def test_what_comes_is_tagged_to_each_question_it_answers_by_any_of_what_is_sought(office):
    place = made("location", 1, country="AS")
    office.ask(
        "طاقة", "هل تُستهدف شبكة الكهرباء؟", words=("الكهرباء", "power grid"), countries=("as",)
    )
    office.ask("shells", techniques=("T1059",), types=("tool",))
    office.ask("hash", values=(("domain", "evil.example"),))
    bad = made(
        "indicator", 5, name="Bad", pattern="[domain-name:value = 'evil.example']", pattern_type="stix",
        valid_from="2026-01-01T00:00:00Z",
    )  # fmt: skip
    office.comes(
        tool(1, name="شبكة الكَهْرَباء"), tool(2, name="Grid power"), tool(3), tool(4, name="PowerShell"), place, bad,
        technique(6, "PowerShell", "T1059.001"), tie(7, id_(3), place["id"]),
        tie(8, id_(4), "attack-pattern--00000000-0000-4000-8000-000000000006"),
    )  # fmt: skip

    assert set(office.tagged("طاقة")) == {"شبكة الكَهْرَباء", "Grid power", "tool 3", place["id"]}
    assert office.tagged("shells") == ["PowerShell"]
    assert office.tagged("hash") == ["Bad"]
    assert office.unread() == {"طاقة": 4, "shells": 1, "hash": 1}
    assert office.unread(replace(person(), name="badr")) == {}


@on_both
def test_what_a_person_says_of_an_object_stands_against_the_machine(office):
    office.comes(tool(9, name="old"))
    office.ask("tools", words=("tool",))
    assert office.held(words=("old",), types=("tool",)) == [id_(9)]
    office.comes(tool(1), tool(2))
    office.tag("tools", id_(1), off=True)
    office.tag("tools", id_(9))
    office.comes(tool(1, version="2026-02-01T00:00:00.000Z"))

    assert set(office.tagged("tools")) == {"tool 2", "old"}
    assert office.unread() == {"tools": 1}
    office.tag("tools", id_(1))
    assert len(office.tagged("tools")) == 3
    assert [each.act for each in office.acts("tools")] == ["made", "untagged", "tagged", "tagged"]


@on_both
def test_counts_and_sources_tell_nobody_of_what_they_may_not_read(office):
    office.ask("tools", words=("tool",))
    office.comes(tool(1), tlp=Tlp.AMBER)
    office.comes(tool(2), tlp=Tlp.GREEN, source=None)
    low = person(Tlp.GREEN)
    high, seen = office.report("tools"), office.report("tools", low)

    assert (high.count, seen.count, [each.count for each in seen.sources]) == (2, 1, [1])
    assert office.tagged("tools", low) == ["tool 2"]
    office.tag("tools", id_(1))
    assert office.report("tools", low).count == 1
    assert office.gaps(LATER, low) == {"tools": ["nothing-lately"]}


def test_a_question_is_seen_by_whom_it_is_marked_for(office):
    office.ask("secret", "what do we not know?", level=Tlp.AMBER_STRICT)
    office.ask("part", parent="secret", level=Tlp.CLEAR)
    office.ask("open")
    low = person(Tlp.GREEN)

    assert [each.name for each in office.do(requirements.every, actor=low)] == ["open"]
    assert [each.name for each in office.do(requirements.every)] == ["open", "secret", "part"]
    for name in ("secret", "part", "none"):
        with pytest.raises(NotFound):
            office.named(name, low)
    assert office.named("part").row.level == Tlp.AMBER_STRICT
    with pytest.raises(InputError):
        office.ask("too high", owner="badr", level=Tlp.AMBER)
    with pytest.raises(InputError):
        office.do(
            requirements.revised, office.named("secret"), office.named("secret").terms, Handed(owner="badr")
        )  # fmt: skip


def test_a_part_names_what_it_is_a_part_of_so_it_never_bears_less(office):
    office.ask("whole", level=Tlp.AMBER)
    office.ask("part", parent="whole", level=Tlp.AMBER)
    whole, part = office.named("whole"), office.named("part")

    for one, level in ((part, Tlp.GREEN), (whole, Tlp.AMBER_STRICT)):
        with pytest.raises(InputError) as refused:
            office.do(requirements.revised, one, one.terms, Handed(level=level))
        assert refused.value.facts["cause"] == "level"
    new, _ = office.do(requirements.revised, part, part.terms, Handed(level=Tlp.AMBER_STRICT))
    office.do(requirements.keep_revised, new, NOW)
    office.do(requirements.revised, whole, whole.terms, Handed(level=Tlp.AMBER_STRICT))


def test_who_tagged_what_is_told_to_whom_may_read_it(office):
    office.comes(tool(1), tlp=Tlp.AMBER)
    office.comes(tool(2), tlp=Tlp.GREEN)
    office.ask("tools")
    for number in (1, 2):
        office.tag("tools", id_(number))

    def told(actor):
        return [(each.act, each.said.get("object", "")) for each in office.acts("tools", actor)]

    assert told(person(Tlp.GREEN)) == [("made", ""), ("tagged", id_(2))]
    assert told(person()) == [("made", ""), ("tagged", id_(1)), ("tagged", id_(2))]


def test_a_question_is_revised_with_what_differs_and_seeks_what_it_says_from_then_on(office):
    office.ask("tools", words=("tool",))
    office.comes(tool(1))
    one = office.named("tools")
    terms = requirements.with_said(one.terms, {"why": "budget"}, {"words": ("other",)})
    new, changes = office.do(requirements.revised, one, terms, Handed(priority=1, level=Tlp.AMBER))
    office.do(requirements.keep_revised, new, NOW)
    office.comes(tool(2), tool(3, name="other"))

    assert {each.field for each in changes} == {"why", "words", "priority", "level"}
    assert (changes[-1].before, changes[-1].after) == ("TLP:GREEN", "TLP:AMBER")
    assert set(office.tagged("tools")) == {"tool 1", "other"}
    with pytest.raises(InputError):
        office.do(requirements.revised, new, terms, Handed())


def test_an_answered_question_is_no_gap_and_a_retired_one_seeks_nothing(office):
    office.ask("tools", words=("tool",))
    one = office.named("tools")
    office.do(requirements.answer, one, "yes", NOW)
    office.comes(tool(1))
    assert (office.gaps(LATER), office.tagged("tools")) == ({}, ["tool 1"])
    office.do(requirements.retire, office.named("tools"), NOW)
    office.comes(tool(2))
    retired = office.named("tools")

    assert (retired.row.state, retired.row.answer) == ("retired", "yes")
    assert (office.tagged("tools"), office.unread()) == (["tool 1"], {})
    for verb in (requirements.retire, lambda *args: requirements.answer(*args[:-1], "no", NOW)):
        with pytest.raises(Conflict):
            office.do(verb, retired, NOW)
    with pytest.raises(Conflict):
        office.do(requirements.revised, retired, retired.terms, Handed())
    office.do(requirements.reopen, retired, NOW)
    office.comes(tool(3))
    assert set(office.tagged("tools")) == {"tool 1", "tool 3"}
    with pytest.raises(Conflict):
        office.do(requirements.reopen, office.named("tools"), NOW)
    with pytest.raises(InputError):
        office.do(requirements.answer, office.named("tools"), " ", NOW)


def test_how_soon_it_was_tagged_is_measured(office):
    office.ask("tools", words=("tool",))
    office.comes(tool(1), now=NOW + timedelta(seconds=3))

    assert office.report("tools").seconds == (3.0, 3.0)


def test_questions_hold_together(office):
    office.ask("tools")
    for bad in (
        {"name": "a b"},
        {"name": ""},
        {"name": "x" * 61},
        {"priority": 6},
        {"question": " "},
    ):
        with pytest.raises(InputError):
            office.ask(**{"name": "fine"} | bad)
    with pytest.raises(InputError):
        office.ask("fine", valid_from="2026-02-01", valid_until="2026-01-01")
    with pytest.raises(InputError):
        office.ask("fine", words=tuple(map(str, range(questions.MOST + 1))))
    with pytest.raises(Conflict):
        office.ask("tools")
    with pytest.raises(Forbidden):
        office.ask("fine", actor=replace(person(), roles=roles(["liaison"])))


DAY = timedelta(days=1)
SEEKS = Sought(words=("x",))


@pytest.mark.parametrize(
    ("terms", "stands", "reasons"),
    [
        ({"sought": SEEKS}, {}, ["nothing-came"]),
        ({}, {}, ["not-sought"]),
        ({}, {"parts": 1}, []),
        ({"sought": SEEKS}, {"count": 2, "last": text(NOW), "sources": 2}, []),
        ({"sought": SEEKS}, {"count": 2, "last": text(NOW), "sources": 1}, ["one-source"]),
        (
            {"sought": SEEKS},
            {"count": 2, "last": text(NOW - 31 * DAY), "sources": 2},
            ["nothing-lately"],
        ),
        (
            {"sought": SEEKS, "within_days": 40},
            {"count": 2, "last": text(NOW - 31 * DAY), "sources": 2},
            [],
        ),
        ({"sought": SEEKS, "valid_until": text(NOW)}, {}, ["lapsed"]),
        ({"sought": SEEKS, "valid_from": text(NOW + DAY)}, {}, []),
        ({"review_by": text(NOW)}, {"parts": 1}, ["review-due"]),
        ({}, {"parts": 1, "waiting": (text(NOW), "")}, ["no-reply"]),
        ({}, {"parts": 1, "waiting": (text(NOW + DAY),)}, []),
    ],
)
def test_a_gap_says_why_it_is_one(terms, stands, reasons):
    standing = Standing(**{"count": 0, "last": "", "sources": 0, "parts": 0} | stands)

    assert questions.reasons(Terms(question="?", **terms), standing, NOW, text(NOW)) == reasons
