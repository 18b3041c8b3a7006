"""Begins a file that carries Mithaq and a hunt kit: ``python3 FILE.pyz LOG…``, where nothing is installed.

This is its ``__main__.py``, so it needs nothing but Python. What it carries is unpacked into a folder that only who
runs it may enter, for compiled parts cannot be loaded from a packed file; the folder goes when it ends.
"""

import json
import platform
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

ABOUT, KIT, SITE = "about.json", "kit", "site"


def here() -> dict[str, str]:
    """Return what compiled parts are made for."""
    major, minor = sys.version_info[:2]
    return {
        "python": f"{sys.implementation.name} {major}.{minor}",
        "machine": f"{sys.platform} {platform.machine()} {platform.libc_ver()[0]}".strip(),
    }


def begin(carrier: Path, args: list[str]) -> None:
    """Unpack what a file carries, and run its kit.

    Raises:
        SystemExit: with the exit code of ``mithaq kit run``; 2 if it is for another machine.
    """
    with zipfile.ZipFile(carrier) as packed:
        meant = json.loads(packed.read(ABOUT))
        if meant != here():
            one, other = (f"{each['python']} on {each['machine']}" for each in (meant, here()))
            sys.stderr.write(f"It is for {one}, and this is {other}.\n")
            raise SystemExit(2)
        folder = Path(tempfile.mkdtemp(prefix="mithaq-kit-"))
        try:
            packed.extractall(folder)
            sys.path.insert(0, str(folder / SITE))
            sys.argv = ["mithaq", "kit", "run", str(folder / KIT), *args]
            from mithaq.cli import main  # noqa: PLC0415 it is there only now

            main()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    begin(Path(__file__).resolve().parent, sys.argv[1:])
