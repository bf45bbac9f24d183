"""ASGI entry point; gunicorn with WSGI is faster for these pages (docs/operations.md)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillmap.config.settings.production")

application = get_asgi_application()
