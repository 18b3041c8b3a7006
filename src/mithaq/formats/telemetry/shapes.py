"""Who writes an event like that: the writers that detection knows by the names they use, and what those come to.

Each writer has one entry: a field that all its events have, and what it says of who wrote them, when, and under which
names the field's tools know what it wrapped. An event of no known writer keeps its names and says no source.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from mithaq.formats.telemetry import windows
from mithaq.formats.telemetry.instants import epoch, iso
from mithaq.model.telemetry import UNSAID, Event, LogSource, Value

Fields: TypeAlias = dict[str, Value]
Known: TypeAlias = tuple[Fields, LogSource, str]

_INSTANTS: Final = ("@timestamp", "timestamp", "time", "ts", "eventTime", "TimeCreated")


def event(
    fields: Fields, raw: bytes, writer: "Callable[[Fields], Known] | None" = None, name: str = ""
) -> Event:
    """Return the event that ``fields`` come to, of ``writer`` if that is said; ``name`` is that of the input."""
    if writer is None:
        for sign, known in _WRITERS:
            if sign in fields:
                writer = known
                break
        else:
            writer = unknown
    fields, source, at = writer(fields)
    if source is _NAMELESS:
        source = LogSource(product="zeek", service=_log_of(name))
    return Event(fields=fields, source=source, at=at, raw=raw)


def unknown(fields: Fields) -> Known:
    """Of no known writer."""
    for name in _INSTANTS:
        if at := iso(fields.get(name)):
            return fields, UNSAID, at
    return fields, UNSAID, ""


# --- Windows: flat as nxlog and OTRF's recordings have it, nested by winlogbeat, as EVTX tools dump it -------------

_WHEN: Final = "TimeCreated", "@timestamp", "UtcTime", "EventTime"  # the last without a zone


def _windows(fields: Fields) -> Known:
    """Of Windows' event log, with the parts of ``System`` and ``EventData`` under their own names."""
    for theirs, ours in windows.LIFTS:
        if ours not in fields and theirs in fields:
            fields[ours] = fields[theirs]
    source, number = windows.kind(fields.get("Channel"), fields.get("EventID"))
    if number is not None:
        fields["EventID"] = number
    at = ""
    for name in _WHEN:
        if name in fields and (at := iso(fields[name])):
            break
    return fields, source, at


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


_NAMELESS: Final = LogSource(product="zeek")
_LOG: Final = re.compile(r"([a-z][a-z0-9_]*)\.(?:[^/]*\.)?(?:log|json|ndjson|jsonl)$")


@lru_cache(maxsize=64)
def _log_of(name: str) -> str:
    """Return the log of Zeek that a file of that name holds, as ``conn.log`` and ``dns.00:00-01:00.log`` say it."""
    found = _LOG.search(name.rpartition("/")[2])
    return found[1] if found else ""


def _zeek(fields: Fields) -> Known:
    """Of Zeek, as it writes JSON itself, as brim does (``_path``) or as Corelight streams it (``@stream``)."""
    path = fields.get("_path") or fields.get("@stream")
    if "\nid_" in "\n" + "\n".join(fields):  # sooner than to ask each
        for name in [name for name in fields if name.startswith("id_")]:
            fields["id." + name.removeprefix("id_")] = fields.pop(name)
    at = iso(fields.get("ts")) or epoch(fields.get("ts"))
    return fields, LogSource(product="zeek", service=str(path)) if path else _NAMELESS, at


def _eve(fields: Fields) -> Known:
    """Of Suricata."""
    service = str(fields["event_type"])
    return fields, LogSource(product="suricata", service=service), iso(fields.get("timestamp"))


def _cloudtrail(fields: Fields) -> Known:
    """Of AWS CloudTrail."""
    at = iso(fields.get("eventTime")) or iso(fields.get("@timestamp"))
    return fields, LogSource(product="aws", service="cloudtrail"), at


_PRODUCTS: Final = {"windows": "windows", "linux": "linux", "macos": "macos", "darwin": "macos"}


def _has(value: Value, wanted: str) -> bool:
    return wanted in value if isinstance(value, list) else value == wanted


def _ecs(fields: Fields) -> Known:
    """In Elastic's common schema, which says the system and what was done."""
    system = str(fields.get("host.os.type") or fields.get("host.os.family") or "").lower()
    category, kind = fields.get("event.category"), fields.get("event.type")
    done = ""
    if _has(category, "process") and _has(kind, "start"):
        done = "process_creation"
    elif _has(category, "file") and _has(kind, "creation"):
        done = "file_event"
    elif _has(fields.get("network.protocol"), "dns"):
        done = "dns"
    source = LogSource(product=_PRODUCTS.get(system, ""), category=done)
    return fields, source, iso(fields.get("@timestamp"))


# Classes and activities of OCSF, as the categories of Sigma.
_OCSF: Final = {
    "1007 1": "process_creation", "1001 1": "file_event", "4001 1": "network_connection",
    "4003 1": "dns", "4003 2": "dns",
}  # fmt: skip


def _ocsf(fields: Fields) -> Known:
    """In the open cybersecurity schema, whose instants are milliseconds."""
    system = str(fields.get("device.os.type") or fields.get("device.os.name") or "").lower()
    doing = f"{fields.get('class_uid')} {fields.get('activity_id')}"
    product = _PRODUCTS.get(system.partition(" ")[0], "")
    source = LogSource(product=product, category=_OCSF.get(doing, ""))
    return fields, source, epoch(fields.get("time"), 1000)


def _passive_dns(fields: Fields) -> Known:
    """Of passive DNS in the common output format."""
    at = epoch(fields.get("time_last")) or epoch(fields.get("sensor_time_last"))
    return fields, LogSource(category="dns", service="passive-dns"), at


_STARTED: Final = (
    *("flowStartMilliseconds", "flowStartSeconds", "flowStartMicroseconds", "flowStartNanoseconds"),
    "exportTime",
)


def flow(fields: Fields) -> Known:
    """Of IPFIX or nfdump, as JSON or CSV; an instant without a zone is taken as UTC."""
    for name in _STARTED:
        if at := iso(fields.get(name)):
            return fields, LogSource(service="netflow"), at
    at = iso(fields.get("first")) or iso(fields.get("t_first")) or iso(fields.get("ts"))
    return fields, LogSource(service="netflow"), at or iso(fields.get("firstSeen"))


_WRITERS: Final[tuple[tuple[str, Callable[[Fields], Known]], ...]] = (
    ("EventID", _windows),
    ("_path", _zeek),
    ("@stream", _zeek),
    ("winlog.event_id", _winlogbeat),
    ("winlog.channel", _winlogbeat),
    ("log_name", _winlogbeat),
    ("Event.System.EventID", evtx),
    ("Event.System.EventID.#text", evtx),
    ("ecs.version", _ecs),
    ("class_uid", _ocsf),
    ("event_type", _eve),
    ("eventVersion", _cloudtrail),
    ("id.orig_h", _zeek),
    ("fuid", _zeek),
    ("rrname", _passive_dns),
    ("src4_addr", flow),
    ("src6_addr", flow),
    ("sourceIPv4Address", flow),
    ("sourceIPv6Address", flow),
    ("sa", flow),
    ("srcAddr", flow),
)
