"""What a node knows about the group, asked by its administrator."""

from collections.abc import Iterator
from contextlib import contextmanager

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect, query
from sql.deploy.primary import CONNECT_SECONDS, GroupView, read_view
from sql.group.nodes import Node
from sql.server.urls import parse

_LAG = """
SELECT COALESCE(MAX(count_transactions_remote_in_applier_queue), 0)
  FROM performance_schema.replication_group_member_stats
 WHERE member_id = @@GLOBAL.server_uuid"""
_EVENT = "SELECT COALESCE(MAX(status), 'missing') FROM information_schema.events WHERE event_name = 'sweep_expired'"


@contextmanager
def session(node: Node) -> Iterator[MySQLConnectionAbstract]:
    """A session of the administrator on the node. Raises mysql.connector.Error."""
    connection = connect(parse(node.admin_url()), database=None, connection_timeout=CONNECT_SECONDS)
    try:
        yield connection
    finally:
        connection.close()


def view_of(node: Node) -> GroupView | None:
    """How the node sees the group; None when it does not answer."""
    try:
        with session(node) as connection:
            return read_view(connection)
    except mysql.connector.Error:
        return None


def lag_of(node: Node) -> str:
    """How many transactions the node has received and not applied."""
    with session(node) as connection:
        [(behind,)] = query(connection, _LAG)
    return behind


def event_of(node: Node) -> str:
    """ENABLED, REPLICA_SIDE_DISABLED, DISABLED or missing."""
    with session(node) as connection:
        [(status,)] = query(connection, _EVENT)
    return status


def transactions_of(node: Node) -> str:
    """The GTIDs of all transactions that the node has: applied, or only received."""
    with session(node) as connection:
        [(gtids,)] = query(
            connection,
            "SELECT CONCAT_WS(',', @@GLOBAL.gtid_executed, MAX(received_transaction_set))"
            "  FROM performance_schema.replication_connection_status WHERE channel_name = 'group_replication_applier'",
        )
    return gtids.replace("\n", "").strip(",")
