"""The one translator: makes the responder of any row of the table of routes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from secrets import token_hex
from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response
from msgspec import inspect

from api import values
from api.access import CALLER
from api.bodies import BODY_LIMIT, EVENT_LIMIT, make_decoder, read_body
from api.gateway import Calls, ProcedureError, Row, UnavailableError
from api.problem_kinds import BY_CODE, PROBLEMS
from api.problems import FieldError, ProblemError, invalid_field, read_retry_after, write_problem
from api.providers import GetHeader, Receiver
from api.providers.provider import SignatureError
from api.queries import make_query_reader
from api.routes import PATH_PARAMETERS, Argument, Body, IdempotencyKey, PageSize, Path, Query, RawBody, Route, Source
from api.watch.trace import current

log = logging.getLogger("flashsale.api")

Responder = Callable[..., Awaitable[None]]
Encode = Callable[[list[Row], Sequence[Argument]], bytes]
Reader = Callable[[Request, dict[str, str], Any, bytes], Argument]

_KEY_HEADER = "Idempotency-Key"
_INTERNAL_ERROR = "The request could not be served; it has been logged. Try again later."


def make_responder(route: Route, gateway: Calls, receive: Receiver) -> Responder:
    """The Falcon responder of a row: reads the arguments, makes one CALL, writes the answer or the problem.

    `receive` opens the bodies of routes that are signed.
    """
    call = gateway.call
    procedure = route.procedure
    readers = tuple(_reader(source) for source in route.arguments)
    open_body = _opener(route, receive)
    queries = [source for source in route.arguments if isinstance(source, Query)]
    read_query = make_query_reader(queries) if queries else _ignore_query
    encode = _encoder(route)
    tagged = route.method == "GET" and not route.probe
    keyed = any(isinstance(source, IdempotencyKey) for source in route.arguments)
    statuses = {outcome: falcon.code_to_http_status(status) for outcome, status in route.statuses.items()}
    location = route.created
    limit = EVENT_LIMIT if route.signed else BODY_LIMIT

    async def respond(req: Request, resp: Response, **path: str) -> None:
        try:
            raw = await read_body(req, limit) if open_body else b""
            body = open_body(req.get_header, raw) if open_body else read_query(req.query_string)
            arguments = [reader(req, path, body, raw) for reader in readers]
            rows = await call(procedure, arguments)
            data = encode(rows, arguments)
        except ProblemError as problem:
            write_problem(resp, problem.kind, problem.detail, problem.errors)
            return
        except SignatureError as refusal:
            await _count_refusal(call, route, refusal.reason)
            write_problem(resp, PROBLEMS["signature_invalid"], refusal.detail)
            return
        except ProcedureError as error:
            _write_refusal(resp, error, route)
            return
        except UnavailableError as error:
            write_problem(resp, PROBLEMS["service_unavailable"], error.detail)
            _note_errno(error.errno)
            return
        if tagged:
            tag = _tag(data)
            resp.set_header("ETag", tag)
            if req.get_header("If-None-Match") == tag:
                resp.status = falcon.HTTP_304
                return
        resp.data = data
        resp.content_type = falcon.MEDIA_JSON
        row = rows[0] if rows else {}
        if row.get("replayed") and not (keyed and req.get_header(_KEY_HEADER) is None):
            resp.set_header("Idempotent-Replayed", "true")
        elif location:
            resp.status = falcon.HTTP_201
            resp.set_header("Location", location.format_map(row))
        if statuses:
            resp.status = statuses.get(row["outcome"], falcon.HTTP_200)

    return respond


def _opener(route: Route, receive: Receiver) -> Callable[[GetHeader, bytes], Any] | None:
    """What makes of a body the object that arguments are taken from."""
    if route.body is None:
        return None
    if route.signed:
        return receive
    decode = make_decoder(route.body)
    return lambda get_header, raw: decode(raw)


def _ignore_query(query: str) -> None:
    """Addresses without parameters never minded one."""


async def _count_refusal(
    call: Callable[[str, list[Argument]], Awaitable[list[Row]]], route: Route, reason: str
) -> None:
    """Let MySQL count it. Whether that works makes no difference to who was refused."""
    assert route.signed
    try:
        await call(route.signed, [reason])
    except ProcedureError as error:
        log.error("A refused webhook (%s) was not counted: %s", reason, error.log_line())
    except UnavailableError as error:
        log.error("A refused webhook (%s) was not counted: %s", reason, error.detail)


def _reader(source: Source) -> Reader:
    """How an argument is found in a request."""
    match source:
        case Path(name):
            return _path_reader(name)
        case PageSize(name):
            return lambda req, path, body, raw: body[name] + 1
        case Query(name):
            return lambda req, path, body, raw: body[name]
        case Body(name, convert):
            return _body_reader(name, convert)
        case IdempotencyKey():
            return _read_idempotency_key
        case RawBody():
            return _read_raw_body


def _path_reader(name: str) -> Reader:
    parameter = PATH_PARAMETERS[name]

    def read(req: Request, path: dict[str, str], body: Any, raw: bytes) -> Argument:
        try:
            return parameter.convert(path[name])
        except ValueError:
            error = FieldError(name, parameter.allowed)
            raise ProblemError(parameter.not_found, f"{name} {parameter.allowed}.", [error]) from None

    return read


def _body_reader(name: str, convert: Callable[[Any], Argument] | None) -> Reader:
    get = attrgetter(name)
    if convert is None:
        return lambda req, path, body, raw: get(body)

    def read(req: Request, path: dict[str, str], body: Any, raw: bytes) -> Argument:
        value = get(body)
        if value is None:
            return None
        try:
            return convert(value)
        except ValueError as error:
            raise invalid_field(name, str(error)) from None

    return read


def _read_idempotency_key(req: Request, path: dict[str, str], body: Any, raw: bytes) -> Argument:
    header = req.get_header(_KEY_HEADER)
    if header is None:
        return token_hex(16)
    try:
        key = values.idempotency_key(header)
    except ValueError as error:
        raise invalid_field(_KEY_HEADER, str(error)) from None
    caller = req.scope.get(CALLER)
    return f"{caller}:{key}" if caller else key


def _read_raw_body(req: Request, path: dict[str, str], body: Any, raw: bytes) -> Argument:
    try:
        return raw.decode()
    except UnicodeDecodeError:  # in a member that nobody looked at
        raise ProblemError("invalid_json", "The body is not valid UTF-8.") from None


@lru_cache(16)  # who read the same at the same time share an answer
def _tag(data: bytes) -> str:
    """A weak entity tag: who has an answer of these bytes need not get it again."""
    return f'W/"{blake2b(data, digest_size=8).hexdigest()}"'


def _encoder(route: Route) -> Encode:
    """Rows to JSON: the declared members, taken from the columns of the same names."""
    columns = [(field.name, *_column_type(field.type)) for field in inspect.type_info(route.answer).fields]  # type: ignore[attr-defined]
    encode = msgspec.json.encode
    member = route.rows

    def shape(row: Row) -> dict[str, Any]:
        return {
            name: value if (value := row[name]) is None or type(value) is ready else convert(value)
            for name, ready, convert in columns
        }

    def encode_row(rows: list[Row], arguments: Sequence[Argument]) -> bytes:
        row = shape(rows[0])
        if route.probe and row["status"] not in route.probe:
            raise UnavailableError(f"The database reports {row['status']}: {row['detail']}.")
        return encode(row)

    def encode_page(rows: list[Row], arguments: Sequence[Argument]) -> bytes:
        size = arguments[-1]
        assert isinstance(size, int) and route.cursor
        page = rows[: size - 1]
        following = str(page[-1][route.cursor]) if len(rows) == size else None
        return encode({member: [shape(row) for row in page], "next": following})

    make = encode_page if member else encode_row
    return _once_for_all_who_share(make) if route.method == "GET" else make


def _once_for_all_who_share(encode: Encode) -> Encode:
    """The gateway gives one list to all who read the same at the same time: it is encoded for the first of them."""
    last: list[Row] = []
    encoded = b""

    def encode_once(rows: list[Row], arguments: Sequence[Argument]) -> bytes:
        nonlocal last, encoded
        if rows is not last:
            encoded = encode(rows, arguments)
            last = rows
        return encoded

    return encode_once


def _note_errno(errno: int) -> None:
    """What MySQL said belongs into the line of a request that it could not serve."""
    trace = current.get()
    if trace and errno:
        trace.errno = errno


def _column_type(declared: inspect.Type) -> tuple[type | None, Callable[[Any], Any]]:
    """The type of values that are JSON as they are, if any, and what makes one of all others."""
    match declared:
        case inspect.Metadata(type=inner):
            return _column_type(inner)
        case inspect.UnionType(types=(inner, inspect.NoneType())):
            return _column_type(inner)
        case inspect.IntType():
            return int, int
        case inspect.FloatType():
            return float, float
        case inspect.DateTimeType():
            return None, values.rfc3339
        case inspect.DictType():
            return None, lambda text: msgspec.Raw(text.encode() if isinstance(text, str) else bytes(text))
        case _:
            return str, _text


def _text(value: Any) -> str:
    return bytes(value).decode()


def _write_refusal(resp: Response, error: ProcedureError, route: Route) -> None:
    """A registered SIGNAL as its problem; anything else MySQL said is a fault of ours: logged, and a bare 500."""
    kind = BY_CODE.get(error.errno)
    if kind is not None and error.sqlstate == f"45{kind.status}":
        detail = error.message.removeprefix(kind.slug + ": ")
        write_problem(resp, kind, detail, retry_after=read_retry_after(detail))
        return
    log.error("%s", error.log_line())
    _note_errno(error.errno)
    if route.probe:
        write_problem(resp, PROBLEMS["service_unavailable"], "The database can't be asked for its state.")
    else:
        write_problem(resp, PROBLEMS["internal_error"], _INTERNAL_ERROR)
