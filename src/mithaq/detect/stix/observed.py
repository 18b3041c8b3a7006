"""Makes an observation of a telemetry event: cyber observables with their properties and references (STIX 2.1, 6).

Fields that a table places (``mithaq.detect.stix.shapes``) become properties of the event's process, file, traffic or
key; each value that the event speaks of (``mithaq.detect.observables``) is an object of its own as well, so that a
pattern of one value finds what the look-up of indicators finds.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

from mithaq.clock import parse
from mithaq.detect import assets
from mithaq.detect.observables import of
from mithaq.detect.stix.observation import NEVER, Observation, microseconds
from mithaq.detect.stix.paths import hash_name, plain
from mithaq.detect.stix.shapes import DOTTED, REFERS, SHAPES, TYPES
from mithaq.errors import InputError
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import PATHS

_Object: TypeAlias = dict[str, Any]
_Objects: TypeAlias = dict[str, _Object]
_Placed: TypeAlias = tuple[tuple[str, str, str], ...]  # a field, how it is read, and its place

_MADE: Final = {"image_ref", "parent_ref"}  # a process that is known by these alone is one
_LISTED: Final = 64  # values of one field
_HIVES: Final = {
    "HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS",
}  # fmt: skip


def observation(event: Event) -> Observation:
    """Return what an event observed; one whose time is not known is at none."""
    objects: _Objects = {}
    fields = event.fields
    for name, how, place in _placed(event.source, tuple(fields)):
        said = fields[name]
        for value in said[:_LISTED] if isinstance(said, list) else [said]:
            if value is not None and value not in {"", "-"}:
                _READERS[how](objects, place, str(value))
    for holder, name, held in REFERS:
        if held in objects and (holder in objects or name in _MADE):
            _object(objects, holder)[name] = [held] if name.endswith("_refs") else held
    for number, (kind, text) in enumerate(of(event)):
        if kind in PATHS:
            _alone(objects, f"value-{number}", kind, text)
    at = _time(event.at)
    return Observation(
        ref=event.digest,
        objects=objects,
        first=at,
        last=at,
        source=event.source,
        asset=assets.of(event),
    )


def _time(written: str) -> int:
    try:
        return microseconds(parse(written)) if written else NEVER
    except InputError:
        return NEVER


@lru_cache(maxsize=4096)  # a source has few sets of fields
def _placed(source: LogSource, present: tuple[str, ...]) -> _Placed:
    """Return which of an event's fields are read, how, and where they go."""
    known = dict(DOTTED)
    for word in source:
        known |= SHAPES.get(word, {})
    placed: list[tuple[str, str, str]] = []
    for name in present:
        if name in known:
            how, colon, place = known[name].rpartition(":")
            placed.append((name, how if colon else "text", place))
    return tuple(placed)


def _object(objects: _Objects, name: str) -> _Object:
    return objects.setdefault(name, {"type": TYPES.get(name, "")})


def _set(holder: _Object, steps: list[str], value: object) -> None:
    for step in steps[:-1]:
        holder = holder.setdefault(step, {})
    holder[steps[-1]] = value


def _text(objects: _Objects, place: str, text: str) -> None:
    name, *steps = place.split(".")
    _set(_object(objects, name), steps, text)


def _number(objects: _Objects, place: str, text: str) -> None:
    try:
        number = int(text, 16 if text[:2] == "0x" else 10)
    except ValueError:
        return
    name, *steps = place.split(".")
    _set(_object(objects, name), steps, number)


def _list(objects: _Objects, place: str, text: str) -> None:
    name, step = place.split(".")
    _object(objects, name).setdefault(step, []).append(text.lower())


def _path(objects: _Objects, place: str, text: str) -> None:
    """A file by its path: its name, its directory, and, as some patterns ask for it, the whole."""
    bare = text.strip('"')
    cut = max(bare.rfind("\\"), bare.rfind("/"))
    file = _object(objects, place)
    file["name"], file["path"] = bare[cut + 1 :], bare
    if cut > 0:
        objects[f"{place}-directory"] = {"type": "directory", "path": bare[:cut]}
        file["parent_directory_ref"] = f"{place}-directory"


def _hashes(objects: _Objects, place: str, text: str) -> None:
    """Hashes as Sysmon lists them; they are those of the file loaded or written, where there is one."""
    whose = next((name for name in ("loaded", "file") if name in objects), place)
    for part in text.split(",", _LISTED):
        name, equals, digest = part.partition("=")
        if equals and name.upper() == "IMPHASH":
            _set(_object(objects, whose), ["extensions", "windows-pebinary-ext", "imphash"], digest)
        elif equals:
            _set(_object(objects, whose), ["hashes", hash_name(name)], digest)


def _registry(objects: _Objects, place: str, text: str) -> None:
    """A value in a key of the registry: Sysmon writes both as one path."""
    hive, slash, rest = text.partition("\\")
    whole = f"{_HIVES.get(hive.upper(), hive)}{slash}{rest}"
    parent, _, name = whole.rpartition("\\")
    key = _object(objects, place)
    key["key"] = whole
    key.setdefault("values", [{}])[0]["name"] = name
    objects[f"{place}-parent"] = {
        "type": "windows-registry-key",
        "key": parent,
        "values": key["values"],
    }


def _data(objects: _Objects, place: str, text: str) -> None:
    _object(objects, place).setdefault("values", [{}])[0]["data"] = text


def _address(objects: _Objects, place: str, text: str) -> None:
    try:
        version = ip_address(text).version
    except ValueError:
        return
    objects[place] = {"type": f"ipv{version}-addr", "value": text}
    _object(objects, "traffic").setdefault("protocols", []).append(f"ipv{version}")


def _mail(objects: _Objects, place: str, text: str) -> None:
    _object(objects, "mail")
    _object(objects, place)["value"] = text.strip("<>")


def _user(objects: _Objects, place: str, text: str) -> None:
    """An account, after its domain or not."""
    account = _object(objects, place)
    account["user_id"], account["account_login"] = text, text.rpartition("\\")[2]


def _alone(objects: _Objects, name: str, kind: str, text: str) -> None:
    """Add a value as an object of its own, at the path that patterns ask for such values at."""
    path, _ = plain(PATHS[kind])
    steps = [step for step in path.steps if isinstance(step, str)]
    objects[name] = {"type": path.type}
    if kind == "directory":
        objects[name]["parent_directory_ref"] = f"{name}-directory"
        objects[f"{name}-directory"] = {"type": "directory", "path": text}
    else:
        _set(objects[name], steps, int(text) if kind == "asn" else text)


_READERS: Final[Mapping[str, Callable[[_Objects, str, str], None]]] = {
    "text": _text, "number": _number, "list": _list, "path": _path, "hashes": _hashes, "registry": _registry,
    "data": _data, "address": _address, "mail": _mail, "account": _user,
}  # fmt: skip
