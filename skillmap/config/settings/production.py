"""Production: everything secret or local comes from the environment; what is missing or weak stops the start."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from skillmap.config.settings import base
from skillmap.config.settings.base import *  # noqa: F403

env = base.env


def required(name: str, *, least: int = 1) -> str:
    """The value of an environment variable; ImproperlyConfigured where it is missing or shorter than `least`."""
    value = str(env.str(name, default="")).strip()
    if not value:
        raise ImproperlyConfigured(f"Set the environment variable {name}: docs/operations.md says how.")
    return strong(name, value, least=least)


def strong(name: str, value: str, *, least: int) -> str:
    """The value itself; ImproperlyConfigured where it is shorter than `least`, the demo's, or hardly random."""
    if len(value) < least or value.startswith("demo-only") or len(set(value)) < min(least, 10):
        raise ImproperlyConfigured(f"{name} is too weak: use at least {least} random characters.")
    return value


SECRET_KEY = required("SECRET_KEY", least=50)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
for _key in SECRET_KEY_FALLBACKS:
    strong("SECRET_KEY_FALLBACKS", _key, least=50)
TOKEN_PEPPER = required("TOKEN_PEPPER", least=32)
ALLOWED_HOSTS = [host.strip() for host in required("ALLOWED_HOSTS").split(",")]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts; * would accept any.")
SITE_URL = required("SITE_URL").rstrip("/")
if not SITE_URL.startswith("https://"):
    raise ImproperlyConfigured("SITE_URL must begin with https://.")
if not required("DATABASE_URL").startswith(("postgres://", "postgresql://", "sqlite:///")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or sqlite:///.")
if not required("REDIS_URL").startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
if (env.str("OIDC_SERVER_URL", default="") or "https://").partition("://")[0] != "https":
    raise ImproperlyConfigured("OIDC_SERVER_URL must begin with https://: whoever reads the way to it could sign in.")

_mail: dict[str, Any] = dict(env.email_url_config(required("EMAIL_URL")))
EMAIL_BACKEND = _mail.pop("EMAIL_BACKEND")
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST"), _mail.get("EMAIL_PORT")
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER"), _mail.get("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = required("DEFAULT_FROM_EMAIL")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True  # pages send the token that the template prints, never the cookie
CSRF_COOKIE_NAME = "__Host-csrftoken"
LANGUAGE_COOKIE_SECURE = True
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=1)
REST_FRAMEWORK = base.REST_FRAMEWORK | {"NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT}
MFA_REQUIRED_ROLES = env.list("MFA_REQUIRED_ROLES", default=["secretariat"])
if MFA_REQUIRED_ROLES == ["none"]:
    MFA_REQUIRED_ROLES = []
WHITENOISE_USE_FINDERS = False
STORAGES = base.STORAGES | {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
