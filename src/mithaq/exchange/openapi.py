"""What the peers' listener answers, declared: an OpenAPI 3.1 document made from its routes.

``python -m mithaq.exchange.openapi`` prints it; `docs/openapi.json` keeps it. What is not declared here is never
answered: `tests/conformance/test_routes.py` draws requests and holds every answer to it.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mithaq.exchange.between import FRAMES, JSON
from mithaq.exchange.export import CSV
from mithaq.exchange.problems import TAXII, TITLES
from mithaq.exchange.routes import ROUTES, Heard, Known, Open, Verb
from mithaq.formats.export import EXPORTS

Schema: TypeAlias = Mapping[str, object]

_STAMP: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
}
_TEXT: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_V4: Schema = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return a schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 1}


_COLLECTION = _object(
    {
        "id": _V4,
        "title": _TEXT,
        "alias": {"enum": ["intel", "seals", "inbox"]},
        "can_read": {"type": "boolean"},
        "can_write": {"type": "boolean"},
        "media_types": _list(_TEXT),
    }
)
_DETAIL = _object({"id": _TEXT, "version": _TEXT}, {"message": _TEXT})
_STATUS = _object(
    {
        "id": _V4,
        "status": {"enum": ["pending", "complete"]},
        "request_timestamp": _STAMP,
        **{f"{name}_count": _COUNT for name in ("total", "success", "failure", "pending")},
    },
    {"successes": _list(_DETAIL), "failures": _list(_DETAIL)},
)
_ON = {"more": {"const": True}, "next": _TEXT}
_RECORD = _object({"id": _TEXT, "date_added": _STAMP, "version": _TEXT, "media_type": _TEXT})
_ERROR = _object({"title": _TEXT, "http_status": _TEXT}, {"description": _TEXT})
_MISP_ERROR = _object(dict.fromkeys(("name", "message", "url", "errors"), _TEXT))
_SIGNED = _object(
    {
        "payload": _TEXT,
        "payloadType": _TEXT,
        "signatures": _list(_object({"keyid": _TEXT, "sig": _TEXT})),
    }
)
_STIX: Schema = {
    "type": "object",
    "properties": {"type": _TEXT, "id": _TEXT},
    "required": ["id", "type"],
}
SCHEMAS: Mapping[str, Schema] = {
    "discovery": _object({"title": _TEXT}, {"default": _TEXT, "api_roots": _list(_TEXT)}),
    "api-root": _object(
        {
            "title": _TEXT,
            "versions": _list({"const": TAXII}),
            "max_content_length": {"type": "integer", "minimum": 1},
        }
    ),
    "status": _STATUS,
    "collections": _object({}, {"collections": _list(_COLLECTION)}),
    "collection": _COLLECTION,
    "manifest": _object({}, {**_ON, "objects": _list(_RECORD)}),
    "envelope": _object({}, {**_ON, "objects": _list(_STIX)}),
    "versions": _object({}, {**_ON, "versions": _list(_TEXT)}),
    "error": _ERROR,
    "misp-error": _MISP_ERROR,
    "signed": _SIGNED,
    "exports": _object({"exports": _list(_object({"path": _TEXT, "media_type": _TEXT}))}),
    "nothing": _object({}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What one verb of a route says when all is well, and how else it may answer."""

    status: int = 200
    media: str = TAXII
    schema: str = ""  # of its body; empty for bytes, or for no body at all
    others: tuple[int, ...] = ()
    query: tuple[str, ...] = ()
    takes: str = ""  # media type of a body that belongs there
    dated: bool = False  # bears the dates of TAXII 2.1, section 3.2
    tagged: bool = False  # bears an ETag; whoever shows it again gets 304 and no body
    misp: bool = False  # says in MISP's form, too, what it does not answer


_FILTERS = ("added_after", "limit", "next")
_MATCHES = tuple(f"match[{name}]" for name in ("id", "type", "version", "spec_version"))
_ONE_OF = ("match[version]", "match[spec_version]")
_PAGE = _FILTERS + _MATCHES
_NAMED = (404, 406)  # something in the path may not be there
_READ = (400, *_NAMED)
_PUSHED = (400, 404)
_WRITTEN = (400, 403, 404)
_MISP_READ = (
    "/servers/getVersion",
    "/servers/getPyMISPVersion",
    "/servers/getAvailableSyncFilteringRules",
    "/users/view/me",
    "/events/view/{event}",
    "/shadow_attributes/index",
    "/eventReports/add",
)
_MISP_ASKED = (
    "/servers/postTest",
    "/events/view/{event}",
    "/events/index",
    "/events/restSearch",
    "/attributes/restSearch",
    "/sightings/restSearch/event",
    "/galaxy_clusters/restSearch",
    "/events/filterEventIdsForPush",
    "/sightings/filterSightingUuidsForPush/{event}",
)
_MISP_WRITTEN = (
    "/events/add",
    "/events/edit/{event}",
    "/events/publish/{event}",
    "/events/alert/{event}",
    "/attributes/add/{event}",
    "/tags/attachTagToObject",
    "/sightings/add",
    "/sightings/add/{attribute}",
    "/sightings/bulkSaveSightings/{event}",
)
_AT = "/taxii2/{root}/collections/{collection}/"
_POLLED = {
    **{each.name: each.media for each in EXPORTS.values() if each.name != "misp"},
    "misp/manifest.json": JSON,
    "misp/hashes.csv": CSV,
    "misp/{event}": JSON,
}
TABLE: Mapping[tuple[str, str], Declared] = {
    ("/taxii2/", "GET"): Declared(schema="discovery", others=(406,)),
    ("/taxii2/{root}/", "GET"): Declared(schema="api-root", others=_NAMED),
    ("/taxii2/{root}/status/{id}/", "GET"): Declared(schema="status", others=_NAMED),
    ("/taxii2/{root}/collections/", "GET"): Declared(schema="collections", others=_NAMED),
    (_AT, "GET"): Declared(schema="collection", others=_NAMED),
    (_AT + "manifest/", "GET"): Declared(schema="manifest", others=_READ, query=_PAGE, dated=True),
    (_AT + "objects/", "GET"): Declared(schema="envelope", others=_READ, query=_PAGE, dated=True),
    (_AT + "objects/", "POST"): Declared(
        status=202, schema="status", others=(*_READ, 403, 415, 422), takes=TAXII
    ),
    (_AT + "objects/{id}/", "GET"): Declared(
        schema="envelope", others=_READ, query=_FILTERS + _ONE_OF, dated=True
    ),
    (_AT + "objects/{id}/", "DELETE"): Declared(others=(*_READ, 403), query=_ONE_OF),
    (_AT + "objects/{id}/versions/", "GET"): Declared(
        schema="versions", others=_READ, query=(*_FILTERS, _ONE_OF[1]), dated=True
    ),
    ("/taxii2/{root}/frames/", "GET"): Declared(media=FRAMES, others=_PUSHED, query=("after",)),
    ("/taxii2/{root}/frames/", "POST"): Declared(
        status=202, media=JSON, schema="nothing", others=_PUSHED, takes=FRAMES
    ),
    ("/mithaq/heartbeat/", "GET"): Declared(media=JSON, schema="signed", others=(404,)),
    ("/mithaq/heartbeat/", "POST"): Declared(
        status=202, media=JSON, schema="nothing", others=_PUSHED, takes=JSON
    ),
    ("/mithaq/nudge/", "POST"): Declared(
        status=202, media=JSON, schema="nothing", others=_PUSHED, takes=JSON
    ),
    ("/mithaq/keys/", "GET"): Declared(media=JSON, schema="signed", others=(404,)),
    ("/mithaq/keys/", "POST"): Declared(status=202, media=JSON, schema="nothing", takes=JSON),
    ("/mithaq/keys/{version}/", "GET"): Declared(media=JSON, schema="signed", others=(404,)),
    **{
        ("/export/", verb): Declared(media=JSON, schema="exports", others=(404,))
        for verb in ("GET", "HEAD")
    },
    **{
        (f"/export/{file}", verb): Declared(media=media, others=(404,), tagged=True)
        for file, media in _POLLED.items()
        for verb in ("GET", "HEAD")
    },
    **{(path, "GET"): Declared(media=JSON, others=(404,), misp=True) for path in _MISP_READ},
    **{
        (path, "POST"): Declared(media=JSON, others=_PUSHED, takes=JSON, misp=True)
        for path in _MISP_ASKED
    },
    **{
        (path, "POST"): Declared(media=JSON, others=_WRITTEN, takes=JSON, misp=True)
        for path in _MISP_WRITTEN
    },
    ("/events/view/{event}", "HEAD"): Declared(media=JSON, others=(404,), misp=True),
    ("/events/index", "GET"): Declared(media=JSON, others=_PUSHED, misp=True),
    ("/events/edit/{event}", "PUT"): Declared(media=JSON, others=_WRITTEN, takes=JSON, misp=True),
    ("/events/pushProposals/{event}", "POST"): Declared(
        status=0, media=JSON, others=(403, 404), takes=JSON, misp=True
    ),
    ("/shadow_attributes/add/{event}", "POST"): Declared(
        status=0, media=JSON, others=(403, 404), takes=JSON, misp=True
    ),
    ("/galaxies/pushCluster", "POST"): Declared(
        status=0, media=JSON, others=(403, 404), takes=JSON, misp=True
    ),
}
# Whoever is known may be turned away for a time; whoever is not is told so; a body may be too long, too
# slow or packed.
_OF_ANY: Mapping[type[Verb], tuple[int, ...]] = {
    Known: (401, 408, 413, 415, 429, 503),
    Open: (413, 503),
    Heard: (408, 413, 415, 429, 503),
}
_HEADERS: Mapping[int, str] = {
    401: "www-authenticate",
    405: "allow",
    429: "retry-after",
    503: "retry-after",
}


def document() -> dict[str, object]:
    """Return the OpenAPI document of the listener's routes."""
    paths = {
        route.path: {
            **{
                method.lower(): _operation(verb, TABLE[route.path, method])
                for method, verb in route.verbs.items()
            },
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in route.form.groupindex
            ],
        }
        for route in ROUTES
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mithaq, the peers' listener",
            "version": "1",
            "description": "TAXII 2.1 for clients and nodes, and frames, heartbeats and keys between nodes.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "responses": {
                **{str(status): _failure(status) for status in sorted(_failures())},
                **{f"misp-{s}": _failure(s, "misp-error") for s in sorted(_failures())},
            },
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "node": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "signature-input",
                    "description": "A request signed by a pinned exchange key (RFC 9421).",
                },
            },
        },
    }


def _operation(verb: Verb, declared: Declared) -> dict[str, object]:
    if isinstance(verb, Open | Heard):
        known: Sequence[Mapping[str, Sequence[str]]] = []
    else:
        ways = {"node": ("node",), "client": ("basic", "bearer")}
        of = ways.get(verb.only, ("basic", "bearer", "node"))
        known = [{way: []} for way in of]
    end = "misp-" if declared.misp else ""
    failures = sorted({*declared.others, *_OF_ANY[type(verb)]})
    operation: dict[str, object] = {
        "security": known,
        "responses": {
            **({str(declared.status): _success(declared)} if declared.status else {}),
            **({"304": {"description": "It is as you have it."}} if declared.tagged else {}),
            **{
                str(status): {"$ref": f"#/components/responses/{end}{status}"}
                for status in failures
            },
        },
    }
    if declared.query:
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in declared.query
        ]
    if declared.takes:
        operation["requestBody"] = {"content": {declared.takes: {}}}
    return operation


def _failures() -> set[int]:
    declared = {status for each in TABLE.values() for status in each.others}
    return declared | {status for each in _OF_ANY.values() for status in each} | {405}


def _success(declared: Declared) -> dict[str, object]:
    answer: dict[str, object] = {"description": "It is done, or here it is."}
    schema = {"$ref": f"#/components/schemas/{declared.schema}"} if declared.schema else {}
    answer["content"] = {declared.media: {"schema": schema}}
    if declared.tagged:
        answer["headers"] = {
            name: {"required": True, "schema": {"type": "string"}}
            for name in ("etag", "x-mithaq-told", "x-mithaq-left")
        }
    if declared.dated:
        answer["headers"] = {
            f"x-taxii-date-added-{end}": {"required": True, "schema": dict(_STAMP)}
            for end in ("first", "last")
        }
    return answer


def _failure(status: int, other: str = "") -> dict[str, object]:
    """Return what is declared of a failure.

    Args:
        other: the schema of another form that it may have.
    """
    forms = {TAXII: "error", **({JSON: other} if other else {})}
    answer: dict[str, object] = {
        "description": TITLES[status],
        "content": {
            media: {"schema": {"$ref": f"#/components/schemas/{name}"}}
            for media, name in forms.items()
        },
    }
    if status in _HEADERS:
        answer["headers"] = {_HEADERS[status]: {"required": True, "schema": {"type": "string"}}}
    return answer


def main() -> None:
    """Print the document."""
    sys.stdout.write(json.dumps(document(), indent=1) + "\n")


if __name__ == "__main__":
    main()
