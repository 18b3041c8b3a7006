"""What is watched, by how it is named: a path, ``-``, or the address of somebody who sends or of a log to be read."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mithaq.ingest.telemetry.source import Files, NoSource, Piped, Source, Ways

_PIECE: Final = 128 << 10  # bytes of a pipe at once

Opener = Callable[[str, Ways], Source]


def _standard_input(ways: Ways) -> Source:
    number = sys.stdin.fileno()
    # Not by way of ``sys.stdin``, whose lock the thread would hold when the process ends.
    return Piped(lambda: os.read(number, _PIECE), ways)


def _syslog(text: str, ways: Ways) -> Source:
    from mithaq.ingest.telemetry import syslogging  # noqa: PLC0415 who reads files needs none of it

    return syslogging.opened(text, ways)


def _http(text: str, ways: Ways) -> Source:
    from mithaq.ingest.telemetry import posting  # noqa: PLC0415 as above

    return posting.opened(text, ways)


def _netflow(text: str, ways: Ways) -> Source:
    from mithaq.ingest.telemetry import flowing  # noqa: PLC0415 as above

    return flowing.opened(text, ways)


def _nats(text: str, ways: Ways) -> Source:
    try:
        from mithaq.ingest.telemetry import consuming  # noqa: PLC0415 not everybody has what it needs
    except ModuleNotFoundError as error:
        raise NoSource("nats:// needs what mithaq[nats] installs") from error
    return consuming.opened(text, ways)


SCHEMES: Final[Mapping[str, Opener]] = {  # before ``://``: what opens such a source
    "syslog": _syslog,
    "http": _http,
    "netflow": _netflow,
    "nats": _nats,
}


def opened(text: str, ways: Ways | None = None) -> Source:
    """Return the source that a text names: ``-``, ``SCHEME://…``, or the path of a file or folder.

    Raises:
        NoSource: there is none.
    """
    ways = ways or Ways()
    scheme, marks, _ = text.partition("://")
    if text == "-":
        return _standard_input(ways)
    if not marks:
        return Files(Path(text), ways)
    opener = SCHEMES.get(scheme)
    if opener is None:
        raise NoSource(f"nothing is read from {scheme}://")
    return opener(text, ways)
