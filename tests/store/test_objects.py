"""Copies stand side by side per voucher, and a person reads what their clearance opens (border.md 1.1, 2.4)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.exc import NoResultFound

from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.store import blobs, definitions, objects, provenance, tables, texts
from mithaq.store.objects import UNRESOLVED
from mithaq.store.sources import Source, all_sources, put_source
from mithaq.store.texts import Wanted
from tests.store.values import AT, copy, tool, url

LATER = "2026-02-01T00:00:00.000Z"
EVERYTHING = Clearance(tlp=Tlp.RED)
TARGET = "malware--00000000-0000-4000-8000-000000000009"


def add(store, *copies):
    with store.begin() as unit:
        return objects.add(unit, copies)


def search(store, words="", *, clearance=EVERYTHING, us="aurelia", page=(100, 0), **more):
    with store.read() as unit:
        visible = objects.visible_to(clearance, us)
        return texts.search(unit, visible, Wanted(words=words, **more), page)


def found(store, words="", **more):
    """Return what is found, the same before its words were read out, amid that, and after."""
    ways = []
    for count in (0, 1, 1_000):
        texts.read_out(store, count)
        ways.append([each.object.id[-1] for each in search(store, words, **more)])
    assert ways[0] == ways[1] == ways[2]
    return ways[0]


# --- what is kept ------------------------------------------------------------------------------------
def test_a_copy_comes_back_as_it_was_given(core):
    given_ = copy(
        tool(x_kept={"deep": [1]}, created_by_ref="identity--00000000-0000-4000-8000-000000000001"),
        voucher="borealis",
        standing="own",
        role="owner",
        owner="borealis",
        agreement="pact",
        agreement_version=3,
        sent_by="cassia",
        onward="scope",
        author="amal",
        beside=Beside(tlp=Tlp.AMBER, releasable_to=frozenset({"cassia"}), embargo=AT),
        readers={"aurelia": ["r1", "r2"], "borealis": ["r1"]},
        level=int(Tlp.RED),
        com="ab" * 32,
        proof='{"index":0}',
    )

    (stored,) = add(core, given_)

    with core.read() as unit:
        (read,) = objects.by_seq(unit, [stored.seq])
        assert blobs.one(unit, given_.object.digest) == given_.object.raw
    assert stored.seq > 0
    assert read == stored
    assert read.object.raw == given_.object.raw


def test_two_vouchers_with_one_id_stand_side_by_side(core):
    """A write by one displaces, changes and reveals nothing of the other's."""
    ours = copy(tool(name="ours"), voucher="aurelia")
    theirs = copy(tool(name="theirs"), voucher="borealis")
    (first,) = add(core, ours)
    before = search(core, "ours")

    (second,) = add(core, theirs)

    assert search(core, "ours") == before
    with core.read() as unit:
        rows = provenance.versions_of(unit, [ours.object.id])
    assert {(row[0], row[1]) for row in rows} == {(first.seq, "aurelia"), (second.seq, "borealis")}


def test_one_voucher_with_two_bodies_of_one_version_keeps_both(core):
    stored = add(core, copy(tool(name="one")), copy(tool(name="two")))

    assert len({each.seq for each in stored}) == 2


def test_the_same_bytes_under_two_agreements_are_two_copies(core):
    """Each has its own terms (border.md 1.8)."""
    stored = add(core, copy(agreement="pact"), copy(agreement="forum"))

    assert [each.agreement for each in stored] == ["pact", "forum"]
    assert add(core, copy(agreement="pact"), copy(agreement="forum")) == []


def test_the_same_copy_again_is_not_stored_again(core):
    (first,) = add(core, copy())

    assert add(core, copy(author="changed"), copy(tool(2)), copy()) != []
    assert add(core, copy()) == []
    with core.read() as unit:
        (kept,) = objects.by_seq(unit, [first.seq])
    assert kept == first


def test_copies_are_numbered_in_the_order_given_and_each_returned_once(core):
    given_ = [copy(tool(n)) for n in (3, 1, 2)]

    stored = add(core, *given_, given_[0])

    assert [each.object.id[-1] for each in stored] == ["3", "1", "2"]
    assert [each.seq for each in stored] == sorted(each.seq for each in stored)


def test_ids_that_end_alike_and_digests_that_begin_alike_are_told_apart(core, monkeypatch):
    """They are found by a part of them, as a number; whoever chooses ids may let many share it."""
    monkeypatch.setattr(blobs, "mark", lambda _digest: 7)
    one, other = tool(1), tool(1, id="tool--10000000-0000-4000-8000-000000000001")
    proven = {"voucher": "borealis", "agreement": "pact", "proof": "p", "com": "c"}
    given_ = (copy(one, **proven), copy(tool(1, LATER), **proven))

    stored = add(core, *given_, copy(other, **proven))

    assert len(stored) == 3
    assert add(core, copy(other, **proven)) == []
    ids = [each.id for each in (one, other)]
    with core.read() as unit:
        for id_, seqs in zip(ids, ([stored[0].seq, stored[1].seq], [stored[2].seq]), strict=True):
            assert [each.seq for each in objects.of_id(unit, id_)] == seqs
            assert [row[0] for row in provenance.versions_of(unit, [id_])] == seqs
            assert [each.seq for each in provenance.accounts_of(unit, [id_])] == seqs
            [rows_] = objects.named(objects.everything(), [id_])
            assert [each.seq for each in objects.load(unit, rows_)] == seqs
            assert provenance.known_from(unit, ["borealis"], [id_]) == {"borealis": {id_}}
            assert {row[0] for row in provenance.came_under(unit, "pact", [id_])} == {id_}
        assert provenance.held_often(unit, ids) == ids[:1]
        assert {row[2] for row in provenance.kin(unit, ids)} == set(ids[:1])
        assert provenance.kin(unit, ids[1:]) == []
        for each in stored:
            assert blobs.one(unit, each.object.digest) == each.object.raw
        assert len(blobs.some(unit, [each.object.digest for each in stored])) == 3
    with core.begin() as unit:
        objects.erase(unit, stored[1:2])
        assert [c.seq for c in objects.by_seq(unit, [s.seq for s in stored])] == [
            stored[0].seq,
            stored[2].seq,
        ]
        with pytest.raises(NoResultFound):
            blobs.one(unit, stored[1].object.digest)
    assert sorted(each.seq for each in search(core)) == [stored[0].seq, stored[2].seq]


def test_more_copies_than_a_statement_takes_are_stored_at_once(core):
    stored = add(core, *(copy(tool(n)) for n in range(1_200)))

    assert len({each.seq for each in stored}) == 1_200
    with core.read() as unit:
        assert len(objects.by_seq(unit, [each.seq for each in stored])) == 1_200
        digests = [each.object.digest for each in stored]
        assert len(blobs.some(unit, digests)) == 1_200
        assert objects.by_seq(unit, []) == []


def test_bytes_are_stored_once_by_their_digest(core):
    add(core, copy(voucher="aurelia"), copy(voucher="borealis"))

    with core.begin() as unit:
        blobs.put(unit, {copy().object.digest: b"other bytes"})
        assert blobs.one(unit, copy().object.digest) == copy().object.raw
        with pytest.raises(NoResultFound):
            blobs.one(unit, "sha256:" + "0" * 64)


def test_who_refers_to_an_object_is_found(core):
    one, two, _ = add(
        core,
        copy(tool(1, x_ref=TARGET, x_list=[TARGET, TARGET])),
        copy(tool(2, x_deep={"a": [{"b": TARGET}]})),
        copy(tool(3, x_ref="campaign" + TARGET[TARGET.index("--") :])),
    )

    for count in (0, 1, 1_000):  # the same before that is read out of them, amid it, and after
        texts.read_out(core, count)
        with core.read() as unit:
            assert objects.referring_to(unit, [TARGET]) == [one.seq, two.seq]
            assert objects.referring_to(unit, [TARGET, one.object.id]) == [one.seq, two.seq]
            assert objects.referring_to(unit, [one.object.id]) == []
            assert objects.referring_to(unit, ["no identifier"]) == []
    with core.begin() as unit:
        objects.erase(unit, [one])
        assert objects.referring_to(unit, [TARGET]) == [two.seq]


# --- who reads what ----------------------------------------------------------------------------------
@pytest.mark.parametrize("level", Tlp)
def test_a_clearance_opens_its_level_and_all_below(core, level):
    add(core, *(copy(tool(n), level=n, standing="own") for n in [*map(int, Tlp), UNRESOLVED]))

    assert set(found(core, clearance=Clearance(tlp=level))) == {str(n) for n in range(level + 1)}


@pytest.mark.parametrize(
    ("bound", "sees"),
    [
        ((), ""),
        (("r1",), "1"),
        (("r2",), "12"),
        (("r",), ""),
        (("r1", "r2"), "12"),
        (("R1",), ""),
        (("%",), ""),
        (("_1",), ""),
        (("aurelia r1",), ""),
        (('r1", "borealis x',), ""),
    ],
)
def test_red_of_others_is_read_only_by_a_reader_it_names_for_us(core, bound, sees):
    add(
        core,
        copy(tool(1), level=4, readers={"aurelia": ["r1", "r2"]}),
        copy(tool(2), level=4, readers={"aurelia": ["r2"], "borealis": ["r1"]}),
        copy(tool(3), level=4, readers={"borealis": ["r1", "r2"]}),
        copy(tool(4), level=4),
    )

    clearance = Clearance(tlp=Tlp.RED, readers=frozenset(bound))

    assert "".join(sorted(found(core, clearance=clearance))) == sees


def test_our_own_red_is_read_at_that_clearance_and_a_readers_binding_raises_no_clearance(core):
    add(
        core,
        copy(tool(1), level=4, standing="own"),
        copy(tool(2), level=4, readers={"aurelia": ["r1"]}),
    )

    assert found(core) == ["1"]
    low = Clearance(tlp=Tlp.AMBER_STRICT, readers=frozenset({"r1"}))
    assert found(core, clearance=low) == []


# --- search ------------------------------------------------------------------------------------------
def test_every_word_must_be_there_whatever_its_case(core):
    add(
        core,
        copy(tool(1, name="Poison Ivy", aliases=["PIVY"])),
        copy(tool(2, name="Ivy", description="a plant")),
        copy(tool(3, external_references=[{"source_name": "mitre", "external_id": "S0012"}])),
    )

    assert found(core, "ivy") == ["2", "1"]
    assert found(core, "IVY poison") == ["1"]
    assert found(core, "pivy") == ["1"]
    assert found(core, "s0012") == ["3"]
    assert found(core, "tool--00000000-0000-4000-8000-000000000002") == ["2"]
    assert found(core, "oak") == []


@pytest.mark.parametrize("words", ["100%", "100*t", "[a-z]*", "1?0", "_er", "c.nt"])
def test_no_sign_is_a_wildcard(core, words):
    add(core, copy(tool(1, name="100 per cent")))

    assert found(core, words) == (["1"] if words == "100%" else [])


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", '"', "- . -"])
def test_signs_alone_find_nothing(core, words):
    add(core, copy(tool(1, name=f"x {words} y")))

    assert found(core, words) == []


def test_search_shows_the_newest_version_of_each_voucher(core):
    add(
        core,
        copy(tool(1, name="old")),
        copy(tool(1, LATER, name="new")),
        copy(tool(1, name="theirs"), voucher="borealis"),
    )

    assert [each.object.body["name"] for each in search(core)] == ["theirs", "new"]
    assert found(core, "old") == []


def test_a_version_is_newer_by_less_than_a_millisecond(core):
    add(
        core,
        copy(tool(1, "2026-02-01T00:00:00.1234Z", name="new")),
        copy(tool(1, "2026-02-01T00:00:00.123Z", name="old")),
    )

    assert [each.object.body["name"] for each in search(core)] == ["new"]


def test_a_newer_version_one_may_not_read_hides_the_older(core):
    """It may bear the stricter label; the older text must not be found around it."""
    add(core, copy(tool(1, name="old")), copy(tool(1, LATER, name="new"), level=int(Tlp.AMBER)))

    assert found(core, clearance=Clearance(tlp=Tlp.GREEN)) == []


def test_search_is_narrowed_by_type_and_goes_page_by_page(core):
    stored = add(core, *(copy(tool(n)) for n in range(1, 6)))

    assert found(core, type="tool") == ["5", "4", "3", "2", "1"]
    assert found(core, type="malware") == []
    assert found(core, page=(2, 0)) == ["5", "4"]
    assert found(core, page=(2, stored[3].seq)) == ["3", "2"]
    assert found(core, page=(2, stored[1].seq)) == ["1"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(st.characters(), max_size=9) | st.just("a\0b \udcff"))
def test_any_words_may_be_asked_for(core, words):
    search(core, words)


# --- what the border asks ----------------------------------------------------------------------------
def test_a_party_knows_what_it_owns_and_what_it_sent_us(core):
    ids = [tool(n).id for n in range(1, 7)]
    add(
        core,
        copy(tool(1), voucher="borealis"),
        copy(tool(2), owner="borealis"),
        copy(tool(3), sent_by="borealis"),
        copy(tool(4), voucher="cassia"),
    )

    with core.read() as unit:
        assert provenance.known_from(unit, ["borealis"], ids) == {"borealis": set(ids[:3])}
        assert provenance.known_from(unit, ["borealis"], []) == {"borealis": set()}


def test_the_label_beside_a_copy_is_replaced_with_its_level(core):
    (one,) = add(core, copy())
    with core.begin() as unit:
        objects.set_beside(unit, one.seq, Beside(tlp=Tlp.RED, originator_control=True), 4)

        (now,) = objects.by_seq(unit, [one.seq])

    assert (now.beside, now.level) == (Beside(tlp=Tlp.RED, originator_control=True), 4)
    assert now.object.raw == one.object.raw


def test_a_label_is_replaced_beside_one_of_the_copies_that_came_together(core):
    one, other = add(core, copy(tool(1)), copy(tool(2)))

    with core.begin() as unit:
        objects.set_beside(unit, one.seq, Beside(tlp=Tlp.RED), 4)
        kept = {each.seq: each for each in objects.by_seq(unit, [one.seq, other.seq])}

    assert kept[one.seq].beside == Beside(tlp=Tlp.RED)
    assert kept[other.seq] == other


def test_where_copies_came_from_is_kept_once_and_gone_with_the_last_of_them(core):
    def origins():
        with core.read() as unit:
            return unit.execute(select(func.count()).select_from(tables.provenance)).scalar()

    stored = add(core, *(copy(tool(n), author="amal") for n in range(1, 5)))
    add(core, copy(tool(5), author="lena"))
    assert origins() == 2

    with core.begin() as unit:
        objects.set_beside(unit, stored[0].seq, Beside(tlp=Tlp.RED), 4)
        objects.set_beside(unit, stored[0].seq, Beside(tlp=Tlp.AMBER), 3)
        objects.erase(unit, stored[1:3])
    assert origins() == 3

    with core.begin() as unit:
        objects.erase(unit, [stored[0], stored[3]])
    assert origins() == 1


def test_a_vouchers_first_word_on_a_marking_stays_and_binds_no_other(core):
    with core.begin() as unit:
        definitions.define(unit, "borealis", "m1", b"first")
        definitions.define(unit, "borealis", "m1", b"second")
        definitions.define(unit, "cassia", "m1", b"theirs")

        assert definitions.every(unit) == {
            "borealis": {"m1": b"first"},
            "cassia": {"m1": b"theirs"},
        }


def test_a_sources_terms_are_replaced_and_come_back(core):
    first = Source(name="feed:a", kind="feed")
    second = Source(
        name="feed:a",
        kind="feed",
        default_tlp=Tlp.AMBER_STRICT,
        community=frozenset({"cassia", "borealis"}),
        onward="scope",
        reference=True,
    )
    with core.begin() as unit:
        put_source(unit, first)
        assert all_sources(unit) == {"feed:a": first}
        put_source(unit, second)
        assert all_sources(unit) == {"feed:a": second}


def test_a_search_among_many_reads_no_body_it_does_not_show(core):
    """One statement a page: what is not shown is not loaded."""
    add(core, *(copy(tool(n)) for n in range(50)))
    statements = []
    with core.read() as unit:
        event.listen(
            unit, "before_cursor_execute", lambda *args: statements.append(args[2]), named=False
        )
        visible = objects.visible_to(EVERYTHING, "aurelia")
        assert len(texts.search(unit, visible, Wanted(), (10, 0))) == 10

    assert len(statements) == 1


def test_what_is_erased_is_found_no_more_and_leaves_no_words(core):
    body = {"name": "forgotten", "external_references": [{"source_name": "a", "external_id": "X1"}]}
    (first,) = add(core, copy(tool(1, **body)))
    texts.read_out(core, 10)
    before = {table: held(core, table) for table in ("words", "observed", "relations")}
    second, third = add(
        core,
        copy(tool(2, name="another"), voucher="borealis"),
        copy(url(3, "http://evil.example/x"), agreement="pact"),
    )
    texts.read_out(core, 10)
    with core.begin() as unit:
        objects.erase(unit, [second, third])

    assert {table: held(core, table) for table in before} == before
    assert found(core, "another") == found(core, "evil.example") == []
    assert found(core, "forgotten") == ["1"]
    with core.begin() as unit:
        objects.erase(unit, [first])
    assert not any(held(core, table) for table in before)


def test_what_is_erased_while_it_is_read_out_leaves_nothing(core, monkeypatch):
    _first, second = add(core, copy(url(1, "http://a.example/")), copy(url(2, "http://b.example/")))
    gather = texts._gathered

    def erased_meanwhile(unit, most):
        said = gather(unit, most)
        unit.rollback()
        with core.begin() as other:
            objects.erase(other, [second])
        return said

    monkeypatch.setattr(texts, "_gathered", erased_meanwhile)
    texts.read_out(core, 10)

    assert not any(b"b.example" in bytes(row.word) for row in held(core, "words"))
    assert found(core, "a.example") == ["1"]


def held(core, table):
    with core.read() as unit:
        prefix = "" if core.on_sqlite else "core."
        return unit.exec_driver_sql(f"SELECT * FROM {prefix}{table} ORDER BY 1, 2").all()


def test_words_are_read_out_once_and_then_nothing_is_behind(core):
    add(core, *(copy(tool(n, name="one of many")) for n in range(5)))
    assert is_behind(core)
    texts.read_out(core, 3)
    assert is_behind(core)
    texts.read_out(core, 3)
    assert not is_behind(core)
    texts.read_out(core, 3)

    assert found(core, "many") == ["4", "3", "2", "1", "0"]
    assert found(core, "many", page=(2, 0)) == ["4", "3"]


def is_behind(core):
    with core.read() as unit:
        return texts.behind(unit)


def test_of_many_whose_words_were_not_read_out_the_newest_are_found_page_by_page(core):
    add(core, *(copy(tool(n, name="even" if n % 2 == 0 else "odd")) for n in range(1_200)))

    first = search(core, "even", page=(450, 0))
    second = search(core, "even", page=(450, first[-1].seq))

    every = [each.seq for each in (*first, *second)]
    assert every == sorted(every, reverse=True)
    assert len(set(every)) == 600


def test_a_number_is_never_given_again(core):
    (stored,) = add(core, copy(tool(1)))
    with core.begin() as unit:
        objects.erase(unit, [stored])

    (later,) = add(core, copy(tool(2)))

    assert later.seq > stored.seq


def test_the_first_and_the_last_version_that_a_voucher_gave_are_known(core):
    first, middle, last = (f"2026-01-0{n}T00:00:00.000Z" for n in (1, 2, 3))
    add(
        core,
        copy(tool(version=middle), voucher="file:a"),
        copy(tool(version=first), voucher="file:a"),
        copy(tool(version=last, name="new"), voucher="file:a"),
        copy(tool(version=LATER), voucher="file:b"),
        copy(tool(2), voucher="file:a"),
    )
    one, other = tool().id, tool(2).id

    with core.read() as unit:
        ours = provenance.spans(unit, "file:a", [one, other, tool(3).id])
        theirs = provenance.spans(unit, "file:b", [one, other])
        assert provenance.spans(unit, "file:a", []) == {}

    assert ours == {
        one: (first, last, tool(version=last, name="new").digest),
        other: (first, first, tool(2).digest),
    }
    assert theirs == {one: (LATER, LATER, tool(version=LATER).digest)}


def test_the_versions_of_many_are_known_at_once(core):
    many = [tool(n) for n in range(3_000)]
    add(core, *(copy(each, voucher="file:a") for each in many))

    with core.read() as unit:
        known = provenance.spans(unit, "file:a", [each.id for each in many])

    assert {id_: span.digest for id_, span in known.items()} == {e.id: e.digest for e in many}
