"""TAXII error messages (TAXII 2.1 section 3.6.1) and the one table from our errors to HTTP statuses."""

import json
from collections.abc import Mapping

from mithaq.errors import (
    Conflict,
    Fault,
    InputError,
    MithaqError,
    NotFound,
    PeerError,
    Refused,
)
from mithaq.exchange.wire import Response

TAXII = "application/taxii+json;version=2.1"
STATUS: Mapping[type[MithaqError], int] = {
    InputError: 400,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    PeerError: 400,
    Fault: 500,
}
TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "Authentication needed",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "No such media type",
    408: "Request took too long",
    409: "Conflict",
    413: "Request too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Server error",
    503: "Not ready",
}


class HttpProblem(MithaqError):
    """An answer that is not a success, with its exact status."""

    code = "http"

    def __init__(
        self, status: int, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Carry ``status``; ``detail`` may be shown to the caller, so it never speaks of what we hold."""
        super().__init__(detail or TITLES[status])
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def status_of(error: MithaqError) -> int:
    """Return the HTTP status of ``error``."""
    if isinstance(error, HttpProblem):
        return error.status
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def respond(error: MithaqError) -> Response:
    """Return the TAXII error message for ``error``; the text of ours never leaves."""
    status = status_of(error)
    body = {"title": TITLES[status], "http_status": str(status)}
    headers = {"content-type": TAXII}
    if isinstance(error, HttpProblem):
        headers |= error.headers
        if error.detail:
            body["description"] = error.detail
    return Response(status=status, headers=headers, body=json.dumps(body).encode())
