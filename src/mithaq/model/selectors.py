"""Granular-marking selectors (STIX 2.1 section 7.2.3.1) and the JSON pointers (RFC 6901) we keep instead."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from mithaq.model.canonical import Json, escape

Path: TypeAlias = tuple[str | int, ...]
_INDEX = re.compile(r"\[(0|[1-9][0-9]{0,8})\]")


def selected(body: Mapping[str, Json], selector: str) -> tuple[Path, ...]:
    """Return every path that ``selector`` points at; none for one that is malformed or points at nothing.

    Components are joined by dots; a list index is written ``[n]``, from zero. A key may itself hold dots
    (custom content does): then one text can mean two places, and all of them are returned, so that no
    place that might be meant goes unmarked.
    """
    if not selector:
        return ()
    return tuple(_follow(dict(body), selector.split("."), ()))


def _follow(value: Json, steps: list[str], path: Path) -> Iterator[Path]:
    if not steps:
        yield path
    elif isinstance(value, list):
        match = _INDEX.fullmatch(steps[0])
        if match is not None and int(match[1]) < len(value):
            index = int(match[1])
            yield from _follow(value[index], steps[1:], (*path, index))
    elif isinstance(value, dict):
        for length in range(1, len(steps) + 1):
            key = ".".join(steps[:length])
            if key in value:
                yield from _follow(value[key], steps[length:], (*path, key))


def selector_of(path: Path) -> str:
    """Write ``path`` as a selector."""
    return ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)


def pointer_of(path: Path) -> str:
    """Write ``path`` as a JSON pointer."""
    return "".join(f"/{step}" if isinstance(step, int) else f"/{escape(step)}" for step in path)
