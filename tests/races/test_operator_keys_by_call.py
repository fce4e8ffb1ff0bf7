"""Operators who repeat at once under the same key."""

from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.good_calls import KEYED, GoodCalls
from tests.support.sale import at_once, tally

Crowd = Callable[[int], list[Database]]


@pytest.mark.parametrize("procedure", KEYED)
def test_of_several_at_once_one_does_it(db: Database, crowd: Crowd, procedure: str) -> None:
    shop = GoodCalls(db, procedure)
    if procedure == "resume_sale":
        db.one("pause_sale", shop.product, "the shop is down")
    given = shop.good(procedure).values()
    products = db.value("SELECT COUNT(*) FROM products")

    answers = at_once(lambda session: session.one(procedure, *given), crowd(4))

    assert tally(answers) == {"done": 1, "replayed": 3}
    assert db.value("SELECT COUNT(*) FROM products") - products == (procedure == "create_product")
    assert len({row.get("product_id") for row in answers if isinstance(row, dict)}) == 1
