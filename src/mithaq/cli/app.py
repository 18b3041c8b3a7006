"""The `mithaq` command: which commands there are, and the one place where errors become exit codes."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import typer
from typer._click import Command as AnyCommand
from typer._click import Context, Parameter
from typer._click import exceptions as lines
from typer.core import TyperGroup, TyperOption

from mithaq.cli.common import BadUsage, Common, language_of, split
from mithaq.cli.desk import Desk
from mithaq.cli.exits import EXITS, FOUND, INTERRUPTED, OK, code_of
from mithaq.cli.frame import Group
from mithaq.cli.problems import report
from mithaq.cli.screen import Screen
from mithaq.cli.topics import COMMANDS, ORDER, SECTIONS, TOPICS
from mithaq.errors import Fault, MithaqError
from mithaq.languages import catalogue


class Root(Group):
    """All commands, each loaded when it is called for, so that help comes at once."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 typer's signature
        """Return the commands in the order a newcomer needs them."""
        return list(ORDER)

    def sections(self, ctx: Context) -> Mapping[str, Sequence[str]]:  # noqa: ARG002 as the group's
        """Return what the help shows apart: the commands by what they are for."""
        return SECTIONS

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:  # noqa: ARG002 typer's signature
        """Load one command."""
        if cmd_name in TOPICS:
            return typer.main.get_group(TOPICS[cmd_name]())
        if cmd_name not in COMMANDS:
            return None
        return typer.main.get_group(COMMANDS[cmd_name]()).commands[cmd_name]

    def main(self, args: Sequence[str] | None = None, *_: object, **__: object) -> NoReturn:
        """Run one command line and exit with a code of the table."""
        sys.exit(run(self, sys.argv[1:] if args is None else args))


app = typer.Typer(name="mithaq", cls=Root, add_completion=False)


@app.callback()
def _mithaq() -> None:
    """Stand for the command without a topic."""


def run(command: TyperGroup, args: Sequence[str]) -> int:
    """Run a command line; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal that lacks a letter still gets the rest
    screen = Screen(words=catalogue("mithaq.cli", "en"), as_json="--json" in args)
    common = Common(debug="--debug" in args)
    try:
        language = language_of(args, os.environ)
        screen = Screen(words=catalogue("mithaq.cli", language), as_json=screen.as_json)
        common, rest = split(args, os.environ)
        desk = Desk(common=common, screen=screen)
        done = TyperGroup.main(command, rest, prog_name="mithaq", standalone_mode=False, obj=desk)
        return done if isinstance(done, int) else OK
    except typer.Abort:
        screen.note("say.nothing-done")
        return FOUND
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us is gone
        return OK
    except Exception as error:  # noqa: BLE001 nobody at a terminal is shown a traceback
        mine = _ours(error)
        report(screen, mine, debug=common.debug)
        return code_of(mine)


def _ours(error: Exception) -> MithaqError:
    """Return an error of our tree for whatever was raised."""
    if isinstance(error, MithaqError):
        return error
    return _usage(error) or _database(error) or _unexpected(error)


def _written(param: Parameter) -> str:
    """Return what stands for a parameter on the line: an option as it is written, an argument as help shows it."""
    return (
        param.opts[0]
        if isinstance(param, TyperOption)
        else str(getattr(param, "display_name_raw", param.name))
    )


def _usage(error: Exception) -> BadUsage | None:
    """Return what is wrong with the line, if that is it."""
    match error:
        case lines.MissingParameter(param=param) if param is not None:
            return BadUsage("missing", name=_written(param))
        case lines.BadParameter(param=param) if param is not None:
            return BadUsage("bad-value", name=_written(param))
        case lines.NoSuchOption(option_name=name):
            return BadUsage("no-option", name=name)
        case lines.BadOptionUsage(option_name=name):
            return BadUsage("no-value", name=name)
        case lines.UsageError():
            return BadUsage("too-much")
        case _:
            return None


def _database(error: Exception) -> Fault | None:
    """Return what the database says, if it is its failure."""
    if not type(error).__module__.startswith("sqlalchemy."):
        return None
    from mithaq.store.engine import StoreFault  # noqa: PLC0415 loaded already: it is what failed

    said = getattr(error, "orig", None) or error
    fault = StoreFault(str(said).strip().splitlines()[0])
    fault.__cause__ = error
    return fault


def _unexpected(error: Exception) -> Fault:
    fault = Fault(f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    fault.code = "unexpected"
    return fault


def main() -> None:
    """Run the command line of this process."""
    app()


__all__ = ["EXITS", "app", "main", "run"]
