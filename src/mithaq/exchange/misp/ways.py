"""MISP's ways: the version we say we are, how its tools write paths and numbers, and how they are refused.

What is peculiar to that network stands here, in one place. Numbers are often written as texts; parameters stand in the
path (``/events/view/UUID/deleted[]:0``), and any path may end in ``.json``; some controllers have two spellings.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import unquote

import msgspec

from mithaq.errors import MithaqError
from mithaq.exchange.problems import TITLES, HttpProblem, status_of
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response
from mithaq.formats.misp.elements import drawn

VERSION = "2.5.34"  # of MISP: what its tools decide by which of its ways we know
JSON = "application/json"
MOST_BYTES = 64 << 10  # of the body of a search
MOST_COMMAS = 500_000  # in a body: more than any event of 8 MiB has
MAY_NOT = "You do not have permission to do that."  # PyMISP then tries to propose instead
NOT_NEWER = (
    "Event could not be saved: Event in the request not newer than the local copy."  # no failure
)

Names: TypeAlias = Mapping[str, str]
Element: TypeAlias = Mapping[str, object]
Made: TypeAlias = dict[str, object]

UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SPELT = {"shadow_attributes": "shadow_attributes|shadowAttributes"}
_PARAMETERS = r"(?:/[^/:]+:[^/]*)*"
_NUMBER = re.compile("[1-9][0-9]{0,15}")


def form(path: str) -> re.Pattern[str]:
    """Return the form of a path with its parameters behind it; names in braces are segments."""
    for one, every in SPELT.items():
        path = path.replace(one, f"(?:{every})")
    path = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+?)", path)
    return re.compile(rf"{path}{_PARAMETERS}/?(?:\.json)?")


def parameter(visit: Visit, name: str) -> str:
    """Return a parameter that stands in the path, the last if there are several; empty if there is none."""
    found = ""
    for segment in visit.request.path.removesuffix(".json").split("/"):
        key, colon, value = unquote(segment).partition(":")
        if colon and key.removesuffix("[]") == name:
            found = value
    return found


def number(uuid: str) -> str:
    """Return the number by which MISP's tools name something, drawn from its UUID: as much as JSON keeps."""
    return str(int.from_bytes(sha256(uuid.encode()).digest()[:6]))


def is_name(written: str) -> bool:
    """Say whether something can be the UUID or the number of anything."""
    return bool(UUID.fullmatch(written) or _NUMBER.fullmatch(written))


def organisation(client: str) -> Made:
    """Return the organisation that a client is here, where it names none."""
    return {"uuid": drawn(f"client {client}"), "name": client}


def answer(body: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    headers = {"content-type": JSON, **(headers or {})}
    return Response(status=200, headers=headers, body=msgspec.json.encode(body))


def asked(visit: Visit) -> Made:
    """Return the body of a request, which is a JSON object.

    Raises:
        HttpProblem: 400.
    """
    found = asked_any(visit)
    if not isinstance(found, dict):
        raise HttpProblem(400, "the body is no JSON object")
    return found


def asked_list(visit: Visit) -> list[object]:
    """Return the body of a request, which is a JSON list.

    Raises:
        HttpProblem: 400.
    """
    found = asked_any(visit)
    if not isinstance(found, list):
        raise HttpProblem(400, "the body is no JSON list")
    return found


def asked_any(visit: Visit) -> object:
    """Return the body of a request, which is JSON.

    Raises:
        HttpProblem: 400.
    """
    raw = visit.request.body
    if raw.count(b",") > MOST_COMMAS:
        raise HttpProblem(400, "too much at once")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpProblem(400, "the body is no JSON") from error


def refused(visit: Visit, error: MithaqError) -> Response:
    """Return an error as MISP's tools read it; the text of ours never leaves."""
    status = status_of(error)
    detail = error.detail if isinstance(error, HttpProblem) else ""
    headers = error.headers if isinstance(error, HttpProblem) else {}
    said = detail or TITLES[status]
    body = {"name": said, "message": said, "url": visit.request.path, "errors": said}
    raw = b"" if visit.request.method == "HEAD" else msgspec.json.encode(body)
    return Response(status=status, headers={"content-type": JSON, **headers}, body=raw)
