"""``python -m tests.bench.alone FILE``: parse objects with stix2, in a process that does nothing else; print seconds.

Python's own settings hold here, as they do for whoever uses that library; those of the node's processes would not.
"""

import json
import sys
import time
from pathlib import Path

import stix2


def main(file):
    """Time it; what was parsed stays until the end, as it does on our side."""
    bodies = json.loads(Path(file).read_text("utf-8"))
    begin = time.perf_counter()
    parsed = [stix2.parse(raw, allow_custom=True) for raw in bodies]
    sys.stdout.write(f"{time.perf_counter() - begin} {len(parsed)}\n")


main(sys.argv[1])
