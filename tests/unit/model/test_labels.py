"""Labels join upwards and never down (border.md 2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.model.canonical import canonical, parse
from mithaq.model.labels import Beside, Label, Pap, Tlp, beside, join, pap, tlp

places = st.none() | st.frozensets(st.sampled_from(["aurelia", "borealis", "cassia"]))
instants = st.none() | st.sampled_from(["2026-01-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z"])
labels = st.builds(
    Label,
    tlp=st.none() | st.sampled_from(Tlp),
    pap=st.sampled_from(Pap),
    releasable_to=places,
    originator_control=st.booleans(),
    embargo=instants,
    expiry=instants,
    purposes=places,
    unresolved=st.frozensets(st.sampled_from(["x", "y"])),
)
besides = st.builds(
    Beside,
    tlp=st.none() | st.sampled_from(Tlp),
    pap=st.none() | st.sampled_from(Pap),
    releasable_to=places,
    originator_control=st.booleans(),
    embargo=instants,
    expiry=instants,
    purposes=places,
)


def lets_through(label, level, action, place, purpose, at, mark):
    """Whether ``label`` has nothing against this one use: what strictness means."""
    return (
        (label.tlp is None or label.tlp <= level)
        and label.pap <= action
        and (label.releasable_to is None or place in label.releasable_to)
        and (label.purposes is None or purpose in label.purposes)
        and (label.embargo is None or label.embargo <= at)
        and (label.expiry is None or at < label.expiry)
        and mark not in label.unresolved
    )


@given(st.lists(labels, max_size=4), st.data())
def test_a_join_lets_through_what_every_part_lets_through_and_nothing_else(parts, data):
    use = data.draw(
        st.tuples(
            st.sampled_from(Tlp),
            st.sampled_from(Pap),
            st.sampled_from(["aurelia", "borealis", "elsewhere"]),
            st.sampled_from(["aurelia", "defence"]),
            st.sampled_from([f"2026-0{n}-01T00:00:00.000Z" for n in (1, 3, 6, 9)]),
            st.sampled_from(["x", "z"]),
        )
    )

    joined = join(*parts)

    assert lets_through(joined, *use) == all(lets_through(part, *use) for part in parts)
    assert joined.originator_control == any(part.originator_control for part in parts)
    assert (joined.tlp is None) == all(part.tlp is None for part in parts)


@given(labels, labels, labels)
def test_the_order_and_grouping_of_a_join_do_not_matter(a, b, c):
    assert join(a, join(b, c)) == join(join(c, a), b) == join(a, b, c)
    assert join(a, a) == a == join(a, Label())


@given(besides)
def test_what_stands_beside_survives_the_store(written):
    assert beside(parse(canonical(written.to_json()))) == written


@given(besides)
def test_the_label_beside_says_what_was_set(written):
    label = written.label

    assert (label.tlp, label.pap) == (written.tlp, written.pap or Pap.CLEAR)
    for name in ("releasable_to", "originator_control", "embargo", "expiry", "purposes"):
        assert getattr(label, name) == getattr(written, name)
    assert not label.unresolved


@pytest.mark.parametrize(
    "body",
    [
        {"tpl": "RED"},
        {"tlp": 4},
        {"tlp": "PINK"},
        {"pap": "STRICT"},
        {"originator_control": "yes"},
        {"releasable_to": "aurelia"},
        {"purposes": [1]},
        {"embargo": 5},
    ],
)
def test_a_caveat_that_cannot_be_read_is_never_lost_in_silence(body):
    with pytest.raises(InputError):
        beside(body)


@pytest.mark.parametrize(
    ("written", "level"),
    [
        ("TLP:RED", Tlp.RED),
        ("tlp:amber+strict", Tlp.AMBER_STRICT),
        ("AMBER-STRICT", Tlp.AMBER_STRICT),
        ("amber_strict", Tlp.AMBER_STRICT),
        ("TLP: AMBER STRICT", Tlp.AMBER_STRICT),
        (" amber ", Tlp.AMBER),
        ("TLP:GREEN", Tlp.GREEN),
        ("clear", Tlp.CLEAR),
        ("TLP:WHITE", Tlp.CLEAR),
    ],
)
def test_a_level_is_read_as_people_and_tools_write_it(written, level):
    assert tlp(written) == level


@pytest.mark.parametrize(
    "written", ["", "TLP:", "STRICT", "AMBER++STRICT", "ORANGE", "PAP:RED", "ex:chr", "unclear"]
)
def test_what_is_no_level_is_none(written):
    with pytest.raises(InputError):
        tlp(written)


def test_levels_are_written_as_tlp_2_and_pap_write_them():
    assert [str(level) for level in Tlp] == ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
    assert [str(action) for action in Pap] == ["CLEAR", "GREEN", "AMBER", "RED"]
    assert [tlp(str(level)) for level in Tlp] == list(Tlp)
    assert [pap(f"PAP:{action}") for action in Pap] == list(Pap)
    assert pap("white") == Pap.CLEAR


def test_there_is_no_pap_between_amber_and_red():
    with pytest.raises(InputError):
        pap("AMBER+STRICT")
