"""Form the group, let nodes join it, and stop it in order."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import mysql.connector

from sql.deploy.connections import execute, query
from sql.deploy.primary import GroupView
from sql.group.members import session, transactions_of, view_of
from sql.group.nodes import Node, start_all
from sql.server.state import Echo, Failure, say

RECOVERY_ACCOUNT = "flashsale_recovery"
# A node that has lost all of its data takes everything from the others, in the middle of a sale.
JOIN_SECONDS = 300
# A member that is silent is out after 5 s, and one that sees no majority leaves after 10 s more.
ELECTION_SECONDS = 60
INSIDE = ("ONLINE", "RECOVERING")


def form(nodes: Sequence[Node], recovery_password: str, echo: Echo = say) -> Node:
    """Bring all nodes up and into one group; return the primary.

    Where no group exists, the node that has the most transactions begins it. Raises Failure when a node can't join.
    """
    start_all(nodes)
    for node in nodes:
        _prepare(node, recovery_password)
    if not _has_primary(nodes):
        _bootstrap(_most_complete(nodes, echo), echo)
    # One after the other: two that join at once made it 14 or 29 s instead of 3.
    for node in nodes:
        join(node, echo)
    return _await_primary(nodes)


def primary_of(nodes: Sequence[Node]) -> Node | None:
    """The node that sells; None when there is none.

    One that stood still believes in itself for some seconds when it goes on: of two, the others decide.
    """
    views = {node: view for node in nodes if node.running() and (view := view_of(node))}
    votes = Counter(view.primary for view in views.values())
    selling = [node for node, view in views.items() if view.sells]
    return max(selling, key=lambda node: votes[f"{node.host}:{node.port}"], default=None)


def join(node: Node, echo: Echo = say) -> None:
    """Let a node that runs outside the group join it, and wait until it has caught up."""
    view = view_of(node)
    if view is None or not _is_inside(view):
        echo(f"node {node.name} joins the group")
        _ask_to_join(node)
    _await(node, lambda view: view.state == "ONLINE", "did not come into the group")


def stop_all(nodes: Sequence[Node], echo: Echo = say) -> None:
    """Stop every node, the primary last, so that it has the most when they start again."""
    running = [node for node in nodes if node.running()]
    if not running:
        return
    echo("stopping the nodes of the group; their data stays")
    primary = primary_of(running)
    for node in running:
        _stop_events(node)
    others = [node for node in running if node is not primary]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Node.stop, others))
    if primary:
        primary.stop()


def _has_primary(nodes: Sequence[Node]) -> bool:
    """Whether a group is there that sells; waits while one is electing its primary, or gives up without a majority.

    A second group that began meanwhile would be a second sale of the same stock.
    """
    deadline = time.monotonic() + ELECTION_SECONDS
    while primary_of(nodes) is None:
        if not any((view := view_of(node)) and view.state in INSIDE for node in nodes if node.running()):
            return False
        if time.monotonic() > deadline:
            raise Failure("the group is there and elects no primary: python -m sql.group status")
        time.sleep(0.2)
    return True


def _is_inside(view: GroupView) -> bool:
    return view.state in INSIDE and 2 * view.reachable > view.members


def _stop_events(node: Node) -> None:
    # With the scheduler on, a primary that is told to end took 53 s instead of 9.
    try:
        with session(node) as connection:
            execute(connection, "SET GLOBAL event_scheduler = OFF")
    except mysql.connector.Error:
        pass  # It ends without, only later.


def _prepare(node: Node, password: str) -> None:
    """Give a new node the account by which members fetch from each other what they miss. It is in no log."""
    with session(node) as connection:
        if query(connection, "SELECT 1 FROM mysql.user WHERE user = %s", RECOVERY_ACCOUNT):
            return
        version = tuple(map(int, query(connection, "SELECT VERSION()")[0][0].split("-")[0].split(".")))
        secret = password.replace("\\", "\\\\").replace("'", "''")
        execute(
            connection,
            "SET SESSION sql_log_bin = 0",
            "SET GLOBAL super_read_only = OFF",
            f"CHANGE REPLICATION SOURCE TO SOURCE_USER = '{RECOVERY_ACCOUNT}', SOURCE_PASSWORD = '{secret}'"
            " FOR CHANNEL 'group_replication_recovery'",
            # A node must come with no transaction of its own.
            "RESET BINARY LOGS AND GTIDS" if version >= (8, 2) else "RESET MASTER",
            f"CREATE USER {RECOVERY_ACCOUNT}@'%' IDENTIFIED BY '{secret}'",
            "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.*"
            f" TO {RECOVERY_ACCOUNT}@'%'",
            "SET GLOBAL super_read_only = ON",
        )


def _most_complete(nodes: Sequence[Node], echo: Echo) -> Node:
    """The node that has all transactions of the others. Raises Failure when each has some that another lacks."""
    sets = {node.name: transactions_of(node) for node in nodes}
    with session(nodes[0]) as connection:
        for node in nodes:
            subsets = [query(connection, "SELECT GTID_SUBSET(%s, %s)", has, sets[node.name]) for has in sets.values()]
            if subsets == [[("1",)]] * len(nodes):
                if sets[node.name]:
                    echo(f"no group is there; node {node.name} has the most and begins it: {sets[node.name]}")
                return node
    raise Failure(
        "each node has transactions that another lacks, so one of them wrote outside the group. Find out which with\n"
        + "\n".join(f"  node {name}: {gtids}" for name, gtids in sets.items())
        + "\nand remove its folder; the others then give it a copy"
    )


def _bootstrap(node: Node, echo: Echo) -> None:
    echo(f"node {node.name} begins the group")
    with session(node) as connection:
        execute(connection, "STOP GROUP_REPLICATION", "SET GLOBAL offline_mode = OFF")
        execute(connection, "SET GLOBAL group_replication_bootstrap_group = ON")
        try:
            execute(connection, "START GROUP_REPLICATION")
        finally:
            execute(connection, "SET GLOBAL group_replication_bootstrap_group = OFF")
    _await(node, lambda view: view.sells, "did not become the primary")


def _ask_to_join(node: Node) -> None:
    try:
        with session(node) as connection:
            # A node that had to leave its group lets nobody in (exit_state_action).
            execute(connection, "STOP GROUP_REPLICATION", "SET GLOBAL offline_mode = OFF", "START GROUP_REPLICATION")
    except mysql.connector.Error as error:
        raise Failure(f"node {node.name} could not join the group: {error.msg}\nIts log: {node.log}") from error


def _await(node: Node, condition: Callable[[GroupView], bool], otherwise: str) -> None:
    """Return as soon as the node's view of the group is as wanted."""
    deadline = time.monotonic() + JOIN_SECONDS
    while (view := view_of(node)) is None or not condition(view):
        if not node.running():
            # A node that got a copy of another by clone ends itself, to start with that.
            node.start()
            _ask_to_join(node)
        elif (view and view.state == "ERROR") or time.monotonic() > deadline:
            state = view.state if view else "no answer"
            raise Failure(f"node {node.name} {otherwise} ({state}). Its log: {node.log}")
        time.sleep(0.1)


def _await_primary(nodes: Sequence[Node]) -> Node:
    deadline = time.monotonic() + JOIN_SECONDS
    while (primary := primary_of(nodes)) is None:
        if time.monotonic() > deadline:
            raise Failure("the group has no primary: python -m sql.group status")
        time.sleep(0.1)
    return primary
