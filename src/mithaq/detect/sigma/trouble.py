"""Why a rule cannot be held against any event."""

from mithaq.errors import InputError


class NotServed(InputError):
    """A rule, or a part of one, that cannot be served; its code is ``sigma-`` and the cause."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what stands against it."""
        super().__init__(says, cause=cause)
        self.code = f"sigma-{cause}"
