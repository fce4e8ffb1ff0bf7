"""A variable may be given as a file, wherever the project reads one, and a misspelt one is noticed."""

import subprocess
import sys
from pathlib import Path

import pytest

from sql.server.state import ROOT, Failure
from sql.server.variables import read_variable, unknown_variables, without_files

NAME = "FLASHSALE_ADMIN_URL"


@pytest.mark.parametrize("text", ["s3cret", "s3cret\n", "s3cret\r\n"])
def test_a_file_holds_the_value_and_perhaps_the_end_of_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_bytes(text.encode())

    assert read_variable({NAME + "_FILE": str(tmp_path / "secret")}, NAME) == "s3cret"


def test_what_is_not_set_or_set_to_nothing_is_nothing() -> None:
    assert read_variable({}, NAME) == read_variable({NAME: "", NAME + "_FILE": ""}, NAME) == ""
    assert read_variable({NAME: "x", NAME + "_FILE": ""}, NAME) == "x"


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n", b"\xff\xfe", None])
def test_a_file_without_a_value_is_refused_by_the_name_of_its_variable(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "s3cret").write_bytes(content)

    with pytest.raises(Failure, match=f"^{NAME}_FILE") as refused:
        read_variable({NAME + "_FILE": str(tmp_path / "s3cret")}, NAME)

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("path", ["s3cret", "s3cret\0", "s3cret" * 1000, "."])
def test_a_secret_in_the_place_of_a_path_is_not_quoted(path: str) -> None:
    with pytest.raises(Failure, match=f"^{NAME}_FILE") as refused:
        read_variable({NAME + "_FILE": path}, NAME)

    assert "s3cret" not in str(refused.value)


def test_a_value_and_a_file_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")

    with pytest.raises(Failure, match=f"{NAME} and {NAME}_FILE are both set") as refused:
        read_variable({NAME: "s3cret", NAME + "_FILE": str(tmp_path / "secret")}, NAME)

    assert "s3cret" not in str(refused.value)


def test_a_misspelt_variable_is_found_with_what_was_perhaps_meant() -> None:
    known = ("FLASHSALE_API_KEYS", "FLASHSALE_METRICS_TOKEN")
    environ = {
        "FLASHSALE_API_KEY": "x", "FLASHSALE_METRICS_TOKENS_FILE": "/x", "FLASHSALE_API_KEYS_FILE": "/x",
        "FLASHSALE_METRICS_TOKEN": "x", "FLASHSALE_COLOUR": "x", "FLASHSALE_EMPTY": "", "PATH": "x",
    }  # fmt: skip

    assert unknown_variables(environ, known) == {
        "FLASHSALE_API_KEY": "FLASHSALE_API_KEYS",
        "FLASHSALE_COLOUR": "",
        "FLASHSALE_METRICS_TOKENS_FILE": "FLASHSALE_METRICS_TOKEN_FILE",
    }


def test_who_is_given_the_value_is_not_given_the_file() -> None:
    environ = {NAME + "_FILE": "/x", "FLASHSALE_API_KEYS_FILE": "/y", NAME: "z", "PATH": "p"}

    assert without_files(environ, [NAME]) == {"FLASHSALE_API_KEYS_FILE": "/y", NAME: "z", "PATH": "p"}


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a module of the project with these variables alone: its status, its output and its remarks."""
    ended = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("command", [("sql.deploy", "migrate"), ("sql.server", "env")])
def test_the_deployment_and_make_refuse_an_empty_file(tmp_path: Path, command: tuple[str, str]) -> None:
    (tmp_path / "empty").touch()

    status, _, remarks = run(*command, FLASHSALE_ADMIN_URL_FILE=str(tmp_path / "empty"))

    assert status == 1
    assert "FLASHSALE_ADMIN_URL_FILE: the file is empty" in remarks
    assert "Traceback" not in remarks


def test_make_takes_its_variables_from_files_too_and_hands_on_their_values(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("mysql://root:s3cret@127.0.0.1:1/flashsale\n")
    (tmp_path / "password").write_text("operator's\n")
    files = {
        "FLASHSALE_ADMIN_URL_FILE": str(tmp_path / "url"),
        "FLASHSALE_OPERATOR_PASSWORD_FILE": str(tmp_path / "password"),
        "FLASHSALE_API_KEYS_FILE": "/of/the/api",
    }

    status, printed, remarks = run("sql.server", "exec", sys.executable, "-c", SHOW, **files)

    assert (status, remarks) == (0, "")
    assert printed.splitlines() == [
        "FLASHSALE_ADMIN_URL=mysql://root:s3cret@127.0.0.1:1/flashsale",
        "FLASHSALE_API_KEYS_FILE=/of/the/api",
        "FLASHSALE_OPERATOR_PASSWORD=operator's",
    ]


SHOW = """
import os
for name in sorted(os.environ):
    if name.startswith("FLASHSALE_") and name not in ("FLASHSALE_API_PASSWORD", "FLASHSALE_DATABASE_URL"):
        print(f"{name}={os.environ[name]}")
"""
