"""What stands around every page: headers, the reader's language, who visits and what they may."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import resolve, reverse
from django.utils import translation

from mithaq.auth.actors import Permission
from mithaq.border import people
from mithaq.errors import NotFound
from mithaq.languages import LANGUAGES, RIGHT_TO_LEFT
from mithaq.node import Node
from mithaq.web import screens
from mithaq.web.account.accounts import has_second_factor
from mithaq.web.rail import RAIL
from mithaq.web.visiting import Request, Visit
from mithaq.web.wording import sentences

Answer = Callable[[Any], HttpResponseBase]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_COOKIE = "language"
_log = structlog.get_logger()
_YEAR = 365 * 24 * 3600


def headers(answer: Answer) -> Answer:
    """Say of every page what it may load and who may frame it."""

    def answered(request: Request) -> HttpResponseBase:
        response = answer(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return answered


def language(answer: Answer) -> Answer:
    """Speak the reader's language: what they chose, else what their browser asks for."""

    def answered(request: Request) -> HttpResponseBase:
        asked = request.GET.get("lang", "")
        known = request.COOKIES.get(_COOKIE, "")
        chosen = next((each for each in (asked, known) if each in LANGUAGES), "")
        spoken = chosen or translation.get_language_from_request(request)
        translation.activate(spoken)
        request.words = sentences(spoken)
        response = answer(request)
        response.headers["Content-Language"] = spoken
        if asked in LANGUAGES:
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(
                _COOKIE, asked, max_age=_YEAR, samesite="Lax", secure=secure, httponly=True
            )
        return response

    return answered


def visits(answer: Answer) -> Answer:
    """Let nobody further who has not signed in with both factors, or whose roles do not open the page."""

    def answered(request: Request) -> HttpResponseBase:
        match = resolve(request.path)
        needs = screens.needs_of(match)
        if needs is screens.OPEN:
            return answer(request)
        if not request.user.is_authenticated:
            return HttpResponseRedirect(f"{reverse('account_login')}?next={request.path}")
        if not has_second_factor(request.user):
            return answer(request) if match.url_name in screens.BEFORE else _second_factor()
        try:
            request.visit = _visit(str(request.user.get_username()))
        except NotFound:
            return screens.problem(request, "nobody", HTTPStatus.FORBIDDEN)
        if isinstance(needs, Permission) and not request.visit.may(needs):
            return screens.problem(request, "no-right", HTTPStatus.FORBIDDEN)
        return answer(request)

    return answered


class Mishaps:
    """Says what went wrong in a page; the log learns where, and nothing of what was asked."""

    def __init__(self, answer: Answer) -> None:
        """Stand before the pages."""
        self._answer = answer

    def __call__(self, request: Request) -> HttpResponseBase:
        """Answer as the page does."""
        return self._answer(request)

    def process_exception(self, request: Request, error: Exception) -> HttpResponse | None:
        """Return the page for an error of ours; None: Django's own are Django's to answer."""
        for kind, (code, status) in screens.MISHAPS.items():
            if isinstance(error, kind):
                return screens.problem(request, code, status)
        if isinstance(error, Http404 | PermissionDenied | SuspiciousOperation):
            return None
        page = request.resolver_match.url_name if request.resolver_match else ""
        _log.error("page-failed", page=page, error=type(error).__name__, exc_info=error)
        return screens.problem(request, "fault", HTTPStatus.INTERNAL_SERVER_ERROR)


def _second_factor() -> HttpResponse:
    return HttpResponseRedirect(reverse("mfa_activate_totp"))


def _visit(name: str) -> Visit:
    node: Node = settings.NODE
    with node.core.read() as unit:
        return Visit(node=node, actor=people.named(unit, name))


def context(request: Request) -> dict[str, object]:
    """Return what every template knows."""
    words = request.words
    spoken = words.language
    node: Node = settings.NODE
    visit: Visit | None = getattr(request, "visit", None)
    return {
        "words": words,
        "language": spoken,
        "direction": "rtl" if spoken in RIGHT_TO_LEFT else "ltr",
        "others": [(each, words.say(f"language.{each}")) for each in LANGUAGES if each != spoken],
        "us": node.us,
        "visit": visit,
        "rail": [each.name for each in RAIL if visit and visit.may(each.needs)],
    }
