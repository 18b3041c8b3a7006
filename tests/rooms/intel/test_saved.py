"""People save searches and have notice of what meets them; nobody learns of what they may not read."""

import pytest

from mithaq import intel
from mithaq.auth.actors import Actor, roles
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel import Filters
from mithaq.intel.finding import noticed, saved
from mithaq.intel.finding.saved import Asked
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.observed import read
from tests.rooms.intel.conftest import NOW, on_both, person
from tests.rooms.intel.test_finding import made, technique, tie
from tests.rooms.intel.test_service import desk, id_, tool

__all__ = ["desk"]


@pytest.fixture
def office(core, us, desk):
    """Save searches, let things come and look at notices."""

    class Office:
        def save(self, name, *words, actor=None, notify=True, value=None, shared=False, **filters):
            who = actor or person()
            with core.begin() as unit:
                asked = Asked(words=" ".join(words), value=value, filters=Filters(**filters))
                one = saved.save(unit, who, name, asked, NOW, shared=shared)
                if notify:
                    saved.notify(unit, who, one, on=True)
            return one

        def comes(self, *bodies, **more):
            desk.add(*bodies, **more)
            intel.read_out(core, NOW)

        def told(self, actor=None, most=10):
            who = actor or person()
            with core.read() as unit:
                mine = [saved.notice_of(who, one) for one in saved.followed(unit, who)]
                found = noticed.notices(unit, us, who, mine, most)
            return {
                each.of.name: [
                    h.copy.object.body.get("name", h.copy.object.id)
                    for h in each.hits
                    if not h.read
                ]
                for each in found
            }

        def counts(self, actor=None):
            who = actor or person()
            with core.read() as unit:
                mine = [saved.notice_of(who, one) for one in saved.followed(unit, who)]
                return sum(each.unread for each in noticed.notices(unit, us, who, mine, 0))

        def do(self, verb, *args, **more):
            with core.begin() as unit:
                return verb(unit, *args, **more)

    return Office()


def other(name, level=Tlp.RED):
    return Actor(name=name, roles=roles(["analyst"]), clearance=Clearance(tlp=level))


def test_only_what_comes_afterwards_is_told_in_any_script(office):
    office.comes(tool(1, name="هجوم على قطاع الطاقة"))
    office.save("energy", "الطاقه", "قِطاع")
    office.comes(tool(2, name="قطاع الطّاقة"), tool(3, name="قطاع المياه"))

    assert office.told() == {"energy": ["قطاع الطّاقة"]}
    assert office.counts() == 1


def test_a_value_is_told_of_whoever_speaks_of_it(office):
    value = tuple(read("a" * 64))
    office.save("hash", value=value)
    pattern = f"[file:hashes.'SHA-256' = '{'a' * 64}']"
    office.comes(
        made("indicator", 4, name="Bad", pattern=pattern, pattern_type="stix", valid_from="2026-01-01T00:00:00Z"),
        tool(5),
    )  # fmt: skip

    assert office.told() == {"hash": ["Bad"]}


@on_both
def test_whoever_loses_clearance_loses_the_notices_and_their_number(office):
    office.save("tools", "tool")
    office.comes(tool(1), tlp=Tlp.AMBER)
    office.comes(tool(2), tlp=Tlp.GREEN)

    assert (
        office.counts(),
        office.counts(person(Tlp.GREEN)),
        office.counts(person(Tlp.CLEAR)),
    ) == (2, 1, 0)
    assert office.told(person(Tlp.GREEN)) == {"tools": ["tool 2"]}
    assert office.told(person(Tlp.CLEAR)) == {"tools": []}


def test_a_newer_version_that_may_not_be_read_takes_the_notice_of_the_older_away(office):
    office.save("tools", "tool")
    office.comes(tool(1), tlp=Tlp.GREEN)
    office.comes(tool(1, version="2026-02-01T00:00:00.000Z"), tlp=Tlp.RED)

    assert office.counts(person(Tlp.AMBER)) == 0


LOOSE = tool(9, name="Loose")
SHELL = technique(1, "PowerShell", "T1059.001")


@pytest.mark.parametrize(
    "order",
    [
        (LOOSE, SHELL, tie(7, id_(9), SHELL["id"])),
        (LOOSE, tie(7, id_(9), SHELL["id"]), SHELL),
        (tie(7, id_(9), SHELL["id"]), SHELL, LOOSE),
    ],
)
def test_what_a_relationship_ties_to_a_technique_is_told_in_whatever_order_they_come(office, order):
    for asked in ("T1059", "powershell"):
        office.save(asked, technique=asked, type="tool")
    for body in order:
        office.comes(body)

    assert office.told() == {"T1059": ["Loose"], "powershell": ["Loose"]}
    assert office.counts() == 2


@on_both
def test_a_tie_that_may_not_be_read_tells_nothing(office):
    office.save("shells", technique="T1059", type="tool")
    office.comes(LOOSE, SHELL, tlp=Tlp.GREEN)
    office.comes(tie(7, id_(9), SHELL["id"]), tlp=Tlp.AMBER)

    assert office.told(person(Tlp.GREEN)) == {"shells": []}
    assert office.told() == {"shells": ["Loose"]}


def test_what_is_about_a_country_or_a_sector_is_told(office):
    place = made("location", 1, country="AS")
    maker = made("identity", 2, name="Maker", identity_class="organization", sectors=["energy"])
    office.save("here", country="as", type="tool")
    office.save("power", sector="Energy", type="tool")
    office.comes(place, maker, tool(1), tool(2), tool(3, created_by_ref=maker["id"]))
    office.comes(tie(7, id_(1), place["id"]), tie(8, id_(2), maker["id"]))

    assert office.told() == {"here": ["tool 1"], "power": ["tool 2"]}


@on_both
def test_what_was_read_is_not_told_again_and_another_person_reads_for_themselves(office, us):
    one = office.save("tools", "tool", shared=True)
    badr = other("badr")
    office.do(saved.notify, badr, one, on=True)
    office.comes(tool(1), tool(2), tool(3))
    with pytest.raises(NotFound):
        office.do(saved.own, badr, "tools")
    office.do(noticed.mark_read, us, person(), [saved.notice_of(person(), one)], [1])
    first = office.counts()
    office.do(noticed.mark_read, us, person(), [saved.notice_of(person(), one)], None)

    assert (first, office.counts(), office.counts(badr)) == (2, 0, 3)
    office.do(saved.share, one, shared=False)
    assert office.counts(badr) == 0


def test_who_reads_all_has_not_read_what_they_may_not_read(office, us):
    one = office.save("tools", "tool")
    office.comes(tool(1), tlp=Tlp.AMBER)
    office.comes(tool(2), tlp=Tlp.GREEN)
    for numbers in (None, [1, 2]):
        mine = [saved.notice_of(person(), one)]
        office.do(noticed.mark_read, us, person(Tlp.GREEN), mine, numbers)

    assert (office.counts(person(Tlp.GREEN)), office.counts(person(Tlp.AMBER))) == (0, 1)


def test_a_search_has_a_name_of_its_owners_and_asks_for_something(office, monkeypatch):
    monkeypatch.setattr(saved, "MOST_KEPT", 2)
    office.save("tools", "tool", shared=True)
    badr = other("badr")
    office.save("tools", "tool", actor=badr)
    assert office.do(saved.named, badr, "tools").owner == "badr"
    assert office.do(saved.named, badr, "amal/tools").owner == "amal"

    for name in ("", " x", "a/b", "x" * 101):
        with pytest.raises(InputError):
            office.save(name, "tool")
    with pytest.raises(InputError):
        office.save("all")
    with pytest.raises(Conflict):
        office.save("tools", "tool")
    office.save("more", "tool")
    with pytest.raises(Conflict):
        office.save("too many", "tool")
    with pytest.raises(NotFound):
        office.do(saved.named, badr, "more")


@on_both
def test_a_saved_search_runs_again_over_all_that_is_held(office, us):
    office.comes(tool(1))
    words = office.save("tools", "tool", notify=False)
    value = office.save("value", value=("domain", "evil.example"))
    office.do(saved.rename, person(), words, "others")

    renamed = office.do(saved.named, person(), "others")
    assert [each.object.id for each in office.do(saved.run, us, person(), renamed)] == [id_(1)]
    assert office.do(saved.run, us, person(), value) == []
    office.do(saved.notify, person(), value, on=False)
    office.do(saved.remove, value)
    assert office.told() == {}
