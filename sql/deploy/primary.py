"""Which of the nodes of a URL sells, asked by an administrator, also where nothing is deployed yet."""

from typing import NamedTuple

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect, query
from sql.server.state import Failure
from sql.server.urls import Url

CONNECT_SECONDS = 5

# What find_role tells the API, in the same order of decisions.
_VIEW = """
SELECT COALESCE(MAX(IF(member_id = @@GLOBAL.server_uuid, member_state, NULL)), ''),
       COALESCE(MAX(IF(member_id = @@GLOBAL.server_uuid, member_role, NULL)), ''),
       @@GLOBAL.super_read_only OR @@GLOBAL.read_only, COUNT(*), COALESCE(SUM(member_state <> 'UNREACHABLE'), 0),
       COALESCE(MAX(IF(member_role = 'PRIMARY', CONCAT(member_host, ':', member_port), NULL)), '')
  FROM performance_schema.replication_group_members"""


class GroupView(NamedTuple):
    """The group as one of its nodes sees it."""

    state: str
    """ONLINE, RECOVERING, OFFLINE or ERROR; "" without a group."""
    role: str
    """PRIMARY or SECONDARY; "" outside the group."""
    read_only: bool
    members: int
    """Those in the node's view, itself included; 0 without a group."""
    reachable: int
    primary: str
    """Host and port of the node that it takes for the primary; "" when it knows of none."""

    @property
    def sells(self) -> bool:
        """Whether the sale can be written on this node."""
        in_charge = self.state == "ONLINE" and self.role == "PRIMARY" and 2 * self.reachable > self.members
        return (in_charge or self.members == 0) and not self.read_only


def read_view(connection: MySQLConnectionAbstract) -> GroupView:
    """How the node of a connection sees its group."""
    [(state, role, read_only, members, reachable, primary)] = query(connection, _VIEW)
    return GroupView(state, role, read_only == "1", int(members), int(reachable), primary)


def find_primary(address: Url) -> Url:
    """The address of the node that sells; of a single node as it is. Raises Failure when none of several does."""
    if not address.others:
        return address
    found = []
    for node in address.nodes:
        try:
            connection = connect(node, database=None, connection_timeout=CONNECT_SECONDS)
        except mysql.connector.Error as error:
            found.append(f"{node.place}: {error.msg}")
            continue
        try:
            view = read_view(connection)
        finally:
            connection.close()
        if view.sells:
            return node
        found.append(f"{node.place}: {view.role or view.state or 'read-only'}")
    raise Failure(f"no node sells: {'; '.join(found)}")
