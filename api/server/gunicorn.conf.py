"""gunicorn's settings, from the environment. `gunicorn -c api/server/gunicorn.conf.py` needs no other argument.

docs/adr/0005-gunicorn-worker.md says why the worker is uvicorn's, 0012-backpressure.md why the numbers are these.
"""

import gc
import logging
import os
import resource
import signal
import sys
import threading
import time

from uvicorn_worker import UvicornWorker

from api.server.connection import HttpConnection
from api.settings import read_settings
from api.watch import logs, meter_files
from sql.server.state import Failure

try:
    _settings = read_settings()
except Failure as error:
    sys.exit(f"The API can't start: {error}.")

_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_files = 8192 if _hard == resource.RLIM_INFINITY else min(_hard, 8192)
if _soft < _files:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_files, _hard))

wsgi_app = "api.app:get_app()"
bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
worker_class = "uvicorn_worker.UvicornWorker"
workers = _settings.workers
preload_app = True
backlog = 2048
keepalive = 30
timeout = 30
graceful_timeout = 10
control_socket_disable = True
accesslog = None
errorlog = "-"

HttpConnection.places = max(256, min(2048, _files - 512))
UvicornWorker.CONFIG_KWARGS = {
    "loop": "uvloop",
    "http": HttpConnection,
    "ws": "none",
    "interface": "asgi3",
    "lifespan": "on",
    "proxy_headers": False,
    "server_header": False,
    # Shorter than graceful_timeout: who has not sent the rest of his request by then is not waited for.
    "timeout_graceful_shutdown": 8,
}

logger_class = "api.watch.logs.Logger"

_handler = logging.StreamHandler()
_handler.setFormatter(logs.make_formatter(logs.choose_format(_settings.log_format)))
logging.getLogger("flashsale").setLevel(logging.INFO)
logging.getLogger("flashsale").addHandler(_handler)
logging.getLogger("asyncio").addHandler(_handler)

# Before the application imports prometheus_client, and after all that can keep it from starting.
meter_files.prepare()


def post_worker_init(worker):  # type: ignore[no-untyped-def]
    """A worker serves from now on."""
    # The worker set a level just before. Refusals the application tells itself; of upgrades asked for nobody need hear.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    meters = worker.wsgi.telemetry.meters
    meters.worker_began()
    # Imported here: it needs prometheus_client, which looks for the folder that prepare() makes.
    from api.watch.rates import keep_samples

    keep_samples(meters)
    # What is loaded by now stays, and what requests and connections leave is freed without: to look for cycles took a
    # tenth of it. A look goes over all that is under way, 20,000 objects with 256 requests, so it has to be rare.
    gc.collect()
    gc.freeze()
    gc.collect()  # Now there is little that is old, so that a cycle of somebody else's is not kept for long.
    gc.set_threshold(50_000, 10, 10)
    threading.Thread(target=_end_without_master, args=(worker.ppid,), daemon=True).start()


def _end_without_master(master):  # type: ignore[no-untyped-def]
    """As after SIGTERM, so that the next master soon gets the port."""
    while os.getppid() == master:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def child_exit(server, worker):  # type: ignore[no-untyped-def]
    """A worker ended, in whatever way."""
    meter_files.forget_worker(worker.pid)


def on_exit(server):  # type: ignore[no-untyped-def]
    """The last of it."""
    meter_files.delete()
