"""What a person means by what they write for an object: its id, its number, a value that it says, or its name."""

from typing import Annotated

import typer
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor
from mithaq.errors import InputError, NotFound
from mithaq.intel import Copy
from mithaq.model.objects import IDENTIFIER
from mithaq.node import Node

MOST = 50  # objects that speak of one value
_LISTED = 10  # numbers that an error names
Called = Annotated[str, typer.Argument(metavar="ID|NUMBER|VALUE|NAME")]


class NotCalled(NotFound):
    """Nothing that the person may read is called so."""

    code = "not-called"


class SeveralCalled(InputError):
    """Several objects are meant where one is asked for."""

    code = "several-called"


def by_number(name: str) -> bool:
    """Say whether an object is named by its number or its id."""
    return name.isdecimal() or IDENTIFIER.fullmatch(name) is not None


def meant(unit: Connection, node: Node, actor: Actor, name: str) -> list[Copy]:
    """Return the copies that a person means by an id, a number, a value or a name.

    Raises:
        NotFound: there are none that the actor may read.
    """
    if by_number(name):
        return intel.versions(unit, node.us, actor, name)
    sought = intel.value(name)
    known = intel.look_up(unit, node.us, actor, sought, MOST) if sought else []
    found = [one.copy for one in known if one.exactly]
    found = found or intel.called(unit, node.us, actor, name)
    if not found:
        raise NotCalled(f"nothing here by the name {name!r} that {actor.name} may read", id=name)
    return found


def one(unit: Connection, node: Node, actor: Actor, name: str) -> str:
    """Return the id or the number of the one object that a person means.

    Raises:
        NotFound: there is none that the actor may read. SeveralCalled: there are several.
    """
    if by_number(name):
        return name
    first = {copy.object.id: copy for copy in reversed(meant(unit, node, actor, name))}
    if len(first) > 1:
        listed = [f"{copy.seq} ({copy.object.type})" for copy in first.values()][:_LISTED]
        said = f"several things are called {name!r}; give one of the numbers {', '.join(listed)}"
        raise SeveralCalled(said, id=name)
    return next(iter(first))
