"""People are enrolled once each, with a key that is theirs alone."""

from datetime import UTC, datetime

import pytest

from mithaq.auth.actors import Actor, Permission, Role
from mithaq.border import people
from mithaq.border.people import Newcomer, UnknownActor
from mithaq.errors import Conflict, InputError
from mithaq.store import parties
from tests import migrated

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def unit():
    store = migrated.in_memory()
    with store.begin() as unit:
        yield unit
    store.close()


def newcomer(name, key=b"k", clearance="AMBER", *roles):
    held = frozenset(roles or {Role.ANALYST})
    return Newcomer(name=name, roles=held, clearance=clearance, public=key * 32)


def test_two_people_never_share_a_key_so_that_nobody_counts_twice(unit):
    people.enrol(unit, newcomer("amal"), NOW, by="omar")

    with pytest.raises(Conflict, match="another person"):
        people.enrol(unit, newcomer("lina"), NOW, by="omar")


@pytest.mark.parametrize("name", ["amal", people.OWNER])
def test_a_name_that_is_taken_or_stands_for_the_owner_is_refused(unit, name):
    people.enrol(unit, newcomer("amal"), NOW, by="omar")

    with pytest.raises(Conflict):
        people.enrol(unit, newcomer(name, b"z"), NOW, by="omar")


def test_a_clearance_nobody_can_read_is_refused(unit):
    with pytest.raises(InputError):
        people.enrol(unit, newcomer("amal", b"k", "PINK"), NOW, by="omar")


def test_the_owner_steps_back_once_there_is_an_operator(unit):
    before = people.owner(unit)
    people.enrol(unit, newcomer("omar", b"o", "AMBER", Role.OPERATOR), NOW, by="owner")

    assert before == Actor(name=people.OWNER, roles=frozenset({Role.OPERATOR, Role.LIAISON}))
    assert people.owner(unit) is None


def test_the_owner_may_let_people_in_and_meet_peers_and_nothing_more():
    assert {
        Permission.ACTOR_SET,
        Permission.PEER_ADD,
        Permission.PEER_CONFIRM,
    } == people.OWNERS


def test_whatever_roles_a_person_has_they_are_kept_in_one_order(unit):
    people.enrol(unit, newcomer("amal", b"k", "AMBER", *Role), NOW, by="omar")

    [row] = parties.all_actors(unit)
    assert row.roles.split(",") == sorted(Role)


def test_a_person_is_found_by_name_and_a_stranger_is_not(unit):
    people.enrol(unit, newcomer("amal"), NOW, by="omar")

    assert people.named(unit, "amal").name == "amal"
    with pytest.raises(UnknownActor):
        people.named(unit, "nobody")
