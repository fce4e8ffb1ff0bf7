"""Lists over HTTP: pages, filters, and what a query may say."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import falcon
import httpx
import pytest

from tests.api.test_edge import ORDER, PRODUCT, ROWS, UUID, RecordingGateway, assert_problem, client_of, post
from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, pay

OTHER = "019378d2-8c1a-7c3e-9b57-2f60c1d1a002"


class Pages(RecordingGateway):
    """Answers a CALL with so many rows."""

    def forget(self) -> None:
        super().forget()
        self.rows = 1

    async def call(self, procedure: str, arguments: list[Any]) -> list[dict[str, Any]]:
        [row] = await super().call(procedure, arguments)
        return [dict(row) for _ in range(self.rows)]


@pytest.fixture(scope="module")
def recording() -> Pages:
    return Pages()


@pytest.fixture(scope="module")
def made(recording: Pages) -> Any:
    return client_of(recording)


@pytest.fixture
def gateway(recording: Pages) -> Pages:
    recording.forget()
    return recording


@pytest.fixture
def client(made: Any, gateway: Pages) -> Any:
    return made


# -- what is asked for


def test_a_query_reaches_the_procedure_and_a_page_asks_for_one_row_more(client: Any, gateway: Pages) -> None:
    query = f"customer_id=Zo%C3%AB%20%26+co&reference=R%2F7&status=paid&after={UUID}&limit=20"
    assert client.simulate_get("/api/orders", query_string=query).status == falcon.HTTP_200
    client.simulate_get("/api/orders")
    client.simulate_get("/api/products", query_string="limit=1&after=7&sale=sold_out")
    client.simulate_get("/api/products?")
    assert gateway.calls == [
        ("list_orders", ["Zoë & co", "R/7", "paid", UUID, 21]), ("list_orders", [None, None, None, None, 101]),
        ("list_products", ["sold_out", 7, 2]), ("list_products", [None, None, 101]),
    ]  # fmt: skip


@pytest.mark.parametrize(("rows", "following"), [(0, None), (1, None), (2, None), (3, UUID)])
def test_a_page_says_how_to_ask_for_the_next_one(client: Any, gateway: Pages, rows: int, following: str | None) -> None:
    gateway.rows = rows
    page = client.simulate_get("/api/orders", query_string="limit=2").json
    assert page["next"] == following
    assert len(page["orders"]) == min(rows, 2)
    products = client.simulate_get("/api/products", query_string="limit=2").json
    assert products["next"] == (following and str(PRODUCT["product_id"]))


def test_an_order_of_a_list_is_like_an_order(client: Any) -> None:
    [listed] = client.simulate_get("/api/orders").json["orders"]
    assert listed == client.simulate_get(f"/api/orders/{UUID}").json
    assert (listed["reference"], listed["metadata"]) == ("shop-4711", {"cart": 81})


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ("costumer_id=ada", "costumer_id", "allowed are customer_id, reference, status, after, limit"),
        ("limit=1&limit=1", "limit", "is given more than once"), ("status=lost", "status", "pending, paid"),
        ("status=", "status", "pending, paid"), ("status=Paid", "status", "pending, paid"),
        ("limit=0", "limit", "from 1 to 100"), ("limit=101", "limit", "from 1 to 100"),
        ("limit=1.5", "limit", "from 1 to 100"), ("limit=", "limit", "from 1 to 100"),
        ("limit=many", "limit", "from 1 to 100"), ("after=8", "after", "what the page before called next"),
        ("customer_id=", "customer_id", "1 to 128 characters"), ("reference=" + "x" * 65, "reference", "1 to 64"),
        ("customer_id=%FF", "query", "percent-encoded UTF-8"), ("=", "", "is not known here"),
        ("&".join(f"a{n}=1" for n in range(40)), "query", "each of customer_id"),
    ],
)  # fmt: skip
def test_a_query_that_says_anything_else_is_refused_with_what_is_allowed(
    client: Any, gateway: Pages, query: str, field: str, allowed: str
) -> None:
    problem = assert_problem(client.simulate_get("/api/orders", query_string=query), 422, "invalid_argument")
    [error] = [error for error in problem["errors"] if error["field"] == field]
    assert allowed in error["detail"]
    assert gateway.calls == []


@pytest.mark.parametrize("sale", ["upcoming", "open", "paused", "sold_out", "ended"])
def test_each_state_of_a_sale_is_a_filter_of_products(client: Any, gateway: Pages, sale: str) -> None:
    assert client.simulate_get("/api/products", query_string=f"sale={sale}").status == falcon.HTTP_200
    assert gateway.calls == [("list_products", [sale, None, 101])]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        *((f"sale={text}", "must be one of upcoming, open, paused, sold_out, ended") for text in
          ("", "over", "Open", "open%20", "%20open", "sold%20out", "sold-out", "null", "open%00", "open,ended", "1",
           "%C3%B6pen")),
        ("sale=open&sale=open", "is given more than once"), ("sale=open&sale=ended", "is given more than once"),
        ("sale", "must be one of upcoming, open, paused, sold_out, ended"),
    ],
)  # fmt: skip
def test_a_state_that_no_sale_has_is_refused_with_those_that_there_are(
    client: Any, gateway: Pages, query: str, detail: str
) -> None:
    problem = assert_problem(client.simulate_get("/api/products", query_string=query), 422, "invalid_argument")
    assert problem["errors"] == [{"field": "sale", "detail": detail}]
    assert gateway.calls == []


def test_a_list_of_products_takes_no_filter_of_orders(client: Any) -> None:
    result = client.simulate_get("/api/products", query_string="status=paid&after=x")
    errors = assert_problem(result, 422, "invalid_argument")["errors"]
    assert [error["field"] for error in errors] == ["status", "after"]


def test_a_reference_and_metadata_reach_the_procedure_as_text(client: Any, gateway: Pages) -> None:
    body = {"hold_id": UUID, "reference": "R 7", "metadata": {"cart": 81, "é": [1.5, None, {"reference": 1}]}}
    assert post(client, "/api/orders", body, Idempotency_Key="k").json["metadata"] == {"cart": 81}
    expected = '{"cart":81,"é":[1.5,null,{"reference":1}]}'
    assert gateway.calls == [("create_order", [UUID, "k", "R 7", expected])]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("reference", ""), ("reference", "x" * 65), ("reference", 7), ("metadata", []), ("metadata", "{}"),
        ("metadata", {"a": "x" * 2048}), ("metadata", 7),
    ],
)  # fmt: skip
def test_a_reference_or_metadata_that_is_not_allowed_is_named(client: Any, member: str, value: object) -> None:
    result = post(client, "/api/orders", {"hold_id": UUID, member: value})
    assert assert_problem(result, 422, "invalid_argument")["errors"][0]["field"] == member


# -- what is still the same


@pytest.mark.parametrize("path", [f"/api/orders/{UUID}", "/api/orders", "/api/products", "/api/products/1"])
def test_who_has_an_answer_is_not_sent_it_again(client: Any, gateway: Pages, path: str) -> None:
    first = client.simulate_get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')

    again = client.simulate_get(path, headers={"If-None-Match": tag})
    assert (again.status, again.content, again.headers["ETag"]) == (falcon.HTTP_304, b"", tag)
    for other in ('W/"0"', "*"):
        assert client.simulate_get(path, headers={"If-None-Match": other}).content == first.content
    gateway.changes = {"qty": 7} if "orders" in path else {"available": 1}
    changed = client.simulate_get(path, headers={"If-None-Match": tag})
    assert (changed.status, changed.headers["ETag"] != tag) == (falcon.HTTP_200, True)


def test_neither_refusals_nor_what_changes_something_have_a_tag(client: Any) -> None:
    for result in (
        client.simulate_get("/api/orders", query_string="limit=0"), client.simulate_get("/readyz"),
        post(client, "/api/orders", {"hold_id": UUID}),
    ):  # fmt: skip
        assert "ETag" not in result.headers


def test_the_rows_of_this_module_are_those_of_the_edge() -> None:
    assert ROWS["list_orders"] is ORDER


# -- with MySQL


def test_a_reference_finds_the_order_whose_answer_was_lost(http: httpx.Client, db: Database) -> None:
    reference, hold_id = new_key(), hold(db, new_product(db, 5), 1, "ada")
    search = {"reference": reference}
    assert http.get("/api/orders", params=search).json() == {"orders": [], "next": None}

    body = {"hold_id": hold_id, "reference": reference, "metadata": {"note": "é"}}
    made = http.post("/api/orders", json=body, headers={"Idempotency-Key": new_key()})

    assert made.status_code == 201
    [found] = http.get("/api/orders", params=search).json()["orders"]
    assert found | {"pay_in_ms": 0} == made.json() | {"pay_in_ms": 0}
    assert found["metadata"] == {"note": "é"}


def test_the_pages_of_a_customers_orders_lead_to_each_of_them_once(http: httpx.Client, db: Database) -> None:
    product, customer = new_product(db, 50), f"ada & {new_key()}"
    made = [order(db, product, 1, customer) for _ in range(5)]
    for order_id in made[:2]:
        pay(db, order_id)

    for status, expected in ((None, made[::-1]), ("paid", made[1::-1]), ("pending", made[:1:-1])):
        query = {"customer_id": customer, "limit": 2} | ({"status": status} if status else {})
        found = [row["order_id"] for row in followed(http, "/api/orders", query, "orders")]
        assert found == expected


def followed(http: httpx.Client, path: str, query: dict[str, Any], rows: str) -> list[dict[str, Any]]:
    """The rows of all pages."""
    page = http.get(path, params=query).json()
    found = page[rows]
    while page["next"]:
        page = http.get(path, params=query | {"after": page["next"]}).json()
        found += page[rows]
    return found


def test_the_pages_of_products_whose_sale_is_in_a_state_lead_to_each_of_them_once(
    http: httpx.Client, db: Database
) -> None:
    made = [new_product(db, 1) for _ in range(7)]
    for product in made[1::2]:
        hold(db, product)
    query = {"after": made[0] - 1, "limit": 2}

    for sale, expected in ((None, made), ("open", made[::2]), ("sold_out", made[1::2]), ("paused", [])):
        wanted = query | ({"sale": sale} if sale else {})
        listed = followed(http, "/api/products", wanted, "products")
        assert [row["product_id"] for row in listed if row["product_id"] <= made[-1]] == expected
        first = http.get("/api/products", params=wanted).json()
        assert first["products"] == listed[:2]


def test_those_who_ask_for_another_state_share_no_answer(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 1)
    query = {"after": product - 1, "limit": 1}
    with ThreadPoolExecutor(10) as pool:
        asked = [sale for _ in range(10) for sale in ("open", "sold_out")]
        answers = list(pool.map(lambda sale: http.get("/api/products", params=query | {"sale": sale}).json(), asked))

    found = {
        sale: {str(answer["products"]) for each, answer in zip(asked, answers, strict=True) if each == sale}
        for sale in asked
    }
    assert found["sold_out"] == {"[]"} and len(found["open"]) == 1 and str(product) in found["open"].pop()
