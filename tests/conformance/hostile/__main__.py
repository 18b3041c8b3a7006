"""Pass every case through its door, in this process, which may take so much memory and time; report as JSON lines."""

import json
import resource
import signal
import sys
import time
from pathlib import Path

import structlog

from tests.conformance.hostile.all import CASES
from tests.conformance.hostile.doors import DOORS

MEMORY = 1536 << 20  # address space: libraries, and what a case needs
SECONDS = 10  # of one case, whatever else the machine does


class TooSlow(BaseException):
    """A case took longer than it may."""


def _late(_number, _frame):
    raise TooSlow


def main(names):
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _late)
    DOORS["imported"]([])
    for case in CASES:
        if names and not any(name in case.id for name in names):
            continue
        what = case.made()
        began = time.process_time()
        signal.alarm(SECONDS * 6)
        try:
            verdict = DOORS[case.door](what)
        except TooSlow:
            verdict = "too slow"
        except MemoryError:
            verdict = "too much memory"
        except Exception as error:  # noqa: BLE001 a crash is a verdict too
            verdict = f"crash: {type(error).__name__}: {error}"[:300]
        finally:
            signal.alarm(0)
        took = time.process_time() - began
        del what
        row = {"id": case.id, "verdict": verdict, "seconds": took, "rss": _most()}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


def _most() -> int:
    """Return the most memory that this program had, in KiB: ``getrusage`` would count that of whoever started it."""
    said = Path("/proc/self/status").read_text("ascii")
    return int(said.partition("VmHWM:")[2].split(None, 1)[0])


if __name__ == "__main__":
    main(sys.argv[1:])
