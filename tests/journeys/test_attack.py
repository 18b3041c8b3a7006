"""All of MITRE ATT&CK, marked, released and received: what arrives is what was stored, byte for byte."""

from pathlib import Path

import pytest

from mithaq.border import admit
from mithaq.formats import BUILT_IN
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import Object
from mithaq.policy.agreement import Agreement, Clause, Party
from mithaq.policy.decision import Release
from mithaq.store import inbound
from mithaq.store.sources import Source
from tests.federation.world import Federation

ATTACK = Path(__file__).parents[2].parent / "shared/data/attack/enterprise-attack.json"
pytestmark = pytest.mark.skipif(
    not ATTACK.exists(), reason="ATT&CK lies beside the checkout, in ../shared"
)
PARTIES = [
    Party(name="aurelia", country="QM", organisation="Aurelia National CSIRT"),
    Party(name="borea", country="QN", organisation="CERT Borea"),
]
EVERYTHING = Agreement(
    id="all",
    version=1,
    title="Everything to GREEN",
    kind="bilateral",
    parties=PARTIES,
    clauses=[Clause(id="all", kinds=["*"], attribution="release")],
    start="2026-01-01T00:00:00.000Z",
)


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    made.nation("aurelia", "QM")
    made.nation("borea", "QN")
    made.enrol_all()
    made.sign(EVERYTHING, "aurelia", "borea")
    yield made
    made.close()


def test_all_of_attack_arrives_with_the_bytes_it_was_stored_with(federation):
    read = [each for each in BUILT_IN.read(ATTACK.read_bytes()) if isinstance(each, Object)]
    aurelia = federation.nodes["aurelia"]
    source = Source(name="file:attack", kind="file")
    given = [admit.Given(object=each, beside=Beside(tlp=Tlp.CLEAR)) for each in read]
    with aurelia.core.begin() as unit:
        outcome = admit.local(
            unit, aurelia.us, source, given, author="ana", own=False, now=federation.clock()
        )

    made = federation.release("aurelia", "all", [copy.seq for copy in outcome.stored])
    federation.settle(2)

    objects = {(o.id, o.version): o.raw for o in read if o.type != "marking-definition"}
    assert len(read) > 24_000
    assert all(isinstance(decision, Release) for decision in made.decisions.values())
    assert federation.held_by("borea") == objects
    with federation.nodes["borea"].core.read() as unit:
        assert not inbound.in_quarantine(unit)
        assert not inbound.refused(unit)
