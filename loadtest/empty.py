"""The least that a POST can cost here: Falcon under the same gunicorn, doing nothing. A hold's is compared with it."""

import falcon
from falcon.asgi import Request, Response

from api.app import Application, make_telemetry
from api.settings import read_settings


class Nothing:
    """Answers, and that is all."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Says that it is up."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """201, as for a hold, and an empty document."""
        resp.status = falcon.HTTP_201
        resp.data = b"{}"


def get_app() -> Application:
    """The application for gunicorn, whose hooks want a telemetry; no request is reported to it."""
    app = Application(media_type=falcon.MEDIA_JSON)
    app.telemetry = make_telemetry(read_settings())
    app.add_route("/readyz", Nothing())
    app.add_route("/api/holds", Nothing())
    return app
