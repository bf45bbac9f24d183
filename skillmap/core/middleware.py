"""Middleware without domain words: health, and what keeps signed-in pages out of caches."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from skillmap.core.backup.engine import is_broken_off

Handler = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """`/livez` says the process lives, `/readyz` that the database answers with every migration applied.

    And that no restore was broken off in it: nobody is to work on what the next one will undo.

    It stands before the host check, so that a probe may ask by address; the answers hold no version and no name.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._migrated = self._whole = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            return self._ready()
        return self.get_response(request)

    def _ready(self) -> JsonResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            if not self._migrated:
                executor = MigrationExecutor(connection)
                self._migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
            self._whole = self._whole or not is_broken_off()
        except DatabaseError:
            return JsonResponse({"status": "database away"}, status=503)
        if not self._migrated:
            return JsonResponse({"status": "migrations waiting"}, status=503)
        if not self._whole:
            return JsonResponse({"status": "restore broken off"}, status=503)
        return JsonResponse({"status": "ok"})


class LanguageMiddleware:
    """The language that the person chose, else Japanese: what the browser prefers is not asked."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


class PrivatePagesMiddleware:
    """Answers to signed-in people are stored nowhere; htmx answers vary by its header."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
            return response
        patch_cache_control(response, no_store=True, private=True)
        patch_vary_headers(response, ["HX-Request"])
        return response
