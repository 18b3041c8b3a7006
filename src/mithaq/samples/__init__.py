"""Real intelligence that ships with the node, for demonstrations and tests; ``README.md`` names the sources."""

from importlib.resources import files
from pathlib import Path

from mithaq.errors import NotFound


class UnknownSample(NotFound):
    """No sample has that name."""

    code = "unknown-sample"


def path(name: str) -> Path:
    """Return where the sample file ``name`` lies, such as ``attack-subset.json``.

    Raises:
        UnknownSample: the package holds no file of that name.
    """
    file = Path(str(files(__name__))) / name
    if Path(name).name != name or not file.is_file():
        raise UnknownSample("no sample has that name", sample=name)
    return file
