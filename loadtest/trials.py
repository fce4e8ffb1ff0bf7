"""What is not a line: sales to the last unit, refused buyers and what they leave, a large sweep beside a sale."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest import stage
from loadtest.database import Database
from loadtest.lines import CALL, CLIENTS, HTTP
from loadtest.measure import Round
from loadtest.messages import call_hold, fresh_key, post_hold
from loadtest.testbed import CONFLICT, CREATED, SOLD_OUT, SOLD_OUT_UNITS, Testbed
from loadtest.wire import DONE
from sql.deploy.session import scheduler_off
from sql.server.state import say

RUSH_STOCK = 2000
CROWD, CROWD_STOCK = 400, 100
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Refusals:
    """What so many refused buyers left behind: what was looked at, and what was another afterwards."""

    buyers: int
    looked_at: int
    changed: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Sweeping:
    """Holds of one product while another's expired ones are swept, and without: rounds in pairs."""

    holds: int
    undisturbed: list[Round]
    disturbed: list[Round]


def rush(testbed: Testbed, line: str) -> Round:
    """To the last unit: how long it takes, and that it was the last."""
    stage.clear(testbed.database)
    product = testbed.product(RUSH_STOCK)
    by_http = line == HTTP
    requests, done, refused = (
        (post_hold(product), CREATED, CONFLICT) if by_http else (call_hold(product), DONE, SOLD_OUT)
    )
    result = testbed.load(
        line, requests, {done, refused}, CLIENTS, seconds=PATIENCE_SECONDS, until=refused, warm_up=False
    )
    testbed.check_units(product, result.outcomes[done])
    testbed.checks.equal("units sold of a product that is sold out", result.outcomes[done], RUSH_STOCK)
    return result


def crowds(testbeds: Sequence[Testbed], rounds: int) -> tuple[list[Round], ...]:
    """A crowd in each testbed, round by round: the rounds of the first testbed, and of the second, if there is one."""
    found: tuple[list[Round], ...] = ([], [])
    for _ in range(rounds):
        for rounds_of, testbed in zip(found, testbeds, strict=False):
            rounds_of.append(crowd(testbed))
    return found


def crowd(testbed: Testbed) -> Round:
    """400 buyers, each on a connection of its own and with one request, for 100 units, by HTTP."""
    stage.clear(testbed.database)
    product = testbed.product(CROWD_STOCK)
    testbed.seed += 1
    keys = [fresh_key((testbed.seed << 32) + buyer) for buyer in range(CROWD)]
    done = testbed.load(
        HTTP, post_hold(product, keys), {CREATED, CONFLICT}, CROWD, seconds=PATIENCE_SECONDS, warm_up=False
    )
    testbed.check_units(product, done.outcomes[CREATED])
    testbed.checks.equal("units sold of a product that is sold out", done.outcomes[CREATED], CROWD_STOCK)
    testbed.checks.equal("buyers answered", CROWD, done.outcomes.total())
    return done


def refuse(testbed: Testbed, buyers: int) -> Refusals:
    """Buyers of a sold-out product, by HTTP; the EVENT is off, since each of its runs leaves a row."""
    stage.clear(testbed.database)
    product = testbed.product(SOLD_OUT_UNITS)
    stage.live_holds(testbed.database, product, SOLD_OUT_UNITS)
    testbed.seed += 1
    keys = [fresh_key((testbed.seed << 32) + buyer) for buyer in range(buyers)]
    say(f"{buyers:,} buyers of a sold-out product")
    with scheduler_off(testbed.database):
        before = traces(testbed.database)
        done = testbed.load(
            HTTP, post_hold(product, keys), {CONFLICT}, CLIENTS, seconds=PATIENCE_SECONDS, warm_up=False
        )
        after = traces(testbed.database)
    testbed.checks.equal("refused buyers", buyers, done.outcomes[CONFLICT])
    testbed.check_units(product, SOLD_OUT_UNITS)
    changed = {what: (was, after[what]) for what, was in before.items() if after[what] != was}
    testbed.checks.none(f"left behind by {buyers} refused buyers", list(changed.items()))
    return Refusals(buyers, len(before), changed)


def traces(database: Database) -> dict[str, int]:
    """What could grow or be left behind: rows, AUTO_INCREMENT and file of tables, binary log, transactions, locks."""
    database.query("SET SESSION information_schema_stats_expiry = 0")
    tables = database.query(
        "SELECT t.TABLE_NAME AS name, COALESCE(t.AUTO_INCREMENT, 1) AS next_id, COALESCE(f.FILE_SIZE, 0) AS size"
        "  FROM information_schema.TABLES AS t"
        "  LEFT JOIN information_schema.INNODB_TABLESPACES AS f ON f.NAME = CONCAT(t.TABLE_SCHEMA, '/', t.TABLE_NAME)"
        " WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'"
    )
    # Of an empty table that nobody has opened yet, the next AUTO_INCREMENT is NULL.
    found: dict[str, int] = {}
    for table in tables:
        rows = database.value(f"SELECT COUNT(*) FROM `{table['name']}`")
        found |= {
            f"rows of {table['name']}": rows,
            f"AUTO_INCREMENT of {table['name']}": int(table["next_id"]),
            f"bytes of {table['name']}": int(table["size"]),
        }
    found["bytes of binary log"] = sum(int(row["File_size"]) for row in database.query("SHOW BINARY LOGS"))
    found["open transactions"] = database.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX")
    found["locks"] = database.value("SELECT COUNT(*) FROM performance_schema.data_locks")
    return found


def sweep_beside_a_sale(testbed: Testbed, holds: int, rounds: int) -> Sweeping:
    """Holds of one product without, and while sweep() returns so many expired holds of another."""
    result = Sweeping(holds, [], [])
    for number in range(rounds):
        say(f"a sweep of {holds:,} holds beside a sale, round {number + 1} of {rounds}")
        # The sweep is called by us, so that its beginning and end are those of the round; it is what the EVENT calls.
        with scheduler_off(testbed.database):
            result.undisturbed.append(_sale(testbed, 0))
            result.disturbed.append(_sale(testbed, holds))
        pair = result.undisturbed[-1], result.disturbed[-1]
        say(f"  {pair[0].rate:.0f}/s without, {pair[1].rate:.0f}/s for the {pair[1].seconds:.1f} s of the sweep")
    return result


def _sale(testbed: Testbed, expired: int) -> Round:
    stage.clear(testbed.database)
    product = testbed.product()
    if not expired:
        done = testbed.load(CALL, call_hold(product), {DONE}, CLIENTS)
    else:
        swept = testbed.product(expired)
        stage.expired_holds(testbed.database, swept, expired)
        done = testbed.load(
            CALL, call_hold(product), {DONE}, CLIENTS,
            seconds=PATIENCE_SECONDS, meanwhile=lambda: testbed.database.query("CALL sweep()"),
        )  # fmt: skip
        units = testbed.database.units(swept)
        testbed.checks.equal("expired holds returned", expired, units["free"])
        testbed.check_units(swept, 0)
    testbed.check_units(product, done.outcomes[DONE])
    return done
