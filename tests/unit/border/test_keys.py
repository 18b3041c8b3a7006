"""Our next key document: who hears of it, and that there is one to follow."""

import pytest

from mithaq.border import keys, peers
from mithaq.border.keys import Change
from mithaq.errors import Conflict, Fault, Refused
from mithaq.node.build import ROOT_KEY
from mithaq.seal import drafts
from mithaq.seal.keys import from_pem, generate
from mithaq.store import channels
from mithaq.store.parties import Peer
from tests.unit.border.stage import B, C


@pytest.fixture
def root(stage):
    return from_pem((stage.node.config.home / ROOT_KEY).read_bytes())


def frames_to(stage, peer):
    with stage.node.core.read() as unit:
        held = channels.find(unit, peer, "", "out")
    return held.seq if held else 0


def test_nodes_hear_of_it_and_clients_do_not(stage, root):
    stage.do(
        peers.add_client, Peer(name="siem", kind="client", state="confirmed"), stage.now, by="o"
    )
    before = {name: frames_to(stage, name) for name in (B, C, "siem")}

    stage.do(keys.rotate, stage.us, [root], Change(), stage.now, by="olga")
    stage.do(keys.announce, stage.us, stage.now)

    assert stage.ask(keys.announced) == 2
    assert {name: frames_to(stage, name) - before[name] for name in before} == {
        B: 1,
        C: 1,
        "siem": 0,
    }


def test_without_a_document_there_is_none_to_follow(stage, root):
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("DELETE FROM key_documents WHERE party = 'aurelia'")

    with pytest.raises(Fault):
        stage.do(keys.rotate, stage.us, [root], Change(), stage.now, by="olga")


def test_a_draft_that_follows_another_document_or_lacks_signatures_is_not_published(stage, root):
    late = drafts.signed(stage.do(keys.draft, stage.us, Change(), stage.now), root)
    lone = stage.do(keys.draft, stage.us, Change(), stage.now)
    with pytest.raises(Refused):
        stage.do(keys.publish, stage.us, lone, stage.now, by="olga")
    stage.do(keys.rotate, stage.us, [root], Change(), stage.now, by="olga")

    with pytest.raises(Conflict):
        stage.do(keys.publish, stage.us, late, stage.now, by="olga")


def test_roots_threshold_pins_identities_and_address_change_by_a_draft(stage, root):
    others = [generate(), generate()]
    change = Change(
        roots=[each.public for each in (root, *others)],
        threshold=2,
        pins=[root.keyid],
        identities=["identity--00000000-0000-4000-8000-000000000009"],
        url="https://other.example/",
    )
    made = stage.do(keys.draft, stage.us, change, stage.now)
    for each in (root, others[1]):
        made = drafts.signed(made, each)
    document = stage.do(keys.publish, stage.us, made, stage.now, by="olga")

    assert (document.threshold, len(document.roots), document.standing) == (2, 3, "full")
    assert document.spki_pins == [root.keyid]
    assert document.identities[-1].endswith("9")
    assert document.url == "https://other.example"
