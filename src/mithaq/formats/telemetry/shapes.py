"""Who writes an event like that: the writers that detection knows by the names they use, and what those come to.

Each writer has one entry: a field that all its events have, and what it says of who wrote them, when, and under which
names the field's tools know what it wrapped. An event of no known writer keeps its names and says no source.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from mithaq.formats.telemetry.instants import epoch, iso
from mithaq.formats.telemetry.windows import SERVICES
from mithaq.model.telemetry import UNSAID, Event, LogSource, Value

Fields: TypeAlias = dict[str, Value]
Known: TypeAlias = tuple[Fields, LogSource, str]

_INSTANTS: Final = ("@timestamp", "timestamp", "time", "ts", "eventTime", "TimeCreated")


def event(fields: Fields, raw: bytes, writer: "Callable[[Fields], Known] | None" = None) -> Event:
    """Return the event that ``fields`` come to, of ``writer`` if that is said."""
    if writer is None:
        for sign, known in _WRITERS:
            if sign in fields:
                writer = known
                break
        else:
            writer = unknown
    fields, source, at = writer(fields)
    return Event(fields=fields, source=source, at=at, raw=raw)


def unknown(fields: Fields) -> Known:
    """Of no known writer."""
    for name in _INSTANTS:
        if at := iso(fields.get(name)):
            return fields, UNSAID, at
    return fields, UNSAID, ""


# --- Windows: flat as nxlog and OTRF's recordings have it, nested by winlogbeat, as EVTX tools dump it -------------

_LIFTS: Final = (
    ("Hostname", "Computer"),
    ("SourceName", "Provider_Name"),
    ("ProviderGuid", "Provider_Guid"),
)


def _windows(fields: Fields) -> Known:
    """Of Windows' event log, with the parts of ``System`` and ``EventData`` under their own names."""
    for theirs, ours in _LIFTS:
        if theirs in fields and ours not in fields:
            fields[ours] = fields[theirs]
    number = fields.get("EventID")
    if isinstance(number, str) and number.isdecimal() and number.isascii():
        fields["EventID"] = int(number)
    at = (
        iso(fields.get("TimeCreated"))
        or iso(fields.get("@timestamp"))
        or iso(fields.get("UtcTime"))
        or iso(fields.get("EventTime"))
    )
    return fields, SERVICES.get(fields.get("Channel"), _WINDOWS), at  # type: ignore[arg-type]


_WINDOWS: Final = LogSource(product="windows")
_SYSTEM, _DATA, _USER = "Event.System.", "Event.EventData.", "Event.UserData."


@lru_cache(maxsize=4096)
def _of_evtx(name: str) -> str:
    """Return what tools of the field call a name of an event as EVTX has it; empty: nothing."""
    if name.startswith(_SYSTEM):
        parts = name.removeprefix(_SYSTEM).replace("#attributes.", "").replace(".#text", "")
        parts = parts.removesuffix(".SystemTime")
        return parts.replace(".", "_")
    for whole in (_DATA, _USER):
        if name.startswith(whole):
            rest = name.removeprefix(whole).removesuffix(".#text")
            if "#attributes" in rest:
                return ""
            return rest.rpartition(".")[2] if whole == _USER else rest
    return "" if name.startswith("Event.#attributes") else name


def evtx(fields: Fields) -> Known:
    """Of a record of an EVTX file."""
    return _windows(_renamed(fields, _of_evtx))


# Since version 7 all of it stands under ``winlog``; before, at the top.
_WINLOG: Final = {
    "event_id": "EventID",
    "log_name": "Channel",
    "computer_name": "Computer",
    "source_name": "Provider_Name",
    "provider_guid": "Provider_Guid",
    "record_number": "EventRecordID",
    "winlog.event_id": "EventID",
    "winlog.channel": "Channel",
    "winlog.computer_name": "Computer",
    "winlog.provider_name": "Provider_Name",
    "winlog.provider_guid": "Provider_Guid",
    "winlog.record_id": "EventRecordID",
    "winlog.task": "Task",
    "winlog.opcode": "Opcode",
    "winlog.keywords": "Keywords",
    "winlog.version": "Version",
    "winlog.process.pid": "Execution_ProcessID",
    "winlog.process.thread.id": "Execution_ThreadID",
}


@lru_cache(maxsize=4096)
def _of_winlogbeat(name: str) -> str:
    """Return what tools of the field call a name of winlogbeat's."""
    for whole in ("winlog.event_data.", "winlog.user_data.", "event_data.", "user_data."):
        if name.startswith(whole):
            return name.removeprefix(whole)
    return "" if name in _WINLOG else name


def _winlogbeat(fields: Fields) -> Known:
    out = _renamed(fields, _of_winlogbeat)
    out.update((ours, fields[theirs]) for theirs, ours in _WINLOG.items() if theirs in fields)
    return _windows(out)


def _renamed(fields: Fields, naming: Callable[[str], str]) -> Fields:
    """Return ``fields`` under other names, the first of a name before others; empty ones fall away."""
    out: Fields = {}
    for name, value in fields.items():
        ours = naming(name)
        if ours and value is not None:
            out.setdefault(ours, value)
    return out


# --- sensors and clouds ------------------------------------------------------------------------------------------


def _zeek(fields: Fields) -> Known:
    """Of Zeek, as it writes JSON itself (``_path``) or streams it through Corelight's writer (``@stream``)."""
    path = str(fields.get("_path") or fields.get("@stream") or "")
    for name in [name for name in fields if name.startswith("id_")]:
        fields["id." + name.removeprefix("id_")] = fields.pop(name)
    at = iso(fields.get("ts")) or epoch(fields.get("ts"))
    return fields, LogSource(product="zeek", service=path), at


def _eve(fields: Fields) -> Known:
    """Of Suricata."""
    service = str(fields["event_type"])
    return fields, LogSource(product="suricata", service=service), iso(fields.get("timestamp"))


def _cloudtrail(fields: Fields) -> Known:
    """Of AWS CloudTrail."""
    at = iso(fields.get("eventTime")) or iso(fields.get("@timestamp"))
    return fields, LogSource(product="aws", service="cloudtrail"), at


_WRITERS: Final[tuple[tuple[str, Callable[[Fields], Known]], ...]] = (
    ("EventID", _windows),
    ("winlog.event_id", _winlogbeat),
    ("winlog.channel", _winlogbeat),
    ("log_name", _winlogbeat),
    ("Event.System.EventID", evtx),
    ("Event.System.EventID.#text", evtx),
    ("_path", _zeek),
    ("@stream", _zeek),
    ("event_type", _eve),
    ("eventVersion", _cloudtrail),
)
