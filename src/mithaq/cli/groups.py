"""Options that belong together, as one parameter of a command, which finds them read into one value."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, get_args

import typer

from mithaq.cli.options import Flag, Instant, Names, PapLevel, TlpLevel
from mithaq.intel import Caveats

Group = tuple[type[Any], list[inspect.Parameter]]  # what the options are read into, and they


@dataclass(frozen=True, slots=True)
class Options:
    """What stands on the line for a parameter: an option for each field of its type, or for some, left out alike."""

    of: Mapping[str, Any] | None = (
        None  # field and option; None: all fields, annotated as options themselves
    )


def together(command: Callable[..., None]) -> Callable[..., None]:
    """Let each parameter that is ``Options`` stand on the line as these."""
    signature = inspect.signature(command)
    groups = dict(_groups(signature.parameters.values()))

    @wraps(command)
    def run(*args: object, **given: object) -> None:
        for name, (into, options) in groups.items():
            given[name] = into(**{each.name: given.pop(each.name) for each in options})
        command(*args, **given)

    shown: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        shown += groups[name][1] if name in groups else [parameter]
    vars(run)["__signature__"] = signature.replace(parameters=shown)  # what typer reads
    return run


def _groups(parameters: Iterable[inspect.Parameter]) -> Iterator[tuple[str, Group]]:
    for each in parameters:
        match get_args(each.annotation):
            case (type() as into, Options(of)):
                fields = inspect.signature(into).parameters
                wanted = of or {name: field.annotation for name, field in fields.items()}
                options = [fields[n].replace(annotation=o) for n, o in wanted.items()]
                yield each.name, (into, options)


_FEW = {"tlp": TlpLevel, "pap": PapLevel, "releasable_to": Names}
FewCaveats = Annotated[Caveats, Options(_FEW)]
AllCaveats = Annotated[
    Caveats,
    Options(
        {
            **_FEW,
            "embargo": Instant,
            "expiry": Instant,
            "originator_control": Flag,
            "purpose": Annotated[str, typer.Option(metavar="WORD,…")],
        }
    ),
]
