"""The files that browsers get, and the one responder for all documents that are the same for everybody.

The table names every file: no address is ever turned into a path. A page is a row with a text/html file; what it
loads are rows as well, because PAGE_POLICY lets a page load nothing that is not served here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import falcon
from falcon.asgi import Request, Response

FOLDER = Path(__file__).parent / "static"
HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
JAVASCRIPT = "text/javascript; charset=utf-8"
SVG = "image/svg+xml"

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page: no inline script or style, nothing from anywhere else."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For an address that has the version in it: what is there never changes."""
REVALIDATE = "no-cache"
"""For everything else: kept, but asked for anew each time, which costs a 304."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A row of the table: an address, the file below api/pages/static/, its type, and how long it may be kept."""

    address: str
    name: str
    media_type: str
    caching: str = REVALIDATE


_SWAGGER_UI = "swagger-ui-5.35.0"
_UPLOT = "uplot-1.6.32"
_BOARD_SCRIPTS = ("board.js", "cards.js", "chart.js", "strip.js", "tasks.js", "text.js")
_DEMO_SCRIPTS = ("demo.js", "shop.js")

STATIC_FILES: tuple[StaticFile, ...] = (
    StaticFile("/docs", "docs.html", HTML),
    StaticFile("/static/docs.css", "docs.css", CSS),
    StaticFile("/static/docs.js", "docs.js", JAVASCRIPT),
    StaticFile("/static/pages.css", "pages.css", CSS),
    StaticFile("/static/icon.svg", "icon.svg", SVG),
    StaticFile(f"/static/{_SWAGGER_UI}/swagger-ui.css", f"{_SWAGGER_UI}/swagger-ui.css", CSS, IMMUTABLE),
    StaticFile(
        f"/static/{_SWAGGER_UI}/swagger-ui-bundle.js", f"{_SWAGGER_UI}/swagger-ui-bundle.js", JAVASCRIPT, IMMUTABLE
    ),
    StaticFile("/board", "board/board.html", HTML),
    StaticFile("/static/board/board.css", "board/board.css", CSS),
    *(StaticFile(f"/static/board/{name}", f"board/{name}", JAVASCRIPT) for name in _BOARD_SCRIPTS),
    StaticFile(f"/static/{_UPLOT}/uPlot.min.css", f"{_UPLOT}/uPlot.min.css", CSS, IMMUTABLE),
    StaticFile(f"/static/{_UPLOT}/uPlot.iife.min.js", f"{_UPLOT}/uPlot.iife.min.js", JAVASCRIPT, IMMUTABLE),
)
DEMO_FILES: tuple[StaticFile, ...] = (
    StaticFile("/demo", "demo/demo.html", HTML),
    StaticFile("/static/demo/demo.css", "demo/demo.css", CSS),
    *(StaticFile(f"/static/demo/{name}", f"demo/{name}", JAVASCRIPT) for name in _DEMO_SCRIPTS),
)
"""Those of /demo, which is not everywhere."""

Responder = Callable[..., Awaitable[None]]


def static_responders(files: Iterable[StaticFile] = STATIC_FILES) -> dict[str, dict[str, Responder]]:
    """A responder for each row of the table, by address and method. The files are read now, and once."""
    return {
        file.address: {"GET": fixed_document((FOLDER / file.name).read_bytes(), file.media_type, file.caching)}
        for file in files
    }


def fixed_document(document: bytes, media_type: str, caching: str = REVALIDATE) -> Responder:
    """The responder for a document that does not change while the process lives."""
    etag = f'"{sha256(document).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    if media_type == HTML:
        headers |= {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}

    async def respond(req: Request, resp: Response) -> None:
        resp.set_headers(headers)
        if _has_it(req.get_header("If-None-Match"), etag):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = media_type
        resp.data = document

    return respond


def _has_it(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this very document. A proxy that compresses makes the tag a weak one: W/"…"."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or "*" in tags
