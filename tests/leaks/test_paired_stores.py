"""Non-interference: hidden work shifts no byte that a peer observes (border.md 4.5, 6; security.md 4).

Two nodes begin alike and do the same for a peer; one of them also does what that peer may not know. The same
trace of requests, on every route, reading and writing, gives the same statuses, headers and bodies on both.
"""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mithaq.audit import log
from mithaq.border import agreements, approval, clients, peers, people, shelf
from mithaq.formats import Refusal
from mithaq.policy import agreement as policy
from mithaq.seal.keys import generate
from mithaq.store import objects, pages
from tests.leaks.chance import repeatable
from tests.leaks.pair import Pair, Tlp, body, id_of, text
from tests.leaks.trace import glance, probe, write

LONG = bool(os.environ.get("MITHAQ_LONG"))
COMMON, HIDDEN = range(8), range(100, 108)  # numbers of objects
NEXT = "2026-02-03T00:00:00.000Z"


@pytest.fixture(autouse=True)
def quiet():
    with structlog.testing.capture_logs(), repeatable():
        yield


class paired:  # noqa: N801 used as a context
    """A fresh pair, gone at the end."""

    def __enter__(self):
        self.folder = Path(mkdtemp(prefix="mithaq-paired-"))
        self.pair = Pair(self.folder)
        return self.pair

    def __exit__(self, *_exc):
        self.pair.close()
        shutil.rmtree(self.folder)


# --- what only the right node does ---------------------------------------------------------------------
def secret_objects(side):
    for number, level in zip(HIDDEN, (*Tlp, *Tlp), strict=False):
        side.bring(number, level)


def open_objects_nobody_proposed(side):
    for number in HIDDEN:
        side.bring(number, Tlp.CLEAR)


def what_common_objects_refer_to(side):
    for number in (8, 9, 10):
        side.bring(number, Tlp.AMBER)


def other_vouchers_copies_of_common_ids(side):
    for number in COMMON:
        side.bring(number, Tlp.GREEN, own=False, description="as the feed tells it")


def a_raise_of_what_is_hidden(side):
    side.bring(100, Tlp.GREEN)
    side.raise_to(100, Tlp.RED)


def a_release_to_another(side):
    side.propose("ac", *COMMON)
    secret_objects(side)
    side.propose("ac", *HIDDEN)


def a_release_to_another_client(side):
    side.propose("g-siem", *COMMON)


def a_release_to_another_taken_back(side):
    side.propose("ac", *COMMON)
    side.narrow("ac", "suspend")


def a_proposal_that_is_withheld(side):
    for number in HIDDEN:
        side.bring(number, Tlp.RED)
    side.propose("ab", *HIDDEN)
    side.propose("g-misp", *HIDDEN)


def a_proposal_that_waits(side):
    for number in HIDDEN:
        side.bring(number, Tlp.AMBER_STRICT)
    side.propose("ab", *HIDDEN)


def a_proposal_that_was_declined(side):
    side.bring(101, Tlp.AMBER_STRICT)
    side.propose("ab", 101)
    [seq] = side.copies(101)
    side.act(lambda unit, us, now: approval.decline(unit, "omar", seq, "ab", now))


def what_another_sends(side):
    for number in (*HIDDEN, *COMMON):
        side.bring(number, Tlp.GREEN, at="corvia")
    side.propose("ac", *HIDDEN, *COMMON, at="corvia")
    side.turn("corvia")


def what_another_sends_into_quarantine(side):
    marked = {"object_marking_refs": ["marking-definition--00000000-0000-4000-8000-00000000dead"]}
    for number in HIDDEN:
        side.bring(number, Tlp.GREEN, at="corvia", **marked)
    side.propose("ac", *HIDDEN, at="corvia")
    side.turn("corvia")


def what_another_client_posts(side):
    answer = side.ask("siem", "GET", "/taxii2/")
    if answer.status != 200:  # turned away before
        return
    root = json.loads(answer.body)["default"]
    made = [body(n) for n in (*COMMON, *HIDDEN)]
    made.append({"type": "malware"})
    raw = json.dumps({"objects": made}).encode()
    for _ in range(3):
        side.ask("siem", "POST", f"{root}collections/inbox/objects/", raw)
    side.ask("siem", "DELETE", f"{root}collections/inbox/objects/{id_of(0)}/")


def another_nation(side):
    side.enrol(side.nodes["aurelia"], side.nodes["dorado"])
    side.enrol(side.nodes["dorado"], side.nodes["aurelia"])
    raw = policy.to_bytes(text("ad", ("aurelia", "dorado")))
    side.act(agreements.sign_text, raw, by=["l"], at="aurelia")
    side.act(agreements.sign_text, raw, by=["l"], at="dorado")
    side.turn("dorado")


def a_stranger(side):
    raw = side.ask("", "GET", "/mithaq/keys/")
    del raw
    node = side.nodes["dorado"]
    with node.core.read() as unit:
        document = max(peers.parties.key_document_envelopes(unit, "dorado").items())[1]
    side.act(peers.meet, document)


def a_person(side):
    newcomer = people.Newcomer(
        name="nora", roles=frozenset({"analyst"}), clearance="AMBER", public=generate().public
    )
    side.act(lambda unit, us, now: people.enrol(unit, newcomer, now, by="omar"))


def another_clients_token(side):
    given = side.act(lambda unit, us, now: peers.new_token(unit, "siem", now))
    side.tokens["siem"] = given


def another_client_turned_away(side):
    side.act(lambda unit, us, now: peers.revoke_token(unit, "siem", now))


def a_proof_handed_out(side):
    secret_objects(side)
    side.act(lambda unit, us, now: log.head(unit, (us.party, us.realm), us.signer, now))


def a_newer_version_of_what_is_out(side):
    for number in COMMON:
        side.bring(number, Tlp.GREEN, version=NEXT, description="what we learned since")


WORK = [
    secret_objects,
    open_objects_nobody_proposed,
    what_common_objects_refer_to,
    other_vouchers_copies_of_common_ids,
    a_raise_of_what_is_hidden,
    a_release_to_another,
    a_release_to_another_client,
    a_release_to_another_taken_back,
    a_proposal_that_is_withheld,
    a_proposal_that_waits,
    a_proposal_that_was_declined,
    what_another_sends,
    what_another_sends_into_quarantine,
    what_another_client_posts,
    another_nation,
    a_stranger,
    a_person,
    another_clients_token,
    another_client_turned_away,
    a_proof_handed_out,
]


# --- what both do -----------------------------------------------------------------------------------------
def brings(side):
    for number in COMMON:
        side.bring(number, Tlp.GREEN)


def releases(side):
    side.propose("ab", *COMMON)
    side.propose("g-misp", *COMMON)


def takes_part_back(side):
    """A narrower text: what was GREEN goes no more, on the shelves of borea and misp alone."""
    side.bring(20, Tlp.CLEAR)
    side.propose("ab", 20)
    for agreement in (
        text("ab", ("aurelia", "borea"), version=2, max_tlp="CLEAR"),
        text("g-misp", ("aurelia", "misp"), version=2, kind="grant", max_tlp="CLEAR"),
    ):
        side.sign_all(agreement)


def raises(side):
    side.raise_to(0, Tlp.AMBER)


def writes_anew(side):
    side.bring(4, Tlp.GREEN, version=NEXT, name="As it turned out")
    side.propose("ab", 4)


def hears_from_borea(side):
    for number in (30, 0, 4):
        side.bring(number, Tlp.GREEN, at="borea")
    side.propose("ab", 30, 0, 4, at="borea")


def suspends(side):
    side.narrow("ab", "suspend")


def resumes(side):
    side.narrow("ab", "resume")


def turns(side):
    side.wait(1)
    side.turn("borea", "aurelia", "borea")


def an_hour(side):
    side.wait(3700)
    side.turn("borea", "aurelia", "borea")


LIFE = [
    brings,
    releases,
    takes_part_back,
    raises,
    writes_anew,
    hears_from_borea,
    suspends,
    resumes,
    turns,
    an_hour,
]


@pytest.mark.parametrize("hidden", WORK, ids=lambda act: act.__name__)
def test_hidden_work_changes_no_byte_that_a_peer_observes(hidden):
    """Stores that are almost equal: one hidden act, at each stage of a release's life."""
    live_with(hidden)


def live_with(hidden):
    with paired() as pair:
        life = (brings, releases, turns, raises, writes_anew, turns, takes_part_back, turns, turns)
        for common in life:
            pair.both(common)
            hidden(pair.right)
            pair.right.turn("corvia", "dorado")
            pair.compare_wire()
            glance(pair)
        told = write(pair, [0, 4, 100])
        pair.both(an_hour)
        pair.compare_wire()
        for status in told:
            pair.compare("misp", "GET", status)
        probe(pair, [0, 4, 100], thorough=LONG)


def test_a_newer_version_that_is_hidden_leaves_what_is_out_as_it_is():
    with paired() as pair:
        for common in (brings, releases, turns):
            pair.both(common)
        a_newer_version_of_what_is_out(pair.right)
        for common in (suspends, turns, resumes, an_hour, hears_from_borea, turns, takes_part_back):
            pair.both(common)
            pair.compare_wire()
        probe(pair, [0, 4, 8])


def test_what_a_peer_sent_counts_as_known_to_it_whatever_became_of_it_here():
    """Else it could send what claims another's name, and read in our next release who is enrolled with us."""

    def borea_carries_what_claims_dorado(side):
        claimed = side.creator("dorado")
        side.bring(43, Tlp.CLEAR, at="borea", own=False, kind="tool", id=claimed, type="identity")
        side.propose("ab", claimed, at="borea", own=False)

    def aurelia_refers_to_it(side):
        side.bring(41, Tlp.GREEN, x_seen_with=side.creator("dorado"))
        side.propose("ab", 41)

    with paired() as pair:
        another_nation(pair.right)
        for common in (borea_carries_what_claims_dorado, turns, turns, aurelia_refers_to_it, turns):
            pair.both(common)
            pair.compare_wire()
        probe(pair, [41, 42])


steps = st.lists(
    st.one_of(
        st.tuples(st.just("both"), st.sampled_from(LIFE)),
        st.tuples(st.just("right"), st.sampled_from(WORK)),
    ),
    min_size=3,
    max_size=9,
)


@settings(
    max_examples=400 if LONG else 6,
    # To shrink takes minutes, and tells little.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_any_mixture_of_hidden_and_common_work_shows_a_peer_the_same_bytes(mixture):
    with paired() as pair:
        for where, act in [("both", brings), ("both", releases), *mixture, ("both", turns)]:
            if where == "both":
                pair.both(act)
                pair.compare_wire()
                glance(pair)
            else:
                act(pair.right)
                pair.right.turn("corvia")
        probe(pair, [0, 4, 100])


# --- the trace can see -----------------------------------------------------------------------------------
def views_of_any_shelf(monkeypatch):
    monkeypatch.setattr(
        pages, "standing_on", lambda unit, _shelf, names: pages.left_of(unit, names)
    )


def a_head_that_moves_with_the_work(monkeypatch):
    monkeypatch.setattr(log, "blind_head", lambda unit: f"{log.length(unit):064x}")


def dates_that_count_all_shelves(monkeypatch):
    placing = shelf._place

    def place(unit, truth, name, rows, now):
        count = unit.exec_driver_sql("SELECT count(*) FROM shelf_rows").scalar_one()
        placing(unit, truth, name, rows, now + timedelta(microseconds=count))

    monkeypatch.setattr(shelf, "_place", place)


def one_slot_for_an_id(monkeypatch):
    """A post is refused where another voucher's copy of that id is held."""
    answer = clients._answer

    def told(unit, arrival, seen, refused, now):
        mine = f"client:{arrival.peer}"
        rows = objects.versions_of(unit, [each.id for each in seen])
        known = {id_ for _, voucher, id_, *_ in rows if voucher != mine}
        taken = [
            Refusal(position=0, id=each.id, code="taken", where="", why="")
            for each in seen
            if each.id in known
        ]
        answer(unit, arrival, seen, [*refused, *taken], now)

    monkeypatch.setattr(clients, "_answer", told)


FAULTS = {
    views_of_any_shelf: a_release_to_another_taken_back,
    a_head_that_moves_with_the_work: secret_objects,
    dates_that_count_all_shelves: a_release_to_another,
    one_slot_for_an_id: secret_objects,
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_that_lets_hidden_work_through_is_seen(fault, monkeypatch):
    """A trace that sees nothing proves nothing: each of these is a defect some other system had."""
    fault(monkeypatch)

    with pytest.raises(AssertionError):
        live_with(FAULTS[fault])
