"""Every error the API can answer with, and its RFC 9457 document.

`PROBLEMS` is the registry: a slug for each kind of problem with its HTTP status, title and, for those that
procedures SIGNAL, the MySQL errno. sql/README.md holds the same table for the DBA.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import falcon
import msgspec
from falcon.asgi import Request, Response

from api.problem_texts import TEXTS

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 1
"""When to come back after a 503."""
CHALLENGE = 'Webhook-Signature realm="payments"'
"""The WWW-Authenticate of a 401."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A row of the registry. `code` is the MySQL errno, None for what only the HTTP edge raises."""

    slug: str
    status: int
    title: str
    code: int | None = None


PROBLEMS: dict[str, ProblemKind] = {
    kind.slug: kind
    for kind in (
        ProblemKind("product_not_found", 404, "There is no such product", 31001),
        ProblemKind("hold_not_found", 404, "There is no such hold", 31002),
        ProblemKind("order_not_found", 404, "There is no such order", 31003),
        ProblemKind("webhook_not_found", 404, "There is no such payment event", 31004),
        ProblemKind("payment_not_found", 404, "There is no such payment", 31005),
        ProblemKind("sold_out", 409, "Not enough units are left", 31101),
        ProblemKind("hold_already_used", 409, "The hold became an order already", 31102),
        ProblemKind("customer_limit_reached", 409, "The customer has as many units as allowed", 31103),
        ProblemKind("sale_not_started", 409, "The sale has not started", 31104),
        ProblemKind("sale_ended", 409, "The sale has ended", 31105),
        ProblemKind("order_not_cancellable", 409, "The order can't be cancelled any more", 31106),
        ProblemKind("stock_in_use", 409, "The units are held or sold", 31107),
        ProblemKind("unpaid_limit_reached", 409, "The customer has as many unpaid units as allowed", 31108),
        ProblemKind("customer_paused", 409, "The customer has to wait before the next hold", 31109),
        ProblemKind("extension_not_allowed", 409, "Holds of this product can't be extended", 31110),
        ProblemKind("refund_not_due", 409, "There is nothing to refund", 31111),
        ProblemKind("webhook_settled", 409, "The payment event would be decided as before", 31112),
        ProblemKind("order_not_fulfillable", 409, "Only a paid order is handed over", 31113),
        ProblemKind("payment_not_acceptable", 409, "The payment can't pay its order", 31114),
        ProblemKind("reference_taken", 409, "Another order has this reference", 31115),
        ProblemKind("hold_expired", 410, "The hold has expired", 31201),
        ProblemKind("hold_released", 410, "The hold was released", 31202),
        ProblemKind("invalid_argument", 422, "A value is not allowed", 31301),
        ProblemKind("quantity_above_limit", 422, "More units than one hold may have", 31302),
        ProblemKind("idempotency_key_reused", 422, "The idempotency key belongs to another request", 31303),
        ProblemKind("malformed_request", 400, "The request is not valid HTTP"),
        ProblemKind("invalid_json", 400, "The body is not valid JSON"),
        ProblemKind("signature_invalid", 401, "The signature is missing or not valid"),
        ProblemKind("unauthorized", 401, "A key is needed"),
        ProblemKind("not_found", 404, "There is nothing at this address"),
        ProblemKind("method_not_allowed", 405, "This address does not take this method"),
        ProblemKind("request_timeout", 408, "The request did not arrive in time"),
        ProblemKind("payload_too_large", 413, "The body is too large"),
        ProblemKind("uri_too_long", 414, "The address is too long"),
        ProblemKind("unsupported_media_type", 415, "The body must be JSON"),
        ProblemKind("expectation_failed", 417, "The Expect header cannot be met"),
        ProblemKind("headers_too_large", 431, "The header fields are too large or too many"),
        ProblemKind("internal_error", 500, "Something went wrong on our side"),
        ProblemKind("not_implemented", 501, "This way to send a request is not supported"),
        ProblemKind("service_unavailable", 503, "The sale cannot be reached at the moment"),
    )
}
BY_CODE: dict[int, ProblemKind] = {kind.code: kind for kind in PROBLEMS.values() if kind.code is not None}
_OF_FALCON = {
    status: PROBLEMS[slug]
    for status, slug in {
        404: "not_found",
        405: "method_not_allowed",
        413: "payload_too_large",
        415: "unsupported_media_type",
        500: "internal_error",
        503: "service_unavailable",
    }.items()
}
_RETRY_AFTER = re.compile(r"\bretry after ([0-9]{1,10}) s$")
_STATUS_LINES = {kind.status: falcon.code_to_http_status(kind.status) for kind in PROBLEMS.values()}


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field, header or path segment, and what is allowed there."""

    field: str
    detail: str


class ProblemDocument(msgspec.Struct, omit_defaults=True, rename={"kind": "type"}):
    """An RFC 9457 problem. `code` is MySQL's errno where a procedure refused; `errors` names invalid fields;
    `retry_after` is the header Retry-After, in seconds."""

    kind: str
    title: str
    status: int
    detail: str
    code: int | None = None
    errors: list[FieldError] | None = None
    retry_after: int | None = None


class ProblemError(Exception):
    """An answer that is not a success."""

    def __init__(self, slug: str, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(slug)
        self.kind = PROBLEMS[slug]
        self.detail = detail
        self.errors = errors


def invalid_fields(errors: Sequence[FieldError]) -> ProblemError:
    """invalid_argument (422) for several fields, each with what is allowed there."""
    detail = "; ".join(f"{error.field} {error.detail}" for error in errors) + "."
    return ProblemError("invalid_argument", detail, errors)


def invalid_field(field: str, detail: str) -> ProblemError:
    """invalid_argument (422) for one field; `detail` says what is allowed."""
    return ProblemError("invalid_argument", f"{field}: {detail}", [FieldError(field, detail)])


def encode_problem(
    kind: ProblemKind, detail: str, errors: Sequence[FieldError] = (), retry_after: int | None = None
) -> bytes:
    """The problem+json document as UTF-8."""
    return msgspec.json.encode(
        ProblemDocument(
            f"/problems/{kind.slug}", kind.title, kind.status, detail, kind.code, list(errors) or None, retry_after
        )
    )


def example_problem(kind: ProblemKind) -> ProblemDocument:
    """What a problem of this kind looks like."""
    errors = [FieldError("qty", "must be an integer from 1 to 2147483647")] if kind.slug == "invalid_argument" else None
    detail = TEXTS[kind.slug].detail
    return ProblemDocument(
        f"/problems/{kind.slug}", kind.title, kind.status, detail, kind.code, errors, _retry_after(kind, detail)
    )


def write_problem(resp: Response, kind: ProblemKind, detail: str, errors: Sequence[FieldError] = ()) -> None:
    """Turn a response into this problem.

    A 503, and a detail that ends in 'retry after N s', also get Retry-After (seconds); a 401 gets WWW-Authenticate.
    """
    retry_after = _retry_after(kind, detail)
    resp.context.problem = kind.slug  # for the log and the metrics
    resp.status = _STATUS_LINES[kind.status]
    resp.content_type = PROBLEM_JSON
    resp.data = encode_problem(kind, detail, errors, retry_after)
    if retry_after is not None:
        resp.set_header("Retry-After", str(retry_after))
    if kind.status == 401:
        resp.set_header("WWW-Authenticate", CHALLENGE)


def _retry_after(kind: ProblemKind, detail: str) -> int | None:
    named = _RETRY_AFTER.search(detail)
    return int(named[1]) if named else RETRY_AFTER_SECONDS if kind.status == 503 else None


def serialize_http_error(req: Request, resp: Response, error: falcon.HTTPError) -> None:
    """Falcon's own errors (404, 405, 500 …) as problem+json; their headers, such as Allow, are kept."""
    kind = _OF_FALCON.get(error.status_code, PROBLEMS["malformed_request"])
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")  # type: ignore[union-attr]
        detail = f"{req.method} is not allowed at {req.path}; allowed: {allowed}."
    elif error.status_code == 404:
        detail = f"There is nothing at {req.path}; GET /openapi.json lists every address."
    else:
        detail = error.description or kind.title + "."
    write_problem(resp, kind, detail)
