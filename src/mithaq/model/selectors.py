"""Granular-marking selectors (STIX 2.1 section 7.2.3.1) and the JSON pointers (RFC 6901) we keep instead."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from mithaq.model.canonical import Json, escape

Path: TypeAlias = tuple[str | int, ...]
_LONGEST_KEY = 1024  # four times what STIX allows; else a selector of a million dots would cost a million million steps
_INDEX = re.compile(r"\[(0|[1-9][0-9]{0,8})\]")


def selected(body: Mapping[str, Json], selector: str) -> tuple[Path, ...]:
    """Return every path that ``selector`` points at; none for one that is malformed or points at nothing.

    Components are joined by dots; a list index is written ``[n]``, from zero. A key may itself hold dots
    (custom content does): then one text can mean two places, and all of them are returned, so that no
    place that might be meant goes unmarked.
    """
    return tuple(_follow(dict(body), selector, ())) if selector else ()


def _follow(value: Json, rest: str | None, path: Path) -> Iterator[Path]:
    """Yield the places that ``rest`` means below ``value``; None: the place is reached."""
    if rest is None:
        yield path
    elif isinstance(value, list):
        step, _, after = rest.partition(".")
        match = _INDEX.fullmatch(step)
        if match is not None and int(match[1]) < len(value):
            index = int(match[1])
            yield from _follow(
                value[index], after if len(step) < len(rest) else None, (*path, index)
            )
    elif isinstance(value, dict):
        for end in _ends(rest):
            key = rest[:end]
            if key in value:
                yield from _follow(
                    value[key], rest[end + 1 :] if end < len(rest) else None, (*path, key)
                )


def _ends(rest: str) -> Iterator[int]:
    """Yield where a key that ``rest`` begins with may end: at each dot, as far as any key goes."""
    end = rest.find(".")
    while 0 <= end <= _LONGEST_KEY:
        yield end
        end = rest.find(".", end + 1)
    if end < 0 and len(rest) <= _LONGEST_KEY:
        yield len(rest)


def selector_of(path: Path) -> str:
    """Write ``path`` as a selector."""
    return ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)


def pointer_of(path: Path) -> str:
    """Write ``path`` as a JSON pointer."""
    return "".join(f"/{step}" if isinstance(step, int) else f"/{escape(step)}" for step in path)
