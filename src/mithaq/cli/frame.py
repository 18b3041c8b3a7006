"""Commands whose help comes from the catalogues, in the reader's language.

The key of every text follows from the command and the parameter: ``help.peer.add.about`` is the sentence for
``mithaq peer add``, ``help.peer.add.url`` the one for its argument.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer._click import Context, HelpFormatter, Parameter
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from mithaq.cli.common import FLAGS, METAVARS, VALUED, BadUsage
from mithaq.cli.desk import desk_of
from mithaq.cli.exits import CODES
from mithaq.languages import Catalogue

_FEW = 12  # commands that one line may name


def topic(name: str = "", group: type[TyperGroup] | None = None) -> typer.Typer:
    """Return an empty topic, to which commands are added.

    Args:
        group: how it finds a command, if not by its name alone.
    """
    made = typer.Typer(
        name=name or None, cls=group or Group, add_completion=False, no_args_is_help=False
    )
    made.callback()(_nothing)
    return made


def _nothing() -> None:
    """Let a topic of one command stay a topic."""


def key_of(ctx: Context) -> str:
    """Return where the help of a command stands in the catalogues."""
    return ".".join(["help", *ctx.command_path.split()[1:]])


class Command(TyperCommand):
    """A command with help in the reader's language."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 typer's signature
        """Print the page; ``formatter`` stays empty."""
        _page(ctx, self.params)


class Group(TyperGroup):
    """A topic of commands with help in the reader's language."""

    command_class = Command

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 typer's signature
        """Print the page; ``formatter`` stays empty."""
        _page(ctx, [], self.sections(ctx))

    def sections(self, ctx: Context) -> Mapping[str, Sequence[str]]:
        """Return the commands by the titles under which the help shows them."""
        return {"page.commands": self.list_commands(ctx)}

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command a line names.

        Raises:
            BadUsage: there is none of that name.
        """
        found = self.get_command(ctx, args[0])
        if found is None:
            raise _no_command(args[0], ctx.command_path, self.list_commands(ctx))
        return args[0], found, args[1:]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the line; without a command show the page."""
        return super().parse_args(ctx, args or ["--help"])


def _no_command(name: str, command: str, known: Sequence[str]) -> BadUsage:
    """Say what may be meant; else all there is, where that is little to read."""
    like = get_close_matches(name, known)
    if like:
        return BadUsage("no-command-like", name=name, command=command, known=", ".join(like))
    if len(known) > _FEW:
        return BadUsage("no-command-many", name=name, command=command)
    return BadUsage("no-command", name=name, command=command, known=", ".join(known))


def _page(
    ctx: Context, params: Sequence[Parameter], commands: Mapping[str, Sequence[str]] | None = None
) -> None:
    screen, words = desk_of(ctx).screen, desk_of(ctx).screen.words
    key = key_of(ctx)
    arguments = [p for p in params if isinstance(p, TyperArgument)]
    options = [p for p in params if not isinstance(p, TyperArgument)]
    usage = [ctx.command_path, *(["COMMAND"] if commands else []), *map(written, arguments)]
    screen.line(words.say("page.usage", usage=" ".join([*usage, "[OPTIONS]"])), style="bold")
    screen.line("")
    screen.line(words.say(f"{key}.about"))
    sections = [
        *(
            (title, [(name, words.say(f"{key}.{name}.about")) for name in names])
            for title, names in (commands or {}).items()
        ),
        ("page.arguments", [(written(p), words.say(f"{key}.{p.name}")) for p in arguments]),
        ("page.options", [(option_written(p), _about(words, key, p)) for p in options]),
        ("page.everywhere", _everywhere(ctx)),
    ]
    if not key.partition(".")[2]:
        codes = [(str(code), words.say(sentence)) for code, sentence in CODES.items()]
        sections.append(("page.exits", codes))
    for title, pairs in sections:
        if pairs:
            screen.line("")
            screen.line(words.say(title), style="bold")
            screen.pairs(pairs, indent=2)


def _about(words: Catalogue, key: str, option: Parameter) -> str:
    said = words.say(f"{key}.{option.name}")
    return f"{said} {words.say('page.needed')}" if option.required else said


def written(argument: TyperArgument) -> str:
    """Return an argument as the usage shows it."""
    name = argument.metavar or (argument.name or "").upper()
    name = name if argument.required else f"[{name}]"
    return f"{name}…" if argument.nargs != 1 and not name.endswith("…") else name


def option_written(option: Parameter) -> str:
    """Return an option as the help shows it."""
    flags = ", ".join(option.opts)
    if not isinstance(option, TyperOption):
        return flags
    return flags if option.is_flag else f"{flags} {option.metavar or option.name.upper()}"


def _everywhere(ctx: Context) -> list[tuple[str, str]]:
    words = desk_of(ctx).screen.words
    named = {name: f"{name} {METAVARS[name]}" for name in VALUED} | {name: name for name in FLAGS}
    common = [(flag, words.say(f"common.{name.strip('-')}")) for name, flag in named.items()]
    return [*common, ("--help", words.say("common.help"))]
