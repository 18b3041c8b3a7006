"""Words, facts and values find the same on SQLite, on PostgreSQL and by looking at each object (the oracle)."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from mithaq.model.labels import Clearance, Tlp
from mithaq.model.observed import read
from mithaq.model.values import Value
from mithaq.store import bounds, neighbours, objects, texts, values, words
from mithaq.store.bounds import TookTooLong, within_seconds
from mithaq.store.texts import Wanted
from tests.store.values import copy, indicator, relationship, tool, url

EVERYTHING = Clearance(tlp=Tlp.RED)
SYLLABLES = ("ab", "aba", "abad", "ba", "bada", "dab", "c2", "x")


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Few copies make many spans."""
    monkeypatch.setattr(words, "WIDEST", 32)


def add(store, *copies):
    with store.begin() as unit:
        return objects.add(unit, copies)


def search(store, page=(1000, 0), clearance=EVERYTHING, **wanted):
    with store.read() as unit:
        visible = objects.visible_to(clearance, "aurelia")
        return [each.seq for each in texts.search(unit, visible, Wanted(**wanted), page)]


def known(store, written, most=100, clearance=EVERYTHING):
    with store.read() as unit:
        visible = objects.visible_to(clearance, "aurelia")
        return values.known(unit, visible, read(written), most)


# --- words and facts --------------------------------------------------------------------------------
def begins(word, name):
    """Say whether one of the words of a name, parted by blanks, has a part where ``word`` begins."""
    for each in name.split():
        parts = each.split(".")
        for at in range(len(parts)):
            rest = ".".join(parts[at:])
            if (
                rest.startswith(word)
                if len(word) > 2
                else rest == word or rest.startswith(f"{word}.")
            ):
                return True
    return False


def oracle(held, wanted, clearance):
    return [
        each.seq
        for each in sorted(held, key=lambda each: -each.seq)
        if each.level <= clearance.tlp
        and all(begins(word, each.object.body["name"]) for word in wanted.get("words", "").split())
        and all(label in each.object.body.get("labels", ()) for label in wanted.get("labels", ()))
        and wanted.get("agreement", "") in ("", each.agreement)
        and (not wanted.get("sources") or each.voucher in wanted["sources"])
        and wanted.get("level", each.level) == each.level
        and each.object.body.get("confidence", -1) >= wanted.get("confidence", -1)
        and wanted.get("revoked", each.object.body.get("revoked", False)) == each.object.body.get("revoked", False)
        and wanted.get("since", "") <= each.received_at < wanted.get("until", "9")
    ]  # fmt: skip


def some_copy(chance, number):
    names = (".".join(chance.choices(SYLLABLES, k=chance.choice((1, 1, 2, 3)))) for _ in range(3))
    more = {"labels": chance.sample(["red", "green", "blue"], chance.randrange(1, 3))}
    if chance.random() < 0.5:
        more["confidence"] = chance.randrange(101)
    if chance.random() < 0.2:
        more["revoked"] = True
    return copy(
        tool(number, name=" ".join(names), **more),
        voucher=chance.choice(("aurelia", "borealis")),
        agreement=chance.choice(("", "pact", "pact-2")),
        level=chance.randrange(4),
        received_at=f"2026-03-{1 + number // 20:02d}T00:00:00.000Z",
    )


def some_wanted(chance):
    wanted = {
        "words": " ".join(
            chance.choices((*SYLLABLES, "ab.ba", "ba.d", "dab.c2"), k=chance.randrange(3))
        )
    }
    for name, some in {
        "labels": [["red"], ["red", "blue"]], "agreement": ["pact", "pact-2", "none"], "sources": [["borealis", "x"]],
        "level": [0, 2], "confidence": [0, 50, 100], "revoked": [True, False],
        "since": ["2026-03-03T00:00:00.000Z"], "until": ["2026-03-05T00:00:00.000Z"],
    }.items():  # fmt: skip
        if chance.random() < 0.25:
            wanted[name] = chance.choice(some)
    return wanted


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_asked_what_is_found_is_what_looking_at_each_would_find(
    core, seed, monkeypatch
):
    chance = random.Random(seed)
    monkeypatch.setattr(texts, "_FEW", 20 * seed)
    held = []
    for start in range(0, 150, 30):
        held += add(core, *(some_copy(chance, start + n) for n in range(30)))
        texts.read_out(core, chance.choice((1, 3, 10, 100)))
        if chance.random() < 0.5:
            gone = chance.sample(held, 5)
            with core.begin() as unit:
                objects.erase(unit, gone)
            held = [each for each in held if each not in gone]
    for _ in range(60):
        wanted, clearance = some_wanted(chance), Clearance(tlp=Tlp(chance.randrange(4)))
        expected = oracle(held, wanted, clearance)
        assert search(core, clearance=clearance, **wanted) == expected, wanted
        paged, before = [], 0
        while some := search(core, (7, before), clearance, **wanted):
            paged, before = paged + some, some[-1]
        assert paged == expected, wanted
        if chance.random() < 0.1:
            texts.read_out(core, chance.choice((1, 20)))


@given(st.sets(st.integers(0, 8191), min_size=1))
def test_copies_of_a_span_come_back_from_their_bytes(places):
    bits = sum(1 << at for at in places)

    assert words.unpacked(words.packed(bits)) == bits
    assert words.places(bits) == sorted(places, reverse=True)
    assert len(words.packed(bits)) <= min(2 * len(places), 1025)


def test_small_spans_are_made_one_and_none_is_wider_than_it_may(core):
    for number in range(1, 101):
        add(core, copy(tool(number, name="same")))
        texts.read_out(core, 10)

    with core.read() as unit:
        some = unit.execute(
            text(f"SELECT first, last FROM {'' if core.on_sqlite else 'core.'}spans ORDER BY 1")
        ).all()
    assert all(last - first < 32 for first, last in some)
    assert len(some) < 12
    assert len(search(core, words="same")) == 100


def test_an_object_is_among_what_is_asked_for_by_number(core):
    one, two, three = add(core, *(copy(tool(n, name="same")) for n in range(3)))
    for count in (0, 2, 10):
        texts.read_out(core, count)
        assert search(core, among={three.seq, one.seq}) == [three.seq, one.seq]
        assert search(core, among={one.seq}, words="same") == [one.seq]
        assert search(core, among=set(), words="same") == []
        assert search(core, among={two.seq}, words="other") == []


# --- values -----------------------------------------------------------------------------------------
def test_a_value_is_known_by_whatever_speaks_of_it_exactly_first(core):
    host, at, mail, net, ip, port, digest, imp, other = add(
        core,
        copy(indicator(1, "[domain-name:value = 'evil.example']")),
        copy(url(2, "http://evil.example/x")),
        copy(indicator(3, "[email-addr:value = 'a@evil.example' AND file:size > 5]")),
        copy(indicator(4, "[ipv4-addr:value = '198.51.100.0/24']")),
        copy(indicator(5, "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [file:name = 'x']")),
        copy(
            indicator(
                6,
                "[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 443]",
            )
        ),
        copy(indicator(7, f"[file:hashes.MD5 = '{'AB' * 16}']")),
        copy(indicator(8, f"[file:extensions.'windows-pebinary-ext'.imphash = '{'ab' * 16}']")),
        copy(indicator(9, "[domain-name:value = 'good.example']")),
    )
    for count in (0, 4, 100):  # the same before they were read out, amid it, and after
        texts.read_out(core, count)
        assert [(each.copy.seq, each.exactly) for each in known(core, "EVIL[.]example")] == [
            (host.seq, True), (mail.seq, False), (at.seq, False)
        ]  # fmt: skip
        assert [(each.copy.seq, each.exactly) for each in known(core, "hxxp://evil.example/x")] == [
            (at.seq, True), (host.seq, False)
        ]  # fmt: skip
        assert [each.copy.seq for each in known(core, "sub.evil.example")] == [host.seq]
        assert {each.copy.seq: each.exactly for each in known(core, "198.51.100.7")} == {
            ip.seq: True, port.seq: True, net.seq: False
        }  # fmt: skip
        assert [each.copy.seq for each in known(core, "198.51.100.99")] == [net.seq]
        assert {each.copy.seq for each in known(core, "ab" * 16)} == {digest.seq, imp.seq}
        assert known(core, "ab" * 16, most=1)[0].value == Value("imphash", "ab" * 16)
        assert (
            known(core, "other.example")
            == known(core, "203.0.113.1")
            == known(core, "cd" * 32)
            == []
        )
        assert [each.copy.seq for each in known(core, "good.example")] == [other.seq]


def test_nobody_learns_from_a_look_up_or_a_search_what_they_may_not_read(core):
    low = Clearance(tlp=Tlp.GREEN)
    add(
        core,
        *(
            copy(indicator(n, "[domain-name:value = 'evil.example']"), level=int(Tlp.RED))
            for n in range(60)
        ),
        copy(relationship(70, tool(71).id, tool(72).id), level=int(Tlp.AMBER)),
    )
    [mine] = add(core, copy(indicator(80, "[domain-name:value = 'evil.example']")))
    for count in (0, 30, 100):
        texts.read_out(core, count)
        assert [each.copy.seq for each in known(core, "evil.example", 5, low)] == [mine.seq]
        assert search(core, (5, 0), low, words="evil.example") == [mine.seq]
        assert search(core, (1, mine.seq), low, words="evil") == []
        with core.read() as unit:
            visible = objects.visible_to(low, "aurelia")
            assert neighbours.naming(unit, visible, tool(71).id) == []
            assert neighbours.tied_to(unit, visible, [tool(71).id]) == set()


# --- neighbours -------------------------------------------------------------------------------------
def test_what_names_an_object_comes_page_by_page(core):
    one, other = tool(1), tool(2)
    held = add(core, *(copy(relationship(n, one.id, other.id)) for n in range(10, 20)))
    expected = [each.seq for each in reversed(held)]
    for count in (0, 4, 100):
        texts.read_out(core, count)
        with core.read() as unit:
            visible = objects.visible_to(EVERYTHING, "aurelia")
            pages, before = [], 0
            while some := neighbours.naming(unit, visible, one.id, (3, before)):
                pages, before = [*pages, *(each.seq for each in some)], some[-1].seq
            assert neighbours.naming(unit, visible, "no identifier") == []
        assert pages == expected


def test_a_relationship_ties_its_ends_and_nothing_else(core):
    maker = "identity--00000000-0000-4000-8000-000000000001"
    one, two, by, report = add(
        core,
        copy(tool(1)),
        copy(tool(2)),
        copy(relationship(3, tool(1).id, tool(2).id, created_by_ref=maker)),
        copy(tool(4, x_refs=[tool(2).id])),
    )
    texts.read_out(core, 100)
    with core.read() as unit:
        visible = objects.visible_to(EVERYTHING, "aurelia")
        assert neighbours.tied_to(unit, visible, [tool(2).id]) == {one.seq, two.seq, report.seq}
        assert neighbours.tied_to(unit, visible, [tool(1).id]) == {one.seq, two.seq}
        assert neighbours.tied_to(unit, visible, [maker]) == set()
    assert by.seq


# --- bounds -----------------------------------------------------------------------------------------
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


def test_a_question_that_takes_too_long_is_broken_off_and_the_next_one_is_answered(core):
    with core.read() as unit:
        began = time.monotonic()
        with pytest.raises(TookTooLong) as caught, within_seconds(unit, 1):
            unit.execute(text(ENDLESS[unit.dialect.name]))
        assert time.monotonic() - began < 30
        assert caught.value.facts == {"seconds": 1}
    with core.read() as unit, within_seconds(unit, 60):
        assert unit.execute(text("SELECT 1")).scalar_one() == 1


def test_rows_that_never_end_are_broken_off_while_they_are_fetched(core):
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    with core.read() as unit:

        def fetch():
            with within_seconds(unit, 1):
                unit.execute(text(f"{numbers} SELECT x FROM n WHERE x = 1")).cursor.fetchall()

        with pytest.raises(TookTooLong):
            fetch()


def test_many_short_questions_are_broken_off_too(core, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(bounds, "monotonic", lambda: float(next(clock)))
    with core.read() as unit:

        def many():
            with within_seconds(unit, 5):
                for _ in range(20):
                    unit.execute(text("SELECT 1"))

        with pytest.raises(TookTooLong):
            many()
    with core.read() as unit:
        assert unit.execute(text("SELECT 1")).scalar_one() == 1
