"""What the worker answers itself: requests that never reach the application."""

from __future__ import annotations

from http import HTTPStatus

from gunicorn.http import errors

from api.access import SECURITY_HEADERS
from api.problems import PROBLEM_JSON, PROBLEMS, RETRY_AFTER_SECONDS, ProblemKind, encode_problem
from api.server.connection import READ_SECONDS, RequestTimeout

_REFUSALS: tuple[tuple[type[Exception], str, str], ...] = (
    (errors.LimitRequestLine, "uri_too_long", "The request line is too long."),
    (errors.LimitRequestHeaders, "headers_too_large", "There are too many header fields, or one is too long."),
    (errors.ExpectationFailed, "expectation_failed", "The only Expect that can be met is 100-continue."),
    (errors.UnsupportedTransferCoding, "not_implemented", "The only transfer coding that is understood is chunked."),
    (RequestTimeout, "request_timeout", f"Nothing more of the request came for {READ_SECONDS} seconds."),
    (errors.InvalidRequestMethod, "malformed_request", "The method in the request line is not valid."),
    (errors.InvalidHTTPVersion, "malformed_request", "The HTTP version must be 1.0 or 1.1."),
    (errors.InvalidRequestLine, "malformed_request", "The request line must be METHOD /path HTTP/1.1."),
    (errors.InvalidHeaderName, "malformed_request", "The name of a header field is not valid."),
    (errors.ObsoleteFolding, "malformed_request", "A header field must not go on in a second line."),
    (errors.InvalidHeader, "malformed_request", "A header field is not valid, or is given twice."),
    (errors.InvalidChunkSize, "malformed_request", "The size of a chunk of the body is not valid."),
    (errors.ParseException, "malformed_request", "The request is not valid HTTP."),
)
_PROTECTION = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS)


def why_refused(error: Exception) -> tuple[ProblemKind, str]:
    """The kind of problem that a request was, by what gunicorn or we raised, and its detail."""
    for refused, slug, detail in _REFUSALS:
        if isinstance(error, refused):
            return PROBLEMS[slug], detail
    return PROBLEMS["internal_error"], "The request could not be served; it has been logged."


def encode_refusal(kind: ProblemKind, detail: str, request_id: str) -> bytes:
    """A whole answer, after which the connection is closed."""
    body = encode_problem(kind, detail)
    retry = f"Retry-After: {RETRY_AFTER_SECONDS}\r\n" if kind.status == 503 else ""
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\nContent-Type: {PROBLEM_JSON}\r\n{retry}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nX-Request-ID: {request_id}\r\n{_PROTECTION}\r\n"
    )
    return head.encode() + body
