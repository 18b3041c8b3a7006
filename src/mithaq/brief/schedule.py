"""Briefs that the worker writes by itself, into a folder of this machine; nothing else leaves.

A day is over at midnight, UTC; a week on Sunday. What the folder lacks of the last whole one is written, each file
whole or not at all; who reads the folder is a matter of its rights on this machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from mithaq.border import people
from mithaq.border.us import Us
from mithaq.brief.gathering import Ordered, brief
from mithaq.brief.page import page
from mithaq.brief.pdf import pdf
from mithaq.config import Briefs
from mithaq.model.labels import tlp


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A brief that is to be written, and the files it is written to."""

    ordered: Ordered
    files: tuple[tuple[Path, str], ...]  # each with its language


def due(settings: Briefs, home: Path, now: datetime) -> Iterator[Due]:
    """Yield the briefs whose files are not there."""
    up_to = tlp(settings.up_to) if settings.up_to else None
    for period in settings.periods:
        until = _last(period, now)
        name = f"brief-{period}-{until.isoformat()}"
        files = tuple(
            (home / settings.folder / f"{name}.{language}.{form}", language)
            for language in settings.languages
            for form in settings.forms
        )
        missing = tuple(each for each in files if not each[0].exists())
        if missing:
            yield Due(ordered=Ordered(period=period, until=until, up_to=up_to), files=missing)


def _last(period: str, now: datetime) -> date:
    """Return the last day of the last whole period."""
    yesterday = now.date() - timedelta(days=1)
    return (
        yesterday if period == "day" else yesterday - timedelta(days=(yesterday.weekday() + 1) % 7)
    )


def write(unit: Connection, us: Us, settings: Briefs, one: Due, now: datetime) -> None:
    """Write a brief as the person whom the settings name may read it.

    Raises:
        UnknownActor: there is no such person. Forbidden: they may read nothing. NoPdf, NoFonts: as ``pdf`` says.
        OSError: a file cannot be written.
    """
    made = brief(unit, us, people.named(unit, settings.reader), one.ordered, now)
    for path, language in one.files:
        written = page(made, language)
        content = pdf(written, language) if path.suffix == ".pdf" else written.encode()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.new")
        beside.touch(mode=0o600)
        beside.write_bytes(content)
        beside.replace(path)
