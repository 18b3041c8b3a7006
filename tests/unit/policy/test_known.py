"""Who has a target, what an order takes, what was shown: one rule at a time (border.md 2.5, 5.3, 7)."""

import json
from typing import Any

import msgspec
import pytest

from mithaq.model.labels import Tlp
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Reason, Rule, View
from mithaq.policy.known import Known, Orders
from mithaq.policy.shown import Shown
from mithaq.policy.situation import Candidate, Recall, Standing
from tests.unit.policy.test_cases import FIRST, SECOND, around, ours, pact
from tests.unit.policy.world_objects import AFTER, BEFORE, IDENTITIES, NOW, VERSIONS
from tests.values import replace

PAIR, FORUM = pact("borea"), pact("borea", "corvia")


# --- orders -------------------------------------------------------------------------------------------
def received(**more: Any) -> Candidate:
    fields = {
        "own": False,
        "voucher": "corvia",
        "owner": "corvia",
        "sent_by": "borea",
        "relayed": True,
    }
    return replace(ours(FIRST, Tlp.GREEN), **fields | {"via_agreement": "other"} | more)


def recall(**more: Any) -> Recall:
    return Recall(**{"by": "aurelia", "id": FIRST, "version": None, "issued": NOW} | more)


def touches(order: Recall, candidate: Candidate, peer: str = "borea") -> bool:
    orders = Orders(around(PAIR, recalls=(order,)), PAIR)
    return list(orders.touching(candidate, peer)) == [order]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, True),
        ({"id": SECOND}, False),
        ({"by": "borea"}, False),
        ({"issued": VERSIONS[0]}, True),
        ({"issued": "2031-02-28T00:00:00.000Z"}, False),
        ({"version": VERSIONS[0], "issued": "2031-02-28T00:00:00.000Z"}, True),
        ({"version": VERSIONS[1]}, False),
        ({"agreement": "pact"}, True),
        ({"agreement": "other"}, False),
        ({"peers": frozenset({"borea", "corvia"})}, True),
        ({"peers": frozenset({"corvia"})}, False),
        ({"peers": frozenset({"aurelia"})}, False),
    ],
)
def test_an_order_of_ours_touches_what_it_names_towards_whom_it_names(order, expected):
    assert touches(recall(**order), ours(FIRST, Tlp.GREEN)) is expected


def test_what_a_feed_gave_us_and_we_passed_on_is_ours_to_take_back():
    fetched = received(voucher="feed:list", owner="", sent_by="", via_agreement="", relayed=False)

    assert touches(recall(), fetched)
    assert not touches(recall(peers=frozenset({"corvia"})), fetched)
    assert not touches(recall(by="corvia"), fetched)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, True),
        ({"by": "borea"}, False),
        ({"by": "aurelia"}, False),
        ({"agreement": "pact"}, True),
        ({"agreement": "other"}, True),
        ({"agreement": "third"}, False),
        ({"peers": frozenset({"aurelia"})}, True),
        ({"peers": frozenset({"borea"})}, True),
        ({"peers": frozenset({"delmara"})}, False),
    ],
)
def test_an_owners_order_touches_the_copy_it_came_with_and_what_we_passed_on(order, expected):
    assert touches(recall(**{"by": "corvia"} | order), received()) is expected


def test_who_vouches_speaks_for_what_nobody_owns():
    carried = received(owner="", voucher="borea")

    assert touches(recall(by="borea"), carried, "corvia")
    assert not touches(recall(by="corvia"), carried, "corvia")


def test_who_speaks_for_it_recalls_it_and_not_the_feed_that_vouches():
    carried = received(owner="corvia", voucher="feed", sent_by="")

    assert touches(recall(by="corvia"), carried)
    assert not touches(recall(by="feed"), carried)


@pytest.mark.parametrize(
    ("brought_by", "expected"), [("", True), ("borea", True), ("delmara", False)]
)
def test_an_order_for_what_a_relay_brought_leaves_what_another_did(brought_by, expected):
    order = recall(by="corvia", brought_by=brought_by)

    assert touches(order, received(sent_by="borea"), "delmara") is expected


@pytest.mark.parametrize(
    ("candidate", "order", "expected"),
    [
        (ours(FIRST, Tlp.GREEN), {}, True),
        (ours(FIRST, Tlp.GREEN), {"view": ours(FIRST, Tlp.GREEN).object.digest}, False),
        (received(), {"by": "corvia"}, True),
        (received(), {"by": "corvia", "view": received().object.digest}, True),
        (received(), {"by": "corvia", "view": "sha256:another"}, False),
    ],
)
def test_an_order_about_a_view_takes_of_ours_that_view_and_of_anothers_the_copy(
    candidate, order, expected
):
    """A narrower view of ours may follow; a copy that came is the view it names (border.md 7.1)."""
    orders = Orders(around(PAIR, recalls=(recall(**order),)), PAIR)

    assert orders.take(candidate, "borea") is expected


def test_without_orders_nothing_is_taken():
    assert not Orders(around(PAIR), PAIR).take(ours(FIRST, Tlp.GREEN), "borea")


# --- who has a target ----------------------------------------------------------------------------------
def has(
    agreement: Agreement, candidates: tuple[Candidate, ...] = (), **what: Any
) -> frozenset[str]:
    """Who has ``SECOND``."""
    return Known(around(agreement, **what), agreement, candidates).who_has(SECOND)


def row(peer: str = "borea", **more: Any) -> Standing:
    fields = {
        "peer": peer, "agreement": "pact", "key": "row", "id": SECOND, "version": VERSIONS[0],
        "view": "v", "removed": frozenset(), "since": NOW,
    }  # fmt: skip
    return Standing(**fields | more)


def test_reference_sets_are_known_to_all_and_a_partys_identity_to_the_parties_of_a_forum():
    everybody = {"borea", "corvia"}

    assert has(FORUM, reference_ids=frozenset({SECOND})) == everybody
    known = Known(around(FORUM), FORUM, [])
    assert known.who_has(IDENTITIES["borea"]) == everybody
    between = msgspec.structs.replace(FORUM, kind="bilateral")
    assert Known(around(between), between, []).who_has(IDENTITIES["borea"]) == {"borea"}
    ours_ = replace(around(FORUM), identities=frozenset({SECOND}))
    assert Known(ours_, FORUM, []).who_has(SECOND) == everybody
    assert known.who_has(SECOND) == frozenset()


def test_what_stands_on_a_shelf_is_known_to_whose_shelf_it_is():
    assert has(PAIR, shelves=(row(),)) == {"borea"}
    assert has(PAIR, shelves=(row("delmara"),)) == set()
    assert has(PAIR, shelves=(row(agreement="another"),)) == {"borea"}
    assert has(FORUM, shelves=(row(), row("corvia"))) == {"borea", "corvia"}
    assert has(FORUM, shelves=(row(agreement="another"),)) == set()


def test_a_row_that_is_being_decided_again_counts_for_nothing_until_it_is():
    asked = replace(ours(SECOND, Tlp.GREEN), key="row")

    assert has(PAIR, (asked,), shelves=(row(),)) == set()
    assert has(PAIR, (asked,), shelves=(row(agreement="another"),)) == {"borea"}


def test_what_a_peer_owns_or_sent_it_has_and_in_a_forum_only_what_came_under_it():
    known, came = {"borea": frozenset({SECOND})}, {"corvia": frozenset({SECOND})}

    assert has(PAIR, known=known, came=came) == {"borea"}
    assert has(FORUM, known=known, came=came) == {"corvia"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"corvia", "borea"}),
        ({"sent_by": "corvia"}, {"corvia"}),
        ({"owner": "", "sent_by": "", "voucher": "borea"}, {"borea"}),
        ({"owner": "borea", "sent_by": "", "voucher": "feed"}, {"borea"}),
        ({"onward": "scope", "sent_by": "corvia"}, {"borea", "corvia"}),
        ({"via_agreement": "other"}, set()),
        ({"forged": True}, set()),
        ({"disowned": True}, set()),
        ({"own": True}, set()),
    ],
)
def test_in_a_forum_who_owns_sent_or_was_given_what_came_under_it_has_it(more, expected):
    fields = {"via_agreement": "pact", **more}
    candidate = replace(received(**fields), key="c", object=ours(SECOND, Tlp.GREEN).object)

    assert has(FORUM, (candidate,)) == expected
    assert has(PAIR, (candidate,)) == set()


def test_what_is_recalled_in_every_version_dangles_and_in_one_of_two_does_not():
    def version(at: str, key: str) -> Candidate:
        return replace(ours(SECOND, Tlp.GREEN, modified=at), key=key)

    old, new = version(VERSIONS[0], "old"), version(VERSIONS[1], "new")
    shown = {"shelves": (row(), row("corvia"))}
    one = recall(id=SECOND, version=VERSIONS[0])
    all_ = recall(id=SECOND)
    towards = recall(id=SECOND, peers=frozenset({"corvia"}))

    assert has(FORUM, (old, new), recalls=(one,), **shown) == {"borea", "corvia"}
    assert has(FORUM, (new, old), recalls=(one,), **shown) == {"borea", "corvia"}
    assert has(FORUM, (old,), recalls=(one,), **shown) == set()
    assert has(FORUM, (old, new), recalls=(all_,), **shown) == set()
    assert has(FORUM, (old, new), recalls=(towards,), **shown) == {"borea"}
    assert has(FORUM, (old, new), **shown) == {"borea", "corvia"}


# --- what was shown --------------------------------------------------------------------------------------
def shown(agreement: Agreement, *rows: Standing, past: tuple = (), recalls: tuple = ()) -> Shown:
    situation = around(agreement, shelves=rows, past=past, recalls=recalls)
    return Shown(situation, agreement, Orders(situation, agreement))


def of_first(**more: Any) -> Standing:
    return row(**{"key": FIRST, "id": FIRST} | more)


def test_the_first_view_of_a_forum_is_the_earliest_that_no_order_has_named():
    one = ours(FIRST, Tlp.GREEN)
    early, late = of_first(since=BEFORE, view="early"), of_first(peer="corvia", view="late")

    assert shown(FORUM, late, early).first(one) == early
    assert shown(FORUM, late, past=(early,)).first(one) == early
    assert shown(FORUM, late, past=(early,), recalls=(recall(view="early"),)).first(one) == late
    assert (
        shown(FORUM, late, past=(early,), recalls=(recall(id=SECOND, view="early"),)).first(one)
        == early
    )
    assert shown(FORUM, of_first(agreement="another")).first(one) is None
    assert shown(FORUM, past=(of_first(agreement="another"),)).first(one) is None
    assert shown(PAIR, early).first(one) is None
    assert shown(FORUM).first(one) is None


def test_what_stands_is_the_row_of_that_version_on_that_shelf():
    rows = (of_first(), of_first(peer="corvia"), of_first(key="x", peer="borea"))

    assert shown(FORUM, *rows).stands(FIRST, "corvia") == rows[1]
    assert shown(FORUM, *rows).stands(FIRST, "delmara") is None
    assert shown(FORUM, of_first(agreement="another")).stands(FIRST, "borea") is None


def joined(at: str, **more: Any) -> Agreement:
    parties = [
        msgspec.structs.replace(p, joined=at if p.name == "corvia" else "") for p in FORUM.parties
    ]
    return msgspec.structs.replace(FORUM, parties=parties, **more)


def test_a_member_that_came_later_gets_no_earlier_version_unless_the_agreement_says_so():
    one = ours(FIRST, Tlp.GREEN)
    before = of_first(since=BEFORE)
    says = [Reason(rule=Rule.HISTORY, facts={"joined": NOW})]

    assert list(shown(joined(NOW), before).against_version(one, "corvia")) == says
    assert list(shown(joined(NOW), past=(before,)).against_version(one, "corvia")) == says
    assert list(shown(joined(NOW), before).against_version(one, "borea")) == []
    assert list(shown(joined(NOW), of_first(since=NOW)).against_version(one, "corvia")) == []
    assert list(shown(joined(NOW, history=True), before).against_version(one, "corvia")) == []
    there = (before, of_first(peer="corvia", since=AFTER))
    assert list(shown(joined(NOW), *there).against_version(one, "corvia")) == []
    assert list(shown(joined(NOW)).against_version(one, "corvia")) == []
    assert list(shown(joined(NOW), before).against_version(one, "stranger")) == []


def test_an_older_version_is_no_candidate_unless_it_stands():
    old = replace(ours(FIRST, Tlp.GREEN), newest=False)

    assert list(shown(PAIR).against_version(old, "borea")) == [Reason(rule=Rule.NOT_NEWEST)]
    assert list(shown(PAIR, of_first()).against_version(old, "borea")) == []
    assert list(shown(PAIR).against_version(replace(old, newest=True), "borea")) == []


def seen(*removed: str, **body: Any) -> View:
    made = {"modified": VERSIONS[1], "name": "n"} | body
    return View(raw=json.dumps(made).encode(), digest="view", removed=removed)


def silent(view: View, *rows: Standing, peer: str = "borea") -> list[str]:
    new = replace(ours(FIRST, Tlp.GREEN, modified=VERSIONS[1]), key="new")
    found = shown(PAIR, *rows).against_view(new, view, peer)
    return [r.facts["since"] for r in found if r.rule is Rule.SILENT_VERSION]


def test_a_view_that_hides_what_changed_and_shows_nothing_new_is_silent():
    same = of_first(body={"modified": VERSIONS[0], "name": "n"})
    earlier = of_first(key="older", version=BEFORE.replace("2031", "2030"), body={"name": "other"})

    assert silent(seen("/x"), same) == [VERSIONS[0]]
    assert silent(seen("/x"), earlier, same) == [VERSIONS[0]]
    assert silent(seen("/x"), same, earlier) == [VERSIONS[0]]
    assert silent(seen(), same) == []
    assert silent(seen("/x", name="new"), same) == []
    assert silent(seen("/x"), replace(same, peer="corvia")) == []
    assert silent(seen("/x"), replace(same, agreement="another")) == []
    assert silent(seen("/x"), replace(same, id=SECOND)) == []
    assert silent(seen("/x"), replace(same, version=VERSIONS[1])) == []
    assert silent(seen("/x"), replace(same, version=AFTER)) == []
    assert silent(seen("/x"), same, of_first(key="new", version=VERSIONS[1])) == []
    assert silent(seen("/x")) == []


def test_another_view_than_the_first_is_a_second_story():
    one, first = ours(FIRST, Tlp.GREEN), of_first(view="first")

    def told(view: View, *rows: Standing) -> list[Reason]:
        return list(shown(FORUM, *rows).against_view(one, view, "corvia"))

    assert told(seen(), first) == [Reason(rule=Rule.FIRST_VIEW, facts={"because": "changed"})]
    assert told(replace(seen(), digest="first"), first) == []
    assert told(seen()) == []
