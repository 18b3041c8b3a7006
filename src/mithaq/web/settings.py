"""Django's settings, as values made of a node's: there is no settings module, and nothing is read from elsewhere."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mithaq.config import Config

# Passwords, second factors and sessions; nothing of the node's.
DATABASE = Path("web") / "accounts.db"
_HERE = Path(__file__).parent
_SHIFT = 12 * 3600  # seconds that somebody stays signed in
_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def values(config: Config, secret: bytes) -> dict[str, Any]:
    """Return the settings of the console of one node.

    Args:
        secret: of the node; what signs sessions and invitations is drawn from it.
    """
    url = urlsplit(config.settings.console_url)
    secure = url.scheme == "https"
    return {
        "SECRET_KEY": sha256(b"mithaq console\0" + secret).hexdigest(),
        "DEBUG": False,
        "ALLOWED_HOSTS": [*_HOSTS, *([url.hostname] if url.hostname else [])],
        "CSRF_TRUSTED_ORIGINS": [config.settings.console_url] if secure else [],
        "DATABASES": {"default": _database(config.home / DATABASE)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "allauth",
            "allauth.account",
            "allauth.mfa",
            "mithaq.web",
        ],
        "MIDDLEWARE": [
            "mithaq.web.middleware.headers",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "mithaq.web.middleware.language",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "mithaq.web.middleware.visits",
            "mithaq.web.middleware.Mishaps",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [str(_HERE / "templates")],
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "mithaq.web.middleware.context",
                    ],
                    "builtins": ["mithaq.web.templatetags.console"],
                },
            }
        ],
        "ROOT_URLCONF": "mithaq.web.routes",
        "CSRF_FAILURE_VIEW": "mithaq.web.screens.forged",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "LANGUAGE_CODE": "en",
        "LANGUAGES": [("en", "English"), ("fr", "Français"), ("ar", "العربية")],
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
            for name, options in (
                ("MinimumLengthValidator", {"min_length": 12}),
                ("UserAttributeSimilarityValidator", {}),
                ("CommonPasswordValidator", {}),
            )
        ],
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "/",
        "PASSWORD_RESET_TIMEOUT": 24 * 3600,  # an invitation
        "SESSION_COOKIE_NAME": "mithaq",
        "SESSION_COOKIE_AGE": _SHIFT,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_COOKIE_HTTPONLY": True,
        "ACCOUNT_ADAPTER": "mithaq.web.account.accounts.Adapter",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGOUT_REDIRECT_URL": "/account/login/",
        "ACCOUNT_SESSION_REMEMBER": True,
        "ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE": True,
        "MFA_TOTP_ISSUER": f"Mithaq {config.settings.nation}",
        "MFA_TOTP_TOLERANCE": 1,  # steps of half a minute that a telephone's clock may be off
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "LOGGING_CONFIG": None,
    }


def _database(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 5,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA foreign_keys=on;",
        },
    }
