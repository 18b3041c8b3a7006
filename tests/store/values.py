"""Values that tests of the store are made from."""

from datetime import UTC, datetime

from mithaq.model.canonical import canonical
from mithaq.model.labels import Tlp
from mithaq.model.objects import read
from mithaq.store.objects import Copy

NOW = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)
AT = "2026-03-01T12:00:00.250Z"


def tool(number=1, version="2026-01-01T00:00:00.000Z", **more):
    """Return a valid STIX object."""
    body = {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": version,
        "name": f"Tool {number}",
        **more,
    }
    return read(canonical(body))


def indicator(number, pattern, **more):
    """Return a valid indicator."""
    id_ = f"indicator--00000000-0000-4000-8000-{number:012d}"
    at = "2026-01-01T00:00:00.000Z"
    body = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": id_,
        "created": at,
        "modified": at,
        "valid_from": at,
    }
    return read(canonical(body | {"pattern": pattern, "pattern_type": "stix"} | more))


def relationship(number, source, target, **more):
    """Return a valid relationship."""
    id_ = f"relationship--00000000-0000-4000-8000-{number:012d}"
    at = "2026-01-01T00:00:00.000Z"
    body = {"type": "relationship", "spec_version": "2.1", "id": id_, "created": at, "modified": at}
    ends = {"relationship_type": "uses", "source_ref": source, "target_ref": target}
    return read(canonical(body | ends | more))


def url(number, value):
    """Return a valid observable."""
    id_ = f"url--00000000-0000-4000-8000-{number:012d}"
    return read(canonical({"type": "url", "spec_version": "2.1", "id": id_, "value": value}))


def copy(object_=None, **facts):
    """Return a copy of ``object_`` that anyone may read, unless told otherwise."""
    values = {"voucher": "aurelia", "level": int(Tlp.CLEAR), "readers": {}, "received_at": AT}
    return Copy(object=object_ or tool(), **(values | facts))
