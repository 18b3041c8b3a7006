"""What a node knows to be harmless follows what its people say, in every process that has its core open."""

from sqlalchemy import Connection

from mithaq import config
from mithaq.border import harmless
from mithaq.model.benign import Benign
from mithaq.node.warninglists import know_anew
from mithaq.store.journal import setting


class Harmless:
    """Keeps what is known to be harmless at what people said last."""

    def __init__(self, settings: config.Benign, benign: Benign) -> None:
        """Begin with what the settings say, which is what ``benign`` holds."""
        self._settings = settings
        self._benign = benign
        self._written = ""

    def follow(self, unit: Connection) -> None:
        """Learn what people said since; every unit of work on core begins with this."""
        written = setting(unit, harmless.KEY)
        if written != self._written:
            whole = harmless.merged(self._settings, harmless.rulings(written))
            know_anew(self._benign, whole)
            self._written = written
