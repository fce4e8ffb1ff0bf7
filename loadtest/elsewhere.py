"""What else a shop could run: measured elsewhere on the same kind of machine, for orientation.

2 cores, the same MySQL with full durability, 32 connections, one product.
"""

from typing import NamedTuple

from loadtest.lines import SLOW


class Stack(NamedTuple):
    """Holds a second and their p99 in ms by commit latency in µs; reads and refusals a second; ms till 400 settled."""

    name: str
    holds: dict[int, int]
    p99: dict[int, int]
    settled: int


FASTAPI = Stack("FastAPI with SQLAlchemy", {0: 314, SLOW: 122}, {0: 143, SLOW: 467}, 708)
DJANGO = Stack("Django", {0: 370, SLOW: 141}, {}, 757)
FASTIFY = Stack("Fastify with mysql2", {0: 789, SLOW: 193}, {0: 65, SLOW: 290}, 335)
STACKS = (FASTAPI, DJANGO, FASTIFY)

# Of Fastify alone:
READS, REFUSALS = 7860, {0: 1614, SLOW: 1395}
API_US, MYSQLD_US = 686, 685

BEST = {delay: max(stack.holds[delay] for stack in STACKS) for delay in (0, SLOW)}
SETTLED = min(stack.settled for stack in STACKS)
TIMES = {0: 2, SLOW: 6}
"""How many times as fast as the best of them this is to sell."""
