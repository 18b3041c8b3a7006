"""Everything that stands on a shelf: as a STIX bundle, byte for byte, or as a feed that MISP pulls."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from mithaq.formats.misp import writing
from mithaq.model.canonical import Json
from mithaq.model.markings import Body

Files: TypeAlias = dict[str, bytes]
_SPACE = uuid.UUID("0d1b6a5e-52f4-4a0e-9f0c-6f5f6b7a3c41")  # of bundles


class Bundle:
    """All objects, their bytes as they were released."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._raws: list[bytes] = []
        self._ids: set[str] = set()

    def take(self, body: Body, raw: bytes) -> None:
        """Take an object."""
        self._raws.append(raw)
        self._ids.add(str(body["id"]))

    def done(self) -> tuple[Files, set[str], dict[str, list[str]]]:
        """Return the bundle, the ids of what is told, and of what is not by reason."""
        objects = b",".join(self._raws)
        id_ = uuid.uuid5(_SPACE, hashlib.sha256(objects).hexdigest())
        head = f'{{"type":"bundle","id":"bundle--{id_}"'.encode()
        body = head + (b',"objects":[' + objects + b"]" if self._raws else b"") + b"}"
        return {"bundle.json": body}, self._ids, {}


class Feed:
    """The files of a MISP feed: a manifest, hashes of values, and each event by its UUID."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._bodies: list[Body] = []

    def take(self, body: Body, _raw: bytes) -> None:
        """Take an object."""
        self._bodies.append(body)

    def done(self) -> tuple[Files, set[str], dict[str, list[str]]]:
        """Return the files, the ids of what is told, and of what is not by reason."""
        written = writing.write(self._bodies)
        manifest = {str(event["uuid"]): _manifest(event) for event in written.events}
        files = {
            "misp/manifest.json": msgspec.json.encode(manifest),
            "misp/hashes.csv": "".join(
                f"{h}\n" for e in written.events for h in hashed(e)
            ).encode(),
        }
        for event in written.events:
            files[f"misp/{event['uuid']}.json"] = msgspec.json.encode({"Event": event})
        return files, written.told, written.left


def _manifest(event: dict[str, Json]) -> dict[str, Json]:
    names = ("Orgc", "Tag", "info", "date", "analysis", "threat_level_id", "timestamp")
    return {name: event[name] for name in names}


def hashed(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value, and for each part of one: by these MISP finds an event in a feed."""
    some = [event, *_dicts(event.get("Object"))]
    for each in (a for holder in some for a in _dicts(holder.get("Attribute"))):
        value = str(each["value"])
        for part in value.split("|") if "|" in str(each["type"]) else [value]:
            digest = hashlib.md5(part.encode("utf-8", "replace"), usedforsecurity=False)
            yield f"{digest.hexdigest()},{event['uuid']}"


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
