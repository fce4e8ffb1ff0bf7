"""`/`: where to go from here."""

from __future__ import annotations

from api.pages.static_files import HTML, Responder, fixed_document

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Flash-sale checkout</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/pages.css">
</head>
<body>
<main>
<h1>Flash-sale checkout</h1>
<p>Many buyers, few units, none of them sold twice. This service takes holds, orders and payments.</p>
<ul class="ways">
{ways}
</ul>
</main>
</body>
</html>
"""
_WAY = '<li><a href="{address}"><b>{title}</b></a><br>{words}</li>'
_DEMO = ("/demo", "Buy something", "A purchase from the price to the payment, which is simulated.")
_WAYS = (
    ("/board", "Watch the sale", "Stock, holds, orders, money and health, every second."),
    ("/docs", "The API", "Every endpoint, to read and to try; the same as <code>/openapi.json</code>."),
    ("/problems", "Problems", "What each refusal means, and what to do about it."),
)


def home_responders(demo: bool) -> dict[str, dict[str, Responder]]:
    """The page; it leads to the demo where there is one."""
    ways = (_DEMO, *_WAYS) if demo else _WAYS
    listed = "\n".join(_WAY.format(address=address, title=title, words=words) for address, title, words in ways)
    return {"/": {"GET": fixed_document(_PAGE.format(ways=listed).encode(), HTML)}}
