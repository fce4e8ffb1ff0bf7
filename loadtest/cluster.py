"""`make bench-cluster`: holds on one server and on a group of three, alone and in sets, and how long a fail-over takes.

Both stand on this machine at the same time, with the same settings and full durability, and are measured in turn; the
one that is not measured is idle. Writes loadtest/CLUSTER.md in about four minutes.
"""

import secrets
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from loadtest import cluster_report, failover, machine
from loadtest.cluster_report import Comparison
from loadtest.database import Database
from loadtest.lines import CALL, HOLD_SETS, HTTP, Point, in_sets
from loadtest.measure import Round
from loadtest.service import serving
from loadtest.testbed import Testbed
from loadtest.wire import Mysql
from sql.deploy import migrate
from sql.group import forming
from sql.group.nodes import Node, group_url, make_nodes
from sql.server.private import PrivateServer
from sql.server.state import ROOT, Failure, private_folder, say
from sql.server.urls import parse

TEMPORARY = ROOT / ".flashsale" / "bench"
POINTS = (Point(CALL, 1), Point(CALL), in_sets(HOLD_SETS), in_sets(HOLD_SETS, 64), Point(HTTP, 128))
SECONDS, ROUNDS, KILLS = 0.8, 3, 10
CATCH_UP_SECONDS = 30
SETTINGS = {"innodb_buffer_pool_size": "128M"}
"""As each node of the group has."""


def main() -> int:
    """Measure and write the report; the exit status."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=private_folder(TEMPORARY)))
    try:
        comparison = measure(folder)
    except Failure as failure:
        say(f"\n{failure}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    target = ROOT / "loadtest" / "CLUSTER.md"
    target.write_text(cluster_report.markdown(comparison), encoding="utf-8")
    print(f"{target.read_text(encoding='utf-8')}\nwritten to {target}")
    return 1 if comparison.faults else 0


def measure(folder: Path) -> Comparison:
    """All rounds, then all kills."""
    began = time.monotonic()
    with ExitStack() as stack:
        say("a server alone, and a group of three")
        password = secrets.token_urlsafe(12)
        server = stack.enter_context(
            PrivateServer(folder / "alone", root_password=password, settings=SETTINGS, echo=lambda _: None)
        )
        nodes = make_nodes(folder / "group", password, lambda _: None)
        for node in nodes:
            stack.callback(node.kill)
        testbeds = {
            "alone": _testbed(stack, folder, [server]),
            "group": _testbed(stack, folder, _form(nodes, password)),
        }
        figures: dict[str, dict[Point, list[Round]]] = {where: {point: [] for point in POINTS} for where in testbeds}
        for number in range(ROUNDS):
            for point in POINTS:
                for where in ("alone", "group") if number % 2 == 0 else ("group", "alone"):
                    done = testbeds[where].measure(point)
                    figures[where][point].append(done)
                    say(f"  {where} {point.label:<40}{point.clients:>4} clients{done.rate:>8.0f}/s")
                    _catch_up(testbeds[where].database)
        described = machine.describe(testbeds["alone"].database, folder)
        say(f"{KILLS} kills of the node that sells")
        group = testbeds["group"]
        took = failover.kill_again_and_again(nodes, password, group.service, KILLS)
        checks = [testbed.checks for testbed in testbeds.values()]
        return Comparison(
            alone=figures["alone"], group=figures["group"], fail_overs=took, machine=described, rounds=ROUNDS,
            checks=sum(each.made for each in checks), faults=[fault for each in checks for fault in each.faults],
            minutes=(time.monotonic() - began) / 60,
        )  # fmt: skip


def _form(nodes: list[Node], password: str) -> list[Node]:
    """The group, the node that sells first."""
    primary = forming.form(nodes, password, lambda _: None)
    return [primary, *(node for node in nodes if node is not primary)]


def _testbed(stack: ExitStack, folder: Path, servers: list[PrivateServer] | list[Node]) -> Testbed:
    """A testbed on the first of the servers, with an API that knows all of them."""
    first = servers[0]
    password, unused = (secrets.token_urlsafe(12) for _ in range(2))
    migrate(group_url(servers), password, unused, echo=lambda _: None)
    database = stack.enter_context(Database(first.admin_url()))
    address = parse(first.url("flashsale_api", password))
    # caching_sha2_password wants one encrypted login of an account; the generators then log in without.
    Database(str(address)).close()
    log = folder / f"{first.port}.log"
    service = stack.enter_context(serving(group_url(servers, "flashsale_api", password), log))
    assert first.pid is not None
    return Testbed(database, Mysql(address), first.pid, service, service, SECONDS)


def _catch_up(database: Database) -> None:
    """Wait until no node has anything to apply: what one round left is not to slow the next one."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while database.row("CALL find_role()")["members_behind"]:
        if time.monotonic() > deadline:
            raise Failure(f"the secondaries were still behind after {CATCH_UP_SECONDS} s")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
