"""The sessions of the manual: each ``N_name.sql`` beside this file, and in ``N_name.out`` what the mysql client prints.

They run one after the other, as the DBA, on a server that `make run` just made: the tables, one product, nothing sold.
Each is a session of its own. A statement is one line; lines that begin with ``--`` are for the reader, and are kept.

What the client prints is kept to the letter. Only of a product's row those settings are left out (…) that are the same
for the product which `make run` puts on sale, so that a new setting does not change every session. A person who pastes
a session sees the counts of rows, the times in parentheses, and a 'Query OK' after each CALL and each comment besides;
the client leaves these out when SQL is piped in. The sessions set their own clock, so what still varies is random:
`settled` is the one place that takes it out.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sql.server.urls import Url

FOLDER = Path(__file__).resolve().parent
# The first 48 bits of the id of a hold or an order are its time; the rest is random, but for version and variant.
_RANDOM = re.compile(
    r"\b([0-9a-f]{8}-[0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b|\bforgotten-[0-9a-f]{32}\b"
)
_ROW_OF_PRODUCT = re.compile(
    r"^ *product_id: \d+\n(?: +\w+: .*\n)* *sold: \d+\n(?P<settings>(?: *\w+: .*(?:\n|$))+)", re.MULTILINE
)
_FRAME = re.compile(r"^\+-+\+\n\|\s*\|\n\+-+\+\n\| statement \d+ +\|\n\+-+\+\n", re.MULTILINE)


def sessions() -> list[Path]:
    """The files of the sessions, in the order in which they run."""
    return sorted(FOLDER.glob("*.sql"))


def shown(client: Sequence[str], operator: Url, session: Path) -> str:
    """The session with its answers, from running it at `operator`'s database by the mysql program `client`."""
    lines = session.read_text(encoding="utf-8").splitlines()
    statements = [line for line in lines if _is_statement(line)]
    usual, *printed = _run(client, operator, ["CALL get_product(1)\\G", *statements])
    answers = iter(zip(statements, (_without_settings(text, usual) for text in printed), strict=True))
    told = ["mysql> {}\n{}\n".format(*next(answers)) if _is_statement(line) else line for line in lines if line]
    return settled("\n".join(told))


def settled(text: str) -> str:
    """The text with numbers in place of what is random: the ends of ids, and the names of forgotten customers."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        each = numbers.setdefault(found[0], len(numbers) + 1)
        return f"{found[1]}-7000-8000-{each:012}" if found[1] else f"forgotten-{each:032}"

    return _RANDOM.sub(number, text)


def _without_settings(text: str, usual: str) -> str:
    """An answer without those settings of its products that are as `usual`, the row of another product, has them."""
    known = set(usual.splitlines())

    def shorten(row: re.Match[str]) -> str:
        kept = [line for line in row["settings"].splitlines() if line not in known]
        start = row[0].removesuffix(row["settings"])
        return start + "\n".join([*kept, " " * 18 + "…"]) + ("\n" if row[0].endswith("\n") else "")

    return _ROW_OF_PRODUCT.sub(shorten, text)


def _is_statement(line: str) -> bool:
    return bool(line) and not line.startswith("--")


def _run(client: Sequence[str], operator: Url, statements: Sequence[str]) -> list[str]:
    """What the client prints for each statement of one session."""
    script = "".join(f"SELECT 'statement {number}' AS '';\n{text}\n" for number, text in enumerate(statements))
    done = subprocess.run(
        [*client, "--no-defaults", "--default-character-set=utf8mb4", "--loose-commands", "--table", "--force",
         "--protocol=TCP", f"--host={operator.host}", f"--port={operator.port}", f"--user={operator.user}",
         operator.database],
        input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "MYSQL_PWD": operator.password},
    )  # fmt: skip
    printed = _FRAME.split(done.stdout)[1:]
    if len(printed) != len(statements):
        raise ValueError(f"the client ended early: {done.stdout[-2000:]}")
    return [_answer(text, body) for text, body in zip(statements, printed, strict=True)]


def _answer(statement: str, printed: str) -> str:
    """As the client shows it to a person."""
    text = re.sub(r" at line \d+", "", printed.strip("\n"))
    if text:
        return text
    return "Empty set" if re.match(r"CALL|SELECT (?!.*\bINTO\b)", statement) else "Query OK"
