"""`make cluster`: a sale on a group of three, served until it is told to stop."""

import os
import sys

from sql.group import forming
from sql.group.nodes import FOLDER, Node, group_url, make_nodes
from sql.server.environment import environment, has_own_server
from sql.server.passwords import load_passwords
from sql.server.run import be_ended_in_order, deploy_and_serve, ignore_signals, require_port
from sql.server.state import STATE, Failure, private_folder, say
from sql.server.variables import ADMIN_URL

HINT = """
Three MySQL nodes in {folder}; each one's log is run/mysqld.log. In another terminal: `make cluster-status`
shows them, `make cluster-kill` kills the one that sells, `make cluster-start` starts it again."""


def run(port: int) -> None:
    """Bring the group up, deploy, serve on 127.0.0.1:`port` until a signal; stop the group when it was started here."""
    if has_own_server():
        raise Failure(f"{ADMIN_URL} names a server, and `make cluster` has three of its own: leave one out")
    be_ended_in_order()
    require_port(port)
    nodes = make_nodes()
    ran_before = any(node.running() for node in nodes)
    try:
        say("[3/6] three MySQL servers")
        start(nodes)
        say(HINT.format(folder=FOLDER))
        deploy_and_serve(sys.executable, port, variables(nodes))
    finally:
        ignore_signals()
        if ran_before:
            say("the group was running before and goes on; `make stop` ends it")
        else:
            forming.stop_all(nodes)


def start(nodes: list[Node]) -> None:
    """Bring up what does not run, and let it join."""
    passwords = load_passwords(private_folder(STATE))
    primary = forming.form(nodes, passwords["FLASHSALE_RECOVERY_PASSWORD"])
    say(f"the group is complete; node {primary.name} on 127.0.0.1:{primary.port} sells")


def kill_primary(nodes: list[Node]) -> None:
    """kill -9 of the node that sells. Raises Failure when none does."""
    primary = forming.primary_of(nodes)
    if primary is None:
        raise Failure("no node sells: `make cluster` starts them")
    say(f"killing node {primary.name}, process {primary.pid}; `make cluster-start` starts it again")
    primary.kill()


def variables(nodes: list[Node]) -> dict[str, str]:
    """What a program is started with that is to use the group."""
    os.environ[ADMIN_URL] = group_url(nodes)
    return environment()
