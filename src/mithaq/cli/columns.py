"""What a person says of the columns of tables of telemetry: under which field's name each is read."""

from collections.abc import Iterable
from typing import Annotated

import typer

from mithaq.cli.common import BadUsage
from mithaq.formats.telemetry import Said

Columns = Annotated[list[str] | None, typer.Option("--column", metavar="NAME=FIELD")]

_LONG = 256  # characters of a name


def said_of(written: Iterable[str] | None) -> Said:
    """Return what is said of an input by ``NAME=FIELD``, each the name in the table and that of the field.

    A name in a table may hold ``=``; that of a field does not.

    Raises:
        BadUsage: one is not of this form, or a column or a field is named twice.
    """
    columns: dict[str, str] = {}
    for each in written or ():
        name, sign, field = (part.strip() for part in each.rpartition("="))
        if not (sign and name and field and len(each) <= _LONG and each.isprintable()):
            raise BadUsage("bad-column", name=each[:_LONG])
        if name in columns or field in columns.values():
            raise BadUsage("column-twice", name=name if name in columns else field)
        columns[name] = field
    return Said(columns=columns)
