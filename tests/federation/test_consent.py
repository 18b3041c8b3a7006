"""What its owner holds back goes on with the owner's signed consent, to whom it names, and to nobody else."""

import msgspec
import pytest

from mithaq.border import consent
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.store import consents, inbound, objects, releases
from tests.federation.test_delivery import agreement, enrolled, tool
from tests.federation.world import second_person

ID = tool(1)["id"]


@pytest.fixture
def line(copied):
    """Aurelia shares with Borea, Borea with Corvia; Borea holds Aurelia's AMBER, which is not Borea's to pass on."""
    return copied(_in_line)


def _in_line(federation):
    enrolled(federation)
    for pair in (("aurelia", "borea"), ("borea", "corvia")):
        federation.sign(_wide("-".join(pair), *pair), *pair)
    marked = tool(1) | {"object_marking_refs": [tlp_id(Tlp.AMBER)]}
    federation.release("aurelia", "aurelia-borea", federation.give("aurelia", marked))
    federation.settle()
    federation.release("borea", "borea-corvia", [held(federation).seq])
    federation.settle()
    assert federation.held_by("corvia") == {}


def _wide(id_, *names):
    made = agreement(id_, *names)
    clause = msgspec.structs.replace(made.clauses[0], onward="none", named_levels=["AMBER+STRICT"])
    return msgspec.structs.replace(made, clauses=[clause])


def held(federation, name="borea", id_=ID):
    with federation.nodes[name].core.read() as unit:
        [copy] = objects.of_id(unit, id_)
    return copy


def asks(federation, to="corvia", copy=None):
    node = federation.nodes["borea"]
    with node.core.begin() as unit:
        given = copy or held(federation)
        consent.ask(unit, node.us, given, (to, "they are hit too"), federation.clock(), by="bea")
    federation.settle()


def answers(federation, *, yes=True, number=None):
    node = federation.nodes["aurelia"]
    with node.core.begin() as unit:
        mona = second_person(unit)
        at = number or consents.every(unit)[0].seq
        consent.answer(unit, node.us, at, mona, federation.clock(), yes=yes)
    federation.settle()


def states(federation, name):
    with federation.nodes[name].core.read() as unit:
        return [(row.recipient, row.state) for row in consents.every(unit)]


def test_asked_given_and_passed_on_with_the_owners_word(line):
    asks(line)
    assert states(line, "aurelia") == [("corvia", "asked")]
    assert line.held_by("corvia") == {}

    answers(line)

    assert states(line, "borea") == [("corvia", "given")]
    assert [id_ for id_, _ in line.held_by("corvia")] == [ID]
    assert held(line, "corvia").voucher == "aurelia"


def test_refused_stays_and_a_yes_taken_back_takes_it_down(line):
    asks(line)
    answers(line, yes=False)
    assert line.held_by("corvia") == {}
    answers(line, yes=True)
    assert len(line.held_by("corvia")) == 1

    answers(line, yes=False)

    with line.nodes["borea"].core.read() as unit:
        assert [r for r in releases.rows_of_ids(unit, [ID]) if r.peer == "corvia"] == []


def test_a_yes_for_one_party_lets_it_go_to_no_other(line):
    asks(line, to="dorado")
    answers(line)

    assert states(line, "borea") == [("dorado", "given")]
    assert line.held_by("corvia") == {}


def test_a_relay_that_oversteps_is_found_out_by_whoever_receives(line, monkeypatch):
    """Borea believes itself to have a consent that it has not; Corvia looks at what came with the object."""
    row = consents.ConsentRow(
        owner="aurelia", asker="borea", recipient="corvia", id=ID, version=held(line).object.version,
        digest=held(line).object.digest, state="given", asked_at="", at=text(line.clock()),
        envelope=b"{}",
    )  # fmt: skip
    node = line.nodes["borea"]
    with node.core.begin() as unit:
        consents.put(unit, row)
    line.release("borea", "borea-corvia", [held(line).seq])
    line.settle()

    assert line.held_by("corvia") == {}
    with line.nodes["corvia"].core.read() as unit:
        [aside] = inbound.in_quarantine(unit)
    assert (aside.code, aside.voucher) == ("onward", "borea")


def test_what_cannot_be_asked_is_not_asked(line):
    node = line.nodes["borea"]
    [own] = line.give("borea", tool(2), tlp=Tlp.GREEN)
    [fed] = line.give("borea", tool(3), tlp=Tlp.AMBER, own=False)
    with node.core.read() as unit:
        copies = {copy.seq: copy for copy in objects.by_seq(unit, [own, fed])}
    for seq, error in ((own, InputError), (fed, Conflict)):
        with node.core.begin() as unit, pytest.raises(error):
            consent.ask(unit, node.us, copies[seq], ("corvia", "x"), line.clock(), by="bea")
    red = msgspec.structs.replace(held(line), level=int(Tlp.RED))
    with node.core.begin() as unit, pytest.raises(InputError):
        consent.ask(unit, node.us, red, ("corvia", "x"), line.clock(), by="bea")


def test_only_the_owner_answers_with_a_person_whose_key_it_is(line):
    asks(line)
    node = line.nodes["aurelia"]
    with node.core.begin() as unit:
        name, key = second_person(unit)
        number = consents.every(unit)[0].seq
        for at, person, error in (
            (number + 7, (name, key), NotFound),
            (number, ("somebody", key), Refused),
        ):
            with pytest.raises(error):
                consent.answer(unit, node.us, at, person, line.clock(), yes=True)
    theirs = line.nodes["borea"]
    with theirs.core.begin() as unit:
        at, person = consents.every(unit)[0].seq, second_person(unit)
        with pytest.raises(NotFound):
            consent.answer(unit, theirs.us, at, person, line.clock(), yes=True)


def test_a_request_about_what_was_never_given_says_nothing_and_keeps_nothing(line):
    other = msgspec.structs.replace(held(line), owner="corvia", voucher="corvia")
    asks(line, to="aurelia", copy=other)

    assert states(line, "corvia") == []
