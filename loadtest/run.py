"""`make loadtest`: a sale at its boundary, by locust, against products, a gunicorn and a check of its own.

FLASHSALE_ADMIN_URL and FLASHSALE_DATABASE_URL say where MySQL is. Further settings, all optional:
LOADTEST_SECONDS (30), LOADTEST_USERS (100, at the same time), LOADTEST_STOCK (300, units of each product),
LOADTEST_REPORT (locust's HTML report, .flashsale/loadtest/report.html).
The exit status is 0 only when something was sold, nothing oversold, no request failed and the tables agree.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.database import Database, Row
from loadtest.service import ROOT, ServiceError, end, serving
from sql.server.state import Failure, say

HOLD_SECONDS = 5
"""Short, so that holds expire, and are sold again, within the run."""
PAYMENT_SECONDS = 6
EARLY_SECONDS = 3
"""Buyers are there before the sale opens."""
STOP_SECONDS = 10
"""What buyers that are under way get at the end: the slowest waits for its hold to expire."""
SETTLE_SECONDS = 30
MAX_PER_CUSTOMER = 4


@dataclass(frozen=True)
class Plan:
    """How long, how many buyers at the same time, how many units of each product, where the report goes."""

    seconds: int
    users: int
    stock: int
    report: Path


def main() -> int:
    """Run the sale and judge it; the exit status."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        plan = read_plan()
        admin_url, database_url = _required("FLASHSALE_ADMIN_URL"), _required("FLASHSALE_DATABASE_URL")
        faults = run(plan, admin_url, database_url)
    except (Failure, ServiceError) as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; what was started is stopped too")
        return 130
    for fault in faults:
        say(f"FAILED: {fault}")
    print("FAILED" if faults else "PASSED: nothing oversold, every answer was one that was owed")
    return 1 if faults else 0


def run(plan: Plan, admin_url: str, database_url: str) -> list[str]:
    """Hold the sale, print what happened and return what was wrong with it, one line a fault."""
    database = Database(admin_url)
    plan.report.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(database_url, Path(folder) / "gunicorn.log") as service:
        # One product as most are, and one whose customers may not have as much as they like.
        common = {"hold_seconds": HOLD_SECONDS, "payment_seconds": PAYMENT_SECONDS, "starts_in": EARLY_SECONDS}
        products = [
            database.create_product("Load test", plan.stock, **common),
            database.create_product("Load test, limited", plan.stock, max_per_customer=MAX_PER_CUSTOMER, **common),
        ]
        say(
            f"{plan.users} buyers at a time for {plan.seconds} s, {plan.stock} units each of products"
            f" {products[0]} and {products[1]} (at most {MAX_PER_CUSTOMER} a customer), at {service.url}"
        )
        summary_path = Path(folder) / "summary.json"
        log = Path(folder) / "locust.log"
        faults = _hold_sale(plan, service.url, products, summary_path, log, database)
        if not summary_path.exists():
            raise Failure(f"locust ended without a result:\n{log.read_text(errors='replace')[-3000:]}")
        summary = json.loads(summary_path.read_text())
    _settle(database, products)
    faults += _judge(database, products, summary)
    _print(database, products, summary, plan)
    database.close()
    return faults


def read_plan() -> Plan:
    """What the environment asks for. Raises Failure."""
    return Plan(
        seconds=_number("LOADTEST_SECONDS", 30),
        users=_number("LOADTEST_USERS", 100),
        stock=_number("LOADTEST_STOCK", 300),
        report=Path(os.environ.get("LOADTEST_REPORT") or ROOT / ".flashsale/loadtest/report.html").absolute(),
    )


def _hold_sale(plan: Plan, url: str, products: list[int], summary: Path, log: Path, database: Database) -> list[str]:
    """Run locust, and look for violations every second while it runs."""
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless", "--only-summary"),
        *("--host", url, "--users", str(plan.users), "--spawn-rate", str(plan.users)),
        *("--run-time", f"{plan.seconds}s", "--stop-timeout", str(STOP_SECONDS), "--exit-code-on-error", "0"),
        *("--html", str(plan.report), "--loglevel", "WARNING"),
    ]
    environment = os.environ | {
        "LOADTEST_PRODUCTS": ",".join(map(str, products)),
        "LOADTEST_HOLD_SECONDS": str(HOLD_SECONDS),
        "LOADTEST_SUMMARY": str(summary),
    }
    deadline = time.monotonic() + plan.seconds + STOP_SECONDS + 30
    found: set[str] = set()
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
            found |= {f"during the sale: {_words(row)}" for row in database.violations()}
            if time.monotonic() > deadline:
                raise Failure("locust did not end in time")
            time.sleep(1)
    finally:
        end(locust)
    return sorted(found)


def _settle(database: Database, products: list[int]) -> None:
    """Wait until the last holds and unpaid orders ran out. Raises Failure when they don't, sweep and all."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(units["held"] or units["pending"] for units in map(database.units, products)):
        if time.monotonic() > deadline:
            raise Failure(f"holds and unpaid orders were still not given back {SETTLE_SECONDS} s after the sale")
        # The EVENT does the same; where it is off, the verdict is not about it.
        database.query("CALL sweep()")
        time.sleep(0.5)


def _judge(database: Database, products: list[int], summary: dict[str, Any]) -> list[str]:
    """What is wrong, by the tables and by what the buyers were told."""
    faults = [f"after the sale: {_words(row)}" for row in database.violations()]
    faults += [f"{count} × {failure}" for failure, count in summary["failures"].items()]
    holds = 0
    for product_id in products:
        units, shown = database.units(product_id), database.one("CALL get_product(%s)", product_id)
        holds += units["holds"]
        if units["sold"] > units["stock_total"]:
            faults.append(f"product {product_id} is oversold: {_words(units)}")
        if (shown["available"], shown["held"], shown["sold"]) != (units["free"], units["held"], units["sold"]):
            faults.append(f"get_product({product_id}) shows {_words(shown)}, the tables {_words(units)}")
        if units["sold"] == 0:
            faults.append(f"nothing of product {product_id} was sold")
    acknowledged = summary["counts"].get("holds", 0)
    if acknowledged != holds:
        faults.append(f"buyers were told of {acknowledged} holds, the tables have {holds}")
    return faults


def _print(database: Database, products: list[int], summary: dict[str, Any], plan: Plan) -> None:
    print(f"\n{'product':>10}{'stock':>8}{'sold':>8}{'free':>8}{'holds made':>12}")
    for product_id in products:
        units = database.units(product_id)
        print(f"{product_id:>10}{units['stock_total']:>8}{units['sold']:>8}{units['free']:>8}{units['holds']:>12}")
    print("\nwhat happened, and what was refused")
    for what, count in sorted(summary["counts"].items(), key=lambda item: -item[1]):
        print(f"{count:>10}  {what}")
    print(f"\n{'requests':>10}{'failed':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'max ms':>8}")
    for entry in summary["endpoints"]:
        figures = "".join(f"{entry[name]:>8.0f}" for name in ("p50", "p95", "p99", "max"))
        print(f"{entry['requests']:>10}{entry['failures']:>8}{figures}  {entry['name']}")
    print(f"\n{summary['requests_per_second']:.0f} requests/s; locust's report: {plan.report}")


def _words(row: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Failure(f"{name} is not set; `make loadtest` sets it")
    return value


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1_000_000:
        raise Failure(f"{name} must be a whole number from 1 to 999999, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
