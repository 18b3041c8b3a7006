"""The thread that writes briefs into a folder, if the settings name one (docs/emerging.md)."""

import threading

import structlog

from mithaq import brief
from mithaq.node.build import Node

_log = structlog.get_logger()
LOOK = 60.0  # seconds between looks at the folder
WAIT = 3600.0  # seconds after a failure, which a person has to mend


class Scribe(threading.Thread):
    """Writes what the folder lacks; ``turn`` does so once."""

    def __init__(self, node: Node, stop: threading.Event) -> None:
        """Be ready to start."""
        super().__init__(name="scribe", daemon=True)
        self._node = node
        self._halt = stop

    def turn(self) -> int:
        """Write the briefs of the last whole day and week that are not there; return how many."""
        node, now = self._node, self._node.clock()
        settings, count = node.config.settings.brief, 0
        for one in brief.due(settings, node.config.home, now) if settings.folder else ():
            with node.core.read() as unit:
                brief.write(unit, node.us, settings, one, now)
            count += 1
        return count

    def run(self) -> None:
        """Write until stopped."""
        pause = LOOK
        while not self._halt.wait(pause):
            pause = LOOK
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001 no brief is worth the worker's life
                _log.error(
                    "brief-failed", kind=type(error).__name__, code=getattr(error, "code", "")
                )
                pause = WAIT
