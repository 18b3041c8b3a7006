"""The console's application: a node that is open, behind Django's handler."""

import fcntl
import logging
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from mithaq.node import Node
from mithaq.node.build import SECRET
from mithaq.web.screens import declared
from mithaq.web.settings import DATABASE, values


def configure(node: Node) -> None:
    """Set Django up for a node: once in a process. The accounts' database is made, or brought to the newest schema."""
    home = node.config.home
    folder = (home / DATABASE).parent
    folder.mkdir(mode=0o700, exist_ok=True)
    settings.configure(NODE=node, **values(node.config, (home / SECRET).read_bytes()))
    django.setup()
    logging.getLogger("django").setLevel(
        logging.CRITICAL
    )  # it would log addresses, which may be invitations
    with (folder / "lock").open("a") as lock:  # the console and a command may both be the first
        fcntl.flock(lock, fcntl.LOCK_EX)
        call_command("migrate", verbosity=0, interactive=False)


def application(node: Node) -> Any:  # noqa: ANN401 WSGI says what it is
    """Return the WSGI application for a node.

    Raises:
        Undeclared: a page does not say who may see it.
    """
    configure(node)
    declared(get_resolver().url_patterns)
    return get_wsgi_application()
