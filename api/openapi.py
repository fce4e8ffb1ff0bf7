"""The OpenAPI 3.1 document, made of the table of routes and the declarations that validate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from api.problems import PROBLEMS, FieldError, ProblemDocument, ProblemKind
from api.routes import PATH_PARAMETERS, IdempotencyKey, Route
from api.schemas import Alive, Products

JSON = dict[str, Any]

_BODY_PROBLEMS = (
    "invalid_json",
    "malformed_request",
    "request_timeout",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_argument",
)
_DATABASE_PROBLEMS = ("internal_error", "service_unavailable")
_LISTS = {"products": Products}


def encode_document(routes: Sequence[Route]) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(make_document(routes))


def make_document(routes: Sequence[Route]) -> JSON:
    """The document: an operation for each row of the table, and the two addresses that need no procedure."""
    shapes: list[type[msgspec.Struct]] = [ProblemDocument, Alive, *_LISTS.values()]
    for route in routes:
        shapes += [route.answer, route.body] if route.body else [route.answer]
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    paths: JSON = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    paths["/healthz"] = {"get": _plain("is_alive", "Whether the process answers", _ref("Alive"))}
    paths["/openapi.json"] = {"get": _plain("get_openapi", "This document", {"type": "object"})}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flash-sale checkout",
            "version": "0.1.0",
            "description": "Hold units of a product on sale, order them, pay for them. Money is integer minor units, "
            "times are RFC 3339 in UTC, every error is an RFC 9457 problem.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(route: Route) -> JSON:
    names = re.findall(r"{(\w+)}", route.path)
    parameters = [_path_parameter(name) for name in names]
    operation: JSON = {"operationId": route.procedure, "summary": route.summary}
    keyed = any(isinstance(source, IdempotencyKey) for source in route.arguments)
    if keyed:
        parameters.append(_KEY_PARAMETER)
    if parameters:
        operation["parameters"] = parameters
    slugs = [*route.raises, *(PATH_PARAMETERS[name].not_found for name in names)]
    if route.body:
        content = {"application/json": {"schema": _ref(route.body.__name__)}}
        operation["requestBody"] = {"required": True, "content": content}
        slugs += _BODY_PROBLEMS
    slugs += _DATABASE_PROBLEMS
    operation["responses"] = _answers(route) | _problem_answers(dict.fromkeys(slugs))
    return operation


def _answers(route: Route) -> JSON:
    name = _LISTS[route.rows].__name__ if route.rows else route.answer.__name__
    content = {"application/json": {"schema": _ref(name)}}
    if route.created:
        schema = {"type": "string", "format": "uri-reference"}
        location = {"description": "the address of what was made", "schema": schema}
        return {
            "201": {"description": "Made", "headers": {"Location": location}, "content": content},
            "200": {"description": "Made before by the same request", "headers": _REPLAYED, "content": content},
        }
    answers: JSON = {"200": {"description": "Done", "content": content}}
    if route.method != "GET":
        answers["200"]["headers"] = _REPLAYED
    for outcome, status in route.statuses.items():
        answers[str(status)] = {"description": f"The outcome is {outcome}", "headers": _REPLAYED, "content": content}
    return answers


def _problem_answers(slugs: Iterable[str]) -> JSON:
    by_status: dict[int, list[ProblemKind]] = {}
    for slug in slugs:
        kind = PROBLEMS[slug]
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _problem_answer(status, kinds) for status, kinds in sorted(by_status.items())}


def _problem_answer(status: int, kinds: list[ProblemKind]) -> JSON:
    answer: JSON = {
        "description": HTTPStatus(status).phrase + ": " + ", ".join(kind.slug for kind in kinds),
        "content": {
            "application/problem+json": {
                "schema": _ref("ProblemDocument"),
                "examples": {kind.slug: {"value": _example(kind)} for kind in kinds},
            }
        },
    }
    if status == 503:
        answer["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return answer


def _example(kind: ProblemKind) -> JSON:
    errors = [FieldError("qty", "must be an integer from 1 to 2147483647")] if kind.slug == "invalid_argument" else None
    detail = f"{errors[0].field} {errors[0].detail}." if errors else kind.title + "."
    example = ProblemDocument(f"/problems/{kind.slug}", kind.title, kind.status, detail, kind.code, errors)
    return dict(msgspec.to_builtins(example))


def _path_parameter(name: str) -> JSON:
    return {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(PATH_PARAMETERS[name].type)}


def _plain(operation: str, summary: str, schema: JSON) -> JSON:
    answer = {"description": "Done", "content": {"application/json": {"schema": schema}}}
    return {"operationId": operation, "summary": summary, "responses": {"200": answer}}


def _ref(name: str) -> JSON:
    return {"$ref": f"#/components/schemas/{name}"}


_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body again return what the first request did. Bare or as a quoted string, UTF-8.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "4d1f6f0a-buy-1",
}
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "true when this repeats the answer of an earlier request",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
