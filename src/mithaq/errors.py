"""One tree of errors, branched by who can mend them.

MithaqError
├── InputError    the caller mends it (HTTP 400/422)
├── Refused       the caller may not (403)
├── NotFound      there is no such thing, or the caller may not know of it (404)
├── Conflict      the state of things forbids it now (409)
├── PeerError     the other node broke the protocol; what it sent goes to quarantine
└── Fault         ours (500)

A policy "no" is a value (``policy.decision.Withhold``), never an exception. HTTP statuses and exit
codes live in one table each (``exchange.problems`` and ``cli.exits``), keyed by these classes.
"""


class MithaqError(Exception):
    """Base of all errors this package raises on purpose."""

    # a stable slug (API problem type, CLI message, log key); an instance may narrow it
    code: str = "error"

    def __init__(self, message: str, **facts: str | int) -> None:
        """Say what happened in ``message``; ``facts`` are ids, digests and numbers, never content."""
        super().__init__(message)
        self.facts = facts


class InputError(MithaqError):
    """What was given cannot be used; the caller can mend it."""

    code = "invalid-input"


class Refused(MithaqError):
    """The caller may not do this."""

    code = "refused"


class NotFound(MithaqError):
    """There is no such thing, or the caller may not know of it."""

    code = "not-found"


class Conflict(MithaqError):
    """The state of things forbids this now."""

    code = "conflict"


class PeerError(MithaqError):
    """The other node broke the protocol; quarantine what it sent."""

    code = "peer-error"


class Fault(MithaqError):
    """Our own failure."""

    code = "fault"
