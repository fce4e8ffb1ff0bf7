"""uvicorn's worker under gunicorn."""

from uvicorn_worker import UvicornWorker

from api.server.connection import Connection


class Worker(UvicornWorker):  # type: ignore[misc]
    """A process that serves."""

    async def callback_notify(self) -> None:
        """Once a second: look after slow clients."""
        await super().callback_notify()
        for client in tuple(Connection.clients):
            client.look()
