"""Products read from secondaries, where the operator wants that: as old as they say, and not older than allowed."""

import time
from contextlib import ExitStack
from pathlib import Path

from tests.support.buyer import Buyer
from tests.support.group import Group, admin, serving
from tests.support.sale import new_product
from tests.support.waiting import wait_until

MAX_AGE_MS = 1000


def test_products_come_from_secondaries_while_these_are_young_enough_and_then_from_the_primary(
    group: Group, tmp_path: Path
) -> None:
    with (
        serving(group, tmp_path, FLASHSALE_PRODUCT_READS_MAX_AGE_MS=str(MAX_AGE_MS)) as service,
        Buyer(service.url) as buyer,
        admin(group.primary) as db,
    ):
        product = new_product(db, 1000)
        bought: list[float] = []

        def read(path: str = "") -> int | None:
            """How old an answer says it is; what was bought before is in it."""
            began = time.monotonic()
            answer = buyer.get(path or f"/api/products/{product}")
            assert answer.status_code == 200
            said = answer.headers.get("data-age-ms")
            seen = [row for row in answer.json().get("products", [answer.json()]) if row["product_id"] == product]
            before = sum(each <= began - int(said or 0) / 1000 for each in bought)
            assert [row["held"] >= before for row in seen] == [True], (said, seen, before)
            return None if said is None else int(said)

        def buy() -> None:
            assert buyer.hold(product).status_code == 201
            bought.append(time.monotonic())

        wait_until(lambda: read() is not None)
        ages = []
        for _ in range(40):
            buy()
            ages += [read(), read("/api/products")]
        said = [age for age in ages if age is not None]
        assert len(said) > len(ages) / 2
        assert max(said) <= MAX_AGE_MS

        with ExitStack() as stack:
            for node in group.secondaries:  # what these receive waits, and they go on answering
                stack.enter_context(admin(node)).query("LOCK TABLES holds READ")
            buy()
            wait_until(lambda: read() is None)
            for _ in range(10):
                buy()
                assert read() is None
            assert buyer.get(f"/api/products/{product}").json()["held"] == len(bought)
        wait_until(lambda: read() is not None)
        assert buyer.get("/api/products/99999999").status_code == 404
        assert db.call("check_invariants") == []
