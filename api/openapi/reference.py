"""python -m api.openapi.reference: writes docs/endpoints.md, errors.md and settings.md from what the API reads."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

from msgspec.structs import fields

from api.openapi.document import BODY_PROBLEMS, CONNECTION_PROBLEMS, DATABASE_PROBLEMS
from api.problem_kinds import PROBLEMS, ProblemKind
from api.problems import PROBLEM_JSON
from api.routes import PATH_PARAMETERS, ROUTES, Query, Route
from api.variables import DECLARED
from sql.server.variables import Variable

DOCS = Path(__file__).parents[2] / "docs"
_MADE = "<!-- Made of {source} by `make reference`. -->"
_ENDPOINTS = """\
# Endpoints

{made}

Each endpoint is one `CALL`; `CALL help('create_hold')` in `make mysql` documents its procedure. The bodies, the answers
and an example of each are at `/docs` of a running service, made of `/openapi.json`.

| endpoint | procedure | does | answers |
|---|---|---|---|
{rows}

201: it was made; 200: it was made before by the same request, or it is done; 202: the payment waits for its order; 304:
the caller already has it. Besides, any of them may answer {anywhere}, those with a body {of_bodies},
and all of `/api/` 401 where there are API keys: [errors.md](errors.md). `?` marks what may be left out. An unknown
parameter of the query is refused.

| address | shows |
|---|---|
| `/` | a page that leads to the others |
| `/docs`, `/openapi.json` | the API, to read and to try; the OpenAPI 3.1 document |
| `/problems`, `/problems/{{slug}}` | what each error means, and what to do |
| `/board` | the sale, live, made of `/board/data` and `/board/history`: [monitoring](monitoring/README.md#the-board) |
| `/demo` | a purchase, with a simulated payment; not in production |
| `/healthz`, `/metrics` | whether the process answers; the figures for Prometheus: [monitoring](monitoring/README.md) |

Prices and amounts are integers in minor units (12900 is 129.00), times RFC 3339 in UTC. What repeats an earlier answer
says `Idempotent-Replayed: true`; [integrating.md](integrating.md#keys) explains `Idempotency-Key`.
"""
_ERRORS = """\
# Errors

{made}

Every answer that is no success is `{media_type}` (RFC 9457): `type` is `/problems/<slug>`, `detail` says
what happened and what to do, `code` is MySQL's number where a procedure refused, `errors` names the fields that are
wrong, and `retry_after` is the header `Retry-After`, in seconds, where the same request may succeed later. Programs
decide by `type` and status, never by `detail`, whose words may change. A running service shows the same at `/problems`,
with a whole document each.

In MySQL the same errors are SIGNALs with that number, SQLSTATE `45<status>`, and `<slug>: <detail>` as the message.

| status | slug | MySQL | means |
|---|---|---|---|
{rows}
"""
_ERROR = """
## {slug}

{status} {phrase}. {meaning}

**What to do.** {action}

    {example}
"""
_SETTINGS = """\
# Settings

{made}

Configuration comes from the environment only. Every `FLASHSALE_X` may be in a file instead, whose path is
`FLASHSALE_X_FILE`: a secret of a container, a credential of systemd. A file that is missing or empty, and a variable
that is given both ways, are refused at start. A `FLASHSALE_` variable that nobody reads, such as a misspelt one, is
named in the log at start.

| variable | meaning | default | read by |
|---|---|---|---|
{rows}

Both URLs take `?ssl-mode=REQUIRED`, or `?ssl-mode=VERIFY_CA&ssl-ca=/path/of/ca.pem` (or `VERIFY_IDENTITY`), for TLS to
MySQL: [deploying.md](deploying.md#tls-to-mysql). What `make loadtest` takes is in
[loadtest/plan.py](../loadtest/plan.py), what `compose.yaml` takes in [deploying.md](deploying.md#in-containers).
"""


def endpoints_page() -> str:
    """docs/endpoints.md: a table of all routes."""
    made = _MADE.format(source="api/routes.py")
    anywhere = {PROBLEMS[slug].status for slug in (*CONNECTION_PROBLEMS, *DATABASE_PROBLEMS)}
    of_bodies = {PROBLEMS[slug].status for slug in BODY_PROBLEMS} - anywhere
    return _ENDPOINTS.format(
        made=made,
        rows="\n".join(map(_route_row, ROUTES)),
        anywhere=_in_words(anywhere),
        of_bodies=_in_words(of_bodies),
    )


def errors_page() -> str:
    """docs/errors.md: a table of all errors, and a section for each."""
    kinds = sorted(PROBLEMS.values(), key=lambda kind: kind.status)
    made = _MADE.format(source="api/problem_kinds.py")
    page = _ERRORS.format(made=made, media_type=PROBLEM_JSON, rows="\n".join(map(_error_row, kinds)))
    return page + "".join(
        _ERROR.format(
            slug=kind.slug,
            status=kind.status,
            phrase=HTTPStatus(kind.status).phrase,
            meaning=kind.meaning,
            action=kind.action,
            example=kind.example,
        )
        for kind in kinds
    )


def settings_page() -> str:
    """docs/settings.md: a table of all variables."""
    made = _MADE.format(source="api/variables.py and sql/server/variables.py")
    return _SETTINGS.format(made=made, rows="\n".join(map(_setting_row, DECLARED)))


PAGES = {"endpoints.md": endpoints_page, "errors.md": errors_page, "settings.md": settings_page}


def _route_row(route: Route) -> str:
    query = "&".join(f"{source.name}=" for source in route.arguments if isinstance(source, Query))
    address = f"`{route.method} {route.path}{'?' if query else ''}{query}`"
    if route.body:
        members = ", ".join(f"{each.name}{'' if each.required else '?'}" for each in fields(route.body))
        address += f" `{{{members}}}`"
    return _row([address, f"`{route.procedure}`", route.summary, ", ".join(map(str, _statuses(route)))])


def _statuses(route: Route) -> list[int]:
    """What it answers, but for what any endpoint may answer."""
    slugs = [*route.raises, *(part.not_found for name, part in PATH_PARAMETERS.items() if f"{{{name}}}" in route.path)]
    done = {200, *route.statuses.values()} | ({201} if route.created else set())
    unchanged = {304} if route.method == "GET" and not route.probe else set()
    signed = {401} if route.signed else set()
    return sorted(done | unchanged | signed | {PROBLEMS[slug].status for slug in slugs})


def _in_words(statuses: set[int]) -> str:
    *first, last = map(str, sorted(statuses))
    return f"{', '.join(first)} and {last}"


def _error_row(kind: ProblemKind) -> str:
    return _row([str(kind.status), f"[{kind.slug}](#{kind.slug})", str(kind.code or ""), kind.title])


def _setting_row(variable: Variable) -> str:
    bounds = f" ({variable.least} to {variable.most})" if variable.most else ""
    return _row([f"`{variable.name}`", variable.meaning + bounds, variable.default, ", ".join(variable.readers)])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
