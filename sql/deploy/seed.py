"""A first product, so that a newcomer has something to sell."""

from contextlib import closing

from sql.deploy.urls import connect, parse


def seed(admin_url: str) -> int:
    """Put one limited product on sale unless there is a product already; return the first product's id."""
    with closing(connect(parse(admin_url))) as connection, connection.cursor(buffered=True) as cursor:
        cursor.execute("CALL list_products()")
        products = cursor.fetchall()
        cursor.nextset()
        if not products:
            cursor.execute(
                "CALL create_product('Limited sneaker', 12900, 'EUR', 100, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
            )
            products = cursor.fetchall()
            cursor.nextset()
        return int(products[0][0])
