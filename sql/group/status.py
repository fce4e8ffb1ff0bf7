"""`make cluster-status`: each node as it sees itself."""

from collections.abc import Iterable

from sql.group.members import event_of, lag_of, view_of
from sql.group.nodes import Node

HEADINGS = ("node", "port", "process", "role", "state", "sees", "behind", "EVENT")


def table(nodes: Iterable[Node]) -> str:
    """A line a node: its place, its role and state, whom it sees, how many transactions it is behind, its EVENT."""
    rows = [HEADINGS, *map(_row, nodes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(node: Node) -> tuple[str, ...]:
    pid = node.pid
    if pid is None:
        return (node.name, str(node.port), "-", "-", "does not run", "-", "-", "-")
    view = view_of(node)
    if view is None:
        return (node.name, str(node.port), str(pid), "-", "does not answer", "-", "-", "-")
    role = ("PRIMARY, sells" if view.sells else view.role) or "-"
    sees = f"{view.reachable} of {view.members}"
    return (node.name, str(node.port), str(pid), role, view.state, sees, lag_of(node), event_of(node))
