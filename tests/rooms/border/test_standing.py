"""A director's yes beforehand as it is used: by its key, in its hours, as often as it says, and reviewed."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from mithaq.audit import subjects
from mithaq.auth.actors import Role
from mithaq.border import review, standing
from mithaq.border.publish import reconsider
from mithaq.border.standing import Wish
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.seal.envelope import read, sign
from mithaq.seal.keys import generate
from mithaq.seal.messages import STANDING, Standing, decode, encode
from mithaq.store import parties, standings
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import PAIR, US, WIDE, B, C, agreement
from tests.rooms.border.test_on_record import on_record
from tests.rooms.border.test_publish import rows_of
from tests.values import replace


@pytest.fixture
def dora(stage):
    """Dora is a director here."""
    stage.enrol("dora", Role.DIRECTOR)
    return stage


def wish(stage, **more):
    fields = {
        "kinds": ["*"], "level": "AMBER+STRICT", "peers": [B], "hours": ["daily 00:00-24:00"],
        "zone": "UTC", "begins": "", "expires": text(stage.now + timedelta(days=30)), "count": 2,
    }  # fmt: skip
    return Wish(**fields | more)


def give(stage, name="dora", key=None, **more):
    person = (name, key or stage.people[name])
    return stage.do(standing.give, stage.us, person, wish(stage, **more), stage.now)


def strict(stage, **more):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT, **more))
    return copy


def states(stage, copy):
    shown = stage.rows("rows") + stage.rows("verdicts")
    return {i["peer"]: i.get("state", "released") for i in shown if i["copy"] == copy.seq}


def uses(stage, **more):
    return stage.ask(standings.uses, **{"open_only": True, **more})


def test_it_is_the_second_person_of_what_is_proposed_and_the_log_names_who(dora):
    number = give(dora).row.seq
    copy = strict(dora)

    made = dora.publish(copy)

    assert rows_of(dora, copy) == [(PAIR, B)]
    [use] = uses(dora)
    assert (use.standing, use.use, use.proposer, use.peers) == (number, 1, "ana", B)
    assert [u.seq for u in made.beforehand] == [use.seq]
    assert dora.leaves(copy.object.id)[-2:] == ["approved", "release"]
    [approval] = dora.rows("approvals")
    assert (approval["approver"], approval["standing"]) == ("dora", number)


def test_it_counts_as_often_as_it_says_and_not_once_more(dora):
    give(dora, count=2)
    copies = [strict(dora) for _ in range(3)]

    dora.publish(*copies)

    assert [bool(rows_of(dora, c)) for c in copies] == [True, True, False]
    assert states(dora, copies[2]) == {B: "held"}
    dora.publish(copies[2])
    assert len(uses(dora)) == 2
    [one] = dora.ask(standing.every, dora.us, dora.now)
    assert (one.used, one.state) == (2, "used-up")


def test_two_releases_cannot_share_the_last_use(dora):
    number = give(dora, count=1).row.seq
    dora.publish(strict(dora))
    [use] = uses(dora)

    with pytest.raises(IntegrityError):  # as a second release in the same instant would write it
        dora.do(standings.use, use)
    assert dora.ask(standings.count_uses, number) == 1


def test_what_it_opens_may_open_more_in_the_same_proposal(dora):
    give(dora, count=5)
    target = strict(dora)
    [sighting] = dora.give(
        dora.body(
            "sighting", by=US, name=None, level=Tlp.AMBER_STRICT, sighting_of_ref=target.object.id
        )
    )

    dora.publish(target, sighting)

    assert rows_of(dora, sighting) == rows_of(dora, target) == [(PAIR, B)]


def test_what_waited_before_the_hours_is_nobodys_proposal_of_these_hours(dora):
    """Somebody who proposes by day and is not approved does not get it by night."""
    target = strict(dora)
    dora.publish(target)
    [sighting] = dora.give(
        dora.body(
            "sighting", by=US, name=None, level=Tlp.AMBER_STRICT, sighting_of_ref=target.object.id
        )
    )
    dora.publish(sighting)
    give(dora)
    dora.enrol("mona")
    dora.approve("mona", target)

    assert states(dora, sighting) == {B: "held"}
    assert uses(dora) == []


def test_what_is_decided_again_in_its_hours_is_proposed_by_nobody(dora):
    copy = strict(dora)
    dora.publish(copy)
    give(dora)

    dora.do(reconsider, dora.us, PAIR, [copy.seq], dora.now)

    assert states(dora, copy) == {B: "held"}
    assert uses(dora) == []


@pytest.mark.parametrize(
    "more",
    [
        {"kinds": ["indicator"]},
        {"level": "AMBER"},
        {"hours": ["daily 01:00-02:00"]},
        {"begins": "2026-03-20T00:00:00.000Z"},
        {"zone": "Asia/Tokyo", "hours": ["sun 12:00-13:00"]},
    ],
)
def test_outside_its_kinds_level_and_hours_it_is_nobody(dora, more):
    give(dora, **more)
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}
    assert uses(dora) == []


def test_its_hours_are_those_of_the_clock_it_names(dora):
    assert dora.now.strftime("%a %H:%M") == "Sun 12:00"
    give(dora, zone="Asia/Tokyo", hours=["sun 21:00-22:00"])
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "released"}


def test_it_reaches_the_partners_that_it_names_and_the_others_wait(dora):
    sign_both(dora, agreement("wide", US, B, C, clause=WIDE), B, C)
    give(dora)
    copy = strict(dora)

    dora.publish(copy, agreement="wide")

    assert states(dora, copy) == {B: "released", C: "held"}
    assert rows_of(dora, copy) == [("wide", B)]


@pytest.mark.parametrize("what", ["red", "downgrade", "attribution"])
def test_red_a_downgrade_and_attribution_wait_for_a_person_who_looks(dora, what):
    give(dora, count=9)
    match what:
        case "red":
            [copy] = dora.give(dora.body(by=US, level=Tlp.RED), readers={B: ["r1"]})
        case "downgrade":
            body = dora.body(by=US, level=Tlp.AMBER)
            dora.give(body)
            lower = body | {
                "modified": text(dora.now + timedelta(hours=1)),
                "object_marking_refs": [tlp_id(Tlp.GREEN)],
            }
            [copy] = dora.give(lower)
        case _:
            body = dora.body("threat-actor", by=US, level=Tlp.AMBER_STRICT, x_country="QX")
            [copy] = dora.give(body)

    dora.publish(copy)

    assert rows_of(dora, copy) == []
    assert uses(dora) == []


def test_who_proposes_or_wrote_it_is_not_helped_by_their_own_yes(dora):
    give(dora)
    copy = strict(dora)

    dora.publish(copy, proposer="dora")

    assert states(dora, copy) == {B: "held"}
    assert uses(dora) == []


def test_a_changed_view_or_text_voids_it_like_any_approval(dora):
    give(dora)
    body = dora.body(by=US, level=Tlp.AMBER_STRICT)
    [copy] = dora.give(body)
    dora.publish(copy)
    [later] = dora.give(body | {"modified": text(dora.now + timedelta(hours=1)), "name": "changed"})

    dora.publish(later)

    assert [u.version for u in uses(dora)] == [copy.object.version, later.object.version]


# --- given ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"level": "RED"}, "level"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["No Type"]}, "kinds"),
        ({"peers": []}, "peers"),
        ({"peers": ["nobody"]}, "peers"),
        ({"hours": []}, "hours"),
        ({"zone": "Nowhere/Town"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"expires": "2026-01-01T00:00:00.000Z"}, "expires"),
        ({"expires": "2027-01-01T00:00:00.000Z"}, "expires"),
        ({"count": 0}, "count"),
        ({"count": 100_000}, "count"),
    ],
)
def test_what_is_too_wide_or_cannot_be_read_is_not_signed(dora, more, cause):
    with pytest.raises(InputError) as told:
        give(dora, **more)

    assert told.value.facts["cause"] == cause
    assert dora.rows("standings") == []


def test_a_yes_lasts_a_quarter_and_counts_a_thousand_times_at_most(dora):
    quarter = dora.now + timedelta(days=92)
    for more, cause in (
        ({"expires": text(quarter)}, "expires"),
        ({"expires": text(dora.now)}, "expires"),
        (
            {
                "begins": text(dora.now + timedelta(days=1)),
                "expires": text(dora.now + timedelta(days=1)),
            },
            "expires",
        ),
        ({"count": standing.MOST + 1}, "count"),
    ):
        with pytest.raises(InputError) as told:
            give(dora, **more)
        assert told.value.facts["cause"] == cause
    for more in (
        {"expires": text(quarter - timedelta(seconds=1))},
        {
            "begins": text(dora.now + timedelta(days=9)),
            "expires": text(quarter + timedelta(days=8)),
        },
        {"count": 1},
        {"count": standing.MOST},
        {"kinds": ["tool", "*"], "level": "CLEAR"},
    ):
        give(dora, **more)
    assert (standing.MOST, len(dora.rows("standings"))) == (1000, 5)


def test_what_was_approved_beforehand_and_taken_back_by_whom_is_on_record(dora):
    made = give(
        dora, kinds=["tool", "tool"], peers=[B, B], hours=["daily 00:00-24:00"] * 2, begins=""
    )

    assert (made.used, made.state, made.row.at) == (0, "counts", text(dora.now))
    number, terms = str(made.row.seq), msgspec.to_builtins(made.terms)
    on_record(dora, "standing-approval", number, by="dora", terms=terms)
    assert (terms["kinds"], terms["peers"], terms["hours"]) == (
        ["tool"],
        [B],
        ["daily 00:00-24:00"],
    )
    assert (terms["begins"], terms["issued"]) == (text(dora.now), text(dora.now))
    gone = dora.do(standing.revoke, made.row.seq, dora.now, by="lina")
    assert (gone.revoked_at, gone.revoked_by) == (text(dora.now), "lina")
    on_record(dora, "standing-approval-revoked", number, by="lina")


def test_two_yeses_help_each_where_it_reaches_and_are_used_no_more_than_that(dora):
    sign_both(dora, agreement("wide", US, B, C, clause=WIDE), B, C)
    for peer in (B, C):
        give(dora, peers=[peer], count=1)
    one, two = strict(dora), strict(dora)

    dora.publish(one, agreement="wide")
    dora.publish(two, agreement="wide")

    assert rows_of(dora, one) == [("wide", B), ("wide", C)]
    assert rows_of(dora, two) == []
    assert sorted((u.standing, u.use, u.peers) for u in uses(dora)) == [(1, 1, B), (2, 1, C)]


def state_now(stage, **more):
    return [
        each.state for each in stage.ask(standing.every, stage.us, stage.now + timedelta(**more))
    ]


def test_how_it_stands_is_said_by_the_instant_and_revoked_goes_before_void(dora):
    number = give(dora, expires=text(dora.now + timedelta(days=1))).row.seq
    assert state_now(dora) == state_now(dora, hours=23) == ["counts"]
    assert state_now(dora, hours=24) == ["expired"]
    dora.do(standing.revoke, number, dora.now, by="lina")
    with dora.node.core.begin() as unit:
        unit.exec_driver_sql("DELETE FROM actors WHERE name = 'dora'")

    assert state_now(dora) == ["revoked"]


def test_of_two_that_reach_the_same_partner_one_is_used_and_names_partners_in_order(dora):
    sign_both(dora, agreement("wide", US, C, B, clause=WIDE), B, C)
    for _ in range(2):
        give(dora, peers=[C, B])
    copy = strict(dora)

    dora.publish(copy, agreement="wide")

    assert [(u.use, u.peers) for u in uses(dora)] == [(1, f"{B},{C}")]
    [approved] = [r for _, r in dora.ask(subjects.find, copy.object.id) if r["kind"] == "approved"]
    assert approved == {
        "kind": "approved", "by": "dora", "at": text(dora.now), "id": copy.object.id,
        "view": copy.object.digest, "removed": [], "standing": 1, "use": 1, "proposer": "ana",
        "peers": [B, C],
    }  # fmt: skip


def test_the_older_of_two_is_used_up_before_the_younger(dora):
    first, second = (give(dora, count=2).row.seq for _ in range(2))
    copies = [strict(dora) for _ in range(3)]

    dora.publish(*copies)

    assert [(u.standing, u.use, u.copy) for u in uses(dora)] == [
        (first, 1, copies[0].seq), (first, 2, copies[1].seq), (second, 1, copies[2].seq),
    ]  # fmt: skip


def test_what_waits_for_one_partner_is_not_helped_by_the_proposal_of_another_version(dora):
    """It is looked at with the other one, for it stands at another partner; nobody proposes it now."""
    sign_both(dora, agreement("wide", US, B, C, clause=WIDE), B, C)
    dora.enrol("omar")
    body = dora.body(by=US, level=Tlp.AMBER_STRICT)
    old, new = dora.give(body, body | {"name": "later", "modified": text(dora.now)})
    dora.do(parties.set_peer_state, C, "met")
    dora.publish(new, agreement="wide")
    dora.approve("omar", new, agreement="wide")
    dora.do(parties.set_peer_state, C, "confirmed")
    dora.do(reconsider, dora.us, "wide", [new.seq], dora.now)
    assert states(dora, new) == {B: "released", C: "held"}
    give(dora, peers=[B, C])

    dora.publish(old, agreement="wide")

    assert states(dora, new) == {B: "released", C: "held"}
    assert new.seq not in {u.copy for u in uses(dora)}


def test_one_whose_zone_is_not_known_here_any_more_counts_for_nothing(dora):
    give(dora)
    signed = sign(STANDING, encode(tampered(dora, zone="Nowhere/Town")), dora.people["dora"])
    with dora.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE standings SET envelope = ?", (signed.to_bytes(),))
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}


def test_one_whose_director_is_gone_is_void_and_helps_nobody(dora):
    give(dora)
    with dora.node.core.begin() as unit:
        unit.exec_driver_sql("DELETE FROM actors WHERE name = 'dora'")
    copy = strict(dora)

    dora.publish(copy)

    assert (states(dora, copy), state_now(dora)) == ({B: "held"}, ["void"])


def test_only_a_director_gives_one_with_a_key_of_their_own(dora):
    dora.enrol("lina", Role.POLICY_OWNER)

    with pytest.raises(Refused):
        give(dora, "lina")
    with pytest.raises(Refused):
        give(dora, key=generate())
    with pytest.raises(Refused):
        give(dora, "nobody", key=generate())


# --- who could bypass it -------------------------------------------------------------------------------
def tampered(stage, **more):
    """What a director signed, with other terms."""
    [row] = stage.ask(standings.every)
    return msgspec.structs.replace(decode(read(row.envelope).payload, Standing), **more)


def test_a_yes_that_another_key_signed_in_a_directors_name_counts_for_nothing(dora):
    give(dora, count=1)
    terms = tampered(dora, count=900)
    forged = sign(STANDING, encode(terms), generate()).to_bytes()
    with dora.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE standings SET envelope = ?", (forged,))
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}
    [one] = dora.ask(standing.every, dora.us, dora.now)
    assert one.state == "void"


def test_a_yes_for_a_drill_counts_in_no_other_realm(dora):
    give(dora)
    terms = tampered(dora, realm="drill:x")
    signed = sign(STANDING, encode(terms), dora.people["dora"]).to_bytes()
    with dora.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE standings SET envelope = ?", (signed,))
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}


@pytest.mark.parametrize(
    "change", [{"roles": "analyst"}, {"clearance": "AMBER"}, {"public": b"x" * 32}]
)
def test_who_is_no_director_any_more_or_is_cleared_for_less_helps_nobody(dora, change):
    give(dora)
    [row] = [r for r in dora.ask(parties.all_actors) if r.name == "dora"]
    dora.do(parties.put_actor, replace(row, **change))
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}
    assert state_now(dora) == ["counts" if "clearance" in change else "void"]


def test_a_revoked_one_counts_no_more_and_is_revoked_once(dora):
    number = give(dora).row.seq
    dora.do(standing.revoke, number, dora.now, by="lina")
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}
    assert [each.state for each in dora.ask(standing.every, dora.us, dora.now)] == ["revoked"]
    with pytest.raises(Conflict):
        dora.do(standing.revoke, number, dora.now, by="lina")
    with pytest.raises(NotFound):
        dora.do(standing.revoke, 99, dora.now, by="lina")


def test_one_that_has_expired_counts_no_more(dora):
    give(dora)
    dora.clock.step(timedelta(days=31).total_seconds())
    copy = strict(dora)

    dora.publish(copy)

    assert states(dora, copy) == {B: "held"}
    assert [each.state for each in dora.ask(standing.every, dora.us, dora.now)] == ["expired"]


# --- the next morning ----------------------------------------------------------------------------------
def test_a_use_is_seen_once_and_not_by_who_proposed_it(dora):
    give(dora)
    dora.publish(strict(dora))
    [use] = uses(dora)
    look = (dora.us, use.seq, review.SEEN, dora.now)

    with pytest.raises(Refused):
        dora.do(review.review, *look, by="ana")
    done = dora.do(review.review, *look, by="dora")

    assert (done.verdict, done.reviewed_by) == ("seen", "dora")
    on_record(dora, "standing-use-seen", use.id, by="dora", standing=use.standing, use=1)
    assert dora.rows("orders") == []
    assert uses(dora) == []
    assert len(uses(dora, open_only=False)) == 1
    with pytest.raises(Conflict):
        dora.do(review.review, *look, by="dora")
    with pytest.raises(NotFound):
        dora.do(review.review, dora.us, 99, review.SEEN, dora.now, by="dora")


def test_what_is_taken_back_went_by_that_use_and_stays_where_a_person_approved_it(dora):
    sign_both(dora, agreement("wide", US, B, C, clause=WIDE), B, C)
    dora.enrol("omar")
    copy = strict(dora)
    dora.publish(copy, agreement="wide")
    dora.approve("omar", copy, agreement="wide")
    give(dora)
    dora.publish(copy)
    [use] = uses(dora)

    dora.do(review.review, dora.us, use.seq, review.RECALLED, dora.now, by="dora")

    assert [r["agreement"] for r in dora.rows("orders")] == [PAIR]
    assert rows_of(dora, copy) == [("wide", B), ("wide", C)]


def test_what_was_wrong_is_taken_back_from_whom_it_went_to(dora):
    give(dora)
    copy = strict(dora)
    dora.publish(copy)
    [use] = uses(dora)

    dora.do(review.review, dora.us, use.seq, review.RECALLED, dora.now, by="dora", basis="too wide")

    assert rows_of(dora, copy) == []
    [order] = dora.rows("orders")
    assert (order["id"], order["person"], order["basis"]) == (copy.object.id, "dora", "too wide")
    where = (order["version"], order["agreement"], order["peers"])
    assert where == (copy.object.version, PAIR, B)
    dora.publish(copy)
    assert rows_of(dora, copy) == []


def lowered(stage, body, level, day):
    """Give a later version at a level, and propose it."""
    at = f"2026-03-{day:02}T12:00:00.000Z"
    marks = [] if level is None else [tlp_id(level)]
    later = {key: value for key, value in body.items() if key != "object_marking_refs"}
    if marks:
        later["object_marking_refs"] = marks
    [copy] = stage.give(later | {"modified": at})
    stage.publish(copy)
    return copy


@pytest.mark.parametrize("between", [Tlp.CLEAR, None])
def test_a_lowered_marking_waits_for_a_second_person_also_by_way_of_a_version_that_nobody_saw(
    stage, between
):
    """Else whoever writes two versions, the first of them for nobody, lowers a marking alone."""
    stage.enrol("mona")
    body = stage.body(by=US, level=Tlp.AMBER)
    stage.give(body)
    lowered(stage, body, between, 2)

    copy = lowered(stage, body, Tlp.CLEAR, 3)

    assert states(stage, copy) == {B: "held"}
    stage.approve("mona", copy)
    assert states(stage, copy) == {B: "released"}
    # what two have lowered stands lower from then on
    assert states(stage, lowered(stage, body, Tlp.CLEAR, 4)) == {B: "released"}
