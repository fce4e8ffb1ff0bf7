"""The three servers: where they lie, on which ports, and with which settings."""

import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sql.server.passwords import load_passwords
from sql.server.ports import LOOPBACK, port_is_free
from sql.server.private import PrivateServer
from sql.server.programs import find_programs
from sql.server.state import STATE, Echo, Failure, private_folder, say
from sql.server.tools import Programs
from sql.server.urls import parse

NAMES = ("a", "b", "c")
GROUP_CNF = Path(__file__).resolve().parent.parent / "server" / "group.cnf"
FOLDER = STATE / "cluster"
# From 32768 on Linux hands ports out to clients: a stranger's connection would take a node's port while it is down.
FIRST_PORT, LAST_PORT = 13406, 13905


class Node(PrivateServer):
    """One of the three. `name` is its folder's name."""

    def __init__(self, folder: Path, port: int, seeds: str, password: str, programs: Programs, echo: Echo) -> None:
        self.name = folder.name
        address = f"{self.host}:{port}"
        settings = {
            "server_id": str(NAMES.index(self.name) + 1),
            "report_host": self.host,
            "report_port": str(port),
            # Three of them share one machine, and the tests' sales are small.
            "innodb_buffer_pool_size": "128M",
            "loose_group_replication_local_address": address,
            "loose_group_replication_group_seeds": seeds,
            # Here the program that starts them says which of them begins; else each waits 48 s for the others.
            "loose_group_replication_start_on_boot": "OFF",
        }
        super().__init__(folder, port, password, settings, programs, echo, [GROUP_CNF])


def make_nodes(folder: Path = FOLDER, root_password: str | None = None, echo: Echo = say) -> list[Node]:
    """The three nodes in `folder`/a, b and c, running or not, on the ports of the last time where these are free.

    root_password: None means that of the project's own server. Raises Failure when no ports are left.
    """
    password = root_password or load_passwords(private_folder(STATE))["FLASHSALE_ROOT_PASSWORD"]
    programs = find_programs(echo)
    folders = [private_folder(folder / name) for name in NAMES]
    ports = _ports([PrivateServer(each) for each in folders])
    seeds = ",".join(f"{LOOPBACK}:{port}" for port in ports)
    return [Node(each, port, seeds, password, programs, echo) for each, port in zip(folders, ports, strict=True)]


def group_url(nodes: Sequence[PrivateServer], user: str = "", password: str = "") -> str:
    """The address of all nodes, for an account that they share; the administrator's by default."""
    first, *others = nodes
    one = parse(first.url(user, password) if user else first.admin_url())
    return str(replace(one, others=tuple((node.host, node.port) for node in others)))


def start_all(nodes: Iterable[Node]) -> list[Node]:
    """Start those that do not run, side by side; return these."""
    with ThreadPoolExecutor() as pool:
        started = list(pool.map(lambda node: (node, node.start()), nodes))
    return [node for node, now in started if now]


def _ports(servers: list[PrivateServer]) -> list[int]:
    """A port for each server: its own when it runs or the port is free, else a new one."""
    kept = [server.port if server.port and (server.running() or port_is_free(server.port)) else 0 for server in servers]
    # In no order: two groups that are made at the same time on one machine want different ones.
    candidates = random.sample(range(FIRST_PORT, LAST_PORT), LAST_PORT - FIRST_PORT)
    new = (port for port in candidates if port not in kept and port_is_free(port))
    try:
        return [port or next(new) for port in kept]
    except StopIteration:
        raise Failure(f"no port from {FIRST_PORT} to {LAST_PORT} is free") from None
