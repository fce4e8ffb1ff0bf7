"""A session of the administrator: puts products on sale and looks at the tables, past the API."""

import datetime

from sql.deploy.session import Row, Session


class Database(Session):
    """One connection of an account that may read the tables and call every procedure."""

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
            now: datetime.datetime = self.value("SELECT UTC_TIMESTAMP(6)")
            starts_at = now + datetime.timedelta(seconds=starts_in)
        # That of the old API, which the benchmark measures too, has a parameter less.
        count = self.value(
            "SELECT COUNT(*) FROM information_schema.parameters"
            " WHERE specific_schema = DATABASE() AND specific_name = 'create_product'"
        )
        row = self.row(
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
        return self.row(
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
