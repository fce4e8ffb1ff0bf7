"""What MySQL can answer other than rows, and what each of its numbers means to a CALL."""

from __future__ import annotations

import re
from typing import Any

SIGNAL_CLASS = "45"
DEADLOCKED = frozenset({1213, 1412, 1614, 3101})
LOCK_WAIT = 1205
REPLACED = frozenset({1305, 1370})
"""The procedure is not there, or not granted: DROP PROCEDURE takes its grants along, a deployment gives both back."""
LOST = frozenset({1053, 1077, 1079, 1080, 1152, 1153, 1158, 1159, 1160, 1161, 1317, 1927})
# KILL QUERY between a FETCH and its handler for the end of the rows: 1329.
LOST |= {1329, 3168, 3169, 4031}
UNANSWERED = frozenset({2006, 2013, 2014, 2027, 2055})
"""The driver's own: what became of the CALL is not known, and MySQL may still be at it."""
LOST |= UNANSWERED
OVERLOADED = frozenset({1040, 1041, 1135, 1203, 1226, 1637, 3032, 3024})
"""The server answers but cannot serve now: too many connections, out of memory."""
READ_ONLY = frozenset({1015, 1036, 1290, 1665, 1792, 1836, 1874, 1881})
"""It reads but cannot sell: read-only after a fail-over, tables that cannot be written, binlog_format STATEMENT."""
ELSEWHERE = LOST | frozenset({1290, 1792, 1836, 2002, 2003, 3032, 3100, 3796, 3797, 3798, 4094})
"""Of a group: another node may sell now. After 3100 it is not known whether the CALL was committed."""
NEEDS_TLS = frozenset({1045, 2061, 3159})

TOO_BUSY = "The sale is too busy at the moment; try again."
LOST_CONNECTION = "The connection to the database was lost; try again."
UNREACHABLE = "The database can't be reached; try again in a moment."
NO_PRIMARY = "The sale is moving to another database server; try again in a moment."
_QUOTED_DATA = re.compile(r"(entry|value:?) (?:'.*'(?= for (?:key|column|function) )|'.*'$)", re.DOTALL)


class ProcedureError(Exception):
    """MySQL refused a CALL: a SIGNAL of a procedure (SQLSTATE 45xxx), or an error nobody expected."""

    def __init__(self, procedure: str, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(procedure, errno, sqlstate)
        self.procedure = procedure
        self.errno = errno
        self.sqlstate = sqlstate
        self.message = message

    def log_line(self) -> str:
        """What an operator needs to find the fault, without the values MySQL quotes."""
        message = _QUOTED_DATA.sub(r"\1 '…'", self.message)
        return f"CALL {self.procedure} failed: errno {self.errno}, SQLSTATE {self.sqlstate}: {message}"


class UnavailableError(Exception):
    """MySQL can't serve at the moment; the request may be sent again. `detail` is fit for the client.

    `errno` is MySQL's last word, 0 when there was none.
    """

    def __init__(self, detail: str, errno: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errno = errno


class LockWaitError(UnavailableError):
    """A row or a table was locked for too long."""


def fields(error: Any) -> tuple[int, str, str]:
    """The errno, SQLSTATE and message of an error of the C driver."""
    return error.errno or 0, error.sqlstate or "HY000", error.msg or ""
