"""A person's own editor, for what is written in more than one line."""

import os
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from mithaq.errors import InputError

_KEPT = 0o600


def edited(text: str, home: Path, name: str) -> str:
    """Let a person change a text in ``$VISUAL`` or ``$EDITOR``, else vi; return what they left.

    The text lies in the home's core, which its owner alone may open, and is gone afterwards.

    Raises:
        InputError: the editor cannot be run, or says that it failed.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with TemporaryDirectory(prefix="edit-", dir=home / "core") as folder:
        file = Path(folder) / name
        file.touch(_KEPT)
        file.write_text(text, "utf-8")
        try:
            subprocess.run([*command, str(file)], check=True)  # noqa: S603 the person's own choice
        except (OSError, subprocess.CalledProcessError) as error:
            raise InputError(
                f"the editor {command[0]!r} failed; set EDITOR to one that works"
            ) from error
        return file.read_text("utf-8")
