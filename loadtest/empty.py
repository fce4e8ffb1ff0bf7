"""The least that a POST can cost here: Falcon under the same gunicorn, doing nothing. A hold's is compared with it."""

import falcon

from api.app import Application, make_telemetry
from api.operation import read_operation


class Nothing:
    """Answers, and that is all."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Says that it is up."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """201, as for a hold, and an empty document."""
        resp.status = falcon.HTTP_201
        resp.data = b"{}"


def get_app() -> Application:
    """The application for gunicorn, whose worker wants a telemetry; no request is reported to it."""
    app = Application(media_type=falcon.MEDIA_JSON)
    app.telemetry = make_telemetry(read_operation())
    app.add_route("/readyz", Nothing())
    app.add_route("/api/holds", Nothing())
    return app
