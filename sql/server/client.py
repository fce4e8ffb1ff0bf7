"""A session of the mysql client."""

import os
import sys
from typing import NoReturn

from .environment import account, has_own_server
from .programs import find_client, find_programs


def become_client(who: str) -> NoReturn:
    """Replace this process by the mysql client, logged in as `who`: dba, api or admin.

    At a terminal it is interactive. SQL that is piped in runs in batch: rows come out separated by tabs,
    and the first error ends it with a status that is not 0.
    """
    url = account(who)
    command = find_client() if has_own_server() else find_programs().mysql_command()
    command += [
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
    if not sys.stdin.isatty():
        command.append("--batch")
    # The environment of a process is its owner's to read, a command line is everybody's.
    os.execve(command[0], [*command, url.database], os.environ | {"MYSQL_PWD": url.password})
