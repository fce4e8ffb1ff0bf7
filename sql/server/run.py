"""`make run`: from whatever is here to a sale that is being served, and back when it is told to stop."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from . import lease
from .environment import administrator, environment, has_own_server, private_server
from .ports import LOOPBACK, port_is_free
from .programs import find_programs
from .service import STOP_SECONDS, Checkout, await_answer
from .state import ROOT, STATE, Failure, private_folder, say
from .variables import OF_THE_DEPLOYMENT
from .venv import ensure_venv

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

TRY = """\

Serving on {url} until Ctrl-C. In a browser: {url}/board is the sale, live; {url}/demo a purchase; {url}/docs the API.

Three lines to try in another terminal, a product, a hold and its order:

  curl -s {url}/api/products/1
  HOLD=$(curl -s {url}/api/holds -H 'Content-Type: application/json' -d '{{"product_id": 1, "qty": 1}}' | \
grep -oE '[0-9a-f-]{{36}}' | head -n 1); echo $HOLD
  curl -s {url}/api/orders -H 'Content-Type: application/json' -d "{{\\"hold_id\\": \\"$HOLD\\"}}"
"""


def run(port: int) -> None:
    """Bring everything up, serve on 127.0.0.1:`port` until a signal or the end of gunicorn, and clean up.

    Raises Failure when a step fails, SystemExit after a signal (Ctrl-C: SIGINT, SIGTERM, SIGHUP).
    """
    be_ended_in_order()
    require_port(port)
    _step(1, "Python packages")
    python = str(ensure_venv())
    with _database():
        deploy_and_serve(python, port, environment())


def deploy_and_serve(python: str, port: int, given: dict[str, str]) -> None:
    """Bring the server that `given` names up to date, and serve on `port` until a signal or the end of gunicorn."""
    _step(4, "tables, procedures and accounts")
    _call([python, "-m", "sql.deploy", "migrate"], given)
    _step(5, "a product to sell")
    _call([python, "-m", "sql.deploy", "seed"], given)
    _step(6, "the API")
    # The API gets its own account and no other.
    _serve(python, port, {name: value for name, value in given.items() if name not in OF_THE_DEPLOYMENT})


def be_ended_in_order() -> None:
    """From here on a signal that asks for the end raises SystemExit."""
    for number in ENDINGS:
        signal.signal(number, _leave)


def require_port(port: int) -> None:
    """Raise Failure when the API could not listen there."""
    if not port_is_free(port):
        raise Failure(
            f"port {port} is taken, perhaps by another `make run` (`make stop` ends it), or is not yours to use.\n"
            f"Another port: PORT={max(port + 1, 8001)} make run"
        )


def port_of(environ: Mapping[str, str]) -> int:
    """The port that the user chose as PORT, else 8000. Raises Failure."""
    text = environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise Failure(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def stop_api() -> None:
    """End every API that a `make run` of this project started, and wait until it is gone."""
    for path in _leases():
        say("stopping the API")
        lease.end(path, signal.SIGTERM, STOP_SECONDS)


def _leave(number: int, frame: FrameType | None) -> None:
    """Ctrl-C is how a run is meant to end, so it is no error."""
    raise SystemExit(0 if number == signal.SIGINT else 128 + number)


def _step(number: int, what: str) -> None:
    say(f"[{number}/6] {what}")


def _call(command: Sequence[str], environment: dict[str, str]) -> None:
    """Run a step; what it prints is the user's to read."""
    status = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if status != 0:
        raise Failure(f"`{' '.join(command[1:])}` failed with status {status}")


@contextmanager
def _database() -> Iterator[None]:
    """A MySQL server while the API runs; stopped afterwards when it was started here and nobody else needs it."""
    if has_own_server():
        url = administrator()
        _step(2, "MySQL programs: not needed, FLASHSALE_ADMIN_URL names a server")
        _step(3, f"MySQL server: {url.place}")
        yield
        return
    _step(2, "MySQL programs")
    programs = find_programs()
    say(f"MySQL {programs.version}, {programs.mysqld}")
    _step(3, "MySQL server")
    server = private_server()
    started = server.start()
    say(f"MySQL {'answers' if started else 'was running already'} on {LOOPBACK}:{server.port}")
    try:
        yield
    finally:
        ignore_signals()
        if not started:
            say("MySQL was running before and goes on; `make stop` ends it")
        elif _leases():
            say("MySQL goes on for another `make run`")
        else:
            say("stopping MySQL; the data stays")
            server.stop()


def _serve(python: str, port: int, environment: dict[str, str]) -> None:
    """Run gunicorn until it ends or we are told to stop; then there is none left."""
    path = private_folder(STATE / "run") / f"api-{port}.lease"
    command = Checkout(python=python).command("--bind", f"{LOOPBACK}:{port}")
    process = lease.begin(path, command, folder=ROOT, environment=environment)
    try:
        await_answer(process, port)
        say(TRY.format(url=f"http://{LOOPBACK}:{port}"))
        status = process.wait()
    finally:
        ignore_signals()
        say("stopping the API")
        # Also when it ended by itself: workers outlive a gunicorn that was killed.
        lease.end(path, signal.SIGTERM, STOP_SECONDS)
        process.wait()
    if status != 0:
        raise Failure(f"the API ended by itself with status {status}; it says why above")


def ignore_signals() -> None:
    """The end is in order from here on; an impatient second Ctrl-C must not leave half of it running."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def _leases() -> list[Path]:
    """The leases of the APIs that are alive, one a port."""
    return [path for path in sorted((STATE / "run").glob("api-*.lease")) if lease.holder(path)]
