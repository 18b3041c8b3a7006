"""What is known to be harmless comes in like everything else, and is named to whoever brings it."""

from dataclasses import replace

from mithaq import intel
from mithaq.formats import BUILT_IN, LISTS
from mithaq.model.benign import Benign, findings, suppressing
from mithaq.model.labels import Beside, Tlp
from mithaq.model.listed import Effect, Listed
from mithaq.store import objects
from tests.rooms.intel.conftest import NOW, person

OWNER = Listed(name="owner", family="name", effect=Effect.SUPPRESS, entries=["google.example"])
KNOWN = Benign(lambda family: [OWNER] if family == "name" else [])


def brought(core, us, lines):
    knowing = replace(us, benign=KNOWN)
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


def test_what_is_told_of_a_list_is_what_its_patterns_say(core, us):
    rows = ("domain,ip", "a.example,10.0.0.1", "google.example,8.8.8.8", "evil.example,9.9.9.9")
    more = (
        "www.google.example,10.0.0.2",
        "x.google.example,",
        ",192.0.2.1",
        "https://google.example/x,",
    )
    added = brought(core, us, "\n".join((*rows, *more)))

    with core.read() as unit:
        copies = [copy for seq in added.stored for copy in objects.by_seq(unit, [seq])]
    said = [
        (copy.object.id, found)
        for copy in copies
        for found in suppressing(findings(copy.object.body, KNOWN.match))
    ]
    assert added.benign == said
    assert len(said) >= 4


def ids(core):
    with core.read() as unit:
        return [row.id for row in unit.exec_driver_sql("SELECT id FROM copies")]
