"""The OpenAPI document is valid, complete, and says what the API does."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api import schemas
from api.openapi import encode_document
from api.openapi.examples import example_of
from api.problem_kinds import BY_CODE, PROBLEMS
from api.routes import ROUTES, Body, IdempotencyKey, Path, Query, Route


@pytest.fixture(scope="module")
def document() -> Any:
    return msgspec.json.decode(encode_document(ROUTES))


def test_the_document_is_valid_openapi_31(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_row_of_the_table_is_in_it(document: Any) -> None:
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(route.method, route.path) for route in ROUTES} | {
        ("GET", "/healthz"),
        ("GET", "/openapi.json"),
    }


def test_every_path_parameter_and_every_key_is_declared(document: Any) -> None:
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        declared = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"]
        assert declared == [source.name for source in route.arguments if isinstance(source, Path)]
    keyed = [
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    ]
    assert keyed == ["/api/holds", "/api/orders"]


def test_every_problem_a_procedure_raises_is_described_with_an_example(document: Any) -> None:
    for route in ROUTES:
        responses = document["paths"][route.path][route.method.lower()]["responses"]
        for slug in route.raises:
            answer = responses[str(PROBLEMS[slug].status)]
            example = answer["content"]["application/problem+json"]["examples"][slug]["value"]
            assert (example["type"], example["code"]) == (f"/problems/{slug}", PROBLEMS[slug].code)
        assert "Retry-After" in responses["503"]["headers"]


def test_the_webhook_declares_its_providers_and_its_401(document: Any) -> None:
    operation = document["paths"]["/api/payments/webhook"]["post"]
    assert [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"] == [
        "webhook-id", "webhook-timestamp", "webhook-signature", "Stripe-Signature", "X-Request-ID",
    ]  # fmt: skip
    shapes = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert [shape["$ref"].rpartition("/")[2] for shape in shapes] == ["PaymentEvent", "StripeEvent"]
    refused = operation["responses"]["401"]
    assert "WWW-Authenticate" in refused["headers"]
    assert "signature_invalid" in refused["content"]["application/problem+json"]["examples"]
    signed = [path for path, item in document["paths"].items() if "signature_invalid" in str(item)]
    assert signed == ["/api/payments/webhook"]


def test_an_extension_needs_no_body_and_a_refusal_may_name_a_time(document: Any) -> None:
    operation = document["paths"]["/api/holds/{hold_id}/extension"]["post"]
    assert "requestBody" not in operation
    assert "415" not in operation["responses"]
    refused = document["paths"]["/api/holds"]["post"]["responses"]["409"]
    assert refused["headers"]["Retry-After"]["schema"] == {"type": "integer"}
    assert "retry_after" in document["components"]["schemas"]["ProblemDocument"]["properties"]


def test_a_body_is_closed_and_bounded(document: Any) -> None:
    hold = document["components"]["schemas"]["NewHold"]
    assert hold["additionalProperties"] is False
    assert hold["required"] == ["product_id", "qty"]
    assert (hold["properties"]["qty"]["minimum"], hold["properties"]["qty"]["maximum"]) == (1, 2**31 - 1)


def test_the_registry_has_one_code_a_slug() -> None:
    assert len(BY_CODE) == len([kind for kind in PROBLEMS.values() if kind.code])


def test_the_api_may_ask_for_a_key(document: Any) -> None:
    asked = {
        path: list(operation["security"][0])
        for path, item in document["paths"].items()
        for operation in item.values()
        if "security" in operation
    }
    open_to_all = {"/api/payments/webhook", "/healthz", "/readyz", "/openapi.json"}
    assert asked.keys() == document["paths"].keys() - open_to_all
    assert all(scheme == ["apiKey"] for scheme in asked.values())
    assert asked.keys() >= {"/api/holds", "/api/products"}
    refused = document["paths"]["/api/products"]["get"]["responses"]["401"]
    assert list(refused["content"]["application/problem+json"]["examples"]) == ["unauthorized"]


def test_every_answer_names_its_request(document: Any) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            assert "X-Request-ID" in [parameter["name"] for parameter in operation["parameters"]]
            assert all("X-Request-ID" in answer["headers"] for answer in operation["responses"].values())


PLAIN_ROUTES = (
    Route(
        "POST", "/api/holds/{hold_id}/gift", "give_hold", "Give a hold to another customer",
        answer=schemas.Hold, body=schemas.NewHold, created="/api/holds/{hold_id}",
        arguments=(Path("hold_id"), Body("customer_id"), IdempotencyKey()), raises=("hold_not_found",),
    ),
    Route(
        "GET", "/api/gifts", "list_gifts", "Orders that were given away",
        answer=schemas.Order, rows="orders", arguments=(Query("customer_id", schemas.CustomerId),),
    ),
)  # fmt: skip


@pytest.mark.parametrize("route", PLAIN_ROUTES, ids=lambda route: route.procedure)
def test_a_route_of_which_nothing_is_written_has_its_summary_and_an_example_of_its_shapes(route: Route) -> None:
    document = msgspec.json.decode(encode_document([route]))
    OpenAPIV31SpecValidator(document).validate()

    [operation] = document["paths"][route.path].values()
    assert operation["description"] == f"{route.summary}."
    assert operation["tags"] == [route.path.split("/")[2].capitalize()]
    made = operation["responses"]["201" if route.created else "200"]["content"]["application/json"]["examples"]
    example = example_of(schemas.Orders if route.rows else route.answer)
    assert [each["value"] for each in made.values()] == [example]
    for parameter in operation["parameters"]:
        assert len(parameter["examples"]) == 1, parameter["name"]
    if route.body:
        [sent] = operation["requestBody"]["content"]["application/json"]["examples"].values()
        assert sent["value"] == example_of(route.body)


SHAPES = dict.fromkeys(shape for route in ROUTES for shape in (route.answer, route.body) if shape)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_an_example_of_a_shape_is_one_of_it(shape: type[msgspec.Struct]) -> None:
    assert msgspec.convert(example_of(shape), shape)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_field_that_is_never_null_has_an_example(document: Any, shape: type[msgspec.Struct]) -> None:
    fields = document["components"]["schemas"][shape.__name__]["properties"]
    bare = [name for name, each in fields.items() if not each.keys() & {"examples", "anyOf", "enum"}]
    assert bare == []


class Bare(msgspec.Struct):
    """Fields of which nobody gave an example."""

    text: str
    number: int
    some: Annotated[int, msgspec.Meta(ge=3)]
    share: float
    whether: bool
    many: list[str]
    maybe: int | None


def test_a_shape_without_examples_has_one_all_the_same() -> None:
    made = example_of(Bare)
    assert msgspec.convert(made, Bare)
    assert made["some"] == 3
