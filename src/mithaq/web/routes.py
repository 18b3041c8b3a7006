"""The addresses of the console (screens.md 2). Django reads ``urlpatterns`` and the handlers."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.views.generic import RedirectView

from mithaq.auth.actors import Permission
from mithaq.web.account import entrance
from mithaq.web.screens import ANYBODY, OPEN, SECOND_FACTOR, screen
from mithaq.web.watch import floor

urlpatterns = [
    screen("", RedirectView.as_view(pattern_name="watch"), ANYBODY, "home"),
    screen("watch/", floor.floor, Permission.OBJECT_READ, "watch"),
    screen("invitation/<str:number>/<str:token>/", entrance.invitation, OPEN, "invitation"),
    screen("account/login/", account.login, OPEN, "account_login"),
    screen("account/login/second/", mfa.authenticate, OPEN, "mfa_authenticate"),
    screen("account/logout/", account.logout, OPEN, "account_logout"),
    screen("account/closed/", entrance.closed, OPEN, "account_signup"),
    screen("account/forgotten/", entrance.closed, OPEN, "account_reset_password"),
    screen("account/again/", account.reauthenticate, ANYBODY, "account_reauthenticate"),
    screen("account/again/second/", mfa.reauthenticate, ANYBODY, "mfa_reauthenticate"),
    screen("account/password/", account.password_change, ANYBODY, "account_change_password"),
    screen("account/second/", RedirectView.as_view(pattern_name="mfa_view_recovery_codes"), ANYBODY, "mfa_index"),
    screen("account/second/begin/", totp.activate_totp, ANYBODY, SECOND_FACTOR),
    screen("account/second/end/", entrance.closed, ANYBODY, "mfa_deactivate_totp"),
    screen("account/codes/", codes.view_recovery_codes, ANYBODY, "mfa_view_recovery_codes"),
    screen("account/codes/new/", codes.generate_recovery_codes, ANYBODY, "mfa_generate_recovery_codes"),
    screen("account/codes/file/", codes.download_recovery_codes, ANYBODY, "mfa_download_recovery_codes"),
]  # fmt: skip
handler404 = "mithaq.web.screens.not_found"
handler500 = "mithaq.web.screens.failed"
