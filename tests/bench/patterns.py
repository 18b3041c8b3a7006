"""``python -m tests.bench.patterns``: STIX patterns, read, filed and held against streams, beside OASIS' matcher.

The matcher (stix2-matcher) is no dependency: where it is not installed, its column is empty. Times are of one core.
"""

import sys
from itertools import count
from time import process_time

from mithaq.detect.stix.observation import Observation, of_bundle
from mithaq.detect.stix.parser import equality, read
from mithaq.detect.stix.stream import Stream

try:
    from stix2matcher.matcher import match
except ImportError:
    match = None

PATTERNS = (
    "[x:a = 1] REPEATS 5 TIMES WITHIN 3 SECONDS",
    "([x:a = 1] FOLLOWEDBY [x:a < 2] FOLLOWEDBY [x:a > 0]) WITHIN 1 SECONDS",
    "([x:a = 1] AND [x:a < 2] AND [x:a > 0]) WITHIN 1 SECONDS",
)
SIZES = (10, 20, 40, 80, 1_000, 10_000)
_TOO_LONG = 2  # seconds, after which the matcher is given no more: its next answer may take minutes
_MILLION = 1_000_000


def main():
    """Print the figures."""
    _growth()
    _million()


def _growth():
    """Seconds for observations that serve nearly every part and never complete the pattern."""
    say("| pattern | observations | ours, ms | stix2-matcher, ms |\n|---|---|---|---|")
    for pattern in PATTERNS:
        theirs = 0.0
        for size in SIZES:
            objects = _objects(size)
            ours = _timed(lambda pattern=pattern, objects=objects: _ours(pattern, objects))
            cell = ""
            if theirs < _TOO_LONG and size <= SIZES[3] and match is not None:
                theirs = _timed(lambda pattern=pattern, objects=objects: _theirs(pattern, objects))
                cell = f"{1000 * theirs:,.1f}"
            say(f"| `{pattern}` | {size:,} | {1000 * ours:,.1f} | {cell} |")


def _million():
    """Seconds to read and to file a million equalities, and observations a second against them."""
    patterns = [f"[domain-name:value = 'host-{n}.example']" for n in range(_MILLION)]
    say(f"read one by one: {_timed(lambda: [equality(pattern) for pattern in patterns]):.1f} s")
    few = patterns[:50_000]
    say(
        f"the whole grammar: {len(few) / _timed(lambda: [read(each) for each in few]):,.0f} patterns/s"
    )
    names = map(str, count())
    filed = []
    say(f"filed: {_timed(lambda: filed.append(Stream(zip(names, patterns, strict=False)))):.1f} s")
    observations = [
        Observation(ref="", objects={"1": {"type": "domain-name", "value": f"host-{100 * n}.example"}}, first=n, last=n)
        for n in range(50_000)
    ]  # fmt: skip
    found = []
    took = _timed(lambda: found.extend(one for seen in observations for one in filed[0].feed(seen)))
    say(f"held against: {len(observations) / took:,.0f} observations/s, {len(found):,} finds")


def _objects(size):
    objects = []
    for n in range(size):
        at = f"2026-01-{1 + n // 86_400:02d}T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z"
        objects += [
            {"type": "observed-data", "id": f"observed-data--{n}", "first_observed": at, "last_observed": at,
             "number_observed": 1, "object_refs": [f"x--{n}"]},
            {"type": "x", "id": f"x--{n}", "a": 1},
        ]  # fmt: skip
    return objects


def _ours(pattern, objects):
    stream = Stream([("p", pattern)])
    return [found for seen in of_bundle(objects) for found in stream.feed(seen)]


def _theirs(pattern, objects):
    return match(pattern, [{"type": "bundle", "objects": objects}], stix_version="2.1")


def _timed(work):
    began = process_time()
    work()
    return process_time() - began


def say(line):
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
