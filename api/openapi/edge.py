"""What the OpenAPI document says of the edge, the same for every operation: the API's keys and request ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.access import Guard, guard_of
from api.problem_kinds import PROBLEMS, ProblemKind

JSON = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$"
_ID_SCHEMA = {"type": "string", "pattern": _ID_PATTERN}
_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": f"Names the request in the service's log. Anything that does not fit {_ID_PATTERN} is replaced.",
    "schema": {"type": "string"},
    "examples": {"named": {"summary": "A name of the caller's", "value": "cart-82-hold"}},
}
_NAMED = {"description": "The request's name in the service's log", "schema": _ID_SCHEMA, "example": "cart-82-hold"}


def describe_edge(document: JSON, problem_answer: Callable[[int, list[ProblemKind]], JSON]) -> JSON:
    """Complete the document: the keys with their 401, and X-Request-ID in and out of every operation."""
    components = document["components"]
    components["securitySchemes"] = {
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "Where the service has keys (FLASHSALE_API_KEYS); else nothing is asked for.",
        },
    }
    for path, item in document["paths"].items():
        guard = guard_of(path)[1]
        for method in _METHODS:
            if method in item:
                _complete(item[method], guard, problem_answer)
    return document


def _complete(operation: JSON, guard: Guard, problem_answer: Callable[[int, list[ProblemKind]], JSON]) -> None:
    operation.setdefault("parameters", []).append(_REQUEST_ID)
    if guard is Guard.API_KEY:
        operation["security"] = [{"apiKey": []}, {}]
        answer = problem_answer(401, [PROBLEMS["unauthorized"]])
        answer["headers"] = {
            "WWW-Authenticate": {
                "description": "What is asked for",
                "schema": {"type": "string"},
                "example": 'Bearer realm="flashsale"',
            }
        }
        operation["responses"]["401"] = answer
    for response in operation["responses"].values():
        names = dict(response.get("headers", {}))  # some are shared by several responses
        response["headers"] = names | {"X-Request-ID": _NAMED}
