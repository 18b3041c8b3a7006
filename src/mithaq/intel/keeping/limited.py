"""Reports are read in a process of its own, which a hostile document can exhaust, and nothing else."""

import os
import subprocess
import sys
import threading

import msgspec

from mithaq.errors import InputError
from mithaq.formats.reports import MOST_BYTES, NoReport, Report

SECONDS = 120  # by the wall; of the processor it takes less by itself
_MOST_ANSWER = 256 << 20  # bytes
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")  # of the environment; no secret


def read(raw: bytes, *, seconds: float = SECONDS) -> Report:
    """Return what a report holds.

    Raises:
        NoReport: it is too long, encrypted, broken, holds no text, or takes more than it may. InputError: no report.
    """
    if len(raw) > MOST_BYTES:
        raise NoReport(f"a report has at most {MOST_BYTES >> 20} MiB", cause="long")
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "mithaq.formats.reports"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        cwd="/",
    )
    feeding = threading.Thread(target=_feed, args=(child, raw), daemon=True)
    ending = threading.Timer(seconds, child.kill)
    try:
        feeding.start()
        ending.start()
        answer = child.stdout.read(_MOST_ANSWER + 1) if child.stdout is not None else b""
    finally:
        late = not ending.is_alive()
        ending.cancel()
        child.kill()
        code = child.wait()
        feeding.join()
        if child.stdout is not None:
            child.stdout.close()
    return _understood(answer, code, late=late)


def _feed(child: "subprocess.Popen[bytes]", raw: bytes) -> None:
    if child.stdin is None:
        return
    try:
        with child.stdin as into:
            into.write(raw)
    except OSError:
        return  # it ended before it had read all


def _understood(answer: bytes, code: int, *, late: bool) -> Report:
    try:
        said = msgspec.json.decode(answer, type=Report | tuple[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        if late or -code in _OUT_OF_TIME:
            raise NoReport("reading it takes longer than it may", cause="time") from None
        raise NoReport("reading it takes more memory than it may", cause="memory") from None
    if isinstance(said, Report):
        return said
    if said[0].startswith("report-"):
        raise NoReport(said[1], cause=said[0].removeprefix("report-"))
    error = InputError(said[1])
    error.code = said[0]
    raise error


_OUT_OF_TIME = frozenset({24})  # SIGXCPU
