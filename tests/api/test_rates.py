"""The rates that the workers keep: one sample every few seconds by any of them, and none older than 15 minutes."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from api.watch import rates
from api.watch.meter_files import VARIABLE
from api.watch.meters import Meters

Add = Callable[[int], None]
HELD = ("POST", "/api/holds", "")


class Counted:
    """Meters that have counted this many holds."""

    def __init__(self, holds: int) -> None:
        self._holds = holds

    def answers(self) -> dict[tuple[str, str, str], int]:
        """As Meters has them."""
        return {HELD: self._holds, ("POST", "/api/holds", "sold_out"): 2, ("GET", "/api/products", ""): 9}


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Have a worker add a sample."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    def add_one(holds: int) -> None:
        rates.add_sample(tmp_path, cast(Meters, Counted(holds)))

    return add_one


def age(seconds: float) -> None:
    """The last sample was taken so long ago."""
    file = Path(os.environ[VARIABLE]) / "rates.json"
    moment = file.stat().st_mtime - seconds
    os.utime(file, (moment, moment))


def held() -> list[int]:
    """The holds of each sample."""
    return [sample.held for sample in rates.samples()]


def test_a_sample_has_the_requests_for_holds_and_no_others(add: Add) -> None:
    assert rates.samples() == []
    add(7)

    [sample] = rates.samples()
    assert (sample.held, sample.refused) == (7, {"sold_out": 2})


def test_of_workers_that_come_at_the_same_time_one_takes_the_sample(add: Add) -> None:
    add(1)
    add(2)
    assert held() == [1]
    age(rates.STEP_SECONDS)
    add(3)
    assert held() == [1, 3]


def test_a_worker_that_is_about_to_take_one_is_not_waited_for(add: Add) -> None:
    with (Path(os.environ[VARIABLE]) / "rates.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        add(1)
        assert held() == []
    add(2)
    assert held() == [2]


def test_a_clock_that_was_set_back_stops_nothing(add: Add) -> None:
    add(1)
    age(-3600)
    add(2)
    assert held() == [1, 2]


def test_what_is_older_than_a_quarter_of_an_hour_goes(add: Add) -> None:
    for number in range(rates.SAMPLES + 3):
        add(number)
        age(rates.STEP_SECONDS)
    assert held() == list(range(3, rates.SAMPLES + 3))


def test_without_a_server_that_keeps_them_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert rates.samples() == []
