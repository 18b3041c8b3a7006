"""Accounts: how people who act here sign in. Who they are and what they may do is the node's to say."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode


class Adapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth says no types
    """Accounts are made by invitation alone."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Nobody lets themselves in."""
        return False


def invite(name: str) -> str:
    """Return the path, once good for a day, by which somebody sets their first password, or another one.

    What they had before, password and second factor, no longer lets anybody in.
    """
    users = get_user_model()
    user, _ = users.objects.get_or_create(username=name)
    user.set_unusable_password()
    user.save()
    Authenticator.objects.filter(user=user).delete()
    number = urlsafe_base64_encode(force_bytes(user.pk))
    return f"/invitation/{number}/{default_token_generator.make_token(user)}/"


def invited(number: str, token: str) -> AbstractBaseUser | None:
    """Return whom an invitation is for, if it is one that is still good."""
    try:
        user = get_user_model().objects.get(pk=force_str(urlsafe_base64_decode(number)))
    except (ValueError, OverflowError, get_user_model().DoesNotExist):
        return None
    return user if default_token_generator.check_token(user, token) else None


def faults_of(password: str, user: Any) -> list[str]:  # noqa: ANN401 a model of Django's
    """Return what is wrong with a password, as codes."""
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        return [str(each.code) for each in error.error_list]
    return []


def has_second_factor(user: Any) -> bool:  # noqa: ANN401 as above
    """Say whether somebody has set one up."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())
