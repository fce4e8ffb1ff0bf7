"""Answers that are no success: RFC 9457 documents, made of the rows of api/problem_kinds.py."""

from __future__ import annotations

import re
from collections.abc import Sequence

import falcon
import msgspec
from falcon.asgi import Request, Response

from api.problem_kinds import PROBLEMS, ProblemKind

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 1
"""When to come back after a 503."""
CHALLENGE = 'Webhook-Signature realm="payments"'
"""The WWW-Authenticate of a 401."""


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
_RETRY_AFTER = re.compile(r"; retry after ([0-9]+) s$")
"""How the procedure `_raise` writes a number of seconds."""
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
    retry_after = read_retry_after(kind.example) or _usual_wait(kind)
    return ProblemDocument(
        f"/problems/{kind.slug}", kind.title, kind.status, kind.example, kind.code, errors, retry_after
    )


def read_retry_after(detail: str) -> int | None:
    """The seconds after which a procedure says that its refusal ends by itself; None: it does not."""
    named = _RETRY_AFTER.search(detail)
    return int(named[1]) if named else None


def write_problem(
    resp: Response, kind: ProblemKind, detail: str, errors: Sequence[FieldError] = (), retry_after: int | None = None
) -> None:
    """Turn a response into this problem.

    With `retry_after`, and as a 503, it has Retry-After (seconds); a 401 has WWW-Authenticate.
    """
    retry_after = retry_after or _usual_wait(kind)
    resp.context.problem = kind.slug  # for the log and the metrics
    resp.status = _STATUS_LINES[kind.status]
    resp.content_type = PROBLEM_JSON
    resp.data = encode_problem(kind, detail, errors, retry_after)
    if retry_after is not None:
        resp.set_header("Retry-After", str(retry_after))
    if kind.status == 401:
        resp.set_header("WWW-Authenticate", CHALLENGE)


def _usual_wait(kind: ProblemKind) -> int | None:
    return RETRY_AFTER_SECONDS if kind.status == 503 else None


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
