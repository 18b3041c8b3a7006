"""How somebody comes in for the first time: an invitation, a password, a second factor."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from mithaq.web.account.accounts import faults_of, invited
from mithaq.web.screens import problem
from mithaq.web.visiting import Request


@sensitive_post_parameters("password", "again")
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: Request, number: str, token: str) -> HttpResponse:
    """Let whoever was invited set their password, and sign them in."""
    user = invited(number, token)
    if user is None:
        return problem(request, "invitation", 404)
    faults: list[str] = []
    if request.method == "POST":
        password = request.POST.get("password", "")
        faults = faults_of(password, user)
        if password != request.POST.get("again", ""):
            faults.append("differs")
        if not faults:
            user.set_password(password)
            user.save()
            perform_login(request, user)
            record_authentication(request, user, method="password", reauthenticated=True)
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
    return render(
        request, "account/invitation.html", {"name": user.get_username(), "faults": faults}
    )


def closed(request: Request) -> HttpResponse:
    """Say that accounts are made by invitation alone."""
    return problem(request, "closed", 403)
