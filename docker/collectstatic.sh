#!/bin/sh
# Gather the static files, with hashed names and compressed, into the folder named first.
#
# Production settings refuse to start without their values. None of them is in a static file, so each build takes
# throw-away ones that reach nothing.
set -eu
throw_away() { python -c 'import secrets; print(secrets.token_urlsafe(64))'; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
DJANGO_SETTINGS_MODULE=skillmap.config.settings.production \
SECRET_KEY=$(throw_away) TOKEN_PEPPER=$(throw_away) \
DATABASE_URL="sqlite:///$folder/none.sqlite3" REDIS_URL=redis://none.invalid:6379/0 \
ALLOWED_HOSTS=none.invalid SITE_URL=https://none.invalid \
EMAIL_URL=dummymail:// DEFAULT_FROM_EMAIL=none@none.invalid \
VAR_DIR="$folder" STATIC_ROOT="$1" \
    python manage.py collectstatic --no-input --verbosity 0
