"""What is known to be harmless comes in like everything else, and is named to whoever brings it."""

from dataclasses import replace

from mithaq import intel
from mithaq.formats import BUILT_IN, LISTS
from mithaq.model.benign import Benign, Effect, Listed
from mithaq.model.labels import Beside, Tlp
from tests.unit.intel.conftest import NOW, person


def brought(core, us, lines):
    lists = [
        Listed(name="owner", family="name", effect=Effect.SUPPRESS, entries=["google.example"])
    ]
    knowing = replace(us, benign=Benign(lambda family: [x for x in lists if x.family == family]))
    with core.read() as unit:
        source = intel.source(unit, "list")
    incoming = intel.Incoming(
        raw=lines.encode(), source=source, format=LISTS, beside=Beside(tlp=Tlp.GREEN)
    )
    return intel.add(core, knowing, person(), incoming, NOW, formats=BUILT_IN)


def test_an_indicator_on_something_harmless_is_stored_and_told_of(core, us):
    added = brought(core, us, "evil.example\ngoogle.example\n10.0.0.1\n203.0.113.7\n")

    assert len(added.stored) == 4
    assert {(each.value.text, each.hit.list) for _, each in added.benign} == {
        ("google.example", "owner"),
        ("10.0.0.1", "reserved"),
    }
    assert {id_ for id_, _ in added.benign} < set(ids(core))


def ids(core):
    with core.read() as unit:
        return [row.id for row in unit.exec_driver_sql("SELECT id FROM copies")]
