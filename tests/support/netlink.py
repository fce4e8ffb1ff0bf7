"""Requests to Linux about its network, by rtnetlink: what the program ip does, where that is not installed."""

import socket
import struct
from ipaddress import IPv4Address

_REQUEST, _ACK, _CREATE, _EXCL = 0x1, 0x4, 0x400, 0x200
_NEWLINK, _NEWADDR, _NEWROUTE, _NEWRULE, _DELRULE = 16, 20, 24, 32, 33
_LINKINFO, _INFO_KIND, _INFO_DATA, _VETH_PEER = 18, 1, 2, 1
_IFNAME, _NET_NS_FD = 3, 28
_ERROR = 2
_MAIN_TABLE, _BLACKHOLE = 254, 6


def make_pair(name: str, peer: str, peer_network: int) -> None:
    """Two interfaces with a cable between them: one here, one in the network namespace of a descriptor."""
    inner = _link() + _attribute(_IFNAME, peer.encode() + b"\0")
    inner += _attribute(_NET_NS_FD, struct.pack("=I", peer_network))
    kind = _attribute(_INFO_KIND, b"veth\0") + _attribute(_INFO_DATA, _attribute(_VETH_PEER, inner))
    _ask(_NEWLINK, _CREATE | _EXCL, _link() + _attribute(_IFNAME, name.encode() + b"\0") + _attribute(_LINKINFO, kind))


def turn_on(name: str, address: str | None = None) -> None:
    """Give an interface its address, of 24 bits of network, and bring it up."""
    index = socket.if_nametoindex(name)
    if address:
        packed = IPv4Address(address).packed
        body = struct.pack("=BBBBi", socket.AF_INET, 24, 0, 0, index)
        _ask(_NEWADDR, _CREATE | _EXCL, body + _attribute(1, packed) + _attribute(2, packed))
    up = 1
    _ask(_NEWLINK, 0, struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, up, up))


def send_all_through(gateway: str) -> None:
    """What is for nobody near goes to this address."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _MAIN_TABLE, 4, 0, 1, 0)
    _ask(_NEWROUTE, _CREATE | _EXCL, body + _attribute(5, IPv4Address(gateway).packed))


def drop_what_is_passed_on(interface: str, network: str, drop: bool) -> None:
    """Whether packets that came in by the interface and are for the network, of 24 bits, get lost without a word."""
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 24, 0, 0, _MAIN_TABLE, 0, 0, _BLACKHOLE, 0)
    body += _attribute(1, IPv4Address(network).packed) + _attribute(3, interface.encode() + b"\0")
    _ask(_NEWRULE if drop else _DELRULE, _CREATE | _EXCL if drop else 0, body)


def _link() -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _ask(kind: int, flags: int, body: bytes) -> None:
    """Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        asked.bind((0, 0))
        asked.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body)
        answer = asked.recv(65536)
    [answered] = struct.unpack_from("=H", answer, 4)
    [errno] = struct.unpack_from("=i", answer, 16)
    if answered != _ERROR or errno:
        raise OSError(-errno, f"rtnetlink refused request {kind}: errno {-errno}")
