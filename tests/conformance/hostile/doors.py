"""The doors that hostile input comes to: each returns in a few words what the real code made of it."""

import asyncio
import json
import tempfile
from functools import cache
from pathlib import Path

from mithaq.border import admit, clients, peers
from mithaq.errors import MithaqError
from mithaq.exchange.asgi import app
from mithaq.formats import BUILT_IN, Refusal
from mithaq.model import canonical, objects
from mithaq.model.labels import Tlp
from mithaq.policy import agreement as policy
from mithaq.seal import documents, envelope
from mithaq.seal.frames import several
from mithaq.seal.messages import SEAL
from mithaq.store.objects import UNRESOLVED
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from tests.conformance.hostile.objects import UUID, tool
from tests.rooms.border.stage import B, Stage
from tests.rooms.border.stage import build as build_nations
from tests.rooms.exchange.world import CLIENT_SHELF, TAXII, build
from tests.values import replace

FINE = "fine"


def _raw(what):
    return what if isinstance(what, bytes) else json.dumps(what).encode()


def _cause(error):
    return str(error.facts.get("cause", "")) or error.code


# --- pure readers ------------------------------------------------------------------------------------------
def gate(what):
    try:
        canonical.parse(what)
    except canonical.GateRefused as error:
        return error.code
    return FINE


def object_(what):
    """One object by itself."""
    try:
        objects.read(_raw(what))
    except MithaqError as error:
        return error.code
    return FINE


def file(what):
    """A file as the command imports it: what becomes of each object in it."""
    try:
        each = [x.code if isinstance(x, Refusal) else FINE for x in BUILT_IN.read(_raw(what))]
    except MithaqError as error:
        return error.code
    return f"{len(each)} {each[0]}" if len(each) > 10 and len(set(each)) == 1 else " ".join(each)


def envelope_(what):
    try:
        envelope.read(what)
    except MithaqError as error:
        return _cause(error)
    return FINE


def verify(what):
    """How many distinct keys have signed."""
    raw, keys = what
    return str(len(envelope.signed_by(envelope.read(raw), keys)))


def frames(what):
    """How many frames an answer holds."""
    try:
        return str(len(list(several(what))))
    except MithaqError as error:
        return _cause(error)


def keys(what):
    try:
        documents.first(envelope.read(what))
    except MithaqError as error:
        return _cause(error)
    return FINE


def agreement(what):
    """The path at which a text is refused; of what is no text the gate's cause."""
    try:
        policy.read(what)
    except policy.InvalidAgreement as error:
        cause = error.__cause__
        refused = cause.code if isinstance(cause, canonical.GateRefused) else ""
        return str(error.facts.get("where", "$")) + refused
    return FINE


# --- a node ------------------------------------------------------------------------------------------------
@cache
def nations():
    return build_nations(Path(tempfile.mkdtemp()) / "nations")


def imported(what):
    """Import a file into a node; the level that each object stands at, or why it does not."""
    stage = Stage.copy(nations())
    raw = (
        _raw({"objects": what if isinstance(what, list) else [what]})
        if not isinstance(what, bytes)
        else what
    )
    try:
        read = list(BUILT_IN.read(raw))
        given = [admit.Given(object=each) for each in read if not isinstance(each, Refusal)]
        source = Source(name="file:hostile", kind="file")
        done = stage.do(
            admit.local, stage.us, source, given, author="ana", own=False, now=stage.now
        )
        levels = {c.object.digest: _level(c.level) for c in done.stored}
        refused = {id_: code for id_, code, _ in done.refused}
        return " ".join(_stands(each, levels, refused) for each in read)
    except MithaqError as error:
        return error.code
    finally:
        stage.ends.close()


def _level(level):
    return "unresolved" if level == UNRESOLVED else str(Tlp(level))


def _stands(each, levels, refused):
    if isinstance(each, Refusal):
        return each.code
    return levels.get(each.digest) or refused.get(each.id) or "defined"


# --- the listener ------------------------------------------------------------------------------------------
@cache
def world():
    return build(Path(tempfile.mkdtemp()) / "world")


def request(what):
    """One request over ASGI; what was posted and taken is settled by the worker's hand."""
    here = world()
    what = dict(what)
    honest = (
        here.request(what["who"], "GET", "/taxii2/").headers if what["who"] else {"accept": TAXII}
    )
    body = what.get("body", b"")
    body = body() if callable(body) else body
    body = _of_a_nation() if body is None else body
    pieces = body if isinstance(body, list) else [body]
    head = dict(honest) | {"host": "aurelia.example"}
    if what["method"] == "POST":
        head |= {"content-type": TAXII, "content-length": str(sum(map(len, pieces)))}
    more = what["headers"]
    pairs = [*head.items(), *more] if isinstance(more, list) else [*(head | more).items()]
    scope = {
        "type": "http", "http_version": "1.1", "method": what["method"], "scheme": "http", "root_path": "",
        "path": what["path"], "raw_path": what["path"].encode("latin-1"), "query_string": what["query"].encode(),
        "headers": [(_bytes(n), _bytes(v)) for n, v in pairs if v is not None], "client": None, "server": None,
    }  # fmt: skip
    before = len(here.arrivals())
    status, said = asyncio.run(_ask(app(here.listener, "https://aurelia.example"), scope, pieces))
    if status >= 400:
        assert json.loads(said)["http_status"] == str(status) or what["method"] == "HEAD"
    taken = here.arrivals()[before:]
    return f"{status} {_settled(taken[0])}" if taken and status == 202 else str(status)


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


async def _ask(asked, scope, pieces):
    sent = [{"type": "http.request", "body": p, "more_body": True} for p in pieces[:-1]]
    sent.append({"type": "http.request", "body": pieces[-1], "more_body": False})
    got = []

    async def receive():
        return sent.pop(0) if sent else {"type": "http.disconnect"}

    async def send(message):
        got.append(message)

    await asked(scope, receive, send)
    return got[0]["status"], b"".join(m.get("body", b"") for m in got[1:])


def _of_a_nation():
    stage = Stage.copy(nations())
    try:
        return _raw({"objects": [tool(created_by_ref=stage.identity(B), id=f"tool--{UUID[:-1]}9")]})
    finally:
        stage.ends.close()


def _settled(arrival):
    """What the worker makes of a post: the worst that befell an object in it."""
    stage = Stage.copy(nations())
    try:
        siem = Peer(name="misp", kind="client", state="confirmed", default_tlp="GREEN")
        stage.do(peers.add_client, siem, stage.now, by="olga")
        done = stage.do(
            clients.post,
            replace(arrival, facts={**arrival.facts, "shelf": CLIENT_SHELF}),
            stage.now,
        )
    finally:
        stage.ends.close()
    return "failed" if done.failed else "aside" if done.quarantined else "stored"


DOORS = {
    "gate": gate, "object": object_, "file": file, "envelope": envelope_, "verify": verify, "frames": frames,
    "keys": keys, "agreement": agreement, "imported": imported, "request": request,
}  # fmt: skip
__all__ = ["DOORS", "SEAL"]
