"""Who acts at a desk: whoever the line or the environment names, and at the very first the home's owner."""

import pytest

from mithaq.auth.actors import Permission, roles
from mithaq.border import people
from mithaq.cli.common import BadUsage, split
from mithaq.cli.desk import Desk
from mithaq.cli.screen import Screen
from mithaq.languages import catalogue
from tests import migrated
from tests.store.values import NOW


@pytest.fixture
def core():
    store = migrated.in_memory()
    yield store
    store.close()


def acting(core, permission, *line, **environment):
    common, _ = split(line, environment)
    screen = Screen(words=catalogue("mithaq.cli", "en"))
    with core.read() as unit:
        return Desk(common=common, screen=screen).actor(unit, permission).name


def enrol(core, name, role):
    newcomer = people.Newcomer(
        name=name, roles=roles([role]), clearance="AMBER", public=name.encode()
    )
    with core.begin() as unit:
        people.enrol(unit, newcomer, NOW, by="owner")


def test_an_environment_that_names_who_is_to_be_added_first_lets_the_owner_add_them(core):
    """``export MITHAQ_ACTOR=olga`` and then ``mithaq actor add olga`` used to be refused."""
    olga = {"MITHAQ_ACTOR": "olga"}

    assert acting(core, Permission.ACTOR_SET, **olga) == people.OWNER
    enrol(core, "olga", "operator")
    assert acting(core, Permission.ACTOR_SET, **olga) == "olga"


def test_what_the_owner_may_not_do_the_environment_does_not_open(core):
    with pytest.raises(BadUsage):
        acting(core, Permission.OBJECT_READ, MITHAQ_ACTOR="olga")


def test_who_is_named_on_the_line_must_be_here(core):
    with pytest.raises(people.UnknownActor):
        acting(core, Permission.ACTOR_SET, "--as", "olga", MITHAQ_ACTOR="olga")


def test_once_there_is_an_operator_the_environment_must_name_somebody_here(core):
    enrol(core, "olga", "operator")

    with pytest.raises(people.UnknownActor):
        acting(core, Permission.ACTOR_SET, MITHAQ_ACTOR="omar")
