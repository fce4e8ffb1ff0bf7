"""What RESULTS.md says in words: what limits the figures, and how they are measured."""

from loadtest.lines import STRIPES
from loadtest.measure import GENERATORS
from loadtest.results import Schedule
from loadtest.testbed import SOLD_OUT_UNITS

LIMITS = (
    "- A hold by CALL: [ADR 2](../docs/adr/0002-two-ways-to-a-hold.md) for the short way and the long one,"
    " [ADR 10](../docs/adr/0010-what-a-hold-costs.md) for what each statement costs, what was tried and what is left.",
    "- Sets: [ADR 17](../docs/adr/0017-sets-of-buyers.md) for what a set does and what of it costs.",
    "- A hold by HTTP: [ADR 5](../docs/adr/0005-gunicorn-worker.md) for the server and what else was tried,"
    " [ADR 7](../docs/adr/0007-one-connection-a-thread.md) for connections and the driver,"
    " [ADR 17](../docs/adr/0017-sets-of-buyers.md) for the lines in which buyers wait.",
    "- With 128 clients a hold costs the API three to four times the CPU of an empty POST: about a third each are"
    " the sockets and the server, reading the request and writing answer, meters and log, and the way to MySQL"
    " (driver, threads, sets): some 45 calls of functions of the application and the gateway, none of which stands out."
    " Where MySQL and the API share two cores, each makes the other slower. A Python that was built without"
    " optimisations costs a tenth more."
    " With +2 ms a commit each worker has two sets under way. Of 128 clients a set has 30 requests at most, so the"
    " commits bound what is sold, as they do for INSERTs, which have 32 under way.",
    "- Orders and payments in sets: rows. An order writes three with twelve entries of indexes, a payment three"
    " with eight, and all are checked; ADR 17 has what leaving out a part saves.",
    "- A lone buyer's hold: two switches of thread, from the event loop to the thread that waits for MySQL and back."
    " GET: one CALL answers all who ask meanwhile; what is left is the request itself. The empty POST became"
    " cheaper, too.",
    "- 10,000 pending notifications: each message costs some 5 ms of CPU here, API, MySQL and receiver together."
    " A worker that serves more than four buyers sends one a second.",
    "- 256 clients by single CALLs and 64 stripes: four share a stripe, and who waits for one costs two switches of"
    " thread more. With as many stripes as connections it is above the target; `create_product` takes up to 256.",
    "- 5 million rows of history: what grows is the index of ended keys, which each hold looks into once.",
    "- Everything, the clients included, shares the CPUs named below: where the CPU is what limits, a ratio of rates"
    " is at best that of the CPU for each, which the tables show."
    " An INSERT is little but its commit, and a set little of it: what is compared with INSERTs depends on the disk."
    " With one whose fdatasync took 0.18 ms INSERTs were a quarter slower than with one of 0.06 ms, holds by HTTP of"
    " 128 and 512 clients 0.94 and 1.21 of them instead of 0.65 and 0.86, sets of 32 2.9 instead of 2.1.",
)


def method(plan: Schedule) -> list[str]:
    """How it is measured."""
    return [
        f"- Each client has one request under way, without a pause. Tables: {plan.rounds} rounds of {plan.seconds} s"
        f" for each line, interleaved; medians. Plots: {plan.sweep_rounds} rounds of {plan.sweep_seconds} s. A warm-up"
        " before each round is not counted.",
        "- The tables are emptied before each round (but for the rows of history): each finds what the first one did.",
        "- `plain INSERT`: autocommitted, one row, AUTO_INCREMENT key and a unique key of 36 characters.",
        f"- `CALL create_hold`: one unit of one product with {STRIPES} stripes, each call under a new idempotency key;"
        " `1 row` is the same with stripes = 1, the plain counter.",
        "- `2 × sets of 32`: two connections, each with one CALL of 32 requests under way; all figures but the latency,"
        " which is the CALL's, are for a request. Every request of a set has to be done; one that is left to a single"
        " CALL is reported below. In the plot against clients, sets are of half of them, 64 at most.",
        "- `max_per_customer`: it is 2, and every request is another customer's.",
        "- `POST /api/holds`: the same through gunicorn as it ships, on kept connections, with an Idempotency-Key.",
        "- `empty POST`: the same request to a Falcon application that does nothing (loadtest/empty.py), under the same"
        " gunicorn, worker and settings.",
        "- Orders: of live holds. Webhooks: a succeeded payment for a pending order; unsigned, as a development server"
        " takes them. Each is of another hold or order and under another key, in no order.",
        "- A chain: a buyer holds one unit, orders what it was told, pays that, and begins again; its CPU is that of a"
        " whole purchase, its latency that of a request.",
        f"- GET and sold out: one product of which everything is held, by {SOLD_OUT_UNITS} live holds.",
        "- `old API`: another checkout under its own gunicorn and settings, on a database of its own on the same"
        " server, which its own deployment made.",
        "- History: of ten rows eight are ended holds and two orders, all paid, of the very product that is measured,"
        " with their payment events besides; a cleared testbed on the same server is measured in the same rounds. The"
        " buffer pool is that of sql/server/my.cnf, so millions of rows do not fit.",
        "- The sweep beside a sale: `CALL sweep()`, which is what the EVENT calls, from its beginning to its end.",
        "- Pending notifications: all due, of as many holds, delivered meanwhile by the API's workers to a receiver on"
        " the same machine that takes everything; with and without them by the same gunicorn, in pairs of rounds, twice"
        " as many and twice as long as others.",
        "- `binlog_group_commit_sync_delay` stands for a slow disk; it is 0 in production. Nothing weakens durability.",
        f"- Clients are {GENERATORS} Python processes that speak the protocols themselves over epoll"
        " (loadtest/wire.py), without TLS, on the same machine as everything else; what they cost is in the tables.",
        "- CPU is user and system time a request, from /proc; mysqld's includes its background threads.",
        "- No hold expires meanwhile, unless said otherwise; the EVENT runs every second as it ships.",
    ]
