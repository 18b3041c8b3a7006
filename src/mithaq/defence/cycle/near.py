"""What was probably meant by a number or a name that stands nowhere."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from mithaq.model.named import NUMBER

_MOST: Final = 3
_LONGEST: Final = 100  # signs that are compared


def near(asked: str, known: Mapping[str, Iterable[str]]) -> str:
    """Return what is most like something, each as its number and its name; of a number, else those next to it.

    Args:
        asked: what was asked for.
        known: by number, what each is called, the name first.
    """
    called: dict[str, str] = {}
    for number, names in known.items():
        for name in (number, *names):
            called.setdefault(name.lower(), number)
    wanted = asked[:_LONGEST].lower()
    like = dict.fromkeys(called[each] for each in get_close_matches(wanted, called, _MOST))
    found = [*like] or _beside(asked.upper(), known)
    return ", ".join(" ".join((each, *list(known[each])[:1])) for each in found)


def _beside(asked: str, known: Iterable[str]) -> list[str]:
    """Return the numbers next to one."""
    if not NUMBER.fullmatch(asked):
        return []
    same = [e for e in known if NUMBER.fullmatch(e) and _letters(e) == _letters(asked)]
    return sorted(same, key=lambda each: (abs(_value(each) - _value(asked)), each))[:_MOST]


def _letters(number: str) -> str:
    return number.rstrip("0123456789.")


def _value(number: str) -> float:
    return float(number.removeprefix(_letters(number)))
