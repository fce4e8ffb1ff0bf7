"""Puts the application together."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import falcon
from prometheus_client import CONTENT_TYPE_LATEST

from api.access import Access
from api.gateway import Calls, Gateway
from api.openapi import encode_document
from api.operation import Operation, read_operation
from api.pages.demo import demo_responders
from api.pages.problem_pages import problem_responders
from api.pages.static_files import static_responders
from api.problems import PROBLEMS, serialize_http_error, write_problem
from api.providers import make_receiver
from api.routes import ROUTES
from api.settings import Settings, read_settings
from api.translator import Responder, make_responder
from api.watch.board import Board, board_responder
from api.watch.logs import choose_format, make_request_log, where_it_failed
from api.watch.meters import Meters
from api.watch.sale_numbers import COUNTED_READ_SECONDS, SaleNumbers
from api.watch.start_up import say_what_nobody_reads, say_where_and_what_is_open
from api.watch.telemetry import Telemetry

log = logging.getLogger("flashsale.api")


class Application(falcon.App[falcon.Request, falcon.Response]):
    """The WSGI application; the worker reports to its telemetry what never reaches it."""

    telemetry: Telemetry


def create_app(
    gateway: Calls,
    settings: Settings,
    operation: Operation | None = None,
    telemetry: Telemetry | None = None,
    patient: Calls | None = None,
) -> Application:
    """The WSGI application over a gateway; `patient` is one for CALLs that nobody waits for."""
    operation = operation or Operation()
    telemetry = telemetry or make_telemetry(operation)
    app = Application(media_type=falcon.MEDIA_JSON, middleware=[telemetry, Access(operation)])
    app.telemetry = telemetry
    app.set_error_serializer(serialize_http_error)
    app.add_error_handler(Exception, _handle_fault)
    receive = make_receiver(settings.secrets, settings.production)
    responders: dict[str, dict[str, Responder]] = {}
    for route in ROUTES:
        responders.setdefault(route.path, {})[route.method] = make_responder(route, gateway, receive)
    responders["/healthz"] = {"GET": _fixed(b'{"status":"alive"}')}
    responders["/openapi.json"] = {"GET": _fixed(encode_document(ROUTES))}
    responders["/board/data"] = {"GET": board_responder(Board(gateway, patient or gateway, telemetry.meters))}
    if settings.demo:
        responders |= demo_responders(settings.secrets)
    responders |= static_responders() | problem_responders()
    responders["/metrics"] = {"GET": _exposition(telemetry.meters, SaleNumbers(gateway, patient or gateway))}
    for path, methods in responders.items():
        app.add_route(path, _resource(methods))
    app.add_error_handler(falcon.HTTPBadRequest, _handler_of_unknown_methods(responders))
    say_where_and_what_is_open(settings, operation)
    return app


def get_app() -> Application:
    """The application as the environment configures it. Raises SettingsError or RuntimeError."""
    settings, operation = read_settings(), read_operation()
    say_what_nobody_reads()
    telemetry = make_telemetry(operation)
    patient = Gateway(settings.database, telemetry, COUNTED_READ_SECONDS)
    return create_app(Gateway(settings.database, telemetry), settings, operation, telemetry, patient)


def make_telemetry(operation: Operation) -> Telemetry:
    """Meters and the log of requests, for the application and the gateway below it."""
    log_request = make_request_log(choose_format(operation.log_format))
    return Telemetry(Meters(), log_request, operation.slow_call_seconds)


def _resource(methods: dict[str, Responder]) -> SimpleNamespace:
    """A Falcon resource of responders by method; GET also answers HEAD."""
    resource = {f"on_{method.lower()}": responder for method, responder in methods.items()}
    if "GET" in methods:
        resource["on_head"] = methods["GET"]
    return SimpleNamespace(**resource)


def _fixed(document: bytes) -> Responder:
    def respond(req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = document

    return respond


def _exposition(meters: Meters, numbers: SaleNumbers) -> Responder:
    def respond(req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = meters.expose([numbers])

    return respond


def _handler_of_unknown_methods(responders: dict[str, dict[str, Responder]]) -> Any:
    """Falcon answers 400 to a method it has never heard of; at a known address that is a 405."""

    def handle(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: Any) -> None:
        methods = responders.get(req.uri_template or "")
        if methods is None or req.method in falcon.HTTP_METHODS:
            raise error
        raise falcon.HTTPMethodNotAllowed([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

    return handle


def _handle_fault(req: falcon.Request, resp: falcon.Response, error: Exception, params: Any) -> None:
    where = where_it_failed(error)
    route = req.uri_template or "an unknown address"
    log.error("%s %s failed: %s", req.method, route, where, extra={"event": "fault"})
    write_problem(resp, PROBLEMS["internal_error"], "The request could not be served; it has been logged.")
