"""Puts the application together."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import falcon

from api.gateway import Calls, Gateway
from api.openapi import encode_document
from api.problems import PROBLEMS, serialize_http_error, write_problem
from api.routes import ROUTES
from api.settings import Settings, read_settings
from api.translator import Responder, make_responder

log = logging.getLogger("flashsale.api")


def create_app(gateway: Calls, settings: Settings) -> falcon.App[falcon.Request, falcon.Response]:
    """The WSGI application over a gateway."""
    app = falcon.App(media_type=falcon.MEDIA_JSON)
    app.set_error_serializer(serialize_http_error)
    app.add_error_handler(Exception, _handle_fault)
    responders: dict[str, dict[str, Responder]] = {}
    for route in ROUTES:
        responders.setdefault(route.path, {})[route.method] = make_responder(route, gateway)
    responders["/healthz"] = {"GET": _fixed(b'{"status":"alive"}')}
    responders["/openapi.json"] = {"GET": _fixed(encode_document(ROUTES))}
    for path, methods in responders.items():
        app.add_route(path, _resource(methods))
    app.add_error_handler(falcon.HTTPBadRequest, _handler_of_unknown_methods(responders))
    database = settings.database
    log.info("answering from MySQL at %s:%d, database %s", database.host, database.port, database.name)
    return app


def get_app() -> falcon.App[falcon.Request, falcon.Response]:
    """The application as the environment configures it. Raises SettingsError or RuntimeError."""
    settings = read_settings()
    return create_app(Gateway(settings.database), settings)


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


def _handler_of_unknown_methods(responders: dict[str, dict[str, Responder]]) -> Any:
    """Falcon answers 400 to a method it has never heard of; at a known address that is a 405."""

    def handle(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: Any) -> None:
        methods = responders.get(req.uri_template or "")
        if methods is None or req.method in falcon.HTTP_METHODS:
            raise error
        raise falcon.HTTPMethodNotAllowed([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

    return handle


def _handle_fault(req: falcon.Request, resp: falcon.Response, error: Exception, params: Any) -> None:
    log.error("%s %s failed", req.method, req.uri_template or "an unknown address", exc_info=error)
    write_problem(resp, PROBLEMS["internal_error"], "The request could not be served; it has been logged.")
