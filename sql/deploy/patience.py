"""Definitions that wait for a metadata lock, in short slices.

All that come after a definition that waits have to wait too: one forgotten transaction that has read a view would stop
the sweep and the health check. So a definition gives up after a moment, lets the others through, and tries again.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import query

T = TypeVar("T")

SLICE_SECONDS = 1
"""For so long others may have to wait behind a definition; MySQL counts whole seconds."""
PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""No further try begins later than this after the first."""
LOCK_WAIT = 1205

# An idle session first: the one that waits for nothing is the one that everybody waits for. Of the locks on the whole
# server only the shared ones, a backup's, keep a definition out.
_HOLDERS = """
SELECT t.processlist_id, CONCAT(t.processlist_user, '@', t.processlist_host), t.processlist_command = 'Sleep',
       t.processlist_time
  FROM performance_schema.metadata_locks AS m
  JOIN performance_schema.threads AS t ON t.thread_id = m.owner_thread_id
 WHERE m.lock_status = 'GRANTED' AND t.processlist_id <> CONNECTION_ID()
   AND (m.object_schema = DATABASE() AND (m.object_name = %s OR %s = '' AND m.object_name NOT LIKE '%yoyo%')
        OR m.object_type IN ('GLOBAL', 'BACKUP LOCK') AND m.lock_type = 'SHARED')
 GROUP BY 1, 2, 3, 4
 ORDER BY 3 DESC, 4 DESC
 LIMIT 5"""


def define(connection: MySQLConnectionAbstract, what: str, name: str, statements: Sequence[str]) -> None:
    """Run the statements that define one object, `name`, each until it gets its locks.

    Only the first is given pauses: what comes after a DROP must come at once. Raises mysql.connector.Error, which says
    who holds the locks when it is a lock that could not be had.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION lock_wait_timeout = {SLICE_SECONDS}")
        try:
            for number, statement in enumerate(statements):
                pause = 0.0 if number else PAUSE_SECONDS
                insist(connection, what, name, lambda text=statement: cursor.execute(text), pause)  # type: ignore[misc]
        finally:
            cursor.execute("SET SESSION lock_wait_timeout = DEFAULT")


def insist(
    connection: MySQLConnectionAbstract, what: str, name: str, act: Callable[[], T], pause: float = PAUSE_SECONDS
) -> T:
    """Do `act` again and again while it ends with a lock wait timeout, and return what it returns.

    `connection` is asked who holds the locks: on the object `name`, '' for any. Raises mysql.connector.Error.
    """
    began = time.monotonic()
    while True:
        try:
            return act()
        except mysql.connector.Error as error:
            if not _is_lock_wait(error):
                raise
            waited = time.monotonic() - began
            if waited >= PATIENCE_SECONDS:
                raise _given_up(connection, what, name, waited) from error
        time.sleep(pause)


def _is_lock_wait(error: BaseException | None) -> bool:
    """Whether this error is one, or hides one: yoyo fails once more while it cleans up after the first."""
    while error is not None:
        if isinstance(error, mysql.connector.Error) and error.errno == LOCK_WAIT:
            return True
        error = error.__context__
    return False


def _given_up(
    connection: MySQLConnectionAbstract, what: str, name: str, seconds: float
) -> mysql.connector.DatabaseError:
    return mysql.connector.DatabaseError(
        errno=LOCK_WAIT,
        msg=f"{what} could not get its metadata lock for {seconds:.0f} s: {_holders(connection, name)}."
        " What was deployed before it stays; run the migration again",
    )


def _holders(connection: MySQLConnectionAbstract, name: str) -> str:
    """Who holds the locks, as far as this account may know."""
    try:
        rows = query(connection, _HOLDERS, name, name)
    except mysql.connector.Error as error:
        return (
            "an open transaction or a backup holds it, but performance_schema.metadata_locks and threads,"
            f" which tell whose, cannot be read ({error.msg})"
        )
    if not rows:
        return "nobody holds it any more"
    held = [
        f"connection {number} of {account}, {'idle' if idle == '1' else 'busy'} for {seconds} s"
        for number, account, idle, seconds in rows
    ]
    kill = "; ".join(f"KILL {number}" for number, *_ in rows)
    return f"it is held by {' and '.join(held)}. End their transactions, or their connections ({kill})"
