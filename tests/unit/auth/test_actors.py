"""Roles open verbs; nothing is open without one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.auth.actors import (
    ROLES,
    Actor,
    Forbidden,
    Permission,
    Role,
    UnknownRole,
    may,
    require,
    roles,
)

P = Permission
OPENED = {  # beyond what everyone who reads objects may: written by hand, as people would be told
    Role.ANALYST: {P.OBJECT_ADD, P.OBJECT_IMPORT, P.RELEASE_PROPOSE},
    Role.DUTY_OFFICER: {P.QUARANTINE_REVIEW, P.RELEASE_APPROVE, P.RELEASE_RECALL},
    Role.LIAISON: {P.AGREEMENT_DRAFT, P.PEER_ADD, P.PEER_CONFIRM},
    Role.POLICY_OWNER: {P.AGREEMENT_SIGN, P.RELEASE_ATTRIBUTE, P.PEER_REMOVE},
    Role.AUDITOR: {P.LOG_READ, P.LOG_PROVE},
    Role.OPERATOR: {P.KEY_ROTATE, P.SOURCE_SET, P.ACTOR_SET},
    Role.DIRECTOR: {P.PEER_BREAK, P.PEER_RETURN, P.STANDING_SIGN, P.STANDING_REVIEW},
    Role.LEGAL: {P.RESTRICTION_SET, P.PEER_BREAK},
}


@given(st.sets(st.sampled_from(Role)), st.sampled_from(Permission))
def test_an_actor_may_what_one_of_their_roles_gives_and_nothing_else(held, permission):
    actor = Actor(name="amal", roles=frozenset(held))

    assert may(actor, permission) == any(permission in ROLES[role] for role in held)


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_it_is_for(role):
    assert ROLES[role] >= OPENED[role]


def test_without_a_role_nothing_is_open():
    assert not [p for p in Permission if may(Actor(name="amal"), p)]


def test_every_permission_is_open_to_somebody():
    assert frozenset().union(*ROLES.values()) == set(Permission)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
def test_who_keeps_the_machine_or_the_books_reads_no_intelligence(role):
    actor = Actor(name="amal", roles=frozenset({role}))

    assert not may(actor, P.OBJECT_READ)
    assert not may(actor, P.RELEASE_APPROVE)


def test_only_a_legal_officer_stands_above_agreements_and_lets_nothing_go():
    assert [role for role in Role if P.RESTRICTION_SET in ROLES[role]] == [Role.LEGAL]
    assert not ROLES[Role.LEGAL] & {P.RELEASE_PROPOSE, P.RELEASE_APPROVE, P.AGREEMENT_SIGN}


@pytest.mark.parametrize("permission", [P.AGREEMENT_SIGN, P.RELEASE_ATTRIBUTE])
def test_only_the_policy_owner_binds_the_nation(permission):
    assert [role for role in Role if permission in ROLES[role]] == [Role.POLICY_OWNER]


def test_a_permission_is_a_noun_and_a_verb():
    for permission in Permission:
        noun, colon, verb = permission.partition(":")
        assert noun.isalpha()
        assert colon
        assert verb.isalpha()


def test_whoever_may_not_is_told_what_is_missing():
    analyst = Actor(name="amal", roles=frozenset({Role.ANALYST}))
    require(analyst, P.RELEASE_PROPOSE)

    with pytest.raises(Forbidden) as told:
        require(analyst, P.AGREEMENT_SIGN)

    assert told.value.facts == {"actor": "amal", "permission": "agreement:sign"}


def test_roles_are_read_from_their_names():
    assert roles(["policy-owner", "analyst"]) == {Role.POLICY_OWNER, Role.ANALYST}


@pytest.mark.parametrize("name", ["admin", "Analyst", "", "analyst,auditor"])
def test_a_role_nobody_knows_is_refused(name):
    with pytest.raises(UnknownRole):
        roles([name])
