"""WSGI entry point, for gunicorn."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillmap.config.settings.production")

application = get_wsgi_application()
# All views are loaded before the first request. What is there by then stays as long as the process does: Python's
# collector of cycles need not go through it again with every few pages, which was a tenth of the self-check's time.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
