"""What Schemathesis has to know about the sale: a product that is on sale, and two checks of its problems."""

import os
from typing import Any

import schemathesis

# Random numbers never hit a product. Every other well-formed request gets one that is on sale.
PRODUCT = int(os.environ["FLASHSALE_HOSTILE_PRODUCT"])
KEY = "Idempotency-Key"
RULES = frozenset({"idempotency_key_reused", "quantity_above_limit"})


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Aim at the product, and write values in the one way that a schema has no words for.

    JSON Schema takes 2.0 for an integer; the service refuses it, like 2.5. A key is sent in UTF-8, as the document
    says; HTTP libraries would send it in Latin-1.
    """
    if not is_positive(case):
        return
    if isinstance(case.body, dict):
        case.body = {name: as_integer(value) for name, value in case.body.items()}
    if isinstance(case.body, dict) and isinstance(product := case.body.get("product_id"), int) and product % 2:
        case.body["product_id"] = PRODUCT
    if isinstance(key := (case.headers or {}).get(KEY), str):
        case.headers[KEY] = key.encode().decode("latin-1")
    keep_one_provider(case)
    if isinstance(case.path_parameters, dict) and isinstance(product := case.path_parameters.get("product_id"), int):
        case.path_parameters["product_id"] = PRODUCT if product % 2 else product


def keep_one_provider(case: schemathesis.Case) -> None:
    """An event has the headers of its own provider only; OpenAPI has no words for what goes with what."""
    if not isinstance(case.body, dict) or not case.path.endswith("/webhook"):
        return
    stripes = "id" in case.body  # which no other event has
    for name in list(case.headers or {}):
        if name.lower().startswith("webhook-" if stripes else "stripe-"):
            del case.headers[name]
    if stripes:
        case.headers = {"Stripe-Signature": "t=1", **(case.headers or {})}


@schemathesis.check
def problems_are_documented(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """A refusal is a problem+json, of a kind that the document shows at this operation and status."""
    if response.status_code < 400 or response.status_code in (404, 405):  # also what no operation answers
        return None
    assert response.headers["content-type"] == ["application/problem+json"]
    slug = response.json()["type"].removeprefix("/problems/")
    shown = case.operation.definition.raw["responses"][str(response.status_code)]["content"]["application/problem+json"]
    assert slug in shown["examples"], f"{slug} is not documented at {case.operation.label}"
    return None


@schemathesis.check
def only_rules_of_the_sale_refuse(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """What fits its schema is not refused as invalid."""
    if response.status_code != 422 or not is_positive(case):
        return None
    assert response.json()["type"].removeprefix("/problems/") in RULES, response.text
    return None


def as_integer(value: Any) -> Any:
    """2.0 as 2; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_positive(case: schemathesis.Case) -> bool:
    """Whether everything in the request is meant to fit its schema."""
    return case.meta is not None and case.meta.generation.mode.is_positive
