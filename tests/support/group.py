"""A group of three MySQL nodes of the tests' own, with everything deployed, and an API in front of it."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sql.deploy.primary import GroupView
from sql.group import forming
from sql.group.members import event_of, transactions_of, view_of
from sql.group.nodes import NAMES, Node, group_url, make_nodes
from tests.support.accounts import API_PASSWORD
from tests.support.database import Database
from tests.support.deploying import deploy
from tests.support.prepared_servers import copy_data
from tests.support.running_sale import RunningSale, assert_sold_once, running_sale
from tests.support.service import Service
from tests.support.waiting import wait_until

ROOT_PASSWORD, RECOVERY_PASSWORD = "root-password", "recovery's p@ss\\word"
FIRST_YES_SECONDS = 15
"""From the loss of the primary to the first purchase on the next one."""
WHOLE_SECONDS = 60
BUYERS, BEAT_SECONDS = 8, 0.5
"""They come together, so that sets are made of them, and not so often that a node on a busy machine can't catch up."""


class Group:
    """Three nodes in a folder. `said` is what was told while they were brought up."""

    def __init__(self, folder: Path, make: Callable[..., Sequence[Node]] = make_nodes) -> None:
        self.said: list[str] = []
        self.nodes = make(folder, ROOT_PASSWORD, self.said.append)

    def form(self) -> Node:
        """Bring up and in what is not; the primary."""
        return forming.form(self.nodes, RECOVERY_PASSWORD, self.said.append)

    @property
    def primary(self) -> Node:
        """The node that sells."""
        found = forming.primary_of(self.nodes)
        assert found
        return found

    @property
    def secondaries(self) -> list[Node]:
        """The other two."""
        primary = self.primary
        return [node for node in self.nodes if node is not primary]

    def url(self, user: str = "root", password: str = ROOT_PASSWORD) -> str:
        """The address of all three nodes."""
        return group_url(self.nodes, user, password)

    def kill_all(self) -> None:
        """As a power cut would."""
        for node in self.nodes:
            node.kill()


def view(node: Node) -> GroupView:
    """How the node sees the group."""
    seen = view_of(node)
    assert seen, f"node {node.name} does not answer"
    return seen


def admin(node: Node) -> Database:
    """An administrator's session on one node."""
    return Database(node.admin_url())


@contextmanager
def running_group(folder: Path, make: Callable[..., Sequence[Node]] = make_nodes) -> Iterator[Group]:
    """Three nodes that are deployed on; killed afterwards."""
    for name in NAMES:
        copy_data(folder / name, deployed=False)
    group = Group(folder, make)
    try:
        group.form()
        deploy(group.url())
        yield group
    finally:
        group.kill_all()


@contextmanager
def serving(group: Group, folder: Path, **environment: str) -> Iterator[Service]:
    """The API as it ships, with all three nodes in its URL."""
    with Service(group.url("flashsale_api", API_PASSWORD), folder / "gunicorn.log", **environment) as service:
        yield service


@contextmanager
def frozen(node: Node) -> Iterator[None]:
    """The node stands still, and goes on afterwards."""
    pid = node.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def sale_of(group: Group, service: Service, buyers: int = BUYERS) -> Iterator[RunningSale]:
    """Buyers at work while the block runs; then the group is made whole, and everything must be kept."""
    with admin(group.primary) as before, running_sale(service.url, before, buyers, 150, BEAT_SECONDS) as sale:
        sale.goes_on(20)
        yield sale
    group.form()
    with admin(group.primary) as db:
        assert_sold_once(db, sale)
    assert sale.answers.keys() <= {200, 201, 202, 503}
    assert sale.slowest < 5
    assert_whole(group)


def seconds_to_the_next_purchase(sale: RunningSale) -> float:
    """How long it takes from now until a purchase is complete that began later than now."""
    began = time.monotonic()
    sale.goes_on(len(sale.crowd) + 1)  # each buyer may be about to hear the end of one
    return time.monotonic() - began


def assert_whole(group: Group) -> None:
    """All nodes have the same, nothing is wrong on any, the EVENT is enabled on each, and somebody sweeps."""
    for node in group.nodes:  # one that was cut off for a moment may hear only now that it was expelled, and come back
        wait_until(lambda node=node: (view(node).state, view(node).reachable) == ("ONLINE", 3), WHOLE_SECONDS)  # type: ignore[misc]
    sets = {node.name: transactions_of(node) for node in group.nodes}
    with admin(group.primary) as db:
        for node in group.nodes:  # what the others have is what the primary has, or will have in a moment
            assert db.value("SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", sets[node.name]) == 1, sets
        executed = db.value("SELECT @@GLOBAL.gtid_executed")
        swept = db.value("SELECT MAX(run_id) FROM sweep_heartbeat")
        wait_until(lambda: db.value("SELECT MAX(run_id) FROM sweep_heartbeat") > swept)
    for node in group.nodes:
        with admin(node) as session:
            assert session.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, 30)", executed) == 0
            assert session.call("check_invariants") == []
        assert event_of(node) in ("ENABLED", "REPLICA_SIDE_DISABLED")
    assert event_of(group.primary) == "ENABLED"
