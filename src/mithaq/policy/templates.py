"""Agreements to start from, as commented text that a liaison officer edits before anybody signs."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from string import Template

from mithaq import clock
from mithaq.errors import InputError, NotFound
from mithaq.policy.agreement import Party

# template -> days after which it ends unless another end is given; None: open-ended
_DAYS: dict[str, int | None] = {
    "team-to-team": None,
    "forum": None,
    "exercise": 14,
    "emergency": 3,
    "grant": None,
}
_TWO = 2


class UnknownTemplate(NotFound):
    """No template has that name."""

    code = "unknown-template"


def names() -> tuple[str, ...]:
    """Return the names of the templates."""
    return tuple(_DAYS)


def text(
    name: str, parties: Sequence[Party], *, agreement: str, title: str, term: tuple[str, str]
) -> str:
    """Return a template as TOML, filled in and ready to be read by ``agreement.read``.

    Args:
        name: one of ``names()``.
        parties: ourselves first.
        agreement: the id that all parties' nodes know it by.
        term: start and end, instants; an end of "" takes the template's own, counted from the start.

    Raises:
        UnknownTemplate: there is none of that name.
        InputError: the number of parties does not fit, or an instant is none.
    """
    if name not in _DAYS:
        raise UnknownTemplate("no template has that name", template=name, known=", ".join(_DAYS))
    two = len(parties) == _TWO
    if len(parties) < _TWO or (name in {"team-to-team", "grant"} and not two):
        needed = "two or more" if name not in {"team-to-team", "grant"} else "two"
        raise InputError(f"the template {name} needs {needed} parties", template=name)
    opens, closes = _term(name, *term)
    written = files(__package__).joinpath("templates", f"{name}.toml").read_text("utf-8")
    return Template(written).substitute(
        id=_quoted(agreement),
        title=_quoted(title),
        kind=_quoted("bilateral" if two else "forum"),
        start=_quoted(opens),
        end=_quoted(closes),
        parties="\n".join(_party(party) for party in parties),
        first=_quoted(parties[0].name),
        second=_quoted(parties[1].name),
    )


def _term(name: str, start: str, end: str) -> tuple[str, str]:
    opens, days = clock.parse(start), _DAYS[name]
    if end:
        return clock.text(opens), clock.text(clock.parse(end))
    return clock.text(opens), clock.text(opens + timedelta(days=days)) if days else ""


def _party(party: Party) -> str:
    lines = ["[[parties]]"]
    lines += [
        f"{key} = {_quoted(value)}"
        for key, value in (
            ("name", party.name),
            ("country", party.country),
            ("organisation", party.organisation),
            ("role", party.role),
        )
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """Write a TOML basic string: JSON's escapes are all TOML's, but TOML also forbids a bare DEL."""
    return re.sub("\x7f", r"\\u007f", json.dumps(value, ensure_ascii=False))
