"""What nodes and their people do in a pair: hidden work, which the right one does alone, and common work."""

import json
from datetime import timedelta

import pytest

from mithaq.audit import log
from mithaq.auth.actors import Actor, Role
from mithaq.border import approval, peers, people, signing
from mithaq.border.keys import Change, rotate
from mithaq.border.recall import Asked, recall
from mithaq.intel.finding import saved
from mithaq.intel.finding.saved import Asked as Query
from mithaq.intel.needs import answers, requests, requirements
from mithaq.intel.needs.questions import Sought, Terms
from mithaq.intel.needs.requests import Wish
from mithaq.model.labels import Beside, Clearance
from mithaq.node.build import ROOT_KEY
from mithaq.policy import agreement as policy
from mithaq.seal.keys import from_pem, generate
from mithaq.store.requirements import Row
from tests.federation.test_stories import another_commitment
from tests.leaks.pair import Tlp, body, id_of, text

COMMON, HIDDEN = range(8), range(100, 108)  # numbers of objects
# What is proposed to P and must not go; apart from the rest, some of which could.
WITHHELD, WAITING, DECLINED = range(120, 128), range(140, 148), 161
NEXT = "2026-02-03T00:00:00.000Z"


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
    side.bring(180, Tlp.GREEN)
    side.raise_to(180, Tlp.RED)


def a_release_to_another(side):
    side.propose("ac", *COMMON)
    secret_objects(side)
    side.propose("ac", *HIDDEN)


def a_release_to_another_client(side):
    side.propose("g-siem", *COMMON)


def a_release_to_another_taken_back(side):
    side.propose("ac", *COMMON)
    side.narrow("ac", "suspend")


def a_recall_to_another(side):
    side.bring(190, Tlp.GREEN)
    side.propose("ac", *COMMON, 190)
    side.turn("corvia")
    for number in (190, *COMMON[:2]):
        asked = Asked(id=id_of(number), agreement="ac", cause="wrong")
        side.act(lambda unit, us, now, asked=asked: recall(unit, us, "d", asked, now))


def large_objects(side):
    for number in range(200, 204):
        side.bring(number, Tlp.GREEN, description="much " * 40_000)
    side.propose("ac", *range(200, 204))


def the_values_of_common_objects_under_other_names(side):
    """The same address, as another object, of a level that does not go."""
    for number in (4, 10):
        other = id_of(number + 200, "ipv4-addr")
        side.bring(number, Tlp.RED, own=False, kind="ipv4-addr", id=other)


def another_text_with_another(side):
    raw = policy.to_bytes(text("ac", ("aurelia", "corvia"), version=2, max_tlp="CLEAR"))
    for name in ("aurelia", "corvia"):
        side.act(signing.sign_text, raw, by="l", at=name)
    side.turn("corvia")


def another_turns_its_key(side):
    node = side.nodes["corvia"]
    root = from_pem((node.config.home / ROOT_KEY).read_bytes())
    change = Change(public=generate().public, begins=side.clock() + timedelta(hours=9))
    side.act(lambda unit, us, now: rotate(unit, us, [root], change, now, by="o"), at="corvia")
    side.turn("corvia")


def a_proposal_that_is_withheld(side):
    for number in WITHHELD:
        side.bring(number, Tlp.RED)
    side.propose("ab", *WITHHELD)
    side.propose("g-misp", *WITHHELD)


def a_proposal_that_waits(side):
    for number in WAITING:
        side.bring(number, Tlp.AMBER_STRICT)
    side.propose("ab", *WAITING)


def a_proposal_that_was_declined(side):
    side.bring(DECLINED, Tlp.AMBER_STRICT)
    side.propose("ab", DECLINED)
    [seq] = side.copies(DECLINED)
    side.act(lambda unit, us, now: approval.decline(unit, "omar", seq, "ab", now))


def what_another_sends(side):
    for number in (*HIDDEN, *COMMON):
        side.bring(number, Tlp.GREEN, at="corvia")
    side.propose("ac", *HIDDEN, *COMMON, at="corvia")
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
    side.act(signing.sign_text, raw, by="l", at="aurelia")
    side.act(signing.sign_text, raw, by="l", at="dorado")
    side.turn("dorado")


def what_another_sends_into_quarantine(side):
    """It carries what claims the name of a nation that is met here, and not there."""
    another_nation(side)
    claimed = side.creator("dorado")
    side.bring(43, Tlp.CLEAR, at="corvia", own=False, kind="tool", id=claimed, type="identity")
    side.propose("ac", claimed, at="corvia", own=False)
    side.turn("corvia")


def a_stranger(side):
    node = side.nodes["dorado"]
    with node.core.read() as unit:
        document = max(peers.parties.key_document_envelopes(unit, "dorado").items())[1]
    side.act(peers.meet, document, by="l")


def a_person(side):
    newcomer = people.Newcomer(
        name="nora", roles=frozenset({"analyst"}), clearance="AMBER", public=generate().public
    )
    side.act(lambda unit, us, now: people.enrol(unit, newcomer, now, by="omar"))


def another_clients_token(side):
    given = side.act(lambda unit, us, now: peers.new_token(unit, "siem", now, by="l"))
    side.tokens["siem"] = given


def another_client_turned_away(side):
    side.act(lambda unit, us, now: peers.revoke_token(unit, "siem", now, by="l"))


def a_proof_handed_out(side):
    secret_objects(side)
    side.act(lambda unit, us, now: log.head(unit, (us.party, us.realm), us.signer, now))


def a_newer_version_of_what_is_out(side):
    for number in COMMON:
        side.bring(number, Tlp.GREEN, version=NEXT, description="what we learned since")


def a_forum_that_compares(side):
    """Aurelia, Corvia and Dorado tell each other what each was told; Borea is no party."""
    another_nation(side)
    for one, other in (("corvia", "dorado"), ("dorado", "corvia")):
        side.enrol(side.nodes[one], side.nodes[other])
    names = ("aurelia", "corvia", "dorado")
    raw = policy.to_bytes(text("acd", names, kind="forum", compare=True))
    for name in names:
        side.act(signing.sign_text, raw, by="l", at=name)
    side.turn("corvia", "dorado")


def one_of_them_tells_two_stories(side):
    with pytest.MonkeyPatch.context() as patch:
        another_commitment(patch, to="dorado")
        for number in HIDDEN:
            side.bring(number, Tlp.GREEN, at="corvia")
        side.propose("acd", *HIDDEN, at="corvia")
    side.turn("corvia", "dorado")


def questions_that_common_objects_answer_and_a_request_to_another(side):
    """Whatever is sought, tagged, saved and asked of corvia, borea and misp learn nothing of it."""
    cleared = Clearance(tlp=Tlp.RED)
    actor = Actor(name="omar", roles=frozenset({Role.ANALYST}), clearance=cleared)
    row = Row(
        name="grid", owner="omar", priority=1, level=0, terms="", made_at="", changed_at=""
    )  # fmt: skip

    def asked(unit, us, now):
        terms = Terms(question="what do we not know?", sought=Sought(words=("malware", "name")))
        one = requirements.draft(unit, actor, row, terms, now)
        requirements.keep(unit, actor, one, now)
        saved.notify(unit, actor, saved.save(unit, actor, "all", Query(words="name"), now), on=True)
        for number in COMMON[:2]:
            answers.tag(unit, us, actor, one, id_of(number), now, off=False)
        wish = Wish(to=["corvia"], question="who?", beside=Beside(tlp=Tlp.AMBER))
        requests.send(unit, us, actor, one, requests.ask(unit, us, actor, one, wish, now), now)

    # Refused where another hidden act has suspended what was agreed with corvia.
    assert side.act(asked) in (None, "conflict", "invalid-input"), "it was not asked"
    side.turn("corvia")


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
    a_recall_to_another,
    large_objects,
    the_values_of_common_objects_under_other_names,
    another_text_with_another,
    another_turns_its_key,
    questions_that_common_objects_answer_and_a_request_to_another,
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
