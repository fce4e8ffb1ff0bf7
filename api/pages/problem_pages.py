"""The pages at /problems and /problems/<slug>: what each kind of problem means and what to do about it."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

import falcon
import msgspec
from falcon.asgi import Request, Response

from api.pages.static_files import HTML, Responder, fixed_document
from api.problem_kinds import PROBLEMS, ProblemKind
from api.problems import PROBLEM_JSON, example_problem

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/pages.css">
</head>
<body>
<main>
{body}
</main>
<footer><a href="/problems">All problems</a> · <a href="/docs">The API</a></footer>
</body>
</html>
"""
_PROBLEM = """\
<h1>{title}</h1>
<dl>
<dt>type</dt><dd><code>/problems/{slug}</code></dd>
<dt>HTTP status</dt><dd>{status} {phrase}</dd>
<dt>MySQL error</dt><dd>{mysql}</dd>
</dl>
<h2>What it means</h2>
<p>{meaning}</p>
<h2>What to do</h2>
<p>{action}</p>
<h2>Example</h2>
<p>The answer has the Content-Type <code>{media_type}</code>. Programs should look at <code>type</code>; the words of
<code>detail</code> are for people and may change.</p>
<pre><code>{example}</code></pre>"""
_LIST = """\
<h1>Problems</h1>
<p>Every answer of this service that is no success is an <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a>
document, and its <code>type</code> is one of these addresses.</p>
<table>
<thead><tr><th scope="col">Status</th><th scope="col">Type</th><th scope="col">Means</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""
_ROW = '<tr><td>{status}</td><td><a href="/problems/{slug}"><code>{words}</code></a></td><td>{title}</td></tr>'


def problem_responders() -> dict[str, dict[str, Responder]]:
    """The responders of the list and of all pages, by address and method."""
    kinds = sorted(PROBLEMS.values(), key=lambda kind: kind.status)
    rows = "\n".join(
        # On a phone a name may go on below after each of its words.
        _ROW.format(
            status=kind.status, slug=kind.slug, words=kind.slug.replace("_", "_<wbr>"), title=escape(kind.title)
        )
        for kind in kinds
    )
    pages = {kind.slug: fixed_document(_page(kind), HTML) for kind in kinds}

    async def respond(req: Request, resp: Response, slug: str) -> None:
        page = pages.get(slug)
        if page is None:
            raise falcon.HTTPNotFound
        await page(req, resp)

    listed = _PAGE.format(title="Problems", body=_LIST.format(rows=rows)).encode()
    return {"/problems": {"GET": fixed_document(listed, HTML)}, "/problems/{slug}": {"GET": respond}}


def _page(kind: ProblemKind) -> bytes:
    example = msgspec.json.format(msgspec.json.encode(example_problem(kind))).decode()
    body = _PROBLEM.format(
        slug=kind.slug,
        title=escape(kind.title),
        status=kind.status,
        phrase=escape(HTTPStatus(kind.status).phrase),
        mysql=_mysql(kind),
        meaning=escape(kind.meaning),
        action=escape(kind.action),
        media_type=PROBLEM_JSON,
        example=escape(example, quote=False),
    )
    return _PAGE.format(title=escape(kind.title), body=body).encode()


def _mysql(kind: ProblemKind) -> str:
    if kind.code is None:
        return "none: no procedure raises it"
    return f"{kind.code}, SQLSTATE <code>45{kind.status}</code>, in the member <code>code</code>"
