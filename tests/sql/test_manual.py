"""The sessions in the DBA's manual are real: the client prints what stands there, but for ids and times."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sql.deploy.objects import SQL_FOLDER
from sql.server.private import PrivateServer
from sql.server.programs import find_client
from sql.server.urls import Url, parse
from tests.conftest import OPERATOR_PASSWORD
from tests.support.deploying import deployed

MANUAL = SQL_FOLDER / "README.md"
SCRATCH = "flashsale_manual"
REGENERATE = "FLASHSALE_UPDATE_MANUAL"
SESSION = re.compile(r"^```\n(mysql> .*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^mysql> (.*)$", re.MULTILINE)
CHANGING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{6})?"), "TIME"),
    (re.compile(r"flashsale_operator@\S+"), "ACCOUNT"),
    (re.compile(r"forgotten-[0-9a-f]{32}"), "NAME"),
    (re.compile(r"(?<=_in_ms: )\d+"), "LEFT"),
    (re.compile(r"-{3,}|={3,}| +"), " "),
)


@pytest.fixture
def operator(mysql_server: PrivateServer) -> Iterator[Url]:
    """The DBA's way into a database in which nothing was sold yet."""
    with deployed(mysql_server, SCRATCH) as address:
        yield replace(parse(address), user="flashsale_operator", password=OPERATOR_PASSWORD)


def run(operator: Url, statements: list[str]) -> list[str]:
    """What the client prints for each statement of one session."""
    script = "".join(f"SELECT 'statement {number}' AS '';\n{text}\n" for number, text in enumerate(statements))
    client = subprocess.run(
        [*find_client(lambda _: None), "--no-defaults", "--default-character-set=utf8mb4", "--loose-commands",
         "--table", "--force", "--protocol=TCP", f"--host={operator.host}", f"--port={operator.port}",
         f"--user={operator.user}", operator.database],
        input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "MYSQL_PWD": operator.password},
    )  # fmt: skip
    frame = re.compile(r"^\+-+\+\n\|\s*\|\n\+-+\+\n\| statement \d+ +\|\n\+-+\+\n", re.MULTILINE)
    printed = frame.split(client.stdout)[1:]
    assert len(printed) == len(statements), client.stdout[-2000:]
    return [answer(text, body) for text, body in zip(statements, printed, strict=True)]


def answer(statement: str, printed: str) -> str:
    """As the client shows it to a person."""
    text = re.sub(r" at line \d+", "", printed.strip("\n"))
    if text:
        return text
    return "Empty set" if re.match(r"CALL|SELECT (?!.*\bINTO\b)", statement) else "Query OK"


def same(text: str) -> str:
    """A text without what is new in each run."""
    for pattern, name in CHANGING:
        text = pattern.sub(name, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def test_the_manual_shows_what_the_client_prints(operator: Url) -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    statements = [text for session in SESSION.findall(manual) for text in PROMPT.findall(session)]
    assert len(statements) > 40

    answers = iter(zip(statements, run(operator, statements), strict=True))
    shown = SESSION.sub(
        lambda session: "```\n" + "\n\n".join(
            f"mysql> {text}\n{printed}" for _ in PROMPT.findall(session[1]) for text, printed in [next(answers)]
        ) + "\n```",
        manual,
    )  # fmt: skip
    if os.environ.get(REGENERATE):
        MANUAL.write_text(shown, encoding="utf-8")
        return

    assert same(manual) == same(shown), f"run `{REGENERATE}=1 make test ARGS=tests/sql/test_manual.py` and review"
