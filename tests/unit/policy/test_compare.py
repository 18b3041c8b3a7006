"""A comparison shows what a draft would change, what opens most and is most sensitive first."""

import json

import pytest

from mithaq.model.labels import Label, Tlp
from mithaq.policy.compare import Change, Group, Move, compare, sentences
from mithaq.policy.decision import Decision, Hold, Reason, Release, Rule, View, Withhold
from mithaq.policy.explain import LANGUAGES

STAYS = Withhold(reasons=(Reason(rule=Rule.UNMARKED),))


def seen(*removed: str, tlp: Tlp = Tlp.GREEN, **body: str) -> View:
    return View(
        raw=json.dumps({"type": "indicator"} | body).encode(),
        digest=repr((removed, body)),
        removed=removed,
        label=Label(tlp=tlp),
    )


def goes(view: View, onward: str = "none") -> Release:
    return Release(view=view, clause="c", onward=onward)


def waits(view: View) -> Hold:
    return Hold(view=view, clause="c", needs=frozenset({"second-person"}), reasons=())


def only(before: Decision | None, after: Decision | None) -> tuple[Group, Change]:
    at = ("borea", 1)
    [group] = compare({at: before} if before else {}, {at: after} if after else {})
    [change] = group.changes
    return group, change


@pytest.mark.parametrize(
    ("before", "after", "move"),
    [
        (STAYS, goes(seen()), Move.NEWLY_GOES),
        (None, goes(seen()), Move.NEWLY_GOES),
        (STAYS, waits(seen()), Move.NEWLY_WAITS),
        (waits(seen()), goes(seen()), Move.NO_LONGER_WAITS),
        (goes(seen()), waits(seen()), Move.NOW_WAITS),
        (goes(seen()), STAYS, Move.NO_LONGER_GOES),
        (goes(seen()), None, Move.NO_LONGER_GOES),
        (waits(seen()), STAYS, Move.NO_LONGER_GOES),
        (goes(seen("/name")), goes(seen()), Move.WIDER),
        (goes(seen()), goes(seen("/name")), Move.NARROWER),
        (goes(seen("/name")), goes(seen("/labels")), Move.OTHER),
        (goes(seen()), goes(seen(), "scope"), Move.FURTHER),
        (goes(seen(), "open"), goes(seen(), "scope"), Move.LESS_FAR),
    ],
)
def test_each_pair_of_outcomes_has_its_move(before, after, move):
    group, change = only(before, after)

    assert group.move is move
    assert (change.before, change.after) == (before, after)


@pytest.mark.parametrize("same", [STAYS, goes(seen("/name")), waits(seen())])
def test_what_does_not_change_is_not_reported(same):
    assert compare({("borea", 1): same}, {("borea", 1): same}) == ()


def test_a_shadow_draft_is_compared_by_what_it_would_do():
    shadow = Withhold(reasons=(Reason(rule=Rule.SHADOW),), would=goes(seen()))

    assert only(STAYS, shadow)[0].move is Move.NEWLY_GOES
    assert compare({("borea", 1): goes(seen())}, {("borea", 1): shadow}) == ()


def test_parts_are_compared_by_what_stands_above_them():
    before, after = goes(seen("/labels")), goes(seen("/labels/0", "/name"))

    group, change = only(before, after)

    assert (change.gained, change.lost) == (("/labels",), ("/name",))
    assert (group.gained, group.lost) == (("labels",), ("name",))


def test_the_most_sensitive_comes_first():
    after = {
        ("borea", "plain-1"): goes(seen(tlp=Tlp.AMBER)),
        ("borea", "strict"): goes(seen(tlp=Tlp.AMBER_STRICT)),
        ("borea", "actor"): goes(seen(tlp=Tlp.AMBER, type="threat-actor", country="XC")),
        ("corvia", "plain-2"): goes(seen(tlp=Tlp.AMBER)),
        ("corvia", "plain-3"): goes(seen(tlp=Tlp.AMBER)),
    }

    groups = compare({}, after)

    assert [[change.key for change in group.changes] for group in groups] == [
        ["strict"],
        ["actor"],
        ["plain-2", "plain-3"],
        ["plain-1"],
    ]
    assert [group.attribution for group in groups] == [False, True, False, False]


def test_what_stops_going_counts_by_what_was_seen():
    group, _ = only(goes(seen(tlp=Tlp.AMBER_STRICT)), goes(seen("/name", tlp=Tlp.GREEN)))

    assert group.tlp is Tlp.AMBER_STRICT


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("move", Move)
def test_every_move_is_said_in_every_language(move, language):
    change = Change(
        peer="borea", key=1, move=move, kind="indicator", tlp=Tlp.AMBER, attribution=True,
        gained=("/name",), lost=("/labels",), before=None, after=None,
    )  # fmt: skip
    group = Group(
        peer="borea", move=move, kind="indicator", tlp=Tlp.AMBER, attribution=True, changes=(change,) * 3
    )  # fmt: skip

    [said] = sentences([group], language)

    assert all(word in said for word in ("borea", "indicator", "3", "TLP:AMBER"))
    assert ("name" in said) == (move in {Move.WIDER, Move.OTHER})
    assert ("labels" in said) == (move in {Move.NARROWER, Move.OTHER})


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_change_is_said_too(language):
    [said] = sentences([], language)

    assert said.endswith(".")


def test_whether_a_state_is_named_counts_by_what_is_or_was_seen():
    named = goes(seen(type="threat-actor", country="XC"))
    cut = goes(seen("/country", type="threat-actor"))

    assert only(named, cut)[0].attribution
    assert only(cut, named)[0].attribution
    assert not only(STAYS, goes(seen()))[0].attribution


def test_what_bears_no_level_counts_as_clear():
    bare = View(raw=b'{"type":"indicator"}', digest="", label=Label())

    assert only(None, goes(bare))[0].tlp is Tlp.CLEAR


def test_of_equal_weight_what_opens_most_comes_first_then_by_name():
    before = {("borea", 1): goes(seen("/name")), ("delmara", 3): STAYS}
    after = {
        ("borea", 1): goes(seen()),
        ("corvia", 2): goes(seen()),
        ("delmara", 3): goes(seen()),
        ("corvia", 4): goes(seen(type="tool")),
    }

    groups = compare(before, after)

    assert [(g.move, g.peer, g.kind) for g in groups] == [
        (Move.NEWLY_GOES, "corvia", "indicator"),
        (Move.NEWLY_GOES, "corvia", "tool"),
        (Move.NEWLY_GOES, "delmara", "indicator"),
        (Move.WIDER, "borea", "indicator"),
    ]


def test_properties_are_named_once_in_order_and_as_they_are_written():
    parts = ("/z/0", "/x~1y", "/a~0b", "/z/1")

    group, _ = only(goes(seen(*parts)), goes(seen()))

    assert group.gained == ("a~b", "x/y", "z")


@pytest.mark.parametrize("state", [True, False])
def test_a_state_is_spoken_of_where_it_is_named_and_nowhere_else(state):
    body = {"type": "threat-actor"} | ({"country": "XC"} if state else {})

    [said] = sentences(compare({}, {("borea", 1): goes(seen(**body))}))

    assert said.startswith("Would newly go to borea: threat-actor, 1, up to TLP:GREEN.")
    assert ("State" in said) is state


def test_several_properties_are_listed_with_commas():
    [said] = sentences(
        compare({("borea", 1): goes(seen("/b", "/a"))}, {("borea", 1): goes(seen())})
    )

    assert said.endswith("Newly seen: a, b.")
