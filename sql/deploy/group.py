"""What a deployment does for the other nodes of a group: its EVENT is to be enabled on each.

MySQL creates an EVENT disabled where the statement comes from another node, and an ENABLE that is logged disables it
again everywhere else. So each node is told by itself, with nothing logged.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect, execute, query
from sql.deploy.primary import CONNECT_SECONDS
from sql.server.urls import Url

APPLY_SECONDS = 30
OWNER_RIGHT = "GRANT SESSION_VARIABLES_ADMIN ON *.* TO flashsale_owner@localhost"
"""So that resume_sweep() can say so to no other node. Only in a group: providers of managed servers keep this right."""
RESUME = "ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired ENABLE"


def enable_event_everywhere(connection: MySQLConnectionAbstract, address: Url) -> Iterator[str]:
    """Enable the EVENT on each other node of the connection's group; a line for each where that changed or failed."""
    others = query(
        connection,
        "SELECT member_host, member_port, member_state FROM performance_schema.replication_group_members"
        " WHERE member_id <> @@GLOBAL.server_uuid",
    )
    if not query(connection, "SELECT 1 FROM performance_schema.replication_group_members LIMIT 1"):
        return
    try:
        execute(connection, OWNER_RIGHT)
    except mysql.connector.Error as error:
        yield f"resume_sweep() will be logged: SESSION_VARIABLES_ADMIN can not be granted ({error.msg})"
    [(deployed,)] = query(connection, "SELECT @@GLOBAL.gtid_executed")
    for host, port, state in others:
        node = address.at(host, int(port))
        try:
            if state != "ONLINE":
                yield f"the EVENT is not enabled on {node.place} ({state}): deploy again, or leave it to the API"
            elif _enable_on(node, deployed):
                yield f"enabled the EVENT on {node.place}"
        except mysql.connector.Error as error:
            yield f"the EVENT is not enabled on {node.place} ({error.msg}): deploy again, or leave it to the API"


def _enable_on(node: Url, deployed: str) -> bool:
    """Enable it when it is not, after the node has what was deployed; whether that was needed."""
    connection = connect(node, connection_timeout=CONNECT_SECONDS)
    try:
        query(connection, f"SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, {APPLY_SECONDS})", deployed)
        status = "SELECT status FROM information_schema.events WHERE event_schema = DATABASE()"
        if query(connection, f"{status} AND event_name = 'sweep_expired'") == [("ENABLED",)]:
            return False
        execute(connection, "SET SESSION sql_log_bin = 0")
        with _writable(connection):
            execute(connection, RESUME)
        return True
    finally:
        connection.close()


@contextmanager
def _writable(connection: MySQLConnectionAbstract) -> Iterator[None]:
    """A secondary that takes a statement, while nobody but administrators can reach it."""
    if query(connection, "SELECT @@GLOBAL.super_read_only") == [("0",)]:
        yield
        return
    execute(connection, "SET GLOBAL offline_mode = ON")
    try:
        execute(connection, "SET GLOBAL super_read_only = OFF")
        try:
            yield
        finally:
            execute(connection, "SET GLOBAL super_read_only = ON")
    finally:
        execute(connection, "SET GLOBAL offline_mode = OFF")
