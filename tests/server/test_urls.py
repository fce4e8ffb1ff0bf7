"""One way to write where MySQL is, for the API, the deployment and the tests."""

from dataclasses import replace

import pytest

from sql.server.state import Failure
from sql.server.urls import Url, parse

WHOLE = Url("shop@home", "p:w/d?#ö", "db.example", 13306, "sale")


@pytest.mark.parametrize("host", ["db.example", "127.0.0.1", "::1"])
def test_a_url_says_what_it_was_made_of(host: str) -> None:
    address = replace(WHOLE, host=host)

    assert parse(str(address)) == address


def test_port_and_database_have_defaults_and_the_password_may_be_left_out() -> None:
    assert parse("mysql://shop@db.example") == Url("shop", "", "db.example", 3306, "flashsale")


def test_who_wants_a_database_named_is_not_given_the_default() -> None:
    with pytest.raises(Failure, match=r"^FLASHSALE_DATABASE_URL names no database"):
        parse("mysql://shop:secret@db.example/", "FLASHSALE_DATABASE_URL", default_database="")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "is not set"), ("db.example", "must begin with mysql://"), ("http://shop:secret@h/d", "must begin with"),
        ("mysql://shop:secret@/d", "names no host"), ("mysql://h/d", "names no user"),
        ("mysql://shop:secret@h:x/d", "no valid host and port"), ("mysql://shop:secret@[h/d", "no valid host and port"),
        ("mysql://shop:secret@h:99999/d", "no valid host and port"), ("mysql://shop:sec#ret@h/d", "host and port|no #"),
        ("mysql://shop:secret@h/d#e", "no # part"), ("mysql://shop:secret@h/d?ssl-mode=REQUIRED&ssl-mode=", "no more"),
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused_by_its_variable_without_its_password(url: str, why: str) -> None:
    with pytest.raises(Failure, match=f"^FLASHSALE_ADMIN_URL .*({why})") as refused:
        parse(url, "FLASHSALE_ADMIN_URL")

    assert "secret" not in str(refused.value)


def test_the_password_does_not_show() -> None:
    assert WHOLE.password not in repr(WHOLE)
