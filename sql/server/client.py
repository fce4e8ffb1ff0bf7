"""A session of the mysql client."""

import os
import subprocess
import sys
from typing import NoReturn

from .environment import account, has_own_server
from .programs import find_programs, obtain_tool
from .state import say
from .urls import Url

GREETING = """\
The sale, as its DBA: everything can be read, and changed by procedures only.
  CALL sale_overview();                     how it goes, product by product
  CALL find_purchases('alice');             what a customer has; also by id, reference or payment
  CALL list_refunds_due();                  money that has to go back
  CALL stop_sale(1, 'wrong photo', NULL);   nothing more is sold, live holds included
  CALL check_invariants();                  no row: everything adds up
  CALL help('refund');                      what has to do with a word; CALL help(''): everything
The manual is sql/README.md.
"""


def become_client(who: str) -> NoReturn:
    """Replace this process by the mysql client, logged in as `who`: dba, api or admin.

    At a terminal it is interactive, and shows what is too wide for it a line for each column. SQL that is piped in
    runs in batch: rows come out separated by tabs, and the first error ends it with a status that is not 0.
    """
    url = account(who)
    program = obtain_tool("mysql") if has_own_server() else find_programs().mysql_command()
    # One of several nodes sells; where none says so a person wants to look at the first that answers.
    answers = [(node, role) for node in url.nodes if (role := _role(program, node))] if url.others else [(url, "")]
    url = min(answers, key=lambda answer: answer[1] != "primary", default=(url, ""))[0]
    command = _command(program, url)
    command.append("--auto-vertical-output" if sys.stdin.isatty() else "--batch")
    if sys.stdin.isatty() and who == "dba":
        say(GREETING)
    os.execve(command[0], [*command, url.database], _environment(url))


def _role(program: list[str], node: Url) -> str:
    """What find_role says on the node; "" when it does not answer."""
    ask = ["--batch", "--skip-column-names", "--connect-timeout=3", "--execute=CALL find_role()", node.database]
    command = [*_command(program, node), *ask]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(node), check=False)
    return done.stdout.split("\t")[0] if done.returncode == 0 else ""


def _environment(url: Url) -> dict[str, str]:
    """The environment of a process is its owner's to read, a command line is everybody's."""
    return os.environ | {"MYSQL_PWD": url.password}


def _command(program: list[str], url: Url) -> list[str]:
    command = [
        *program,
        "--no-defaults",
        "--default-character-set=utf8mb4",
        "--comments",  # comments in the bodies of procedures stay in them
        "--loose-commands",  # \G and source, which newer clients leave out of batches unless told
        "--binary-as-hex",
        "--protocol=TCP",  # the name localhost would mean a socket
        f"--host={url.host}",
        f"--port={url.port}",
        f"--user={url.user}",
    ]
    if url.ssl_mode:
        command.append(f"--ssl-mode={url.ssl_mode}")
    if url.ssl_ca:
        command.append(f"--ssl-ca={url.ssl_ca}")
    return command
