"""The one table from our errors to exit codes; ``mithaq --help`` and docs/cli.md show it."""

from collections.abc import Mapping

from mithaq.errors import (
    Conflict,
    Fault,
    InputError,
    MithaqError,
    NotFound,
    PeerError,
    Refused,
)

OK = 0
FOUND = 1  # a check found something, or a person said no
INTERRUPTED = 130
EXITS: Mapping[type[MithaqError], int] = {
    InputError: 2,
    Refused: 3,
    NotFound: 4,
    Conflict: 5,
    PeerError: 6,
    Fault: 7,
}
CODES: Mapping[int, str] = {  # code -> key of its sentence
    OK: "exit.ok",
    FOUND: "exit.found",
    **{code: f"exit.{kind.code}" for kind, code in EXITS.items()},
    INTERRUPTED: "exit.interrupted",
}


class Found(MithaqError):
    """Nothing failed, but the answer is no: a check found something, or a person declined."""

    code = "found"


def code_of(error: MithaqError) -> int:
    """Return the exit code of ``error``."""
    if isinstance(error, Found):
        return FOUND
    return next((code for kind, code in EXITS.items() if isinstance(error, kind)), EXITS[Fault])
