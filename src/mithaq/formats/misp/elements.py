"""Elements of MISP events and what they say: instants, markings, values (MISP core format, draft 18)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID, uuid5

from mithaq.clock import text as instant_text
from mithaq.errors import InputError
from mithaq.model import values
from mithaq.model.canonical import Json
from mithaq.model.labels import Pap, Tlp, pap, tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.model.values import NoSuchValue, Value

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_DRAWN = UUID("5e3b3b2e-3a0e-4f5c-9a43-6f0f5e8a1d27")  # namespace of what MISP gives no UUID
# What is of one server alone, of whom the others share with, or the bytes of files: samples stay where they are.
_LEFT = frozenset(
    {
        "id",
        "event_id",
        "object_id",
        "org_id",
        "orgc_id",
        "sharing_group_id",
        "attribute_count",
        "data",
    }
    | {"Org", "SharingGroup", "RelatedEvent", "RelatedAttribute", "ShadowAttribute", "Feed"}
)
# How far each distribution goes from here (section 2.2.1.9); 3 limits nothing, 5 is what holds around it.
_FLOORS = {"0": Tlp.AMBER_STRICT, "1": Tlp.AMBER_STRICT, "2": Tlp.AMBER, "4": Tlp.AMBER_STRICT}
INHERITED, UNLIMITED = "5", "3"
_UNCLEAR = frozenset({"tlp:unclear", "tlp:ex:chr"})  # nobody here can say what these allow
SURE = {  # how sure an analyst is, where a tag says it, as STIX 2.1 appendix A counts it
    'estimative-language:confidence-in-analytic-judgment="low"': 15,
    'estimative-language:confidence-in-analytic-judgment="moderate"': 50,
    'estimative-language:confidence-in-analytic-judgment="high"': 85,
    **{f'admiralty-scale:information-credibility="{n}"': sure for n, sure in enumerate((90, 70, 50, 30, 10), 1)},
}  # fmt: skip
_ALIKE = (
    "domain", "url", "email", "filename", "mutex", "user-agent", "md5", "sha1", "sha224", "sha256", "sha384",
    "sha512", "sha3-256", "sha3-512", "imphash", "ssdeep", "tlsh",
)  # fmt: skip
_KINDS: Mapping[
    str, Sequence[str]
] = {  # what each part of an attribute's value is (section 2.4.2.2)
    **{name: (name,) for name in _ALIKE},
    **{f"filename|{name}": ("filename", name) for name in _ALIKE[6:]},
    "malware-sample": ("filename", "md5"),
    "ip-src": ("ip",),
    "ip-dst": ("ip",),
    "ip-src|port": ("ip", ""),
    "ip-dst|port": ("ip-port",),
    "hostname": ("domain",),
    "hostname|port": ("domain", ""),
    "domain|ip": ("domain", "ip"),
    "email-src": ("email",),
    "email-dst": ("email",),
    "email-reply-to": ("email",),
    "email-attachment": ("filename",),
    "regkey": ("registry-key",),
    "regkey|value": ("registry-key", ""),
    "mac-address": ("mac",),
    "AS": ("asn",),
    "x509-fingerprint-sha1": ("certificate-sha1",),
    "x509-fingerprint-sha256": ("certificate-sha256",),
}
_OBSERVABLES = {  # the type of observable that has a value, and where
    "ipv4": ("ipv4-addr", "value"),
    "ipv6": ("ipv6-addr", "value"),
    "domain": ("domain-name", "value"),
    "url": ("url", "value"),
    "email": ("email-addr", "value"),
    "mac": ("mac-addr", "value"),
    "asn": ("autonomous-system", "number"),
    "mutex": ("mutex", "name"),
    "registry-key": ("windows-registry-key", "key"),
}


class BadElement(InputError):
    """An element of an event that cannot be taken; its code is ``misp-`` and the fact ``cause``."""

    def __init__(self, says: str, *, cause: str, where: str = "") -> None:
        """Say what is wrong with it, and where in the element."""
        super().__init__(says, cause=cause, where=where)
        self.code = f"misp-{cause}"


@dataclass(frozen=True, slots=True)
class Said:
    """What the tags and the distribution of an element say."""

    tlp: Tlp | None = None
    pap: Pap | None = None
    labels: tuple[str, ...] = ()
    confidence: int | None = None

    def within(self, outer: "Said") -> "Said":
        """Return what holds of something inside another: the stricter of both; labels stay with what bears them."""
        if self is _NOTHING and not outer.labels and outer.confidence is None:
            return outer
        return Said(
            tlp=max((t for t in (self.tlp, outer.tlp) if t is not None), default=None),
            pap=max((p for p in (self.pap, outer.pap) if p is not None), default=None),
            labels=self.labels,
            confidence=self.confidence,
        )

    @property
    def inherited(self) -> "Said":
        """What of it holds for what stands inside."""
        return Said(tlp=self.tlp, pap=self.pap)

    @property
    def markings(self) -> dict[str, Json]:
        """The property of an object that bears its markings, if there are any."""
        refs: list[Json] = [] if self.tlp is None else [tlp_id(self.tlp)]
        if self.pap is not None:
            refs.append(pap_id(self.pap))
        return {"object_marking_refs": refs} if refs else {}

    def properties(self, labels: Sequence[str] = ()) -> dict[str, Json]:
        """Return the properties of an object that say it all, behind ``labels`` of its own."""
        body = self.markings
        every: list[Json] = [*dict.fromkeys((*labels, *self.labels))]
        if every:
            body["labels"] = every
        if self.confidence is not None:
            body["confidence"] = self.confidence
        return body


_NOTHING = Said()


@dataclass(frozen=True, slots=True)
class Element:
    """An event or a part of one, as it is written; numbers and flags may stand there as texts."""

    raw: Mapping[str, Json]

    def parts(self, kind: str) -> "list[Element]":
        """Return the elements of a kind inside it."""
        listed = self.raw.get(kind)
        some = listed if isinstance(listed, list) else [listed]
        return [Element(each) for each in some if isinstance(each, dict)]

    def text(self, name: str) -> str:
        """Return a text, or a number as text; empty if it is neither."""
        value = self.raw.get(name)
        if isinstance(value, bool):
            return ""
        return (
            value.strip()
            if isinstance(value, str)
            else str(value)
            if isinstance(value, int)
            else ""
        )

    def flag(self, name: str) -> bool:
        """Say whether it is set."""
        return self.raw.get(name) in (True, 1, "1", "true", "True")

    @property
    def uuid(self) -> str:
        """Its UUID, in lower case; raises ``BadElement`` if it has none."""
        found = self.text("uuid").lower()
        if not _UUID.fullmatch(found):
            raise BadElement("no UUID", cause="uuid", where="/uuid")
        return found

    def uuid_or(self, seed: str) -> str:
        """Return its UUID; if it has none, one that is the same each time for ``seed``."""
        found = self.text("uuid").lower()
        return found if _UUID.fullmatch(found) else drawn(seed)

    def instant(self, name: str) -> str:
        """Return an instant written in seconds since 1970; raises ``BadElement`` if it is none."""
        try:
            return _instant(self.text(name))
        except (ValueError, OverflowError, OSError):
            raise BadElement("no instant", cause="instant", where=f"/{name}") from None

    def seen(self, name: str) -> str:
        """Return an instant written as ISO 8601; empty if there is none."""
        written = self.text(name)
        try:
            instant = datetime.fromisoformat(written) if written else None
        except ValueError:
            raise BadElement("no instant", cause="instant", where=f"/{name}") from None
        if instant is None:
            return ""
        return instant_text(instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC))

    def rest(self, *left: str) -> dict[str, Json]:
        """Return all of it but what is ``left`` out, is empty, or leaves no server."""
        return {
            name: _bare(value)
            for name, value in self.raw.items()
            if name not in _LEFT and name not in left and value not in ("", None, [], {})
        }

    def said(self, unsaid: str = INHERITED) -> Said:
        """Return what its tags and its distribution say; ``unsaid`` is the distribution where none is given."""
        floor = _FLOORS.get(self.text("distribution") or unsaid)
        if not self.raw.get("Tag"):
            return Said(tlp=floor) if floor is not None else _NOTHING
        levels: list[Tlp] = []
        actions: list[Pap] = []
        labels: list[str] = []
        sure: list[int] = []
        for name in (tag.text("name") for tag in self.parts("Tag")):
            low = name.lower()
            if low.startswith("tlp:"):
                levels.append(_level(low))
            elif low.startswith("pap:"):
                actions.append(_action(low))
            elif name and not low.startswith("misp-galaxy:"):
                labels.append(name)
            if low in SURE:
                sure.append(SURE[low])
        return Said(
            tlp=max([*levels, *([] if floor is None else [floor])], default=None),
            pap=max(actions, default=None),
            labels=tuple(labels),
            confidence=min(sure, default=None),
        )

    @property
    def values(self) -> list[Value]:
        """The values of an attribute; none if it has none, or one that is not what it is said to be."""
        kinds = _KINDS.get(self.text("type"), ())
        parts = self.text("value").split("|") if len(kinds) > 1 else [self.text("value")]
        if len(parts) != len(kinds):
            return []
        try:
            return [v for k, part in zip(kinds, parts, strict=True) if k for v in _read(k, part)]
        except NoSuchValue:
            return []


@lru_cache(maxsize=1024)  # what stands in one event mostly bears one of a few instants
def _instant(seconds: str) -> str:
    return instant_text(datetime.fromtimestamp(int(seconds), UTC))


def dated(event: Element) -> Element:
    """Return an event whose elements all bear an instant: one that says none is as old as what it stands in."""
    return Element(_dated(event.raw, event.raw.get("timestamp")))


def _dated(raw: Mapping[str, Json], at: Json) -> dict[str, Json]:
    own = raw.get("timestamp") or at
    found: dict[str, Json] = {**raw, **({"timestamp": own} if own else {})}
    for kind in ("Attribute", "Object", "EventReport", "ObjectReference"):
        inner = raw.get(kind)
        if isinstance(inner, list):
            found[kind] = [_dated(e, own) if isinstance(e, dict) else e for e in inner]
    return found


def _read(kind: str, written: str) -> list[Value]:
    """Read a value as people write it in MISP: a file's name with its path, a URL that is a host alone."""
    if kind == "filename":
        path, _, name = written.replace("\\", "/").rpartition("/")
        directory = written[: len(path)]
        found = [values.of_kind("filename", name)]
        return [*found, values.of_kind("directory", directory)] if directory else found
    if kind == "url" and "/" not in written:
        kind = "domain"
    return [values.of_kind(kind, written)]


def drawn(seed: str) -> str:
    """Return a UUID that is the same each time for ``seed``."""
    return str(uuid5(_DRAWN, seed))


def _bare(value: Json) -> Json:
    if isinstance(value, dict):
        return Element(value).rest()
    return [_bare(each) for each in value] if isinstance(value, list) else value


def _level(name: str) -> Tlp:
    """Read a TLP tag; one that nobody here knows lets nothing out."""
    try:
        return Tlp.RED if name in _UNCLEAR else tlp(name)
    except InputError:
        return Tlp.RED


def _action(name: str) -> Pap:
    try:
        return pap(name)
    except InputError:
        return Pap.RED


def pattern_of(found: Sequence[Value]) -> str:
    """Return the pattern of one thing: any of its digests tells a file; all else must be there together."""
    digests = [each for each in found if each.kind in values.EXACT]
    return values.pattern(digests) if digests else values.pattern(found, " AND ")


def observables_of(found: Sequence[Value]) -> list[dict[str, Json]]:
    """Return the bodies of the observables that have some values, without ids; those of a file are one."""
    made: list[dict[str, Json]] = []
    file: dict[str, Json] = {}
    hashes: dict[str, Json] = {}
    for value in found:
        if value.kind == "filename":
            file.setdefault("name", value.text)
        elif value.kind in values.HASHES:
            hashes[values.HASHES[value.kind]] = value.text
        elif value.kind in _OBSERVABLES and not _lacks_its_hive(value):
            type_, name = _OBSERVABLES[value.kind]
            made.append({"type": type_, name: int(value.text) if name == "number" else value.text})
    if hashes:
        file["hashes"] = hashes
    return [*made, {"type": "file", **file}] if file else made


def _lacks_its_hive(value: Value) -> bool:
    return value.kind == "registry-key" and not value.text.startswith("HKEY_")
