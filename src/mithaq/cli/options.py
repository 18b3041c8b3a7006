"""Arguments and options that many commands take. What is none of a known sort is refused by the option's name."""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

import typer

from mithaq.cli.common import BadUsage
from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.model.labels import Pap, Tlp, pap, tlp
from mithaq.policy.agreement import PURPOSES

Value = TypeVar("Value", str, list[str] | None)
Check = Callable[[typer.CallbackParam, Value], Value]


def one_of(known: Iterable[str]) -> Check[str]:
    """Return a check that a value is one of ``known``, or not given."""
    names = tuple(map(str, known))

    def check(param: typer.CallbackParam, value: str) -> str:
        if value and value not in names:
            raise BadUsage("one-of", name=_option(param), known=", ".join(names))
        return value

    return check


def each_of(known: Iterable[str]) -> Check[list[str] | None]:
    """Return a check that every value, of several or of comma-separated ones, is one of ``known``."""
    names = tuple(map(str, known))
    check = one_of(names)

    def every(param: typer.CallbackParam, values: list[str] | None) -> list[str] | None:
        for one in (part for value in values or () for part in value.split(",")):
            check(param, one)
        return values

    return every


def _read(read: Callable[[str], object], known: Iterable[str]) -> Check[str]:
    names = ", ".join(map(str, known))

    def check(param: typer.CallbackParam, value: str) -> str:
        try:
            _ = value and read(value)
        except InputError as error:
            raise BadUsage("one-of", name=_option(param), known=names) from error
        return value

    return check


def moment(param: typer.CallbackParam, value: str) -> str:
    """Return an instant that is given as one or as a day."""
    if not value:
        return value
    try:
        return text(parse(value if "T" in value.upper() else f"{value}T00:00:00Z"))
    except InputError as error:
        raise BadUsage("bad-instant", name=_option(param), value=value) from error


def _option(param: typer.CallbackParam) -> str:
    name = param.opts[-1]
    return name if name.startswith("-") else (param.metavar or name).upper()


Flag = Annotated[bool, typer.Option()]
Yes = Annotated[bool, typer.Option("--yes")]
Name = Annotated[str, typer.Argument(metavar="NAME")]
Named = Annotated[str, typer.Argument(metavar="ID|NUMBER")]
Names = Annotated[str, typer.Option(metavar="NAME,…")]
Text = Annotated[str, typer.Option(metavar="TEXT")]
TlpLevel = Annotated[str, typer.Option(metavar="LEVEL", callback=_read(tlp, Tlp))]
PapLevel = Annotated[str, typer.Option(metavar="LEVEL", callback=_read(pap, Pap))]
Instant = Annotated[str, typer.Option(metavar="INSTANT", callback=moment)]
Beginning = Annotated[str, typer.Option("--from", metavar="INSTANT", callback=moment)]
Purpose = Annotated[str, typer.Option(metavar="NAME", callback=one_of(PURPOSES))]
