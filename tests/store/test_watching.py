"""What comes meets a watch when a search would find it, on both databases, once, and past what may be read alone."""

import random

import pytest

from mithaq.model.labels import Clearance, Tlp
from mithaq.model.observed import read
from mithaq.store import noticing, objects, texts, values, watching, words
from mithaq.store.matching import Query
from mithaq.store.noticing import Reader, Watched
from tests.store.test_search import EVERYTHING, add, search, some_copy, some_wanted
from tests.store.values import copy, indicator, tool

AT = "2026-03-02T00:00:00.000Z"


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Few copies make many spans and many blocks."""
    monkeypatch.setattr(words, "WIDEST", 32)
    monkeypatch.setattr(watching, "BLOCK", 16)
    monkeypatch.setattr(noticing, "BLOCK", 16)
    monkeypatch.setattr(noticing, "_PAGE", 5)


def watch(core, **asked):
    with core.begin() as unit:
        return watching.watch(unit, Query(**asked))


def reader(clearance=EVERYTHING, name="amal"):
    return Reader(name, texts.newest(objects.visible_to(clearance, "aurelia")))


def told(core, number, clearance=EVERYTHING, most=1000, name="amal"):
    with core.read() as unit:
        found = noticing.told(unit, reader(clearance, name), Watched({number: None}), most)
        assert noticing.unread(unit, reader(clearance, name), Watched({number: None}), 1000) >= len(
            found
        )
    return [hit.copy.seq for hit in found]


def as_query(wanted):
    types = {"types": (wanted["type"],)} if "type" in wanted else {}
    return {
        name: tuple(said) if isinstance(said, list) else said
        for name, said in wanted.items()
        if name != "type"
    } | types


@pytest.mark.parametrize("seed", range(1))
def test_a_watch_meets_what_the_same_search_finds_of_what_came_after(core, seed):
    chance = random.Random(seed)
    held = [*add(core, *(some_copy(chance, n) for n in range(40)))]
    asked = {}
    for start in range(40, 120, 20):
        for wanted in (some_wanted(chance) for _ in range(8)):
            asked[watch(core, **as_query(wanted))] = (wanted, held[-1].seq)
        held += add(core, *(some_copy(chance, start + n) for n in range(20)))
        texts.read_out(core, chance.choice((1, 7, 100)), AT)
    while True:
        with core.read() as unit:
            if not texts.behind(unit):
                break
        texts.read_out(core, 100, AT)

    for number, (wanted, after) in asked.items():
        clearance = Clearance(tlp=Tlp(chance.randrange(4)))
        found = [seq for seq in search(core, clearance=clearance, **wanted) if seq > after]
        assert told(core, number, clearance) == found, wanted


def test_a_watch_of_a_value_meets_what_speaks_of_it_or_of_what_it_belongs_to(core):
    sought = read("hxxp://a.evil[.]example/x")
    number = watch(core, value=tuple(sought))
    patterns = ("evil.example", "a.evil.example", "other.example", "b.evil.example")
    add(core, *(copy(indicator(n, f"[domain-name:value = '{p}']")) for n, p in enumerate(patterns)))
    texts.read_out(core, 10, AT)

    with core.read() as unit:
        visible = objects.visible_to(EVERYTHING, "aurelia")
        known = {each.copy.seq for each in values.known(unit, visible, sought, 10)}
    assert set(told(core, number)) == known
    assert len(known) == 2


def test_nothing_is_told_twice_whatever_is_read_out_again(core):
    number = watch(core, words="tool")
    add(core, copy(tool(1)), copy(tool(2)))
    texts.read_out(core, 10, AT)
    with core.begin() as unit:
        noticing.mark_read(unit, reader(), [number])
        # words are found in another form: all is read out anew
        texts.keep(unit, objects.READ, "0")
    add(core, copy(tool(3)))
    for _ in range(3):
        texts.read_out(core, 2, AT)

    with core.read() as unit:
        assert noticing.unread(unit, reader(), Watched({number: None}), 10) == 1
        assert noticing.unread(unit, reader(name="badr"), Watched({number: None}), 10) == 3


def test_a_version_is_told_once_though_it_comes_under_several_agreements(core):
    number = watch(core, words="tool")
    add(core, *(copy(tool(1), agreement=name) for name in ("pact", "forum")))
    texts.read_out(core, 10, AT)
    [seq] = told(core, number)

    with core.begin() as unit:
        noticing.mark_read(unit, reader(), [number], [seq])
    add(core, copy(tool(1), agreement="late"), copy(tool(1, version="2027-01-01T00:00:00.000Z")))
    texts.read_out(core, 10, AT)

    with core.read() as unit:
        hits = noticing.told(unit, reader(), Watched({number: None}), 10)
    assert [(hit.copy.object.version[:4], hit.read) for hit in hits] == [("2027", False)]


def test_what_is_erased_is_told_of_no_more(core):
    number = watch(core, words="tool")
    held = add(core, copy(tool(1)), copy(tool(2)))
    texts.read_out(core, 10, AT)
    with core.begin() as unit:
        objects.erase(unit, held[:1])

    assert told(core, number) == [held[1].seq]


def test_who_dies_between_reading_out_and_keeping_tells_it_the_next_time_and_once(
    core, monkeypatch
):
    number = watch(core, words="tool")
    [one] = add(core, copy(tool(1)))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(watching, "keep", killed)  # after the hits were written
        with pytest.raises(KeyboardInterrupt):
            texts.read_out(core, 10, AT)
    assert told(core, number) == []
    texts.read_out(core, 10, AT)
    texts.read_out(core, 10, AT)

    assert told(core, number) == [one.seq]


def test_who_counts_many_counts_what_they_may_read_alone(core):
    number = watch(core, words="tool")
    levels = (Tlp.RED, Tlp.CLEAR, Tlp.AMBER)
    add(core, *(copy(tool(n), level=int(levels[n % 3])) for n in range(60)))
    for _ in range(2):
        texts.read_out(core, 100, AT)

    with core.read() as unit:
        counts = [
            noticing.unread(unit, reader(Clearance(tlp=level)), Watched({number: None}), 30)
            for level in (Tlp.CLEAR, Tlp.AMBER, Tlp.RED)
        ]
    assert counts == [20, 30, 30]


def test_a_watch_that_is_gone_leaves_nothing(core):
    number = watch(core, words="tool")
    add(core, copy(tool(1)))
    texts.read_out(core, 10, AT)
    with core.begin() as unit:
        noticing.mark_read(unit, reader(), [number])
        watching.unwatch(unit, number)

    assert told(core, number) == []
