"""The screens there are, and what each needs: a page that does not say it cannot be served."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import ResolverMatch, URLPattern, URLResolver, path

from mithaq.auth.actors import Permission
from mithaq.errors import Fault, MithaqError, NotFound, Refused
from mithaq.web.visiting import Request

View = Callable[..., HttpResponseBase]


class _Open:
    """Nobody has to have signed in."""


class _Anybody:
    """Whoever has signed in with both factors."""


OPEN: Final = _Open()
ANYBODY: Final = _Anybody()
SECOND_FACTOR: Final = "mfa_activate_totp"
# What whoever has no second factor yet may see.
BEFORE: Final = frozenset({SECOND_FACTOR, "account_reauthenticate", "account_logout"})
Needs = Permission | _Open | _Anybody

MISHAPS: Final[Mapping[type[MithaqError], tuple[str, HTTPStatus]]] = {
    Refused: ("no-right", HTTPStatus.FORBIDDEN),
    NotFound: ("not-found", HTTPStatus.NOT_FOUND),
}
_NEEDS: dict[str, Needs] = {}


class Undeclared(Fault):
    """A page does not say who may see it."""

    code = "undeclared-page"


def screen(route: str, view: View, needs: Needs, name: str) -> URLPattern:
    """Return a route of the console, and remember what it needs."""
    _NEEDS[name] = needs
    return path(route, view, name=name)


def declared(patterns: Iterable[URLPattern | URLResolver]) -> None:
    """See that every page says who may see it.

    Raises:
        Undeclared: one does not.
    """
    for each in patterns:
        if not isinstance(each, URLPattern) or each.name not in _NEEDS:
            raise Undeclared(f"the page {each.pattern} does not say who may see it")


def needs_of(match: ResolverMatch) -> Needs:
    """Return what a page needs."""
    return _NEEDS[match.url_name or ""]


def problem(request: Request, code: str, status: int) -> HttpResponse:
    """Return the page that says what went wrong, what still holds and what to do."""
    words = request.words
    facts = {"title": words.say(f"problem.{code}.title"), "said": words.say(f"problem.{code}.said")}
    return render(request, "console/problem.html", {**facts, "code": code}, status=status)


def not_found(request: Request, exception: Exception) -> HttpResponse:
    """Answer for what is not here, or may not be known of."""
    del exception
    return problem(request, "not-found", HTTPStatus.NOT_FOUND)


def forged(request: Request, reason: str = "") -> HttpResponse:
    """Answer a form that was not sent from a page of ours, or from one that is too old."""
    del reason
    return problem(request, "form-old", HTTPStatus.FORBIDDEN)


def failed(request: Request) -> HttpResponse:
    """Answer when we erred."""
    return problem(request, "fault", HTTPStatus.INTERNAL_SERVER_ERROR)
