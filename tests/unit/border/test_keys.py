"""Our next key document: who hears of it, and that there is one to follow."""

import pytest

from mithaq.border import keys, peers
from mithaq.border.keys import Change
from mithaq.errors import Fault
from mithaq.node.build import ROOT_KEY
from mithaq.seal.keys import from_pem
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
