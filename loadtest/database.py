"""A session of the administrator: puts products on sale and looks at the tables, past the API."""

import datetime
from typing import Any

from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect
from sql.server.urls import parse

Row = dict[str, Any]


class Database:
    """One connection of an account that may read the tables and call every procedure."""

    def __init__(self, url: str) -> None:
        self.connection: MySQLConnectionAbstract = connect(parse(url))

    def query(self, statement: str, *arguments: Any) -> list[Row]:
        """Run a statement and return the rows of its first result set."""
        with self.connection.cursor(dictionary=True) as cursor:
            cursor.execute(statement, arguments)
            rows: list[Any] = cursor.fetchall() if cursor.description else []
            while cursor.nextset():
                pass
        return rows

    def one(self, statement: str, *arguments: Any) -> Row:
        """Run a statement that returns exactly one row."""
        [row] = self.query(statement, *arguments)
        return row

    def create_product(
        self,
        name: str,
        stock: int,
        *,
        stripes: int | None = None,
        hold_seconds: int | None = None,
        payment_seconds: int | None = None,
        max_per_customer: int | None = None,
        starts_in: float | None = None,
    ) -> int:
        """Put a product on sale at 129.00 EUR, in so many seconds; its id. None is the procedure's default."""
        starts_at = None
        if starts_in is not None:
            now: datetime.datetime = self.one("SELECT UTC_TIMESTAMP(6) AS now")["now"]
            starts_at = now + datetime.timedelta(seconds=starts_in)
        # That of the old API, which the benchmark measures too, has a parameter less.
        count = self.one(
            "SELECT COUNT(*) AS n FROM information_schema.parameters"
            " WHERE specific_schema = DATABASE() AND specific_name = 'create_product'"
        )["n"]
        row = self.one(
            f"CALL create_product(%s, 12900, 'EUR', %s, %s, %s, %s, NULL, %s, %s, NULL{', NULL' * (count - 11)})",
            name, stock, stripes, hold_seconds, payment_seconds, max_per_customer, starts_at,
        )  # fmt: skip
        return int(row["product_id"])

    def violations(self) -> list[Row]:
        """What `check_invariants()` finds; exact under load."""
        return self.query("CALL check_invariants()")

    def units(self, product_id: int) -> Row:
        """Where a product's units are, by its tables, in one snapshot.

        stock_total; free (in stripes); held (in live holds); pending (in unpaid orders); sold (in paid orders, and in
        those that were handed over and refunded); holds (how many were made so far, live or ended).
        """
        return self.one(
            """
            SELECT p.stock_total,
                   (SELECT CAST(SUM(available) AS SIGNED) FROM stock_stripes WHERE product_id = p.product_id) AS free,
                   (SELECT CAST(COALESCE(SUM(qty), 0) AS SIGNED) FROM holds WHERE product_id = p.product_id) AS held,
                   (SELECT CAST(COALESCE(SUM(qty), 0) AS SIGNED) FROM orders
                     WHERE product_id = p.product_id AND status = 'pending') AS pending,
                   (SELECT CAST(COALESCE(SUM(qty), 0) AS SIGNED) FROM orders
                     WHERE product_id = p.product_id AND (status = 'paid' OR fulfilled_at IS NOT NULL)) AS sold,
                   (SELECT COUNT(*) FROM holds WHERE product_id = p.product_id)
                   + (SELECT COUNT(*) FROM hold_history WHERE product_id = p.product_id) AS holds
              FROM products AS p
             WHERE p.product_id = %s
            """,
            product_id,
        )

    def close(self) -> None:
        """End the session."""
        self.connection.close()
