"""Puts the application together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import falcon
import falcon.asgi
from falcon.asgi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.access import Access
from api.aged import say_age
from api.bodies import RECEIVE
from api.gateway import BlockingCalls, Calls, Gateway, Primary, SecondaryReads, make_gateway, where_it_failed
from api.limits import REFUSAL, judge
from api.openapi import encode_document
from api.pages.demo import demo_responders
from api.pages.home import home_responders
from api.pages.problem_pages import problem_responders
from api.pages.static_files import static_responders
from api.problem_kinds import PROBLEMS
from api.problems import serialize_http_error, write_problem
from api.providers import Receiver, make_receiver
from api.routes import ROUTES, Route
from api.settings import Settings, read_settings
from api.translator import Responder, make_responder
from api.watch.board import Board, board_responder
from api.watch.figures import COUNTED_READ_SECONDS, Figures
from api.watch.logs import choose_format, make_request_log
from api.watch.meters import Meters
from api.watch.rates import history_responder
from api.watch.sale_numbers import SaleNumbers
from api.watch.start_up import say_what_nobody_reads, say_where_and_what_is_open
from api.watch.telemetry import UNREADABLE, Telemetry

if TYPE_CHECKING:
    from api.notify import Delivery

log = logging.getLogger("flashsale.api")


WATCHERS = 8
"""Threads of a worker for /metrics and /board, so that no buyer waits for a person who looks."""


class Application(falcon.asgi.App[Request, Response]):
    """The ASGI application. gunicorn's hooks note in its telemetry which workers serve."""

    telemetry: Telemetry

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # type: ignore[override]
        """Serve a request. Falcon would begin by waiting for the body, which nobody may need: it is kept from it."""
        if scope["type"] == "http":
            scope[RECEIVE], receive = receive, _nothing_yet
            judge(scope)
            if not scope["query_string"].isascii():  # which Falcon takes for UTF-8
                scope["query_string"] = scope["query_string"].decode(errors="replace").encode()
        await super().__call__(scope, receive, send)
        scope.pop(RECEIVE, None)  # It has the scope: a circle that would wait for the collector.


class Middleware:
    """What happens to every request before its responder, and to every answer after it."""

    def __init__(self, telemetry: Telemetry, access: Access, delivery: Delivery | None = None) -> None:
        self._telemetry = telemetry
        self._access = access
        self._delivery = delivery

    async def process_startup(self, scope: Any, event: Any) -> None:
        """A worker begins to serve."""
        if self._delivery:
            self._delivery.start()

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """All requests are answered, and the worker ends."""
        if self._delivery:
            await self._delivery.stop()

    async def process_request(self, req: Request, resp: Response) -> None:
        """A request arrived."""
        self._telemetry.begin(req)
        refusal = req.scope.get(REFUSAL)
        if refusal:
            resp.context.route = UNREADABLE
            resp.set_header("Connection", "close")
            write_problem(resp, refusal.kind, refusal.detail)
            resp.complete = True
        else:
            self._access.admit(req, resp)

    async def process_response(self, req: Request, resp: Response, resource: object, ok: bool) -> None:
        """Its answer is ready."""
        self._access.protect(req, resp)
        self._telemetry.end(req, resp)


class Gateways(NamedTuple):
    """The ways to MySQL: for buyers, and the two for /metrics and /board, which wait on threads of their own."""

    sale: Calls
    live: BlockingCalls
    counted: BlockingCalls
    """For CALLs that walk over the history, and that nobody waits for."""
    notify: BlockingCalls | None = None
    """For what the shop is told, on a thread of its own."""
    aged: Calls | None = None
    """For reads that may be a little old, where somebody wants them from secondaries."""
    buyers: Callable[[], int] = lambda: 0
    """How many requests wait for `sale` at this moment: what nobody waits for makes room for them."""


def create_app(gateways: Gateways, settings: Settings, telemetry: Telemetry | None = None) -> Application:
    """The ASGI application over its gateways."""
    telemetry = telemetry or make_telemetry(settings)
    middleware = Middleware(telemetry, Access(settings), _delivery(settings, gateways))
    app = Application(media_type=falcon.MEDIA_JSON, middleware=[middleware])
    app.telemetry = telemetry
    app.set_error_serializer(serialize_http_error)
    app.add_error_handler(Exception, _handle_fault)
    receive = make_receiver(settings.secrets, settings.production)
    watchers = ThreadPoolExecutor(WATCHERS, "watchers")  # its threads begin after the fork
    responders: dict[str, dict[str, Responder]] = {}
    for route in ROUTES:
        responders.setdefault(route.path, {})[route.method] = _responder(route, gateways, receive)
    responders["/healthz"] = {"GET": _fixed(b'{"status":"alive"}')}
    responders["/openapi.json"] = {"GET": _fixed(encode_document(ROUTES))}
    # Without a token only where everybody may mark an order as paid anyway.
    lists = settings.metrics_token is not None or settings.demo
    figures = Figures(gateways.live, gateways.counted)
    board = Board(figures, telemetry.meters, lists)
    responders["/board/data"] = {"GET": board_responder(board, watchers)}
    responders["/board/history"] = {"GET": history_responder()}
    if settings.demo:
        responders |= demo_responders(settings.secrets)
    responders |= static_responders() | problem_responders() | home_responders(settings.demo)
    responders["/metrics"] = {"GET": _exposition(telemetry, SaleNumbers(figures), watchers)}
    for path, methods in responders.items():
        app.add_route(path, _resource(methods))
    app.add_error_handler(falcon.HTTPBadRequest, _handler_of_unknown_methods(responders))
    say_where_and_what_is_open(settings)
    return app


def get_app() -> Application:
    """The application as the environment configures it. Raises Failure or RuntimeError."""
    settings = read_settings()
    say_what_nobody_reads()
    telemetry = make_telemetry(settings)
    url, primary = settings.database, Primary(settings.database)
    sale = make_gateway(url, telemetry, settings.connections, primary)
    live, told = (Gateway(url, telemetry, primary=primary) for _ in range(2))
    counted = Gateway(url, telemetry, COUNTED_READ_SECONDS, primary=primary)
    max_age = settings.product_reads_max_age_ms
    aged = SecondaryReads(sale, url, primary, max_age, telemetry, settings.connections) if max_age else None
    return create_app(Gateways(sale, live, counted, told, aged, lambda: sale.waiting), settings, telemetry)


def make_telemetry(settings: Settings) -> Telemetry:
    """Meters and the log of requests, for the application and the gateway below it."""
    log_requests = make_request_log(choose_format(settings.log_format))
    return Telemetry(Meters(), log_requests, settings.slow_call_seconds)


def _responder(route: Route, gateways: Gateways, receive: Receiver) -> Responder:
    """A row's responder, over the gateway that fits it."""
    if route.aged and gateways.aged:
        return say_age(make_responder(route, gateways.aged, receive))
    return make_responder(route, gateways.sale, receive)


def _delivery(settings: Settings, gateways: Gateways) -> Delivery | None:
    """What tells the shop, if it is to be told."""
    if settings.notify_urls is None or gateways.notify is None:
        return None
    # Imported here: its HTTP client takes 6 MB of each worker, which is for those who use it.
    from api.notify import Delivery, make_signer

    return Delivery(gateways.notify, settings.notify_urls, make_signer(settings.notify_secrets), gateways.buyers)


async def _nothing_yet() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": True}


def _resource(methods: dict[str, Responder]) -> SimpleNamespace:
    """A Falcon resource of responders by method; GET also answers HEAD."""
    resource = {f"on_{method.lower()}": responder for method, responder in methods.items()}
    if "GET" in methods:
        resource["on_head"] = methods["GET"]
    return SimpleNamespace(**resource)


def _fixed(document: bytes) -> Responder:
    async def respond(req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = document

    return respond


def _exposition(telemetry: Telemetry, numbers: SaleNumbers, executor: Executor) -> Responder:
    async def respond(req: Request, resp: Response) -> None:
        telemetry.write_down()
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = await asyncio.get_running_loop().run_in_executor(executor, telemetry.meters.expose, [numbers])

    return respond


def _handler_of_unknown_methods(responders: dict[str, dict[str, Responder]]) -> Any:
    """Falcon answers 400 to a method it has never heard of; at a known address that is a 405."""

    async def handle(req: Request, resp: Response, error: falcon.HTTPError, params: Any) -> None:
        methods = responders.get(req.uri_template or "")
        if methods is None or req.method in falcon.HTTP_METHODS:
            raise error
        raise falcon.HTTPMethodNotAllowed([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

    return handle


async def _handle_fault(req: Request, resp: Response, error: Exception, params: Any) -> None:
    where = where_it_failed(error)
    route = req.uri_template or "an unknown address"
    log.error("%s %s failed: %s", req.method, route, where, extra={"event": "fault"})
    write_problem(resp, PROBLEMS["internal_error"], "The request could not be served; it has been logged.")
