"""The parameters and the headers that the OpenAPI document is put together of."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from api.openapi.operation_texts import Example, OperationText
from api.routes import PATH_PARAMETERS, Query

JSON = dict[str, Any]


def path_parameter(name: str, text: OperationText) -> JSON:
    """A part of the address."""
    schema = msgspec.json.schema(PATH_PARAMETERS[name].type)
    examples = parameter_examples(name, text)
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": sentence(PATH_PARAMETERS[name].allowed),
        "schema": schema,
        "examples": examples,
    }


def query_parameter(source: Query, text: OperationText) -> JSON:
    """A parameter of the query string."""
    schema = msgspec.json.schema(source.type)
    if source.default is not None:
        schema["default"] = source.default
    return {
        "name": source.name,
        "in": "query",
        "required": False,
        "description": sentence(schema["description"]),
        "schema": schema,
        "examples": parameter_examples(source.name, text),
    }


def signature_header(name: str, description: str, text: OperationText) -> JSON:
    """A header that a payment provider signs with."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
        "examples": parameter_examples(name, text),
    }


def parameter_examples(parameter: str, text: OperationText) -> JSON:
    """What the examples of an operation send in a parameter, by their names."""
    return {
        name: example_value(example, example.parameters[parameter])
        for name, example in text.examples.items()
        if parameter in example.parameters
    }


def example_value(example: Example, value: Any) -> JSON:
    """An example with its value, as the document has it."""
    return {"summary": example.summary, "value": value}


def sentence(text: str | None) -> str:
    """The text with a capital letter and a full stop."""
    text = cleandoc(text or "")
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body again return what the first request did. Bare or as a quoted string, UTF-8; "
    "without one the request gets a key that nobody knows.",
    # Bare, or one string in double quotes with \" and \\ as its only escapes.
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": r'^(?:[^"\s](?:.*\S)?|"(?:[^"\\]|\\["\\])+")$',
    },
}
REPLAYED = {
    "Idempotent-Replayed": {
        "description": "true when this repeats the answer of an earlier request",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    }
}
TAG = {
    "ETag": {
        "description": "changes with the answer; sent as If-None-Match it spares an answer that is still the same",
        "schema": {"type": "string"},
        "example": 'W/"5257a869e7ecebed"',
    }
}
AGE = {
    "Data-Age-Ms": {
        "description": "the answer may be so many milliseconds old; without it, it is of the moment it was asked for",
        "schema": {"type": "integer", "minimum": 0},
        "example": 230,
    }
}
LOCATION = {
    "Location": {
        "description": "the address of what was made",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/api/holds/01a20314-0188-75fe-8da4-6159ad5335b1",
    }
}
