"""``python -m mithaq.serve HOME``: serve one node, as ``mithaq serve`` does."""

import sys
from pathlib import Path

from mithaq.serve.run import run

if __name__ == "__main__":
    run(Path(sys.argv[1]))
