"""A product that a secondary showed says how old it may be; everything else says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from falcon import testing

from api.app import Gateways, create_app
from api.gateway import ProcedureError
from api.gateway.secondaries import age_ms
from tests.api.test_edge import PRODUCT, SETTINGS

Rows = list[dict[str, Any]]


class Primary:
    """The gateway for the sale."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def call(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        """What stands in the table."""
        self.asked.append(procedure)
        return [dict(PRODUCT)]


class Secondary(Primary):
    """Reads of an age; None: the node that sells answered after all."""

    def __init__(self, age: int | None) -> None:
        super().__init__()
        self.age = age

    async def call(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        """The same, and how old it is."""
        age_ms.set(self.age)
        if arguments == [404]:
            raise ProcedureError(procedure, 31001, "45404", "product_not_found: no")
        return await super().call(procedure, arguments)


class Watching:
    """Nobody looks."""

    def call(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        """Not called."""
        raise AssertionError(procedure)


def client(aged: Secondary | None) -> tuple[testing.TestClient, Primary]:
    """The application, and its gateway for the sale."""
    sale = Primary()
    return testing.TestClient(create_app(Gateways(sale, Watching(), Watching(), aged=aged), SETTINGS)), sale


@pytest.mark.parametrize(("age", "said"), [(230, "230"), (0, "0"), (None, None)])
@pytest.mark.parametrize("path", ["/api/products", "/api/products/1"])
def test_an_answer_of_a_secondary_says_its_age_and_one_of_the_primary_none(
    path: str, age: int | None, said: str | None
) -> None:
    http, sale = client(Secondary(age))

    answer = http.simulate_get(path)
    assert (answer.status_code, answer.headers.get("data-age-ms")) == (200, said)
    unchanged = http.simulate_get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.headers.get("data-age-ms")) == (304, said)
    assert sale.asked == []


def test_a_refusal_has_no_age() -> None:
    assert "data-age-ms" not in client(Secondary(None))[0].simulate_get("/api/products/404").headers


def test_without_the_setting_the_node_that_sells_is_asked_and_nothing_is_said() -> None:
    http, sale = client(None)

    assert "data-age-ms" not in http.simulate_get("/api/products/1").headers
    assert sale.asked == ["get_product"]


def test_what_is_no_product_is_never_read_from_a_secondary() -> None:
    secondary = Secondary(5)
    http, sale = client(secondary)

    for path in ("/api/holds/01a20314-0188-75fe-8da4-6159ad5335b1", "/api/orders", "/readyz"):
        http.simulate_get(path)
    http.simulate_post("/api/holds", json={"product_id": 1, "qty": 1})

    assert secondary.asked == []
    assert sale.asked == ["get_hold", "list_orders", "health_check", "create_hold"]
