"""What a session at a terminal begins with."""

import re

from sql.deploy.objects import all_objects
from sql.server.client import GREETING


def test_what_a_dba_is_greeted_with_can_be_pasted() -> None:
    parameters = {
        item.name: len(re.findall(r"^  IN in_", item.statement, re.MULTILINE))
        for item in all_objects() if item.kind == "PROCEDURE" and not item.name.startswith("_")
    }  # fmt: skip
    calls = re.findall(r"CALL (\w+)\((.*?)\)[;:]", GREETING)

    assert len(calls) >= 7
    for name, arguments in calls:
        assert parameters[name] == len(re.findall(r"'[^']*'|\d+|NULL", arguments)), name


def test_the_greeting_fits_a_terminal() -> None:
    assert max(map(len, GREETING.splitlines())) <= 100
