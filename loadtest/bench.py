"""`make bench`: the reference for one hot product, on a MySQL of its own with full durability.

Every figure of a run comes from interleaved rounds, so that what the machine does meanwhile hits all of them, and every
round ends with the check that nothing was oversold. Writes loadtest/RESULTS.md and loadtest/plots/ in about 12 minutes.
QUICK=1: one short round each, about a minute, for developing; writes to .flashsale/bench/ instead.
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

from loadtest import history, lines, machine, plots, report, trials
from loadtest.database import Database
from loadtest.measure import family, memory_mb
from loadtest.results import FULL, QUICK, Plan, Results
from loadtest.service import HOST, ROOT, ServiceError, serving
from loadtest.shop import INSERTS, Shop
from loadtest.wire import Mysql
from sql.deploy import migrate
from sql.server.private import PrivateServer
from sql.server.state import Failure, private_folder, say
from sql.server.urls import Url

TEMPORARY = ROOT / ".flashsale" / "bench"
SHOP, OLD_SHOP = "flashsale", "flashsale_history"


def main() -> int:
    """Measure, write the report and print where it is; the exit status."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    quick = bool(os.environ.get("QUICK"))
    target = TEMPORARY if quick else ROOT / "loadtest"
    folder = Path(tempfile.mkdtemp(prefix="mysql-", dir=private_folder(TEMPORARY)))
    try:
        results = measure(folder, QUICK if quick else FULL)
    except (Failure, ServiceError) as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; what was started is stopped too")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    plots.write(results, target / "plots")
    (target / "RESULTS.md").write_text(report.markdown(results), encoding="utf-8")
    print(report.summary(results))
    print(f"\nwritten to {target / 'RESULTS.md'} and {target / 'plots'}, after {results.minutes:.1f} minutes")
    return 1 if results.checks.faults else 0


def measure(folder: Path, plan: Plan) -> Results:
    """All rounds, on a server that lives for them in `folder`; on the disk of the project, never in memory."""
    began = time.monotonic()
    with ExitStack() as stack:
        shop, old = _open(stack, folder, plan)
        brief = replace(shop, seconds=plan.sweep_seconds)
        figures = lines.interleave("the tables", lines.main_points(), plan.rounds, shop.measure)
        sweeps = [
            lines.interleave(what, points, plan.sweep_rounds, brief.measure)
            for what, points in (
                ("against clients", lines.clients_points(plan.clients)),
                ("against commit latency", lines.latency_points(plan.delays)),
                ("against stripes", lines.stripes_points(plan.stripes)),
            )
        ]
        rushes = {line: trials.rush(shop, line) for line in (lines.CALL, lines.HTTP)}
        crowds = [trials.crowd(shop) for _ in range(plan.rounds)]
        refusals = trials.refuse(shop, plan.refused)
        sweeping = trials.sweep_beside_a_sale(shop, plan.expired, plan.trial_rounds)
        stages = history.measure(brief, old, plan.history, plan.history_rounds)
        return Results(
            machine=machine.describe(shop.database, folder), plan=plan, main=figures,
            clients=sweeps[0], latency=sweeps[1], stripes=sweeps[2], history=stages,
            rushes=rushes, crowds=crowds, refusals=refusals, sweeping=sweeping,
            workers=[memory_mb(pid) for pid in family(shop.service.pid)[1:]],
            checks=shop.checks, minutes=(time.monotonic() - began) / 60,
        )  # fmt: skip


def _open(stack: ExitStack, folder: Path, plan: Plan) -> tuple[Shop, Shop]:
    """Two shops on one server, the second for the history; both note what they check in the same place."""
    say("starting a MySQL of the benchmark's own")
    root_password, password, unused = (secrets.token_urlsafe(12) for _ in range(3))
    server = stack.enter_context(PrivateServer(folder, root_password=root_password, echo=lambda _: None))
    databases = []
    for name in (SHOP, OLD_SHOP):
        migrate(server.admin_url(name), password, unused, echo=lambda _: None)
        databases.append(Database(server.admin_url(name)))
        stack.callback(databases[-1].close)
    for statement in ("CREATE DATABASE bench", INSERTS, "GRANT INSERT ON bench.* TO flashsale_api@'%'"):
        databases[0].query(statement)
    address = Url("flashsale_api", password, HOST, server.port, SHOP)
    # caching_sha2_password wants one encrypted login of an account; the generators then log in without.
    Database(str(address)).close()
    service = stack.enter_context(serving(str(address), folder / "gunicorn.log"))
    empty = stack.enter_context(serving(str(address), folder / "empty.log", "loadtest.empty:get_app()"))
    assert server.pid is not None
    shop = Shop(databases[0], Mysql(address), server.pid, service, empty, plan.seconds)
    old = replace(
        shop, database=databases[1], mysql=Mysql(replace(address, database=OLD_SHOP)), seconds=plan.sweep_seconds
    )
    return shop, old


if __name__ == "__main__":
    sys.exit(main())
