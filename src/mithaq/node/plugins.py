"""Plug-ins by entry point: data in, data out (house.md 5). The one place that loads code by name."""

from importlib.metadata import entry_points

import structlog

from mithaq.errors import InputError
from mithaq.formats import Registry

_log = structlog.get_logger()


def formats(built_in: Registry) -> Registry:
    """Return ``built_in`` with the formats that installed packages add under ``mithaq.formats``.

    One that cannot be loaded, or whose name is taken, is named in the log and skipped.
    """
    registry = built_in
    for point in entry_points(group="mithaq.formats"):
        try:
            registry = registry.extended(point.load()())
        except (InputError, ImportError, AttributeError, TypeError) as error:
            _log.warning("plugin-skipped", plugin=point.name, error=type(error).__name__)
    return registry
