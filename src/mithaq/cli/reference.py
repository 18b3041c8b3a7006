"""The reference of all commands as Markdown, from the same texts as ``--help``.

``python -m mithaq.cli.reference > docs/cli.md`` writes it anew.
"""

import sys
from collections.abc import Iterator

import typer
from typer._click import Command as AnyCommand
from typer._click import Context
from typer.core import TyperArgument, TyperGroup

from mithaq.cli.app import app
from mithaq.cli.common import FLAGS, METAVARS, VALUED
from mithaq.cli.exits import CODES
from mithaq.cli.frame import option_written, written
from mithaq.cli.topics import ORDER, SECTIONS
from mithaq.languages import Catalogue, catalogue

INTRODUCTION = """\
# The `mithaq` command

Made from the command's own help: `python -m mithaq.cli.reference > docs/cli.md`. `mithaq COMMAND --help` says the same
in English, French or Arabic.

- Results go to the standard output, everything else to the error stream. With `--json` results, and errors too, are
  JSON; its keys stay the same in every language and version.
- In a terminal tables are drawn; elsewhere they are lines of tab-separated fields.
- Objects are named by id or by the number that lists show.
- Whoever acts is named by `--as`. Until somebody has the role `operator`, the owner of the home may add people and
  peers without being named, and nothing else.
- An error is one sentence with its stable code in brackets and, where that helps, what to do. `--debug` adds where it
  came from.
"""


def reference(words: Catalogue) -> str:
    """Return the whole page."""
    root = typer.main.get_command(app)
    if not isinstance(root, TyperGroup):
        raise TypeError("the root is a group of commands")
    lines = [INTRODUCTION, "## Every command takes", "", *_common(words), ""]
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {words.say(key)} |" for code, key in CODES.items()]
    lines += ["", "## Commands", "", "| for | commands |", "|---|---|"]
    for title, names in SECTIONS.items():
        lines.append(f"| {words.say(title)} | {', '.join(f'[`{n}`](#{n})' for n in names)} |")
    ctx = Context(root, info_name="mithaq")
    for name in ORDER:
        command = root.get_command(ctx, name)
        if command is not None:
            lines += [
                "",
                f"## {name}",
                "",
                words.say(f"help.{name}.about"),
                *_page(command, name, words),
            ]
    return "\n".join(lines) + "\n"


def _page(command: AnyCommand, name: str, words: Catalogue) -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for verb, leaf in command.commands.items():
            yield from ("", f"### {name} {verb}", "", words.say(f"help.{name}.{verb}.about"))
            yield from _options(leaf, f"{name} {verb}", words)
    else:
        yield from _options(command, name, words)


def _options(command: AnyCommand, name: str, words: Catalogue) -> Iterator[str]:
    arguments = [p for p in command.params if isinstance(p, TyperArgument)]
    usage = " ".join(["mithaq", name, *map(written, arguments), "[OPTIONS]"])
    yield from ("", f"    {usage}")
    if command.params:
        yield ""
    for param in command.params:
        shown = written(param) if isinstance(param, TyperArgument) else option_written(param)
        needed = " *(needed)*" if param.required and not isinstance(param, TyperArgument) else ""
        key = f"help.{name}.{param.name}".replace(" ", ".")
        yield f"- `{shown}`{needed}: {words.say(key)}"


def _common(words: Catalogue) -> Iterator[str]:
    for name in (*VALUED, *FLAGS):
        shown = f"{name} {METAVARS[name]}" if name in VALUED else name
        key = f"common.{name.strip('-')}"
        yield f"- `{shown}`: {words.say(key)}"


if __name__ == "__main__":
    sys.stdout.write(reference(catalogue("mithaq.cli", "en")))
