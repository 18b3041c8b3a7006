"""People find what they may read by words, facts, values and neighbours, and learn of nothing else."""

import pytest

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.errors import InputError
from mithaq.intel import Filters
from mithaq.intel.finding import searching
from mithaq.model.labels import Tlp
from mithaq.store.bounds import TookTooLong
from tests.rooms.intel.conftest import NOW, person
from tests.rooms.intel.test_service import desk, id_, tool

__all__ = ["desk"]
AT = "2026-01-01T00:00:00.000Z"
TECHNIQUE = "attack-pattern--00000000-0000-4000-8000-000000000001"
SUB = "attack-pattern--00000000-0000-4000-8000-000000000002"


def made(type_, number, **more):
    whole = f"{type_}--00000000-0000-4000-8000-{number:012d}"
    return {
        "type": type_,
        "spec_version": "2.1",
        "id": whole,
        "created": AT,
        "modified": AT,
        **more,
    }


def technique(number, name, external):
    known = [{"source_name": "mitre-attack", "external_id": external}]
    return made("attack-pattern", number, name=name, external_references=known)


def tie(number, source, target, **more):
    return made(
        "relationship",
        number,
        relationship_type="uses",
        source_ref=source,
        target_ref=target,
        **more,
    )


def indicator(number, pattern, **more):
    return made("indicator", number, pattern=pattern, pattern_type="stix", valid_from=AT, **more)


def names(copies):
    return [copy.object.body.get("name", copy.object.id) for copy in copies]


@pytest.fixture(params=[False, True], ids=["at once", "read out"])
def held(request, desk, core):
    desk.add(
        tool(1, name="Poison Ivy", labels=["RAT"], confidence=80),
        tool(2, name="Other"),
        tool(3, name="Untied", revoked=True),
        technique(1, "PowerShell", "T1059"),
        technique(2, "Python", "T1059.001"),
        tie(4, id_(1), TECHNIQUE),
        tie(5, id_(2), SUB),
        made("report", 6, name="Report", published=AT, object_refs=[TECHNIQUE]),
        indicator(7, "[domain-name:value = 'evil.example']", name="Bad"),
    )
    if request.param:
        while True:
            before = core_state(core)
            intel.read_out(core, NOW)
            if core_state(core) == before:
                break
    return desk


def core_state(core):
    with core.read() as unit:
        return unit.exec_driver_sql("SELECT * FROM settings ORDER BY 1").all()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(type="report"), ["Report"]),
        (Filters(labels=["rat"]), ["Poison Ivy"]),
        (Filters(confidence=80), ["Poison Ivy"]),
        (Filters(confidence=81), []),
        (Filters(revoked=True), ["Untied"]),
        (Filters(source="nobody"), []),
        (Filters(agreement="pact"), []),
        (Filters(marking="RED"), []),
        (Filters(since="2100-01-01"), []),
        (Filters(until="2100-01-01", type="tool"), ["Untied", "Other", "Poison Ivy"]),
        (Filters(technique="T1059", type="tool"), ["Other", "Poison Ivy"]),
        (Filters(technique="t1059.001", type="tool"), ["Other"]),
        (Filters(technique="powershell"), ["Report", "PowerShell", "Poison Ivy"]),
        (Filters(technique="T9999"), []),
        (Filters(technique="no such name"), []),
    ],
)
def test_a_search_is_narrowed_by_facts(held, filters, found):
    assert names(held.ask(intel.search, "", filters)) == found


def test_facts_and_words_go_together(held):
    assert names(held.ask(intel.search, "poison", Filters(technique="T1059"))) == ["Poison Ivy"]
    assert names(held.ask(intel.search, "other", Filters(labels=["RAT"]))) == []


@pytest.mark.parametrize(
    "filters", [Filters(marking="PINK"), Filters(since="soon"), Filters(until="late")]
)
def test_a_filter_that_is_none_is_refused(held, filters):
    with pytest.raises(InputError):
        held.ask(intel.search, "", filters)


def test_a_value_is_looked_up_as_people_write_it(held):
    sought = intel.value("EVIL[.]example")
    [known] = held.ask(intel.look_up, sought)

    assert (known.copy.object.body["name"], known.exactly) == ("Bad", True)
    assert held.ask(intel.look_up, intel.value("good.example")) == []
    assert intel.value("word") is None
    assert intel.value("Global\\x", "mutex").kind == "mutex"
    with pytest.raises(InputError):
        intel.value("word", "ipv4")


def test_neighbours_are_named_by_their_tie(held):
    [ivy] = held.ask(intel.search, "poison")
    found, after = held.ask(intel.beside, ivy)
    assert [(each.direction, each.tie, each.copy.object.body["name"]) for each in found] == [
        ("to", "uses", "PowerShell")
    ]
    assert after == 0
    [shell] = held.ask(intel.search, "powershell", Filters(type="attack-pattern"))
    first, after = held.ask(intel.beside, shell, (1, 0))
    second, end = held.ask(intel.beside, shell, (1, after))
    third, last = held.ask(intel.beside, shell, (1, end))
    assert [(each.direction, each.tie) for each in (*first, *second, *third)] == [
        ("from", "object_refs/0"), ("from", "uses")
    ]  # fmt: skip
    assert last == 0
    [report] = held.ask(intel.search, "", Filters(type="report"))
    assert [each.copy.object.id for each in held.ask(intel.beside, report)[0]] == [TECHNIQUE]


def test_who_may_not_read_a_tie_or_its_end_does_not_see_it(held):
    low = person(Tlp.AMBER)
    held.add(tool(20, name="Secret tool"), tie(21, id_(20), TECHNIQUE), tlp=Tlp.RED)
    held.add(tie(22, id_(20), TECHNIQUE))

    seen = held.ask(intel.beside, held.ask(intel.search, "powershell")[-1], actor=low)[0]

    hidden = [each for each in seen if each.id == id_(20)]
    assert [(each.tie, each.copy) for each in hidden] == [("uses", None)]
    assert "Secret tool" not in names(
        held.ask(intel.search, "", Filters(technique="T1059", type="tool"), actor=low)
    )


@pytest.mark.parametrize(
    "verb",
    [
        lambda u, us, a: intel.look_up(u, us, a, intel.value("evil.example")),
        lambda u, us, a: intel.beside(u, us, a, None),
        lambda u, us, a: intel.relate(u, us, a, None),
    ],
)
def test_who_may_not_read_finds_nothing(held, verb):
    with pytest.raises(Forbidden):
        held.ask(verb, actor=person(Tlp.RED, "operator", "auditor"))


def test_a_search_that_takes_too_long_says_so(held, monkeypatch):
    monkeypatch.setattr(searching, "SECONDS", -1.0)

    with pytest.raises(TookTooLong):
        held.ask(intel.search, "poison")
