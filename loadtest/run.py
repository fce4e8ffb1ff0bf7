"""`make loadtest`: a sale by locust, judged. loadtest/plan.py has what can be said.

The exit status is 0 only when something was sold, nothing oversold, no request failed and the figures agree.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from loadtest.markets import ApiMarket, Market, Summary, TableMarket, own_database, sells_from
from loadtest.plan import PROFILES, Plan, read_plan
from loadtest.service import serving
from sql.server.ports import LOOPBACK, free_port
from sql.server.service import end
from sql.server.state import ROOT, Failure, say

STOP_SECONDS = 10
"""What buyers that are under way get at the end: the slowest waits for its hold to expire."""
WEB_PORT = 8089
PAGE_SECONDS = 10
"""How long locust's web page stays after the end."""


def main() -> int:
    """Run the sale and judge it; the exit status."""
    for each in (signal.SIGTERM, signal.SIGHUP):  # a terminal that is closed, too: nothing may stay on sale
        signal.signal(each, lambda number, frame: sys.exit(128 + number))
    try:
        plan = read_plan()
        admin_url = os.environ.get("FLASHSALE_ADMIN_URL", "")
        if plan.host:
            with closing(_choose_market(plan, plan.host, admin_url)) as market:
                faults = run(plan, plan.host, market)
        else:
            database_url = _required("FLASHSALE_DATABASE_URL")
            with (
                tempfile.TemporaryDirectory() as folder,
                closing(TableMarket(_required("FLASHSALE_ADMIN_URL"), plan.profile, plan.stock)) as tables,
                serving(database_url, Path(folder) / "gunicorn.log") as service,
            ):
                faults = run(plan, service.url, tables)
    except Failure as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; what was started is stopped too")
        return 130
    for fault in faults:
        say(f"FAILED: {fault}")
    print("FAILED" if faults else "PASSED: nothing oversold, every answer was one that was owed")
    return 1 if faults else 0


def run(plan: Plan, url: str, market: Market) -> list[str]:
    """Hold the sale, print what happened and return what was wrong with it, one line a fault."""
    plan.report.parent.mkdir(parents=True, exist_ok=True)
    say(
        f"{plan.users} buyers at a time for {plan.seconds} s at {url}, products {', '.join(map(str, market.products))};"
        f" {plan.profile}: {PROFILES[plan.profile].words}"
    )
    with tempfile.TemporaryDirectory() as folder:
        summary_path, log = Path(folder) / "summary.json", Path(folder) / "locust.log"
        faults = _hold_sale(plan, url, market, summary_path, log)
        if not summary_path.exists():
            raise Failure(f"locust ended without a result:\n{log.read_text(errors='replace')[-3000:]}")
        summary: Summary = json.loads(summary_path.read_text())
    faults += [f"{count} × {failure}" for failure, count in summary["failures"].items()]
    if any("signature_invalid" in failure for failure in summary["failures"]):
        faults.append(f"{url} takes signed payments only: set FLASHSALE_WEBHOOK_SECRETS to its secret")
    faults += market.judge(summary)
    _print(market, summary, plan)
    return faults


def _choose_market(plan: Plan, host: str, admin_url: str) -> Market:
    """Products of the test's own where the database of that API can be reached, else some that it sells."""
    database = "" if plan.products else admin_url or own_database(host)
    if not database:
        return ApiMarket(host, plan.key, plan.products)
    tables = TableMarket(database, plan.profile, plan.stock)
    if sells_from(host, plan.key, tables):
        return tables
    tables.close()
    if admin_url:
        raise Failure(f"{host} does not sell what is in the database of FLASHSALE_ADMIN_URL, or asks for another KEY=")
    return ApiMarket(host, plan.key, ())


def _hold_sale(plan: Plan, url: str, market: Market, summary: Path, log: Path) -> list[str]:
    """Run locust, and look for what is wrong every second while it runs."""
    ramp = PROFILES[plan.profile].ramp
    shown: tuple[str, ...] = ("--headless",)
    if plan.web or plan.workers > 1:
        # Also where nobody asked for the page: several processes without one end before their last buyers do.
        port, stays = (WEB_PORT, PAGE_SECONDS) if plan.web else (free_port(), 1)
        shown = ("--web-host", LOOPBACK, "--web-port", str(port), "--autostart", "--autoquit", str(stays))
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", *shown, "--only-summary"),
        *("--host", url, "--users", str(plan.users), "--spawn-rate", str(max(1, round(plan.users / (ramp or 1))))),
        *("--run-time", f"{plan.seconds}s", "--stop-timeout", str(STOP_SECONDS), "--exit-code-on-error", "0"),
        *("--html", str(plan.report), "--loglevel", "WARNING"),
        *(("--processes", str(plan.workers)) if plan.workers > 1 else ()),
    ]
    environment = os.environ | {
        "LOADTEST_PRODUCTS": ",".join(map(str, market.products)),
        "LOADTEST_PROFILE": plan.profile,
        "LOADTEST_SUMMARY": str(summary),
    }
    if isinstance(market, TableMarket):
        environment["LOADTEST_OWN"] = "1"
    deadline = time.monotonic() + plan.seconds + STOP_SECONDS + PAGE_SECONDS + 30
    found: set[str] = set()
    if plan.web:
        say(f"locust's page: http://{LOOPBACK}:{WEB_PORT}")
    with log.open("wb") as output:
        locust = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while locust.poll() is None:
            found |= market.look()
            if time.monotonic() > deadline:
                raise Failure("locust did not end in time")
            time.sleep(1)
    finally:
        end(locust)
    return sorted(found)


def _print(market: Market, summary: Summary, plan: Plan) -> None:
    print(f"\n{'product':>10}{'stock':>8}{'sold':>8}{'free':>8}")
    for row in market.figures():
        print(f"{row['product_id']:>10}{row['stock_total']:>8}{row['sold']:>8}{row['free']:>8}")
    print("\nwhat happened, and what was refused")
    for what, count in sorted(summary["counts"].items(), key=lambda item: -item[1]):
        print(f"{count:>10}  {what}")
    print(f"\n{'requests':>10}{'failed':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'max ms':>8}")
    for entry in summary["endpoints"]:
        figures = "".join(f"{entry[name]:>8.0f}" for name in ("p50", "p95", "p99", "max"))
        print(f"{entry['requests']:>10}{entry['failures']:>8}{figures}  {entry['name']}")
    print(f"\n{summary['requests_per_second']:.0f} requests/s; locust's report: {plan.report}")


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Failure(f"{name} is not set; `make loadtest` sets it")
    return value


if __name__ == "__main__":
    sys.exit(main())
