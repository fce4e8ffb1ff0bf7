# The API, and the deployment that brings MySQL to the same version. docs/deploying.md says how it is used.

# Debian 12 and Python 3.11: what the tests run on, and what the pinned driver's OpenSSL fits.
FROM python:3.11-slim-bookworm AS packages
WORKDIR /srv/flashsale
COPY setup.cfg ./
COPY sql/__init__.py sql/
COPY sql/server sql/server/
# The pinned dependencies of setup.cfg, installed by the same code as everywhere else.
RUN python -m sql.server venv

FROM python:3.11-slim-bookworm
# One fixed number, so that a volume or a secret can be given to it.
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin flashsale
WORKDIR /srv/flashsale
COPY --from=packages /srv/flashsale/.venv .venv/
COPY LICENSE setup.cfg ./
COPY migrations migrations/
COPY sql sql/
COPY api api/
# LOGNAME: the migrations are recorded with who ran them, also under another number, which has no name here.
ENV PATH=/srv/flashsale/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOGNAME=flashsale \
    FLASHSALE_ENV=production \
    FLASHSALE_HOST=0.0.0.0 \
    PORT=8000
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flashsale" \
      org.opencontainers.image.description="Flash-sale checkout whose every rule lives in MySQL stored procedures" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
EXPOSE 8000
# Alive, not ready: a container must not be restarted because MySQL is away.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["gunicorn", "--config", "api/server/gunicorn.conf.py"]
