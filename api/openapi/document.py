"""The OpenAPI 3.1 document, made of the table of routes and the declarations that validate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import msgspec

from api import VERSION
from api.openapi.edge import describe_edge
from api.openapi.examples import example_of
from api.openapi.operation_texts import OPERATION_TEXTS, TAGS, Example, Link, OperationText
from api.openapi.parts import (
    AGE,
    KEY_PARAMETER,
    LOCATION,
    REPLAYED,
    TAG,
    example_value,
    parameter_examples,
    path_parameter,
    query_parameter,
    sentence,
    signature_header,
)
from api.problem_kinds import PROBLEMS, ProblemKind
from api.problems import CHALLENGE, ProblemDocument, example_problem
from api.providers import PROVIDERS
from api.routes import PATH_PARAMETERS, IdempotencyKey, Query, Route
from api.schemas import CONDITIONS, Alive, Orders, Products

JSON = dict[str, Any]

BODY_PROBLEMS = (
    "invalid_json",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_argument",
)
CONNECTION_PROBLEMS = ("malformed_request", "request_timeout", "uri_too_long", "headers_too_large")
"""What is refused before a request reaches its operation."""
DATABASE_PROBLEMS = ("internal_error", "service_unavailable")
_PROBLEM_HEADERS: dict[int, tuple[str, str, JSON, str | int]] = {
    401: ("WWW-Authenticate", "what is asked for", {"type": "string", "enum": [CHALLENGE]}, CHALLENGE),
    409: ("Retry-After", "seconds, where the refusal ends by itself at a known time", {"type": "integer"}, 3600),
    503: ("Retry-After", "seconds", {"type": "integer"}, 1),
}
_LISTS: dict[str, type[msgspec.Struct]] = {"products": Products, "orders": Orders}


def encode_document(routes: Sequence[Route]) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(make_document(routes))


def make_document(routes: Sequence[Route]) -> JSON:
    """The document: an operation for each row of the table, and the two addresses that need no procedure."""
    shapes: list[type[msgspec.Struct]] = [ProblemDocument, Alive, *_LISTS.values()]
    for route in routes:
        shapes += [route.answer, *_bodies(route)]
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    for name, schema in schemas.items():
        schema |= CONDITIONS.get(name, {})
        schema["description"] = cleandoc(schema["description"])
    paths: JSON = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    paths["/healthz"] = _plain("/healthz", "is_alive", "Whether the process answers", _ref("Alive"))
    paths["/openapi.json"] = _plain("/openapi.json", "get_openapi", "This document", _DOCUMENT)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Flash-sale checkout",
            "version": VERSION,
            "description": "Hold units of a product on sale, order them, pay for them. Money is integer minor units, "
            "times are RFC 3339 in UTC, every error is an RFC 9457 problem; [/problems](/problems) lists them all.",
        },
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    return describe_edge(document, _problem_answer)


def _operation(route: Route) -> JSON:
    text = _text_of(route)
    names = re.findall(r"{(\w+)}", route.path)
    parameters = [path_parameter(name, text) for name in names]
    parameters += [query_parameter(source, text) for source in route.arguments if isinstance(source, Query)]
    operation = _head(route.procedure, route.path, route.summary, text)
    keyed = any(isinstance(source, IdempotencyKey) for source in route.arguments)
    if keyed:
        parameters.append(KEY_PARAMETER | {"examples": parameter_examples("Idempotency-Key", text)})
    if route.signed:
        headers = [header for provider in PROVIDERS for header in provider.headers.items()]
        parameters += [signature_header(name, description, text) for name, description in headers]
    if parameters:
        operation["parameters"] = parameters
    slugs = [*route.raises, *(PATH_PARAMETERS[name].not_found for name in names)]
    if route.body:
        bodies = {name: example_value(example, example.body) for name, example in text.examples.items() if example.body}
        schemas = [_ref(body.__name__) for body in _bodies(route)]
        schema = {"anyOf": schemas} if len(schemas) > 1 else schemas[0]
        content = {"application/json": {"schema": schema, "examples": bodies}}
        operation["requestBody"] = {"required": True, "description": sentence(route.body.__doc__), "content": content}
        slugs += BODY_PROBLEMS
        slugs += ["signature_invalid"] if route.signed else []
    slugs += CONNECTION_PROBLEMS + DATABASE_PROBLEMS
    operation["responses"] = _answers(route, text) | _problem_answers(dict.fromkeys(slugs))
    return operation


def _answers(route: Route, text: OperationText) -> JSON:
    name = _LISTS[route.rows].__name__ if route.rows else route.answer.__name__
    links = {name: _link(link) for name, link in text.links.items()}

    def answer(status: int, description: str, headers: JSON) -> JSON:
        document: JSON = {"description": description, "content": _content(_ref(name), text, status)}
        return document | ({"headers": headers} if headers else {}) | ({"links": links} if links else {})

    if route.created:
        return {
            "201": answer(201, "Made; Location is its address.", LOCATION),
            "200": answer(200, "Made before, by the same request with the same key.", REPLAYED),
        }
    if route.method == "GET":
        if route.probe:
            return {"200": answer(200, "Done.", {})}
        headers = TAG | (AGE if route.aged else {})
        return {
            "200": answer(200, "Done.", headers),
            "304": {"description": _UNCHANGED, "headers": headers, "content": {}},
        }
    answers = {"200": answer(200, "Done.", REPLAYED)}
    for outcome, status in route.statuses.items():
        answers[str(status)] = answer(status, f"Done, and the outcome is `{outcome}`.", REPLAYED)
    return answers


def _text_of(route: Route) -> OperationText:
    """What is written about an operation; else its summary, and an example made of its shapes."""
    if route.procedure in OPERATION_TEXTS:
        return OPERATION_TEXTS[route.procedure]
    parameters: JSON = {name: example_of(PATH_PARAMETERS[name].type) for name in re.findall(r"{(\w+)}", route.path)}
    for source in route.arguments:
        if isinstance(source, Query):
            parameters[source.name] = example_of(source.type)
        elif isinstance(source, IdempotencyKey):
            parameters["Idempotency-Key"] = f"cart-7f3a-{route.procedure}"
    body = example_of(route.body) if route.body else None
    answer = example_of(_LISTS[route.rows] if route.rows else route.answer)
    status = 201 if route.created else 200
    return OperationText(sentence(route.summary), {"example": Example(route.summary, status, answer, parameters, body)})


def _head(operation_id: str, path: str, summary: str, text: OperationText) -> JSON:
    tag = path.split("/")[2].capitalize() if path.startswith("/api/") else "Monitoring"
    return {"operationId": operation_id, "summary": summary, "description": text.description, "tags": [tag]}


def _content(schema: JSON, text: OperationText, status: int) -> JSON:
    """An answer in JSON with the examples of this status."""
    examples = {
        name: example_value(example, example.answer)
        for name, example in text.examples.items()
        if example.status == status
    }
    return {"application/json": {"schema": schema, "examples": examples}}


def _link(link: Link) -> JSON:
    document: JSON = {"operationId": link.operation, "description": link.description}
    if link.parameters:
        document["parameters"] = dict(link.parameters)
    if link.body:
        document["requestBody"] = dict(link.body)
    return document


def _problem_answers(slugs: Iterable[str]) -> JSON:
    by_status: dict[int, list[ProblemKind]] = {}
    for slug in slugs:
        kind = PROBLEMS[slug]
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _problem_answer(status, kinds) for status, kinds in sorted(by_status.items())}


def _problem_answer(status: int, kinds: list[ProblemKind]) -> JSON:
    lines = [f"- [{kind.slug}](/problems/{kind.slug}): {kind.meaning}" for kind in kinds]
    examples = {kind.slug: {"summary": kind.title, "value": _example_of(kind)} for kind in kinds}
    answer: JSON = {
        "description": HTTPStatus(status).phrase + "\n\n" + "\n".join(lines),
        "content": {"application/problem+json": {"schema": _ref("ProblemDocument"), "examples": examples}},
    }
    if status in _PROBLEM_HEADERS:
        name, description, schema, example = _PROBLEM_HEADERS[status]
        answer["headers"] = {name: {"description": description, "schema": schema, "example": example}}
    return answer


def _bodies(route: Route) -> list[type[msgspec.Struct]]:
    if route.signed:
        return [provider.event for provider in PROVIDERS]
    return [route.body] if route.body else []


def _example_of(kind: ProblemKind) -> JSON:
    return dict(msgspec.to_builtins(example_problem(kind)))


def _plain(path: str, operation: str, summary: str, schema: JSON) -> JSON:
    text = OPERATION_TEXTS[operation]
    answer = {"description": "Done.", "content": _content(schema, text, 200)}
    head = _head(operation, path, summary, text)
    return {"get": head | {"responses": {"200": answer} | _problem_answers(CONNECTION_PROBLEMS)}}


def _ref(name: str) -> JSON:
    return {"$ref": f"#/components/schemas/{name}"}


_UNCHANGED = "It is still the answer whose ETag came as If-None-Match; nothing is sent again."
_DOCUMENT = {
    "type": "object",
    "description": "An OpenAPI 3.1 document",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": {"type": "string"}, "info": {"type": "object"}, "paths": {"type": "object"}},
}
