"""Plug-ins by entry point: data in, data out (house.md 5). The one place that loads code by name."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

import structlog

from mithaq.errors import InputError
from mithaq.formats import Registry

_log = structlog.get_logger()


def formats(built_in: Registry) -> Registry:
    """Return ``built_in`` with the formats that installed packages add under ``mithaq.formats``.

    One that cannot be loaded, or whose name is taken, is named in the log and skipped.
    """
    registry = built_in
    for point in _installed():
        try:
            registry = registry.extended(point.load()())
        except (InputError, ImportError, AttributeError, TypeError) as error:
            _log.warning("plugin-skipped", plugin=point.name, error=type(error).__name__)
    return registry


@cache
def _installed() -> tuple[EntryPoint, ...]:
    """Return what packages offer: a process that runs sees no other ones."""
    return tuple(entry_points(group="mithaq.formats"))
