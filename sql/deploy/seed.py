"""A first product, so that a newcomer has something to sell."""

from contextlib import closing

from sql.deploy.connections import connect, query
from sql.deploy.primary import find_primary
from sql.server.urls import parse

FIRST_PRODUCT = (
    "CALL create_product('Limited sneaker', 12900, 'EUR', 100, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
)


def seed(admin_url: str) -> int:
    """Put one limited product on sale unless there is a product already; return the first product's id."""
    with closing(connect(find_primary(parse(admin_url)))) as connection:
        products = query(connection, "CALL list_products(NULL, NULL, 1)") or query(connection, FIRST_PRODUCT)
    return int(products[0][0])
