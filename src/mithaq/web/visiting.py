"""Who visits: what every page is given."""

from dataclasses import dataclass

from django.http import HttpRequest

from mithaq.auth.actors import Actor, Permission, may
from mithaq.languages import Catalogue
from mithaq.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who asks for a page, of which node."""

    node: Node
    actor: Actor

    def may(self, permission: Permission) -> bool:
        """Say whether a role of theirs gives a permission."""
        return may(self.actor, permission)


class Request(HttpRequest):
    """A request for a page; ``visit`` is there where somebody has to have signed in."""

    words: Catalogue
    visit: Visit
