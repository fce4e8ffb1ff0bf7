"""The rows of payment_rules: the file of sql/rules/, loaded like an object and replaced only when it differs."""

from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import query
from sql.deploy.objects import SQL_FOLDER

_FILE = SQL_FOLDER / "rules" / "payment_rules.sql"
_ROWS = "SELECT * FROM payment_rules ORDER BY order_state, payment"


def load(connection: MySQLConnectionAbstract) -> str | None:
    """Make the table hold exactly the rows of the file, in one transaction; a line when that changed anything."""
    before = query(connection, _ROWS)
    with connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("DELETE FROM payment_rules")
        cursor.execute(_FILE.read_text(encoding="utf-8"))
        changed = query(connection, _ROWS) != before
        cursor.execute("COMMIT" if changed else "ROLLBACK")
    return "loaded the rows of payment_rules" if changed else None
