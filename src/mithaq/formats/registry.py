"""Formats by name: bytes in, objects and refusals out, in the order of the input.

A format is one file in this room, or a plug-in of the group ``mithaq.formats`` that the node hands to
``Registry.extended``. A format sees bytes only; it decides nothing about who may know what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import msgspec

from mithaq.errors import InputError
from mithaq.model.canonical import DEFAULT_LIMITS, Json, Limits
from mithaq.model.objects import Object
from mithaq.model.values import Value


class UnknownFormat(InputError):
    """No format of that name, or none that fits the bytes."""

    code = "unknown-format"


class NotThisFormat(InputError):
    """The bytes as a whole are not what the format reads."""

    code = "not-this-format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One object that was refused while its neighbours went on; never its content."""

    position: int  # in the input, from 0
    id: str | None  # the identifier it claims, if that has the form of one
    code: str  # gate-…, stix-… or list-…
    where: str  # JSON pointer in the object, or line and column in its own text
    why: str
    line: int = 0  # where it begins, from 1, if ``position`` counts lines


class Undated(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an input says that names itself and its instants nowhere, as a line of a list does, or not reliably.

    Whoever takes it in gives it an identifier, the same for the same ``key`` of the same source, and instants: a new
    version only where something else is said.
    """

    position: int  # in the input, from 0
    key: str  # what it is about
    body: dict[str, Json]  # of a STIX object, but for ``id``, ``created`` and ``modified``
    names: tuple[
        tuple[str, str], ...
    ] = ()  # types and keys of others of the input: its ``object_refs``
    about: tuple[Value, ...] | None = None  # values its pattern is about; None: nobody took note
    # What an input says of these for once, and each version of what it is about says alike; empty: nothing.
    id: str = ""
    created: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a person says of an input that does not say it itself; formats that need none ignore it."""

    columns: Mapping[str, str] = field(default_factory=dict)  # role -> name or number of a column
    kind: str = ""  # of all its values


PLAIN = Layout()
Read: TypeAlias = Iterator[Object | Undated | Refusal]


class Format(Protocol):
    """One way to write objects down."""

    @property
    def name(self) -> str:
        """A short slug, unique in a registry."""

    def fits(self, raw: bytes) -> bool:
        """Say at a glance whether ``raw`` looks like this format."""

    def read(self, raw: bytes, limits: Limits, layout: Layout) -> Read:
        """Read ``raw``; raises ``InputError`` if it is refused as a whole."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The formats a node reads; earlier ones are tried first."""

    formats: tuple[Format, ...]

    def extended(self, *more: Format) -> "Registry":
        """Return a registry with ``more`` after what is there.

        Raises:
            InputError: a name is taken; a plug-in never replaces another format.
        """
        names = [known.name for known in (*self.formats, *more)]
        for name in names:
            if names.count(name) > 1:
                raise InputError("two formats of one name", format=name)
        return Registry((*self.formats, *more))

    def known(self, name: str) -> Format:
        """Return the format of that name.

        Raises:
            UnknownFormat: there is none.
        """
        return self._choose(b"", name)

    def read(
        self,
        raw: bytes,
        name: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        layout: Layout = PLAIN,
    ) -> Read:
        """Yield an ``Object``, something ``Undated`` or a ``Refusal`` for each object in ``raw``.

        It is read as format ``name``, or as the first that fits.

        Raises:
            UnknownFormat: there is no such format, or none fits.
            InputError: ``raw`` is refused as a whole, before anything is yielded.
        """
        return self._choose(raw, name).read(raw, limits, layout)

    def _choose(self, raw: bytes, name: str | None) -> Format:
        for known in self.formats:
            if known.name == name or (name is None and known.fits(raw)):
                return known
        names = ", ".join(known.name for known in self.formats)
        if not name:
            raise UnknownFormat(f"no format fits these bytes; known are {names}")
        raise UnknownFormat(f"no format {name}; known are {names}")
