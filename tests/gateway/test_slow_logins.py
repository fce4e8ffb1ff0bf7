"""A connection that is slow to open: its CALL is refused in time, and the next one finds it open."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from api.gateway import Gateway, UnavailableError
from api.gateway.blocking import RETRY_SECONDS, SLOW_LOGIN_SECONDS
from api.gateway.driver import Driver
from sql.server.urls import parse
from tests.support.database import Database
from tests.support.sale import new_product


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[float]]:
    """Let each login take so many seconds more; the list has an entry for each."""
    log_in = Driver.log_in

    def delay(seconds: float) -> list[float]:
        made = []

        def slowly(driver: Driver) -> Any:
            made.append(seconds)
            time.sleep(seconds)
            return log_in(driver)

        monkeypatch.setattr(Driver, "log_in", slowly)
        return made

    return delay


def test_a_login_that_makes_the_call_late_is_told_and_kept_for_the_next_one(
    api_url: str, db: Database, logins: Callable[[float], list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    product, gateway, made = new_product(db, 3), Gateway(parse(api_url)), logins(2 * SLOW_LOGIN_SECONDS)
    with pytest.raises(UnavailableError):
        gateway.call("get_product", [product], time.monotonic() - RETRY_SECONDS)
    assert "a login at MySQL took 0.4 s: too late for its CALL" in caplog.text
    [row] = gateway.call("get_product", [product])
    assert (row["available"], len(made)) == (3, 1)


def test_a_call_that_begins_late_by_itself_is_made_over_a_new_connection_too(
    api_url: str, db: Database, logins: Callable[[float], list[float]], caplog: pytest.LogCaptureFixture
) -> None:
    product, gateway, made = new_product(db, 3), Gateway(parse(api_url)), logins(0)
    [row] = gateway.call("get_product", [product], time.monotonic() - RETRY_SECONDS - 0.5)
    assert (row["available"], len(made)) == (3, 1)
    assert "a login at MySQL" not in caplog.text


def test_a_slow_login_in_time_costs_nobody_the_call(
    api_url: str, db: Database, logins: Callable[[float], list[float]]
) -> None:
    product, gateway, made = new_product(db, 3), Gateway(parse(api_url)), logins(2 * SLOW_LOGIN_SECONDS)
    [row] = gateway.call("get_product", [product])
    assert (row["available"], len(made)) == (3, 1)
