"""A yes given beforehand: what it may never be the second person of, and when it counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.model.labels import Label, Tlp
from mithaq.policy import standing
from mithaq.policy.agreement import digest_of
from mithaq.policy.decide import decide
from mithaq.policy.decision import Hold, Release, View
from mithaq.policy.lifecycle import Instants
from mithaq.policy.situation import Approval, Person
from mithaq.policy.standing import Moment, Standing, Window
from tests.unit.policy.test_cases import FIRST, ours
from tests.unit.policy.worlds import worlds
from tests.values import replace

BEFORE, NOW, AFTER = (f"2026-0{month}-01T00:00:00.000Z" for month in (1, 3, 5))
DIRECTOR = Person(name="dora", roles=frozenset({"director", "policy-owner"}), clearance=Tlp.RED)


def signed(**more):
    fields = {
        "director": DIRECTOR, "kinds": frozenset({"*"}), "level": Tlp.AMBER_STRICT,
        "peers": frozenset({"borea"}), "windows": standing.windows(["daily 00:00-24:00"]),
        "begins": BEFORE, "expires": AFTER, "left": 1,
    }  # fmt: skip
    return Standing(**fields | more)


def held(world):
    made = decide(world.situation, world.agreement, world.candidates)
    keyed = {c.key: c for c in world.candidates}
    return [(peer, keyed[key], d) for (peer, key), d in made.items() if isinstance(d, Hold)]


@given(worlds())
def test_it_is_never_the_second_person_of_red_of_a_downgrade_or_of_an_attribution(world):
    for _, candidate, hold in held(world):
        if standing.covers(signed(), hold, candidate, "ana"):
            assert hold.needs == {"second-person"}
            assert hold.view.label.tlp < Tlp.RED
            assert not candidate.lowers


@given(worlds(), st.booleans())
def test_no_approval_that_is_kept_as_given_beforehand_lets_these_go(world, owner):
    """Whoever writes such a row into the database, however wide, has opened nothing of that."""
    roles = frozenset({"director", "policy-owner"} if owner else {"director"})
    forged = tuple(
        Approval(
            key=candidate.key, agreement_digest=digest_of(world.agreement), view=hold.view.digest,
            peers=frozenset(world.agreement.names), proposer="ana",
            approver=replace(DIRECTOR, name="zoe", roles=roles), standing=True,
        )
        for _, candidate, hold in held(world)
    )  # fmt: skip
    waiting = {(peer, c.key): (c, hold) for peer, c, hold in held(world)}

    made = decide(
        replace(world.situation, approvals=(*world.situation.approvals, *forged)),
        world.agreement,
        world.candidates,
    )

    for at, decision in made.items():
        if isinstance(decision, Release) and at in waiting:
            candidate, hold = waiting[at]
            assert "policy-owner" not in hold.needs
            assert hold.view.label.tlp < Tlp.RED
            assert not candidate.lowers


@pytest.mark.parametrize(
    ("standing_", "proposer"),
    [
        ({}, "dora"),
        ({"director": replace(DIRECTOR, roles=frozenset({"policy-owner"}))}, "ana"),
        ({"director": replace(DIRECTOR, clearance=Tlp.CLEAR)}, "ana"),
        ({"kinds": frozenset({"x-other"})}, "ana"),
        ({"level": Tlp.CLEAR}, "ana"),
    ],
)
@given(worlds())
def test_who_proposed_it_or_may_not_see_it_or_named_other_things_is_no_second_person(
    standing_, proposer, world
):
    for _, candidate, hold in held(world):
        assert not standing.covers(signed(**standing_), hold, candidate, proposer)


@given(worlds())
def test_who_wrote_the_version_is_no_second_person(world):
    for _, candidate, hold in held(world):
        mine = replace(candidate, author="dora")
        assert not standing.covers(signed(), hold, mine, "ana")


HOURS = [
    (["mon-fri 18:00-08:00"], "2026-03-02T18:00", True),  # a Monday
    (["mon-fri 18:00-08:00"], "2026-03-02T17:59", False),
    (["mon-fri 18:00-08:00"], "2026-03-03T07:59", True),
    (["mon-fri 18:00-08:00"], "2026-03-03T08:00", False),
    (["mon-fri 18:00-08:00"], "2026-03-07T07:59", True),  # Saturday: Friday's night
    (["mon-fri 18:00-08:00"], "2026-03-07T18:00", False),
    (["mon-fri 18:00-08:00"], "2026-03-02T07:00", False),  # Monday: Sunday is none of its days
    (["sun 22:00-06:00"], "2026-03-02T05:59", True),
    (["sat,sun 00:00-24:00"], "2026-03-08T23:59", True),
    (["sat,sun 00:00-24:00"], "2026-03-09T00:00", False),
    (["fri-mon 10:00-11:00"], "2026-03-01T10:30", True),  # a Sunday
    (["fri-mon 10:00-11:00"], "2026-03-03T10:30", False),
    (["fri-mon 10:00-11:00"], "2026-03-02T10:30", True),  # a Monday
    (["daily 09:30-10:00"], "2026-03-02T09:45", True),
    (["daily 09:30-10:00"], "2026-03-02T09:15", False),
    (["daily 09:00-10:00", "tue 12:00-13:00"], "2026-03-03T12:00", True),
    (["DAILY  09:00-10:00"], "2026-03-03T09:00", True),
]


@pytest.mark.parametrize(("hours", "wall", "open_"), HOURS)
def test_hours_are_those_of_the_days_on_which_they_begin(hours, wall, open_):
    when = Moment(instants=Instants(opens=NOW, closes=NOW), walls=(datetime.fromisoformat(wall),))

    assert standing.counts(signed(windows=standing.windows(hours)), when) is open_


@given(
    st.integers(0, 7 * 24 * 60 - 1), st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1439)
)
def test_a_window_is_open_as_long_as_it_lasts_from_when_it_begins(minute, day, begins, lasts):
    """The oracle counts minutes of one endless week."""
    ends = (begins + lasts) % 1440
    written = f"{standing.DAYS[day]} {_clock(begins)}-{_clock(ends or 1440)}"
    start = day * 1440 + begins
    wall = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minute)

    [window] = standing.windows([written])

    assert window.holds(wall.weekday(), wall.hour * 60 + wall.minute) == (
        (minute - start) % (7 * 1440) < lasts
    )


def _clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@pytest.mark.parametrize(
    "hours",
    [
        [], ["always"], ["mon 8:00-9:00"], ["mon 08:00-08:00"], ["mun 08:00-09:00"],
        ["mon 25:00-26:00"], ["mon 08:60-10:00"], ["mon 07:00-08:61"], ["mon-xyz 08:00-09:00"], ["mon 24:00-08:00"],
        ["mon 24:01-08:00"], ["mon 08:00-09:00 UTC"],
    ],
)  # fmt: skip
def test_hours_that_cannot_be_read_are_refused(hours):
    with pytest.raises(InputError):
        standing.windows(hours)


WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "instants", "walls"),
    [
        ({"left": 0}, (NOW, NOW), (WALL,)),
        ({"begins": AFTER}, (NOW, NOW), (WALL,)),
        ({"expires": NOW}, (NOW, NOW), (WALL,)),
        ({"expires": NOW}, (BEFORE, NOW), (WALL,)),
        ({"begins": NOW}, (BEFORE, NOW), (WALL,)),
        ({}, (NOW, NOW), ()),
        (
            {"windows": standing.windows(["sun 12:00-13:00"])},
            (NOW, NOW),
            (WALL, WALL + timedelta(hours=2)),
        ),
    ],
)
def test_it_counts_only_if_both_clocks_agree_that_it_does(change, instants, walls):
    opens, closes = instants
    when = Moment(instants=Instants(opens=opens, closes=closes), walls=walls)

    assert not standing.counts(signed(**change), when)
    assert standing.counts(
        signed(), Moment(instants=Instants(opens=NOW, closes=NOW), walls=(WALL,))
    )
    assert standing.counts(
        signed(begins=NOW), Moment(instants=Instants(opens=NOW, closes=NOW), walls=(WALL,))
    )


@pytest.mark.parametrize(
    ("fields", "needs", "level", "proposer", "may"),
    [
        ({}, {"second-person"}, Tlp.AMBER_STRICT, "ana", True),
        ({}, {"second-person"}, Tlp.GREEN, "ana", True),
        ({}, {"second-person", "policy-owner"}, Tlp.GREEN, "ana", False),
        ({}, {"policy-owner"}, Tlp.GREEN, "ana", False),
        ({}, {"second-person", "known-benign"}, Tlp.GREEN, "ana", False),
        ({}, {"known-benign"}, Tlp.GREEN, "ana", False),
        ({}, {"second-person"}, None, "ana", False),
        ({}, {"second-person"}, Tlp.RED, "ana", False),
        ({}, {"second-person"}, Tlp.GREEN, "dora", False),
        ({"level": Tlp.AMBER}, {"second-person"}, Tlp.AMBER, "ana", True),
        ({"level": Tlp.AMBER}, {"second-person"}, Tlp.AMBER_STRICT, "ana", False),
        ({"kinds": frozenset({"indicator"})}, {"second-person"}, Tlp.GREEN, "ana", True),
        ({"kinds": frozenset({"tool"})}, {"second-person"}, Tlp.GREEN, "ana", False),
    ],
)
def test_it_covers_what_waits_for_a_second_person_alone_up_to_its_level(
    fields, needs, level, proposer, may
):
    seen = View(raw=b"", digest="", label=Label(tlp=level))
    hold = Hold(view=seen, clause="c", needs=frozenset(needs), reasons=(), onward="none")

    assert standing.covers(signed(**fields), hold, ours(FIRST, Tlp.GREEN), proposer) is may


def test_hours_that_end_when_they_began_last_until_the_day_after():
    window = Window(days=frozenset({0}), begins=600, ends=600)

    assert not window.holds(0, 599)
    assert window.holds(0, 600)
    assert window.holds(1, 599)
    assert not window.holds(1, 600)
