"""Three machines and a router on one: a network namespace for each node, and one for buyers and API between them."""

import ctypes
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sql.group.nodes import NAMES, Node
from sql.server.programs import find_programs
from sql.server.state import Echo, private_folder
from sql.server.tools import Programs
from tests.support.netlink import drop_what_is_passed_on, make_pair, send_all_through, turn_on

T = TypeVar("T")
_NEW_NETWORK = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
PORT = 13406


class Place:
    """Where a node lives: the network of its own, and the router's interface to it."""

    def __init__(self, number: int) -> None:
        self.router_address = f"10.213.{number}.1"
        self.address = f"10.213.{number}.2"
        self.network = f"10.213.{number}.0"
        self.interface = f"to-{NAMES[number]}"
        self.namespace = _in_a_thread(_new_network)

    def connect(self) -> None:
        """Lay the cable; from the router's side."""
        make_pair(self.interface, "eth0", self.namespace)
        turn_on(self.interface, self.router_address)

        def inside() -> None:
            _enter(self.namespace)
            turn_on("lo")
            turn_on("eth0", self.address)
            send_all_through(self.router_address)

        _in_a_thread(inside)


class DistantNode(Node):
    """A node in a network of its own; its administrator comes over the network."""

    def __init__(self, place: Place, folder: Path, seeds: str, password: str, programs: Programs, echo: Echo) -> None:
        self.host = place.address
        self.place = place
        super().__init__(folder, PORT, seeds, password, programs, echo)
        self._settings |= {
            "bind_address": "0.0.0.0", "loose_group_replication_ip_allowlist": "10.213.0.0/16",
            "skip_name_resolve": "ON",  # nobody there answers
        }  # fmt: skip

    def _command(self, programs: Programs, data: Path, *option_file: Path) -> list[str]:
        inside = f"--net=/proc/{os.getpid()}/fd/{self.place.namespace}"
        return ["nsenter", inside, "--", *super()._command(programs, data, *option_file)]

    def _init_sql(self) -> str:
        password = self.root_password.replace("\\", "\\\\").replace("'", "''")
        return (
            f"{super()._init_sql()}CREATE USER IF NOT EXISTS root@'%' IDENTIFIED BY '{password}';\n"
            "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n"
        )


class Networks:
    """The places of the three nodes; the thread that made them, and what it starts, are between them."""

    def __init__(self) -> None:
        self.places = [Place(number) for number in range(len(NAMES))]
        turn_on("lo")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        for place in self.places:
            place.connect()

    def make_nodes(self, folder: Path, root_password: str, echo: Echo) -> list[DistantNode]:
        """The three nodes, each in its place."""
        programs = find_programs(echo)
        seeds = ",".join(f"{place.address}:{PORT}" for place in self.places)
        return [
            DistantNode(place, private_folder(folder / name), seeds, root_password, programs, echo)
            for place, name in zip(self.places, NAMES, strict=True)
        ]

    @contextmanager
    def parted(self, alone: Node) -> Iterator[None]:
        """No packet goes between this node and the two others; the API reaches all three."""
        cuts = [
            (one.interface, other.network)
            for one in self.places
            for other in self.places
            if one is not other and alone.host in (one.address, other.address)
        ]
        for interface, network in cuts:
            drop_what_is_passed_on(interface, network, True)
        try:
            yield
        finally:
            for interface, network in cuts:
                drop_what_is_passed_on(interface, network, False)


@contextmanager
def networks() -> Iterator[Networks]:
    """Networks for the length of the block, for this thread and what it starts. Raises OSError where root may not."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(_LIBC.unshare(_NEW_NETWORK))
        try:
            made = Networks()
            yield made
            for place in made.places:
                os.close(place.namespace)  # with the last process in it the network is gone
        finally:
            _enter(before)
    finally:
        os.close(before)


def _in_a_thread(work: Callable[[], T]) -> T:
    """A namespace is a thread's: one of its own may go where it likes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _new_network() -> int:
    _check(_LIBC.unshare(_NEW_NETWORK))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _enter(namespace: int) -> None:
    _check(_LIBC.setns(namespace, _NEW_NETWORK))


def _check(result: int) -> None:
    if result:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))
