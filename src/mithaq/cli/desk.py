"""The desk a command works at: the node's home, who acts, and the screen."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer
from typer._click import Context

from mithaq.cli.common import BadUsage, Common, home_of
from mithaq.cli.exits import Found
from mithaq.cli.screen import Screen
from mithaq.errors import Fault, InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mithaq.auth.actors import Actor, Permission
    from mithaq.node import Node
    from mithaq.seal.keys import KeySigner


class NoFile(InputError):
    """A file that was named cannot be read or written."""

    code = "no-file"


class NoEvents(InputError):
    """There is nothing in the files that could be searched."""

    code = "no-events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a command has at hand."""

    common: Common
    screen: Screen

    @property
    def home(self) -> Path:
        """The node's home; ``BadUsage`` if none is named."""
        return home_of(self.common)

    @property
    def phrase_language(self) -> str:
        """In which word list key fingerprints are read out; Arabic readers get digits."""
        return {"en": "en", "fr": "fr"}.get(self.screen.words.language, "digits")

    @contextmanager
    def node(self) -> Iterator["Node"]:
        """Open the node of the home for this command."""
        import structlog  # noqa: PLC0415 help needs none of it

        from mithaq.node import collect_seldom, open_node  # noqa: PLC0415 heavy, as above

        if not structlog.is_configured():  # results alone go to the standard output
            structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
        collect_seldom()
        with open_node(self.home) as node:
            yield node

    def actor(self, unit: "Connection", permission: "Permission") -> "Actor":
        """Return who acts, who must have ``permission``.

        Until somebody here is an operator, the home's owner may add people and peers; nothing else.

        Raises:
            BadUsage: nobody is named; UnknownActor: nobody of that name; Forbidden: they may not.
        """
        from mithaq.auth.actors import require  # noqa: PLC0415 as above
        from mithaq.border import people  # noqa: PLC0415 as above

        name, owner = self.common.actor, people.owner(unit)
        known = {each.name for each in people.everyone(unit)}
        if owner is not None and not self.common.by_hand and name not in known:
            name = ""  # the environment names somebody who is to be added first
        actor = people.named(unit, name) if name else owner
        if actor is None:
            raise BadUsage("no-actor")
        if not name and permission not in people.OWNERS:
            raise BadUsage("no-actor")
        require(actor, permission)
        return actor

    def ask(self, key: str, **facts: object) -> str:
        """Ask for a line of text; ``Abort`` at the end of the input."""
        question = self.screen.bound(self.screen.words.say(key, **facts))
        answer: str = typer.prompt(question, prompt_suffix=" ", err=True)
        return answer.strip()

    def confirm(self, key: str, *, yes: bool, **facts: object) -> None:
        """Go on only with a yes, given beforehand or now.

        Raises:
            Found: the answer is no, and nothing was done.
        """
        if yes:
            return
        good = self.screen.words.say("ask.yes").split()
        if self.ask(key, **facts).casefold() not in {*good, "y", "yes"}:
            self.stop("say.nothing-done")

    def stop(self, key: str, **facts: object) -> NoReturn:
        """End with the exit code of a check that found something, and say what."""
        raise Found(self.screen.words.say(key, **facts))

    def read(self, path: Path) -> bytes:
        """Return a file's bytes.

        Raises:
            NoFile: it cannot be read.
        """
        try:
            return path.read_bytes()
        except OSError as error:
            raise NoFile(f"cannot read {path}: {error.strerror}", file=str(path)) from error

    def write(self, path: Path, content: bytes, *, secret: bool = False) -> None:
        """Write a new file, readable by its owner alone if ``secret``.

        Raises:
            NoFile: it is there already, or cannot be written.
        """
        try:
            with open(path, "xb", opener=_secretly if secret else None) as file:
                file.write(content)
        except OSError as error:
            raise NoFile(f"cannot write {path}: {error.strerror}", file=str(path)) from error

    def replace(self, path: Path, content: bytes) -> None:
        """Write a file anew, whole or not at all.

        Raises:
            NoFile: it cannot be written.
        """
        beside = path.with_name(f"{path.name}.new")
        try:
            beside.unlink(missing_ok=True)  # what is left of before, or leads elsewhere
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise NoFile(f"cannot write {path}: {error.strerror}", file=str(path)) from error

    def key(self, path: Path, passphrase_file: Path | None = None) -> "KeySigner":
        """Return a person's key; the passphrase is asked for if the file is encrypted.

        Raises:
            NoFile: there is no such file; BadKey: no key, or another passphrase.
        """
        from mithaq.seal.keys import from_pem  # noqa: PLC0415 as above

        pem = self.read(path)
        passphrase = self.passphrase(passphrase_file)
        if not passphrase and b"ENCRYPTED" in pem:
            question = self.screen.bound(self.screen.words.say("ask.passphrase", file=path))
            passphrase = str(typer.prompt(question, hide_input=True, prompt_suffix=" ", err=True))
        return from_pem(pem, passphrase)

    def passphrase(self, file: Path | None) -> str:
        """Return the first line of a passphrase file; empty without one."""
        if file is None:
            return ""
        return self.read(file).decode("utf-8", "surrogateescape").partition("\n")[0].rstrip("\r")

    def new_passphrase(self, file: Path | None, key: Path) -> str:
        """Return the passphrase of a key to be made: from a file, or typed twice."""
        if file is not None:
            return self.passphrase(file)
        question = self.screen.bound(self.screen.words.say("ask.passphrase", file=key))
        again = self.screen.bound(self.screen.words.say("ask.passphrase-again"))
        typed: str = typer.prompt(
            question, hide_input=True, confirmation_prompt=again, prompt_suffix=" ", err=True
        )
        return typed


def _secretly(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def desk_of(ctx: Context) -> Desk:
    """Return the desk of the command that runs."""
    desk = ctx.find_root().obj
    if not isinstance(desk, Desk):
        raise Fault("a command without a desk")
    return desk
