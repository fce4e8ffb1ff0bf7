"""python -m sql.group COMMAND: three MySQL nodes on this machine, in .flashsale/cluster

run              everything `make cluster` does, with the API on 127.0.0.1:$PORT (8000)
start            start the nodes that do not run, and let them join the group
status           role, state, lag and EVENT of each node
kill             kill -9 of the node that sells
stop             stop all nodes in order
client [WHO]     a mysql session on the node that sells, as dba, api or admin
"""

import os
import sys

from sql.group import cluster, forming, status
from sql.group.nodes import make_nodes
from sql.server.client import become_client
from sql.server.run import port_of
from sql.server.state import Failure, say


def main(arguments: list[str]) -> int:
    """Carry out one command; the exit status. Raises Failure with what the user should know."""
    match arguments:
        case ["run"]:
            cluster.run(port_of(os.environ))
        case ["start"]:
            cluster.start(make_nodes())
        case ["status"]:
            print(status.table(make_nodes()))
        case ["kill"]:
            cluster.kill_primary(make_nodes())
        case ["stop"]:
            forming.stop_all(make_nodes())
        case ["client", *who] if who in ([], ["dba"], ["api"], ["admin"]):
            cluster.variables(make_nodes())
            become_client(*(who or ["dba"]))
        case _:
            print(__doc__)
            return 0 if arguments in ([], ["help"]) else 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        say(f"\n{failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
