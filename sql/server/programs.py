"""The MySQL programs, from PATH or from a private copy below the project, which is downloaded when there is none."""

from .debian import unpack_mysql
from .state import STATE, Echo, Failure, locked, say
from .tools import PRIVATE_COPY, Programs, find_tool, on_path, tool_on_path, unpacked_programs

WAYS = """\
MySQL 8.0.17 or newer is needed, and there is none here. Ways to get one:
  - put mysqld and mysql on PATH: `apt-get install mysql-server` on Ubuntu, `brew install mysql` on macOS;
  - name a server that you have: FLASHSALE_ADMIN_URL=mysql://USER:PASSWORD@HOST:3306/flashsale make run
    (an administrator's account; percent-encode special characters);
  - on Debian and Ubuntu a private copy is made by itself, without root. It was tried and failed:
"""


def find_programs(progress: Echo = say) -> Programs:
    """mysqld and mysql from PATH when they will do, else the private copy, which is downloaded when missing.

    `progress` gets a line for each thing worth telling. Raises Failure with the ways to get MySQL.
    """
    return on_path(progress) or _private_copy(progress)


def obtain_tool(name: str, progress: Echo = say) -> list[str]:
    """The start of a command line of mysql, mysqldump or mysqlbinlog, where the server is somewhere else.

    The private copy is downloaded only when PATH has no such program. Raises Failure with the ways to get MySQL.
    """
    if not tool_on_path(name):
        find_programs(progress)
    return find_tool(name, progress)


def _private_copy(progress: Echo) -> Programs:
    with locked(STATE / "mysql.lock", "obtaining MySQL", progress):
        if not PRIVATE_COPY.exists():
            try:
                unpack_mysql(PRIVATE_COPY, progress)
            except Failure as failure:
                raise Failure(f"{WAYS}{failure}") from failure
    return unpacked_programs(PRIVATE_COPY)
