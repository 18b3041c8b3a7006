"""TAXII 2.1, sections 4.3, 5.5 and 5.7: what is posted, what becomes of it, and how it is taken away again.

Only with the consent of whom is examined. Every object sent says what it is, and is deleted at the end.
"""

import uuid
from collections.abc import Sequence

import msgspec

from mithaq.exchange.conform.probe import Answer, Probe
from mithaq.exchange.conform.reading import pairs, records
from mithaq.exchange.conform.report import Why
from mithaq.exchange.conform.rules import WRITING
from mithaq.exchange.conform.server import Place, is_v4, never_empty

_OK, _ACCEPTED, _ERROR, _FAULT = 200, 202, 400, 500
_FORBIDDEN = {403, 404}
_NO_DELETE = 403  # where one may read and not write (section 5.7)
_NOT_FOUND, _TOO_LARGE, _UNSUPPORTED = 404, 413, 415
_ABSENT = "00000000-0000-4000-8000-000000000000"
_POLLS, _POLL_SECONDS = 60, 0.5
_MOST_SENT = 12 << 20  # a larger limit is not tried out
_CREATED = "2026-01-01T00:00:00.000Z"
_CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"  # TLP:CLEAR
SAID = "Sent by mithaq conform to test this server; not intelligence. Delete it."
_DETAILS = {"successes": "success", "failures": "failure", "pendings": "pending"}
Body = dict[str, object]


def declared(number: int = 0, **changed: object) -> Body:
    """Return a valid object that says that it is a test."""
    body: Body = {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--{uuid.uuid4()}",
        "created": _CREATED,
        "modified": _CREATED,
        "name": f"Conformance test {number}",
        "description": SAID,
        "labels": ["conformance-test"],
        "object_marking_refs": [_CLEAR],
    }
    return body | changed


def examine(probe: Probe, places: Sequence[Place]) -> None:
    """Examine the first collection that may be written, and that others may not be."""
    for place in places:
        if not place.can_write:
            _refused(probe, place)
    writable = [place for place in places if place.can_write]
    if not writable:
        probe.book.pass_over(WRITING, Why.NOTHING_WRITABLE)
        return
    _Writer(probe, writable[0]).examine()


def _refused(probe: Probe, place: Place) -> None:
    posted = probe.ask("POST", place.path + "objects/", _envelope(declared()))
    probe.book.judge("write-refused", posted.evidence(), holds=posted.status in _FORBIDDEN)
    deleted = probe.ask("DELETE", f"{place.path}objects/tool--{uuid.uuid4()}/")
    probe.book.judge("write-refused", deleted.evidence(), holds=deleted.status == _NO_DELETE)


def _envelope(*bodies: object) -> bytes:
    return msgspec.json.encode({"objects": list(bodies)})


class _Writer:
    """Writes to one collection and looks what became of it."""

    def __init__(self, probe: Probe, place: Place) -> None:
        self._probe = probe
        self._book = probe.book
        self._place = place
        self._objects = place.path + "objects/"

    def examine(self) -> None:
        """Post, look, post what is none, look again, delete."""
        one, two = declared(1), declared(2)
        posted = self._post(_envelope(one, two))
        holds = posted.status == _ACCEPTED
        if not self._book.judge("post", posted.evidence(), holds=holds):
            return
        settled = self._settle(posted, 2)
        self._stored(settled, one, two)
        self._dates(one, two)
        again = self._settle(self._post(_envelope(one)), 1)
        fine = again.fields.get("failure_count") == 0
        self._book.judge("post-again", again.evidence(_counts(again)), holds=fine)
        self._media_types()
        self._no_envelopes()
        neighbour = self._bad_objects()
        self._too_large()
        for body in (one, two, neighbour):
            self._delete(str(body["id"]))

    def _post(self, body: bytes, **headers: str | None) -> Answer:
        return self._probe.ask("POST", self._objects, body, headers)

    # --- status ----------------------------------------------------------------------------------------
    def _settle(self, posted: Answer, count: int) -> Answer:
        """Wait until a post is complete; judge every status seen on the way (section 4.3)."""
        self._status(posted, count)
        status = posted
        path = f"{self._place.root}status/{posted.fields.get('id')}/"
        for _ in range(_POLLS):
            if status.fields.get("status") == "complete":
                break
            self._probe.pause(_POLL_SECONDS)
            status = self._probe.get(path)
            self._status(status, count)
        kept = self._probe.get(path)
        self._book.judge("status-kept", kept.evidence(), holds=kept.status in {_OK, _NOT_FOUND})
        unknown = self._probe.get(f"{self._place.root}status/{uuid.uuid4()}/")
        self._book.judge("status-kept", unknown.evidence(), holds=unknown.status == _NOT_FOUND)
        return status

    def _status(self, answer: Answer, count: int) -> None:
        found = answer.fields
        numbers = [found.get(f"{name}_count") for name in ("success", "failure", "pending")]
        whole = [number for number in numbers if type(number) is int and number >= 0]
        total = found.get("total_count")
        details = all(
            len(answer.list(name)) in {0, found.get(f"{what}_count")}
            for name, what in _DETAILS.items()
        )
        stated = found.get("request_timestamp")
        if stated is not None:
            self._probe.stamp(answer, stated)
        never_empty(self._probe, answer, *_DETAILS)
        holds = (
            is_v4(found.get("id"))
            and found.get("status") in {"complete", "pending"}
            and len(whole) == len(numbers)
            and total == count == sum(whole)
            and details
            and (found.get("status") == "pending" or found.get("pending_count") == 0)
        )
        self._book.judge("status", answer.evidence(_counts(answer)), holds=holds)

    # --- what was stored -------------------------------------------------------------------------------
    def _stored(self, settled: Answer, *bodies: Body) -> None:
        successes = {str(e.get("id")): str(e.get("version")) for e in settled.list("successes")}
        for body in bodies:
            id_ = str(body["id"])
            one = self._probe.get(f"{self._objects}{id_}/")
            manifest = self._probe.get(self._place.path + "manifest/", {"match[id]": id_})
            named = [record.id for record in records(manifest)]
            there = (id_, _CREATED) in pairs(one) and named == [id_]
            told = not successes or _same_instant(successes.get(id_, ""))
            self._book.judge(
                "post-stored", one.evidence(f"version: {successes.get(id_)}"), holds=there and told
            )

    def _dates(self, *bodies: Body) -> None:
        """Look whether each object of a post has a date of its own, for those who go on by date alone."""
        ids = ",".join(str(body["id"]) for body in bodies)
        manifest = self._probe.get(self._place.path + "manifest/", {"match[id]": ids})
        dates = [record.date_added for record in records(manifest)]
        self._book.judge(
            "post-dates-apart", manifest.evidence(str(dates)), holds=len(set(dates)) == len(bodies)
        )

    # --- what must be refused --------------------------------------------------------------------------
    def _media_types(self) -> None:
        sent = declared(3)
        body = _envelope(sent)
        for kind in ("application/taxii+json", "application/taxii+json; version=2.1"):
            answer = self._post(body, content_type=kind)
            self._book.judge(
                "post-media-type",
                answer.evidence(f"content-type: {kind}"),
                holds=answer.status != _UNSUPPORTED,
            )
        self._wait_for(str(sent["id"]))
        self._probe.ask("DELETE", f"{self._objects}{sent['id']}/")

    def _no_envelopes(self) -> None:
        for body in (b"", b"{", b"[]", b'{"objects": {}}', b'{"objects": "x"}', b"\xff\xfe"):
            answer = self._post(body)
            holds = _ERROR <= answer.status < _FAULT and answer.status != _TOO_LARGE
            self._book.judge("post-no-envelope", answer.evidence(repr(body)), holds=holds)

    def _bad_objects(self) -> Body:
        """Post one good object among bad ones; whatever comes of it, everybody reads on (5.4)."""
        good = declared(4)
        bad: list[object] = [
            {"id": f"tool--{uuid.uuid4()}", "name": "no type"},
            declared(5, modified="yesterday"),
            declared(6, modified=5),
            declared(7, id=["a", "list"]),
            {**declared(8), "id": "tool--x"},
        ]
        posted = self._post(_envelope(good, *bad))
        if posted.status == _ACCEPTED:
            settled = self._settle(posted, 1 + len(bad))
            failed, passed = (settled.fields.get(f"{n}_count") for n in ("failure", "success"))
            self._book.judge(
                "post-bad-objects", settled.evidence(_counts(settled)), holds=failed == len(bad)
            )
            self._book.judge(
                "post-good-neighbour", settled.evidence(_counts(settled)), holds=passed == 1
            )
        else:
            refused = _ERROR <= posted.status < _FAULT
            self._book.judge("post-bad-objects", posted.evidence(), holds=refused)
            self._book.judge("post-good-neighbour", posted.evidence(), holds=False)
        for end in ("objects/", "manifest/"):
            answer = self._probe.get(self._place.path + end)
            self._book.judge("post-survived", answer.evidence(), holds=answer.status == _OK)
        return good

    def _too_large(self) -> None:
        most = self._place.most_bytes
        if not 0 < most <= _MOST_SENT:
            return
        body = _envelope(declared(9, description="x" * most))
        answer = self._post(body)
        self._book.judge(
            "post-too-large",
            answer.evidence(f"{len(body)} bytes"),
            holds=answer.status == _TOO_LARGE,
        )

    # --- taking away -----------------------------------------------------------------------------------
    def _wait_for(self, id_: str) -> None:
        for _ in range(_POLLS):
            if self._probe.get(f"{self._objects}{id_}/").status == _OK:
                return
            self._probe.pause(_POLL_SECONDS)

    def _delete(self, id_: str) -> None:
        path = f"{self._objects}{id_}/"
        if self._probe.get(path).status != _OK:
            return
        deleted = self._probe.ask("DELETE", path)
        after = self._probe.get(path)
        manifest = self._probe.get(self._place.path + "manifest/", {"match[id]": id_})
        gone = deleted.status == _OK and after.status == _NOT_FOUND and not records(manifest)
        fact = f"afterwards: {after.status}"
        self._book.judge("delete", deleted.evidence(fact), holds=gone)
        for name in (id_, f"tool--{_ABSENT}"):
            again = self._probe.ask("DELETE", f"{self._objects}{name}/")
            self._book.judge("delete-unknown", again.evidence(), holds=again.status == _NOT_FOUND)


def _counts(answer: Answer) -> str:
    names = ("total_count", "success_count", "failure_count", "pending_count")
    return ", ".join(f"{name}: {answer.fields.get(name)}" for name in ("status", *names))


def _same_instant(version: str) -> bool:
    return version.rstrip("Z").rstrip("0").rstrip(".") == _CREATED.rstrip("Z").rstrip("0").rstrip(
        "."
    )
