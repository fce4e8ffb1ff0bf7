"""gunicorn's settings, from the environment. `gunicorn -c api/server/gunicorn.conf.py` needs no other argument.

docs/adr/0005-gunicorn-worker.md has the measurements behind the worker and the numbers.
"""

import logging
import resource
import sys

from api.operation import read_operation
from api.settings import SettingsError, read_settings
from api.watch import logs, meter_files

try:
    _settings = read_settings()
    _operation = read_operation()
except SettingsError as error:
    sys.exit(f"The API can't start: {error}.")

_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_files = 8192 if _hard == resource.RLIM_INFINITY else min(_hard, 8192)
if _soft < _files:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_files, _hard))

wsgi_app = "api.app:get_app()"
bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
worker_class = "api.server.worker.Worker"
workers = _settings.workers
threads = _settings.threads
preload_app = True
backlog = 2048
worker_connections = max(256, min(2048, _files - 512))
keepalive = 30
timeout = 30
graceful_timeout = 10
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
control_socket_disable = True
sendfile = False  # an answer leaves in one piece (client_socket.py)
accesslog = None
errorlog = "-"

logger_class = "api.watch.logs.Logger"

_handler = logging.StreamHandler()
_handler.setFormatter(logs.make_formatter(logs.choose_format(_operation.log_format)))
logging.getLogger("flashsale").setLevel(logging.INFO)
logging.getLogger("flashsale").addHandler(_handler)

# Before the application imports prometheus_client, and after all that can keep it from starting.
meter_files.prepare()


def post_worker_init(worker):  # type: ignore[no-untyped-def]
    """A worker serves from now on."""
    worker.wsgi.telemetry.meters.worker_began()


def child_exit(server, worker):  # type: ignore[no-untyped-def]
    """A worker ended, in whatever way."""
    meter_files.forget_worker(worker.pid)


def on_exit(server):  # type: ignore[no-untyped-def]
    """The last of it."""
    meter_files.delete()
