"""Lines of text with a form of their own: syslog (RFC 3164, RFC 5424), web servers' combined log, Squid's log."""

import re
from typing import Final

from mithaq.formats.telemetry import daemons
from mithaq.formats.telemetry.instants import MONTHS, epoch, iso, yearless
from mithaq.formats.telemetry.reading import PLAIN, Kind, Said
from mithaq.formats.telemetry.texts import Line, Lines
from mithaq.model.telemetry import LogSource, Value


def _kind(name: str, line: Line) -> Kind:
    def fits(opening: bytes, _name: str) -> bool:
        first = opening.lstrip().split(b"\n", 1)[0][:8192]
        return line(first.rstrip(b"\r").decode("utf-8", "replace"), PLAIN) is not None

    return Kind(name, fits, lambda _name, said: Lines(line, said))


# --- syslog -------------------------------------------------------------------------------------------------------

_5424: Final = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<at>\S+) (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) (?P<id>\S+) (?P<rest>[-\[].*)",
    re.DOTALL,
)
_3164: Final = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?"
    r"(?P<at>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) "
    r"(?P<host>[\w.:%-]+) (?P<program>[\w./()-]+)(?:\[(?P<pid>\d+)\])?: ?(?P<rest>.*)",
    re.DOTALL,
)
_ELEMENT: Final = re.compile(r'\[([^\s\]="]+)((?: [^\s\]="]+="(?:[^"\\\]]|\\.)*")*)\]')
_PARAM: Final = re.compile(r' ([^\s\]="]+)="((?:[^"\\\]]|\\.)*)"')
# Programs whose log has a name of its own in Sigma; all are of Unix.
_SERVICES: Final = {
    "cron": "cron", "crond": "cron", "CRON": "cron", "sshd": "sshd", "sudo": "sudo", "su": "auth",
    "login": "auth", "clamd": "clamav", "freshclam": "clamav", "vsftpd": "vsftpd", "guacd": "guacamole",
    "kernel": "syslog", "systemd": "syslog", "named": "syslog",
}  # fmt: skip


def _syslog(line: str, said: Said) -> tuple[dict[str, Value], LogSource, str] | None:
    found = _5424.fullmatch(line)
    if found:
        rest, fields = _structured(found["rest"])
        at = iso(found["at"])
        fields["msgid"] = found["id"]
    else:
        found = _3164.fullmatch(line)
        if not found:
            return None
        rest, fields = found["rest"], {}
        at = yearless(found["at"], said.now) if found["at"][0].isalpha() else iso(found["at"])
    fields |= {"hostname": found["host"], "program": found["program"], "pid": found["pid"]}
    fields = {name: value for name, value in fields.items() if value not in {"-", None}}
    fields["message"] = rest
    if found["pri"]:
        fields["facility"], fields["severity"] = divmod(int(found["pri"]), 8)
    service = _SERVICES.get(found["program"].rpartition("/")[2], "")
    source = LogSource(product="linux", service=service) if service else LogSource(service="syslog")
    if understood := daemons.said(found["program"], rest):
        fields |= understood.fields
        source = understood.source or source
    return fields, source, at


def _structured(rest: str) -> tuple[str, dict[str, Value]]:
    """Return the message and the elements of structured data (RFC 5424, section 6.3)."""
    if rest.startswith("-"):
        return rest[2:].removeprefix("\ufeff"), {}
    fields: dict[str, Value] = {}
    while element := _ELEMENT.match(rest):
        for name, value in _PARAM.findall(element[2]):
            fields[f"{element[1]}.{name}"] = re.sub(r'\\(["\\\]])', r"\1", value)
        rest = rest[element.end() :]
    return rest[1:].removeprefix("\ufeff"), fields


# --- web servers and proxies --------------------------------------------------------------------------------------

_COMBINED: Final = re.compile(
    r'(\S+) (\S+) (.+?) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d{1,18}|-)'
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?.*',
    re.DOTALL,
)
_SQUID: Final = re.compile(
    r"(\d{9,11}\.\d{3}) +(\d{1,18}) (\S+) ([A-Z_]+)/(\d{3}) (\d{1,18}) (\S+) (\S+) (\S+) ([A-Z_]+)/(\S+) (\S+).*",
    re.DOTALL,
)


def _combined(line: str, _said: Said) -> tuple[dict[str, Value], LogSource, str] | None:
    found = _COMBINED.fullmatch(line)
    if not found:
        return None
    client, _, user, when, request, status, sent, referer, agent = found.groups()
    method, _, rest = request.partition(" ")
    target, _, version = rest.rpartition(" ") if " HTTP/" in rest else (rest, "", "")
    stem, asked, query = target.partition("?")
    written: dict[str, str | None] = {
        "c-ip": client, "cs-username": user, "cs-method": method, "cs-uri": target, "cs-uri-stem": stem,
        "cs-uri-query": query if asked else None, "cs-version": version, "cs-referer": referer,
        "cs-user-agent": agent,
    }  # fmt: skip
    fields: dict[str, Value] = {
        name: value for name, value in written.items() if value and value != "-"
    }
    fields["sc-status"] = int(status)
    if sent != "-":
        fields["sc-bytes"] = int(sent)
    return fields, LogSource(category="webserver"), _clf(when)


def _clf(written: str) -> str:
    """Return an instant as ``10/Oct/2000:13:55:36 -0700``."""
    day, month, rest = (*written.split("/", 2), "", "")[:3]
    number = MONTHS.index(month) + 1 if month in MONTHS else 0
    return iso(f"{rest[:4]}-{number:02d}-{day}T{rest[5:13]}{rest[14:]}")


def _squid(line: str, _said: Said) -> tuple[dict[str, Value], LogSource, str] | None:
    found = _SQUID.fullmatch(line)
    if not found:
        return None
    when, spent, client, result, status, sent, method, uri, user, way, peer, kind = found.groups()
    host = uri.partition("://")[2] or uri
    written = {
        "c-ip": client, "cs-method": method, "c-uri": uri, "cs-username": user, "sc-result": result,
        "cs-host": re.split(r"[/:?#]", host.rpartition("@")[2] if "@" in host.split("/")[0] else host)[0],
        "s-hierarchy": way, "r-ip": peer, "rs-mime-type": kind,
    }  # fmt: skip
    fields: dict[str, Value] = {
        name: value for name, value in written.items() if value and value != "-"
    }
    fields |= {"sc-status": int(status), "sc-bytes": int(sent), "time-taken": int(spent)}
    return fields, LogSource(category="proxy"), epoch(when)


KINDS = _kind("squid", _squid), _kind("access-log", _combined), _kind("syslog", _syslog)
