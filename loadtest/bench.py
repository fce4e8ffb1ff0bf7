"""`make bench`: the reference for one hot product, on a MySQL of its own with full durability.

Every figure of a run comes from interleaved rounds, so that what the machine does meanwhile hits all of them, and every
round ends with the check that nothing was oversold. Writes loadtest/RESULTS.md, loadtest/plots/ and the figures
of README.md in about 20 minutes.
OLD=<folder>: the threaded API of that checkout is measured in the same rounds (older.py).
QUICK=1: one short round each, about two minutes, for developing; writes to .flashsale/bench/ instead.
"""

import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from loadtest import history, lines, machine, older, plots, readme, report, trials
from loadtest.database import Database
from loadtest.lines import Point
from loadtest.measure import Round, family, memory_mb
from loadtest.results import FULL, QUICK, Results, Schedule
from loadtest.service import serving
from loadtest.telling import tell_beside_a_sale
from loadtest.testbed import INSERTS, Testbed
from loadtest.wire import Mysql
from sql.deploy import migrate
from sql.server.private import PrivateServer
from sql.server.service import Checkout
from sql.server.state import ROOT, Failure, private_folder, say
from sql.server.urls import parse

TEMPORARY = ROOT / ".flashsale" / "bench"
SHOP, HISTORY, OLD = "flashsale", "flashsale_history", "flashsale_old"
EMPTY = Checkout(app="loadtest.empty:get_app()")
CONNECTIONS = 1000
"""Room for 512 clients of MySQL beside the APIs."""


class Testbeds(NamedTuple):
    """On one server: the testbed as it is, one for the history, and one of the old API, if there is such a checkout."""

    testbed: Testbed
    history: Testbed
    old: Testbed | None


def main() -> int:
    """Measure, write the report and print where it is; the exit status."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    quick = bool(os.environ.get("QUICK"))
    target = TEMPORARY if quick else ROOT / "loadtest"
    folder = Path(tempfile.mkdtemp(prefix="mysql-", dir=private_folder(TEMPORARY)))
    try:
        results = measure(folder, QUICK if quick else FULL, older.find(os.environ.get("OLD", "")))
    except Failure as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; what was started is stopped too")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    plots.write(results, target / "plots")
    (target / "RESULTS.md").write_text(report.markdown(results), encoding="utf-8")
    if not quick:
        readme.write()
    print(report.summary(results))
    print(f"\nwritten to {target / 'RESULTS.md'} and {target / 'plots'}, after {results.minutes:.1f} minutes")
    return 1 if results.checks.faults else 0


def measure(folder: Path, plan: Schedule, checkout: Checkout | None) -> Results:
    """All rounds, on a server that lives for them in `folder`; on the disk of the project, never in memory."""
    began = time.monotonic()
    with ExitStack() as stack:
        testbed, past, old = _open(stack, folder, plan, checkout)
        brief = replace(testbed, seconds=plan.sweep_seconds)

        def measure_either(point: Point) -> Round:
            return (old if old and point.old else testbed).measure(point)

        figures = lines.interleave("the tables", lines.main_points(old=old is not None), plan.rounds, measure_either)
        sweeps = [
            lines.interleave(what, points, plan.sweep_rounds, brief.measure)
            for what, points in (
                ("against clients", lines.clients_points(plan.clients)),
                ("against commit latency", lines.latency_points(plan.delays)),
                ("against stripes", lines.stripes_points(plan.stripes)),
            )
        ]
        rushes = {line: trials.rush(testbed, line) for line in (lines.CALL, lines.HTTP)}
        crowds, old_crowds = trials.crowds([testbed, old] if old else [testbed], plan.rounds)
        refusals = trials.refuse(testbed, plan.refused)
        sweeping = trials.sweep_beside_a_sale(testbed, plan.expired, plan.trial_rounds)
        # What is looked for is smaller than what rounds scatter by, so there are many.
        address, log = str(testbed.mysql.address), folder / "telling.log"
        telling = tell_beside_a_sale(testbed, address, log, plan.told, 5 * plan.rounds)
        past_rounds = history.measure(brief, past, plan.history, plan.history_rounds)
        return Results(
            machine=machine.describe(testbed.database, folder), plan=plan, main=figures,
            clients=sweeps[0], latency=sweeps[1], stripes=sweeps[2], history=past_rounds,
            rushes=rushes, crowds=crowds, old_crowds=old_crowds, refusals=refusals, sweeping=sweeping, telling=telling,
            workers=[memory_mb(pid) for pid in family(testbed.service.pid)[1:]],
            checks=testbed.checks, minutes=(time.monotonic() - began) / 60,
        )  # fmt: skip


def _open(stack: ExitStack, folder: Path, plan: Schedule, checkout: Checkout | None) -> Testbeds:
    """The testbeds, all of which note what they check in the same place."""
    say("starting a MySQL of the benchmark's own")
    root_password, password, unused = (secrets.token_urlsafe(12) for _ in range(3))
    settings = {"max_connections": str(CONNECTIONS)}
    server = stack.enter_context(
        PrivateServer(folder, root_password=root_password, settings=settings, echo=lambda _: None)
    )
    if checkout:
        older.deploy(checkout, server.admin_url(OLD), password, unused)
    for name in (SHOP, HISTORY):
        migrate(server.admin_url(name), password, unused, echo=lambda _: None)
    names = (SHOP, HISTORY, OLD) if checkout else (SHOP, HISTORY)
    databases = {name: stack.enter_context(Database(server.admin_url(name))) for name in names}
    for statement in ("CREATE DATABASE bench", INSERTS, "GRANT INSERT ON bench.* TO flashsale_api@'%'"):
        databases[SHOP].query(statement)
    addresses = {name: parse(server.url("flashsale_api", password, name)) for name in names}
    # caching_sha2_password wants one encrypted login of an account; the generators then log in without.
    Database(str(addresses[SHOP])).close()
    service = stack.enter_context(serving(str(addresses[SHOP]), folder / "gunicorn.log"))
    empty = stack.enter_context(serving(str(addresses[SHOP]), folder / "empty.log", EMPTY))
    assert server.pid is not None
    testbed = Testbed(databases[SHOP], Mysql(addresses[SHOP]), server.pid, service, empty, plan.seconds)
    past = replace(testbed, database=databases[HISTORY], mysql=Mysql(addresses[HISTORY]), seconds=plan.sweep_seconds)
    if checkout is None:
        return Testbeds(testbed, past, None)
    service = stack.enter_context(serving(str(addresses[OLD]), folder / "old.log", checkout))
    return Testbeds(
        testbed, past, replace(testbed, database=databases[OLD], mysql=Mysql(addresses[OLD]), service=service)
    )


if __name__ == "__main__":
    sys.exit(main())
