"""What is the same thing by whatever voucher: a view that people can correct, and take their correction back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.errors import InputError, NotFound
from mithaq.intel.relating import merging
from mithaq.intel.relating.alike import Library, claims, keys
from mithaq.intel.relating.merging import JudgedAlready, OneThing
from mithaq.model.labels import Tlp
from mithaq.store.sets import Name
from tests.rooms.intel.conftest import on_both, person
from tests.rooms.intel.test_finding import indicator, made
from tests.rooms.intel.test_service import desk
from tests.rooms.intel.test_sets import Library as Sets

__all__ = ["desk"]


def group(number, name, *aliases, type_="intrusion-set", called="", **more):
    refs = [{"source_name": "mitre-attack", "external_id": called}] if called else None
    body = made(type_, number, name=name, **more)
    return (
        body
        | ({"aliases": list(aliases)} if aliases else {})
        | ({"external_references": refs} if refs else {})
    )


BEAR = group(900, "APT28", "Fancy Bear", "Sofacy", called="G0007")
DUKES = group(901, "APT29", "CozyDuke", "Shared Name", called="G0016")
OTHER = group(902, "APT99", "Shared Name", called="G0099")
FORMER = group(903, "Sandworm Old", called="G0001", revoked=True)
AFTER = made(
    "relationship",
    904,
    relationship_type="revoked-by",
    source_ref=FORMER["id"],
    target_ref=BEAR["id"],
)
SET = [BEAR, DUKES, OTHER, FORMER, AFTER]


@pytest.fixture
def known(core, us):
    held = Sets(core, us)
    held.take(SET, "1")
    held.use("1")
    return held


@pytest.fixture
def view(desk):
    def same(body, **more):
        found = desk.ask(merging.same_as, body["id"], **more)
        return {each.id: [why.kind for why in each.why] for each in found.members[1:]}

    return same


def tied(*bodies, by):
    return {body["id"]: [by] for body in bodies}


def test_the_same_id_by_several_vouchers_is_one_thing_and_each_says_its_own(desk):
    desk.add(group(1, "Red", confidence=20), source=desk.source("one"))
    desk.add(group(1, "Red", confidence=90, goals=["x"]), source=desk.source("two"))

    [member] = desk.ask(merging.same_as, group(1, "")["id"]).members

    said = claims([copy.object.body for copy in member.copies])
    assert [copy.voucher for copy in member.copies] == ["file:one", "file:two"]
    assert (said["confidence"], said["name"], said["goals"]) == ([[0], [1]], [[0, 1]], [[1]])


def test_claims_that_list_the_same_in_another_order_are_no_conflict():
    assert claims([group(1, "a", "b", "c"), group(2, "a", "c", "b")])["aliases"] == [[0, 1]]


def test_names_and_aliases_tie_what_is_of_one_sort_however_they_are_written(desk, view):
    red, too = group(1, "Red Panda", "APT 77"), group(2, "apt-77", type_="threat-actor")
    software = made("malware", 3, name="Red Panda", is_family=True)
    desk.add(red, too, software)

    assert view(red) == tied(too, by="name")
    assert view(too) == tied(red, by="name")
    assert view(software) == {}


def test_a_chain_of_aliases_goes_one_step(desk, view):
    first, between, last = group(1, "Alpha", "Beta"), group(2, "Beta", "Gamma"), group(3, "Gamma")
    desk.add(first, between, last)

    assert view(first) == tied(between, by="name")
    assert view(between) == tied(first, last, by="name")


@on_both
def test_the_set_that_counts_ties_what_shares_no_name(known, desk, view):
    one, two = group(1, "Sofacy"), group(2, "fancybear", type_="threat-actor")
    by_number, old = group(3, "whatever", called="G0007"), group(4, "x", called="G0001")
    desk.add(one, two, by_number, old)

    assert view(one) == tied(two, by_number, old, BEAR, FORMER, by="entity")
    assert view(one).keys() - {two["id"]} == view(two).keys() - {one["id"]}
    assert set(view(by_number)[BEAR["id"]]) == {"entity", "number"}


def test_a_name_of_several_things_ties_nothing_and_is_said_to_be_one(known, desk, view):
    one, two = group(1, "Shared Name"), group(2, "shared name")
    desk.add(one, two)

    assert view(one) == view(two) == {}
    assert desk.ask(merging.same_as, one["id"]).unsure == {
        "Shared Name": sorted([DUKES["id"], OTHER["id"]])
    }


def test_what_claims_the_names_of_two_groups_is_neither_unless_its_own_name_says_so(
    known, desk, view
):
    both, own = group(1, "Nobody", "Sofacy", "CozyDuke"), group(2, "Sofacy", "CozyDuke")
    desk.add(both, own)

    assert view(both) == {}
    assert desk.ask(merging.same_as, both["id"]).unsure.keys() == {"Sofacy", "CozyDuke"}
    assert BEAR["id"] in view(own)
    assert DUKES["id"] not in view(own)


@pytest.mark.parametrize("name", ["Unknown", "APT", "X1", "ransomware", "Back-Door"])
def test_a_name_that_names_nothing_ties_nothing(desk, view, name):
    desk.add(group(1, name), group(2, name))

    assert view(group(1, name)) == {}


def test_a_name_that_too_many_bear_ties_nothing(desk, view):
    bodies = [group(n, "Crowded") for n in range(1, merging.COMMON + 3)]
    desk.add(*bodies)

    found = desk.ask(merging.same_as, bodies[0]["id"])
    assert (len(found.members), found.common) == (1, ["Crowded"])


def test_indicators_and_observables_of_one_value_are_the_same_and_those_of_more_are_not(desk, view):
    one = indicator(1, "[domain-name:value = 'evil.example']")
    two = indicator(2, "[domain-name:value = 'EVIL.example']")
    more = indicator(
        3, "[domain-name:value = 'evil.example' OR domain-name:value = 'other.example']"
    )
    seen = {"type": "domain-name", "spec_version": "2.1", "value": "evil.example",
            "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"}  # fmt: skip
    desk.add(one, two, more, seen)

    assert view(one) == tied(two, seen, by="value")
    assert view(more) == {}
    found = desk.ask(merging.same_value, intel.value("evil[.]example"))
    assert {each.id for each in found.members} == {one["id"], two["id"], seen["id"]}


@on_both
def test_hashes_are_the_same_by_their_digits(desk, view):
    digest = "d41d8cd98f00b204e9800998ecf8427e"
    one, two = (indicator(n, f"[file:hashes.MD5 = '{digest}']") for n in (1, 2))
    desk.add(one, two)

    assert view(one) == tied(two, by="value")


def judge(desk, one, two, *, same, why="seen", actor=None):
    def act(unit, us, who, now):
        return merging.judge(unit, us, who, (one["id"], two["id"]), now, same=same, why=why)

    return desk.change(act, actor=actor)


def undo(desk, seq, actor=None):
    return desk.change(
        lambda unit, us, who, now: merging.undo(unit, us, who, seq, "wrong", now), actor=actor
    )


@pytest.mark.parametrize("same", [True, False])
def test_a_judgement_counts_for_both_ends_and_taking_it_back_gives_the_same_view(desk, view, same):
    one, two, far = group(1, "Red Panda"), group(2, "red-panda"), group(3, "Alone")
    desk.add(one, two, far)
    ends = (one, far) if same else (one, two)
    before = [view(each) for each in (one, two, far)]

    made = judge(desk, *ends, same=same)

    assert (far["id"] in view(one), one["id"] in view(far)) == (same, same)
    assert (two["id"] in view(one), one["id"] in view(two)) == (same, same)
    assert [(j.seq, j.why) for j in desk.ask(merging.judged)] == [(made.seq, "seen")]
    assert [j.seq for j in desk.ask(merging.same_as, one["id"]).apart] == (
        [] if same else [made.seq]
    )
    with pytest.raises(JudgedAlready):
        judge(desk, *ends, same=not same)
    undone = undo(desk, made.seq)
    assert [view(each) for each in (one, two, far)] == before
    assert desk.ask(merging.judged) == [undone]
    assert (undone.author, undone.undone_by, undone.undone_why) == ("amal", "amal", "wrong")
    with pytest.raises(JudgedAlready):
        undo(desk, made.seq)


def test_a_judgement_is_of_two_objects_that_its_author_reads_and_has_a_reason(desk):
    one, two, red = group(1, "One"), group(2, "Two"), group(3, "Three")
    desk.add(one, two)
    desk.add(red, tlp=Tlp.AMBER)

    with pytest.raises(OneThing):
        judge(desk, one, one, same=True)
    with pytest.raises(InputError):
        judge(desk, one, two, same=True, why=" ")
    with pytest.raises(NotFound):
        judge(desk, one, red, same=True, actor=person(Tlp.GREEN))
    with pytest.raises(Forbidden):
        judge(desk, one, two, same=True, actor=person(Tlp.RED, "liaison"))
    with pytest.raises(NotFound):
        undo(desk, 1)


@on_both
def test_what_the_actor_may_not_read_changes_nothing_of_what_they_are_told(known, desk, view):
    low = person(Tlp.GREEN)
    one, two, third = group(1, "Sofacy"), group(2, "Red Panda"), group(3, "Blue Panda")
    desk.add(one, two, third)

    def told():
        whole = [desk.ask(merging.same_as, each["id"], actor=low) for each in (one, two, third)]
        return whole, desk.ask(merging.judged, actor=low)

    before = told()
    crowd = [group(n, "Red Panda", "Sofacy") for n in range(10, 12 + merging.COMMON)]
    desk.add(
        *crowd, group(2, "Red Panda", "Blue Panda"), tlp=Tlp.AMBER, source=desk.source("other")
    )
    judge(desk, two, third, same=True)
    judge(desk, one, crowd[0], same=True)

    assert told() == before
    assert two["id"] in view(third)


def test_of_what_is_listed_what_is_the_same_as_an_earlier_one_stands_with_it(known, desk):
    listed = [
        group(1, "Sofacy"),
        group(2, "Alone"),
        group(3, "Fancy Bear"),
        group(4, "Fancy Bear "),
    ]
    desk.add(*listed)
    judge(desk, listed[0], listed[2], same=False)
    some = [desk.ask(intel.versions, each["id"])[0] for each in listed]

    lists = desk.ask(merging.merged, some)

    assert [[copy.object.id[-1] for copy in each] for each in lists] == [["1", "4"], ["2"], ["3"]]


NAMES = ["Alpha", "Beta", "Gamma", "Delta"]
LIBRARY = Library(
    Name(name, "alias", f"intrusion-set--{id_}", "intrusion-set")
    for name, id_ in [("alpha", "a"), ("beta", "a"), ("gamma", "b"), ("gamma", "a")]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        min_size=2,
        max_size=2,
    )
)
def test_an_object_is_of_one_entity_at_most_so_no_two_entities_are_one_thing(names):
    """The oracle: the one entity that all its unambiguous names, or its own name alone, lead to."""
    leads = {"Alpha": "a", "Beta": "a"}
    for number, (own, *aliases) in enumerate(names):
        found = keys(group(number, own, *aliases), LIBRARY)
        entities = {key.text[-1] for key in found.of if key.kind == "entity"}
        sure = {leads[name] for name in (own, *aliases) if name in leads}
        assert entities == sure
        assert ("Gamma" in found.unsure) == ("Gamma" in (own, *aliases))
        assert {key.text for key in found.of if key.kind == "name"} == {"delta"} & {
            n.lower() for n in (own, *aliases)
        }
