"""Reading and validating a request's JSON body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from falcon.asgi import Request

from api.limits import REFUSAL
from api.problems import FieldError, ProblemError, invalid_fields

BODY_LIMIT = 64 * 1024
"""Bytes. The largest body the API accepts."""
EVENT_LIMIT = 1024 * 1024
"""Bytes. The largest payment event: a provider says of a payment what it knows, and can't be told to say less."""
RECEIVE = "flashsale.receive"
"""In the scope of a request: where its body comes from. Falcon itself is given nothing of it (api/app.py)."""

T = TypeVar("T", bound=msgspec.Struct)


async def read_body(req: Request, limit: int = BODY_LIMIT) -> bytes:
    """The whole body, of at most `limit` bytes. Raises ProblemError for any other type or size.

    A body that is announced to be larger is refused before it arrives. One that does not arrive in full is no body:
    half a request is never served.
    """
    content_type = req.content_type
    if content_type != "application/json" and not _is_json(content_type or ""):
        raise ProblemError("unsupported_media_type", "Send the body with Content-Type: application/json, in UTF-8.")
    announced = req.content_length
    if announced is None:
        coding = req.get_header("Transfer-Encoding")
        if coding is None:
            return b""
        if coding.lower() != "chunked":
            raise ProblemError("malformed_request", "The only transfer coding that is understood is chunked.")
    elif announced > limit:
        raise _too_large(limit)
    receive = req.scope[RECEIVE]
    event = await receive()
    body: bytes = event.get("body", b"")
    if event.get("more_body"):
        parts, size = [body], len(body)
        while size <= limit and event.get("more_body"):
            event = await receive()
            parts.append(event.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if REFUSAL in req.scope:  # the server found out while the body arrived
        raise req.scope[REFUSAL]
    if len(body) > limit:
        raise _too_large(limit)
    if event["type"] != "http.request" or (announced is not None and len(body) != announced):
        raise ProblemError("request_timeout", "The body did not arrive in full.")
    return body


def make_decoder(shape: type[T]) -> Callable[[bytes], T]:
    """A function from a JSON text to the shape. It raises ProblemError: invalid_json, or invalid_argument that names
    every field that is wrong with what is allowed there. Unknown fields, and fields given twice, are wrong where the
    shape forbids unknown ones."""
    fields = {info.encode_name: info for info in msgspec.structs.fields(shape)}
    allowed = {name: _allowed(info.type) for name, info in fields.items()}
    required = sum(info.required for info in fields.values())
    closed = shape.__struct_config__.forbid_unknown_fields
    quoted = [f'"{name}"'.encode() for name in fields]
    decode = msgspec.json.Decoder(shape).decode

    def decode_body(body: bytes) -> T:
        try:
            value = decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise explain(body) from None
        if closed and body.count(b":") > required and perhaps_twice(body):
            refuse_duplicates(body)
        return value

    def perhaps_twice(body: bytes) -> bool:
        """Whether the name of a field, which may be spelt with escapes, could be there more than once."""
        for name in quoted:  # no any(): on the way of every buyer
            if body.count(name) > 1:
                return True
        return b"\\" in body

    def refuse_duplicates(body: bytes) -> None:
        names = json.loads(body, object_pairs_hook=lambda pairs: [name for name, _ in pairs])
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise invalid_fields([FieldError(name, "is given more than once") for name in twice])

    def explain(body: bytes) -> ProblemError:
        try:
            members = msgspec.json.decode(body)
        except RecursionError:
            return ProblemError("invalid_json", "The JSON is nested too deeply; send one flat object.")
        except (msgspec.DecodeError, ValueError) as error:
            return ProblemError("invalid_json", _why_not_json(body, error))
        if not isinstance(members, dict):
            return invalid_fields([FieldError("body", f"must be a JSON object with {', '.join(fields)}")])
        errors = []
        for name, info in fields.items():
            if name not in members:
                if info.required:
                    errors.append(FieldError(name, f"is missing; it {allowed[name]}"))
                continue
            try:
                msgspec.convert(members[name], info.type)
            except msgspec.ValidationError:
                errors.append(FieldError(name, allowed[name]))
        unknown = [name for name in members if name not in fields] if closed else []
        errors += [
            FieldError(name[:64], f"is not known here; allowed are {', '.join(fields)}") for name in unknown[:10]
        ]
        return invalid_fields(errors)

    return decode_body


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() != "application/json":
        return False
    for parameter in filter(None, map(str.strip, parameters.split(";"))):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            return False
    return True


def _too_large(limit: int) -> ProblemError:
    return ProblemError("payload_too_large", f"The body may have at most {limit} bytes.")


def _why_not_json(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "The body is empty; send a JSON object."
    if body.startswith(b"\xef\xbb\xbf"):
        return "The body begins with a byte order mark; send plain UTF-8."
    if isinstance(error, UnicodeDecodeError):
        return "The body is not valid UTF-8."
    if not isinstance(error, msgspec.DecodeError):
        return "A number in the body is too long."
    return f"The body is not valid JSON: {error}."


def _allowed(type_: Any) -> str:
    """What is allowed in a field: the description in its declaration."""
    schema = msgspec.json.schema(type_)
    if "anyOf" not in schema:
        return str(schema["description"])
    return f"{schema['anyOf'][0]['description']}, or null"
