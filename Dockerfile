# One image for the web server, the worker, the beat and the one-off migration; docker-compose.yml says which is which.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/skillmap
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt .
RUN pip install --require-hashes --requirement requirements.txt
COPY manage.py ./
COPY skillmap skillmap
COPY templates templates
COPY static static
COPY locale locale
COPY fixtures fixtures
COPY docker/collectstatic.sh docker/collectstatic.sh
RUN python -m compileall -q /opt/venv/lib skillmap && sh docker/collectstatic.sh /srv/static


FROM python:3.11-slim-bookworm

# pg_dump and pg_restore, of the same version as the server in docker-compose.yml.
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 skillmap \
    && useradd --system --uid 10001 --gid skillmap --home-dir /srv/skillmap --shell /usr/sbin/nologin skillmap \
    && install --directory --owner skillmap --group skillmap --mode 0700 /srv/var
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/static /srv/static
COPY --from=build /srv/skillmap /srv/skillmap
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=skillmap.config.settings.production \
    STATIC_ROOT=/srv/static \
    VAR_DIR=/srv/var
WORKDIR /srv/skillmap
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "skillmap.config.wsgi:application", "--bind", "0.0.0.0:8000"]
