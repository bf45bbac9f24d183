"""Settings shared by all installations.

Alone they serve the demo: SQLite, a file system broker, no server to install.
"""

import os
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from skillmap.config.databases import database

ROOT = Path(__file__).resolve().parents[3]
env = environ.Env()
# A variable that is left empty is not set, as in docker-compose.yml: its default holds.
env.ENVIRON = {name: value for name, value in os.environ.items() if value.strip()}

VAR_DIR = Path(env.str("VAR_DIR", default=str(ROOT / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = False
# Only for the demo and for development: production.py refuses to start with these.
SECRET_KEY = env.str("SECRET_KEY", default="demo-only-key-that-production-settings-refuse-to-use")
TOKEN_PEPPER = env.str("TOKEN_PEPPER", default="demo-only-pepper-that-production-settings-refuse-to-use")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "django_structlog",
    "skillmap.core",
    "skillmap.people",
    "skillmap.framework",
    "skillmap.assessment",
    "skillmap.gaps",
    "skillmap.portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "skillmap.core.middleware.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "skillmap.core.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "skillmap.people.middleware.SessionLimitsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "skillmap.people.middleware.RequireSecondFactorMiddleware",
    "skillmap.people.middleware.ProviderAwayMiddleware",
    "skillmap.core.middleware.PrivatePagesMiddleware",
    "skillmap.core.resubmission.SubmittedOnceMiddleware",
]

ROOT_URLCONF = "skillmap.config.urls"
WSGI_APPLICATION = "skillmap.config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "skillmap.core.templatetags.ui"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "skillmap.portal.context.navigation",
            ],
        },
    },
]

DATABASES = {"default": database(env.str("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "skillmap.core.cache.ResilientRedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["skillmap.people.backends.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_IDLE_SECONDS = 30 * 60
SESSION_ABSOLUTE_SECONDS = 12 * 60 * 60

ACCOUNT_ADAPTER = "skillmap.people.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts come from the personnel data, there is no open sign-up
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
SOCIALACCOUNT_ADAPTER = "skillmap.people.adapters.SocialAccountAdapter"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
if env.str("OIDC_SERVER_URL", default=""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": env.str("OIDC_PROVIDER_ID", default="sso"),
                "name": env.str("OIDC_NAME", default="Single sign-on"),
                "client_id": env.str("OIDC_CLIENT_ID"),
                "secret": env.str("OIDC_CLIENT_SECRET"),
                "settings": {
                    "server_url": env.str("OIDC_SERVER_URL"),
                    "token_auth_method": env.str("OIDC_TOKEN_AUTH_METHOD", default="") or "client_secret_basic",
                },
            }
        ],
    }
# What an identity provider calls having asked for a second factor; then none is asked for here.
OIDC_SECOND_FACTOR_AMR = env.list("OIDC_SECOND_FACTOR_AMR", default=["mfa", "otp", "hwk", "swk", "fido"])
OIDC_SECOND_FACTOR_ACR = env.list("OIDC_SECOND_FACTOR_ACR", default=[])
MFA_ADAPTER = "skillmap.people.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "デジタルスキルマップ"
MFA_REQUIRED_ROLES = env.list("MFA_REQUIRED_ROLES", default=[])  # production: the secretariat

LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", _("Japanese")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = "Asia/Tokyo"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "files"  # outside every web root; served by views that check rights
FIXTURE_ROOT = ROOT / "fixtures"

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="skillmap@localhost")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "skillmap.people.authentication.ApiTokenAuthentication",
        "skillmap.people.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["skillmap.people.permissions.TokenScope"],
    "DEFAULT_RENDERER_CLASSES": ["skillmap.core.api.QuickJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["skillmap.core.api.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "skillmap.core.api.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["skillmap.core.filters.StrictFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["skillmap.core.api.CallerThrottle"],
    "DEFAULT_THROTTLE_RATES": {"caller": "600/min"},
    "EXCEPTION_HANDLER": "skillmap.core.api.problem_handler",
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Digital Skill Map API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "人材育成目的。人事評価への利用禁止 / For developing people, not for personnel evaluation.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "skillmap.core.api_document.describe_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AssessmentState": "skillmap.assessment.choices.State",
        "AssessmentAction": "skillmap.assessment.choices.Action",
        "CycleState": "skillmap.assessment.choices.CycleState",
        "LevelSource": "skillmap.assessment.choices.LevelSource",
        "ItemKind": "skillmap.framework.choices.ItemKind",
        "Provenance": "skillmap.framework.choices.Provenance",
        "OrganisationKind": "skillmap.people.choices.OrganisationKind",
        "MeetingKind": "skillmap.assessment.choices.MeetingKind",
    },
}

CELERY_MODULE = "skillmap.config.celery"  # loaded by every process that may nudge a worker
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL or "filesystem://localhost")
CELERY_BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_CONNECTION_TIMEOUT = 0.5
# A worker that says nothing for so long has lost its job to the next one; so often beat looks for such jobs.
JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", default=60.0)
TICK_SECONDS = env.float("TICK_SECONDS", default=30.0)

# The smallest group about which a figure may be shown (product.md); never below five.
SMALL_CELL_K = max(5, env.int("SMALL_CELL_K", default=5))
# Who counts as supply: ICT職 by default, as in the printed analysis of 2024.
SUPPLY_OCCUPATIONS = env.list("SUPPLY_OCCUPATIONS", default=["ict"])

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "skillmap.core.logs.json_formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
