"""What the head of a request may be, and how one that can't be served is refused."""

from __future__ import annotations

import re
import sys
from typing import Any

from api.problem_kinds import PROBLEMS
from api.problems import ProblemError

REQUEST_LINE_BYTES = 4094
FIELDS = 64
FIELD_BYTES = 8190
ARRIVAL_SECONDS = 5
"""How long a request may take to arrive: from its first byte, or from the answer to the one before it."""
LINGER_SECONDS = 2
"""How long a refused client may go on sending, and then read why."""
UNREAD = b"SOURCE / HTTP/1.1\r\nConnection: close\r\n\r\n"
"""What the parser gets in place of a request that it can't read. SOURCE is a method that nothing here answers to."""
HEAD_BYTES = 64 * 1024
"""The longest head that the server waits for."""
REFUSAL = "flashsale.refusal"
"""In the scope of a request that can't be served: why, a ProblemError. The application answers with that."""


_UNKNOWN_METHOD = re.compile(
    rb"(?:^|[\n}])(?!(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) )([A-Z]+) (/[^\s?]*)\S* HTTP/1\.[01]\r\n"
)
"""A request line, perhaps behind the body of the request before it."""


def refusal(slug: str, detail: str = "") -> dict[str, Any]:
    """What the scope of a request is given that can't be served; without a detail in the words of the documentation."""
    return {REFUSAL: ProblemError(slug, detail or PROBLEMS[slug].example)}


def unreadable(data: bytes) -> dict[str, Any]:
    """What the scope is given of a request that the parser gave up in this data.

    It knows a list of methods. Any other is refused as they are at that address: in the application's own way.
    """
    unknown = _UNKNOWN_METHOD.search(data)
    if unknown:
        return {"method": unknown[1].decode(), "path": unknown[2].decode("latin-1")}
    return refusal("malformed_request", f"The request is not valid HTTP: {sys.exception()}.")


def judge(scope: dict[str, Any]) -> None:
    """Put into the scope why its request can't be served, unless it can, or the server has said so."""
    found = None if REFUSAL in scope else _unacceptable(scope)
    if found:
        scope |= found
        scope["http_version"] = "1.1"  # what Falcon does not know it would not answer


def _unacceptable(scope: dict[str, Any]) -> dict[str, Any] | None:
    # The line is "METHOD address HTTP/1.1", and what follows a "?" is counted without it.
    if len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"]) + 10 > REQUEST_LINE_BYTES:
        return refusal("uri_too_long")
    if scope["http_version"] not in ("1.1", "1.0"):
        return refusal("malformed_request", "The HTTP version must be 1.0 or 1.1.")
    headers = scope["headers"]
    if type(headers) is not list:  # the server gives a list of pairs; ASGI promises iterables, no more
        scope["headers"] = headers = list(map(tuple, headers))
    if len(headers) > FIELDS:
        return refusal("headers_too_large")
    for name, value in headers:
        if len(name) + len(value) > FIELD_BYTES:
            return refusal("headers_too_large")
        if name == b"expect" and value.lower() != b"100-continue":
            return refusal("expectation_failed")
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            return refusal("not_implemented")
    return None
