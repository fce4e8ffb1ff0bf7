"""The MySQL programs that are there: on PATH, or in the private copy below the project. Nothing is downloaded here."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .state import STATE, Echo, Failure, say

# CHECK constraints are enforced from 8.0.16 on, and the tables rely on them.
OLDEST = (8, 0, 17)
PRIVATE_COPY = STATE / "mysql"
TOOLS = ("mysql", "mysqldump", "mysqlbinlog")


@dataclass(frozen=True)
class Programs:
    """A MySQL server and its client, and how to start them."""

    mysqld: Path
    mysql: Path
    version: str
    loader: tuple[str, ...] = ()
    """What stands before a program: a private copy runs on its own libc, through its own loader."""
    server_options: tuple[str, ...] = ()
    """What mysqld cannot find out by itself where it lies."""

    def mysqld_command(self) -> list[str]:
        """The start of every mysqld command line; --defaults-file may follow, then `server_options`."""
        return [*self.loader, str(self.mysqld)]

    def mysql_command(self) -> list[str]:
        """The start of every mysql command line."""
        return [*self.loader, str(self.mysql)]


def tool_on_path(name: str) -> str | None:
    """MySQL's own program of this name on PATH, not MariaDB's."""
    tool = shutil.which(name)
    return tool if tool and "MariaDB" not in _version_line([tool]) else None


def find_tool(name: str, progress: Echo = say) -> list[str]:
    """The start of a command line of one of TOOLS: MySQL's own on PATH, else beside a mysqld that is there.

    Raises Failure when it is not there either.
    """
    tool = tool_on_path(name)
    if tool:
        return [tool]
    programs = on_path(progress) or (unpacked_programs(PRIVATE_COPY) if PRIVATE_COPY.exists() else None)
    if programs is None:
        raise Failure(f"there is no {name} on PATH: install MySQL's client programs")
    beside = programs.mysql.with_name(name)
    if not beside.exists():
        raise Failure(f"there is no {name} on PATH, nor beside {programs.mysql}")
    return [*programs.loader, str(beside)]


def parse_version(line: str) -> str:
    """The version out of what `mysqld --version` prints. Raises Failure, saying why, when that server will not do."""
    match = re.search(r"Ver (\d+)\.(\d+)\.(\d+)", line)
    if "MariaDB" in line:
        raise Failure("it is MariaDB, which lacks what the procedures need")
    if not match:
        raise Failure(f"it does not tell its version: {line.strip() or 'no output'}")
    version = tuple(int(number) for number in match.groups())
    text = ".".join(match.groups())
    if version < OLDEST:
        raise Failure(f"it is {text}, and {'.'.join(map(str, OLDEST))} is the oldest that will do")
    return text


def on_path(progress: Echo) -> Programs | None:
    """mysqld and mysql from PATH, or None when they are not there or will not do, which `progress` is told."""
    # Debian and Ubuntu keep mysqld in /usr/sbin, which is not on the PATH of ordinary users.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
    mysqld = shutil.which("mysqld", path=path)
    if not mysqld:
        return None
    try:
        version = parse_version(_version_line([mysqld]))
        mysql = shutil.which("mysql", path=f"{Path(mysqld).parent}{os.pathsep}{path}")
        if not mysql or "MariaDB" in _version_line([mysql]):
            raise Failure("MySQL's client program, mysql, is not there with it")
    except Failure as reason:
        progress(f"not using {mysqld}: {reason}")
        return None
    return Programs(Path(mysqld), Path(mysql), version)


def unpacked_programs(tree: Path) -> Programs:
    """The programs in `tree`, a folder that packages of Debian or Ubuntu were unpacked into."""
    loader = next(
        (path for root in ("usr/lib", "lib") for path in tree.glob(f"{root}/*-linux-gnu*/ld-linux*.so.*")), None
    )
    mysqld, share = tree / "usr/sbin/mysqld", tree / "usr/share/mysql"
    if loader is None or not mysqld.exists():
        raise Failure(f"{tree} is not whole: remove it and try again")
    libraries = [loader.parent, tree / "usr/lib" / loader.parent.name, tree / "usr/lib/mysql/private"]
    prefix = (str(loader), "--library-path", ":".join(str(folder) for folder in dict.fromkeys(libraries)))
    return Programs(
        mysqld=mysqld,
        mysql=tree / "usr/bin/mysql",
        version=parse_version(_version_line([*prefix, str(mysqld)])),
        loader=prefix,
        server_options=(
            f"--basedir={tree / 'usr'}",
            f"--plugin-dir={tree / 'usr/lib/mysql/plugin'}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
        ),
    )


def _version_line(program: list[str]) -> str:
    try:
        done = subprocess.run([*program, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stdout + done.stderr
