"""Why a rule cannot be held against any event."""

from mithaq.errors import InputError

_MOST = 300  # characters


def _plain(says: str) -> str:
    """Return what can be shown anywhere: a reason may quote a rule, which may be written to move a cursor."""
    return "".join(sign if sign.isprintable() else "·" for sign in says[:_MOST])


class NotServed(InputError):
    """A rule, or a part of one, that cannot be served; its code is ``sigma-`` and the cause."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what stands against it."""
        super().__init__(_plain(says), cause=cause)
        self.code = f"sigma-{cause}"
