"""python -m api.pages.reference: writes docs/errors.md and docs/settings.md, made of what the service itself reads."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

from api.problem_kinds import PROBLEMS, ProblemKind
from api.problems import PROBLEM_JSON
from api.settings import DECLARED
from sql.server.variables import Variable

DOCS = Path(__file__).parents[2] / "docs"
_MADE = "<!-- Made of {source} by `make reference`. -->"
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
    made = _MADE.format(source="api/settings.py and sql/server/variables.py")
    return _SETTINGS.format(made=made, rows="\n".join(map(_setting_row, DECLARED)))


PAGES = {"errors.md": errors_page, "settings.md": settings_page}


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
