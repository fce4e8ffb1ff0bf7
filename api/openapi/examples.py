"""An example of a shape: each of its fields as the schema shows it."""

from __future__ import annotations

from typing import Any

import msgspec

JSON = dict[str, Any]
_LEAST: JSON = {"string": "", "integer": 0, "number": 0.0, "boolean": False, "object": {}}


def example_of(shape: Any) -> Any:
    """A value of a type, made of the examples in its schema; a field without one has the least value of its type."""
    schema = msgspec.json.schema(shape)
    return _value(schema, schema.get("$defs", {}))


def _value(schema: JSON, shapes: JSON) -> Any:
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return _value(shapes[schema["$ref"].rpartition("/")[2]], shapes)
    if "properties" in schema:
        return {name: _value(part, shapes) for name, part in schema["properties"].items()}
    if "enum" in schema:
        return None if None in schema["enum"] else schema["enum"][0]
    if {"type": "null"} in schema.get("anyOf", ()):
        return None
    if schema.get("type") == "array":
        return [_value(schema["items"], shapes)]
    return schema.get("minimum", _LEAST.get(schema.get("type", "")))
