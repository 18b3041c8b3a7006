"""The log's records are found by what they are about, whether or not it was read out of them yet."""

import pytest
from sqlalchemy import delete, insert, update

from mithaq.audit import log, subjects
from mithaq.store.tables import settings
from mithaq.store.tables import subjects as kept
from tests import migrated
from tests.store.values import NOW


@pytest.fixture
def store():
    opened = migrated.in_memory()
    yield opened
    opened.close()


def append(store, *names):
    with store.begin() as unit:
        log.append(unit, [(name, {"of": name}) for name in names])


def ask(store, question, *args):
    with store.read() as unit:
        return question(unit, *args)


def places(store, subject):
    return [idx for idx, _ in ask(store, subjects.find, subject)]


@pytest.mark.parametrize("read", [0, 1, 2, 3])
def test_a_record_is_found_once_however_far_the_log_was_read(store, read):
    for at, name in enumerate(["a", "b", "a"]):
        append(store, name)
        if at < read:
            subjects.read_out(store)

    assert ask(store, subjects.find, "a") == [(0, {"of": "a"}), (2, {"of": "a"})]
    assert places(store, "b") == [1]
    assert places(store, "c") == []
    assert ask(store, subjects.wrong) == []


def test_subjects_of_one_mark_are_told_apart(store):
    one, other = "plumless", "buckeroo"
    assert subjects.mark(one) == subjects.mark(other)  # known to have one CRC-32
    append(store, one, other)

    assert (places(store, one), places(store, other)) == ([0], [1])
    subjects.read_out(store)
    assert (places(store, one), places(store, other)) == ([0], [1])


def test_padding_is_counted_whether_read_or_not(store):
    append(store, "a")
    with store.begin() as unit:
        log.pad(unit, NOW)
    assert ask(store, subjects.padding) == 255
    subjects.read_out(store)
    assert ask(store, subjects.padding) == 255
    append(store, "")
    assert ask(store, subjects.padding) == 256
    assert ask(store, subjects.newest, 5) == [(0, {"of": "a"})]


def test_a_long_log_is_read_out_piece_by_piece(store, monkeypatch):
    monkeypatch.setattr(subjects, "_MOST", 2)
    append(store, *"abcab")
    for _ in range(4):
        subjects.read_out(store)

    assert ask(store, subjects.wrong) == []
    assert [places(store, name) for name in "abc"] == [[0, 3], [1, 4], [2]]
    with store.read() as unit:
        assert len(unit.execute(kept.select()).all()) == 5


FORGED = {
    "hidden": (delete(kept).where(kept.c.idx == 1), "leaf 1 is not found by its subject"),
    "of another": (
        update(kept).where(kept.c.idx == 1).values(mark=7),
        "leaf 1 is not found by its subject",
    ),
    "invented": (insert(kept).values(mark=7, idx=9), "leaf 9 is found by another's subject"),
    "said to be read": (
        update(settings).where(settings.c.key == subjects.READ).values(value="4"),
        "leaf 3 is not found by its subject",
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_record_hidden_from_who_looks_for_it_is_noticed(store, how):
    append(store, *"abc")
    subjects.read_out(store)
    append(store, "d")
    statement, said = FORGED[how]
    with store.begin() as unit:
        unit.execute(statement)

    assert said in ask(store, subjects.wrong)
