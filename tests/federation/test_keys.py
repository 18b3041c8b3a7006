"""A nation's exchange key turns, is lost or stolen: releases go on, and what a thief signed is set aside."""

from datetime import timedelta

import pytest

from mithaq.border import keys, parting
from mithaq.border.keys import Change
from mithaq.border.peers import document_of
from mithaq.errors import InputError, Refused
from mithaq.exchange.client import Line, PeerRefuses
from mithaq.exchange.wire import PeerUnreachable
from mithaq.seal.documents import Reader
from mithaq.seal.keys import from_pem, generate
from mithaq.store import inbound, releases
from tests.federation.test_delivery import let_go
from tests.values import replace

HOUR = timedelta(hours=1)


def change(federation, name="aurelia", after=HOUR, **more):
    """Sign the next key document of a nation; return its new exchange key."""
    node, fresh = federation.nodes[name], generate()
    wanted = Change(public=fresh.public, begins=federation.clock() + after, **more)
    with node.core.begin() as unit:
        keys.rotate(unit, node.us, [federation.root(name)], wanted, federation.clock(), by="olga")
    node.keys.beside(fresh.keyid).write_bytes(fresh.pem())
    return fresh


def test_the_next_key_signs_at_its_instant_and_nobody_misses_anything(three):
    node, old = three.nodes["aurelia"], three.nodes["aurelia"].us.signer.keyid
    fresh = change(three)
    let_go(three, 1)
    three.settle()
    assert node.us.signer.keyid == old
    assert len(three.held_by("borea")) == 1

    three.clock.step(3600)
    let_go(three, 2)
    three.settle()

    assert node.us.signer.keyid == fresh.keyid
    assert len(three.held_by("borea")) == len(three.held_by("corvia")) == 2


def test_a_peer_that_is_brought_everything_follows_too(three):
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        parting.set_delivery(unit, "borea", "push", three.clock(), by="olga")

    def behind_a_firewall(wire, sender, request):
        if sender == "borea":
            raise PeerUnreachable("nothing goes out from here")

    three.wire.fault = behind_a_firewall
    change(three)
    three.settle()
    three.clock.step(3600)
    let_go(three, 1)
    three.settle()

    assert len(three.held_by("borea")) == 1


def test_two_that_turned_their_keys_unheard_of_each_other_find_each_other_again(three):
    """Each refuses what the other signs, until it has read the other's next document, which is open to all."""

    def parted(wire, sender, request):
        if {sender, request.url.split("/")[2].removesuffix(".example")} == {"aurelia", "borea"}:
            raise PeerUnreachable("parted")

    three.wire.fault = parted
    for name in ("aurelia", "borea", "borea"):
        change(three, name)
        three.clock.step(600)
    three.settle()
    three.clock.step(7200)
    three.wire.fault = None
    let_go(three, 1)
    three.settle()

    assert len(three.held_by("borea")) == len(three.held_by("corvia")) == 1


def test_after_a_week_the_old_key_counts_no_more_but_what_it_signed_stays(three):
    let_go(three, 1)
    three.settle()
    old = from_pem(three.nodes["aurelia"].config.exchange_key_path.read_bytes())
    change(three)
    three.settle()
    three.clock.step(8 * 24 * 3600)
    three.settle()

    rotated = replace(three.nodes["aurelia"], us=replace(three.nodes["aurelia"].us, signer=old))
    three.workers["aurelia"] = type(three.workers["aurelia"])(rotated)
    three.nodes["aurelia"] = rotated
    let_go(three, 2)
    three.settle()

    assert {id_[-1] for id_, _ in three.held_by("borea")} == {"1"}


def test_what_came_under_a_stolen_key_since_then_is_set_aside_and_taken_down(three):
    let_go(three, 1)
    three.settle()
    three.clock.step(3600)
    stolen_at = three.clock()
    let_go(three, 2)
    three.settle()
    stolen = three.nodes["aurelia"].us.signer.keyid
    change(three, after=timedelta(0), revoked=[stolen], since=stolen_at)
    three.settle()

    assert {id_[-1] for id_, _ in three.held_by("borea")} == {"1"}
    with three.nodes["borea"].core.read() as unit:
        [aside] = inbound.in_quarantine(unit)
    assert (aside.code, aside.id[-1]) == ("key-revoked", "2")
    let_go(three, 3)
    three.settle()
    assert {id_[-1] for id_, _ in three.held_by("borea")} == {"1", "3"}


def test_a_document_takes_our_root_key_and_names_keys_that_are_there(three):
    node = three.nodes["aurelia"]
    for roots, wanted, error in (
        ([generate()], Change(), Refused),
        ([], Change(), Refused),
        ([three.root("aurelia"), generate()], Change(), Refused),
        ([three.root("aurelia")], Change(revoked=["sha256:" + "0" * 64]), InputError),
    ):
        with node.core.begin() as unit, pytest.raises(error):
            keys.rotate(unit, node.us, roots, wanted, three.clock(), by="olga")


def test_readers_are_signed_and_heard_of(three):
    node = three.nodes["aurelia"]
    named = [Reader(id="duty-1", role="duty officer", name="D. O.")]
    with node.core.begin() as unit:
        keys.rotate(
            unit, node.us, [three.root("aurelia")], Change(readers=named), three.clock(), by="olga"
        )
    three.settle()

    with three.nodes["borea"].core.read() as unit:
        held = document_of(unit, "aurelia")
    assert held.readers == named
    assert held.version == 2
    let_go(three, 1)
    three.settle()
    assert len(three.held_by("borea")) == 1
    with node.core.read() as unit:
        assert len(releases.rows_of_agreement(unit, "forum")) == 2


def test_a_key_whose_time_is_over_reads_nothing_though_no_document_revokes_it(three):
    """As a thief would, who finds it in an old backup."""
    line = Line(
        wire=three.wire.of("borea"), url="http://aurelia.example",
        signer=three.nodes["borea"].us.signer,
    )  # fmt: skip
    three.settle()
    assert line.heartbeat(three.clock())

    three.clock.step(91 * 24 * 3600)

    with pytest.raises(PeerRefuses) as refused:
        line.heartbeat(three.clock())
    assert refused.value.facts["status"] == 401
