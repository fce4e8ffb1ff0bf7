"""What the gateway has given up is ended as soon as that can be done, and not tried for ever."""

import logging
import threading
import time
from collections.abc import Mapping

import pytest

from api.gateway import endings
from api.gateway.endings import Endings


def test_what_is_gone_at_once_is_told_at_once() -> None:
    asked: list[dict[int, float]] = []

    def end(sessions: Mapping[int, float]) -> set[int]:
        asked.append(dict(sessions))
        return set(sessions)

    assert Endings(end).add(7, 1.5).wait(1)
    assert asked == [{7: 1.5}]


def test_it_is_tried_until_it_works_and_others_need_not_wait_for_it() -> None:
    stubborn, tries = {1: 5}, []

    def end(sessions: Mapping[int, float]) -> set[int]:
        tries.append(set(sessions))
        stubborn[1] -= 1 in sessions
        return {session for session in sessions if session != 1 or stubborn[1] <= 0}

    ending = Endings(end)
    first = ending.add(1, 0.0)

    assert ending.add(2, 0.0).wait(0.5)
    assert first.wait(5)
    assert tries[-1] == {1}


def test_a_fault_on_the_way_is_logged_and_it_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    failing, secret = [True, True, False], "s3cret"

    def end(sessions: Mapping[int, float]) -> set[int]:
        if failing.pop(0):
            raise LookupError(secret)
        return set(sessions)

    with caplog.at_level(logging.ERROR, "flashsale.api"):
        assert Endings(end).add(7, 0.0).wait(2)
    assert "LookupError" in caplog.text
    assert secret not in caplog.text


def test_what_cannot_be_ended_is_told_to_the_operator(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(endings, "PATIENCE_SECONDS", 0.1)
    tries = 0

    def end(sessions: Mapping[int, float]) -> set[int]:
        nonlocal tries
        tries += 1
        return set()

    with caplog.at_level(logging.ERROR, "flashsale.api"):
        assert not Endings(end).add(4711, 0.0).wait(0.5)
    assert "session 4711 could not be ended" in caplog.text
    so_many = tries
    time.sleep(0.1)
    assert tries == so_many


def test_no_thread_is_made_before_there_is_something_to_end() -> None:
    before = threading.active_count()
    ending = Endings(lambda sessions: set(sessions))
    assert threading.active_count() == before

    for session in range(3):
        assert ending.add(session, 0.0).wait(1)
    assert threading.active_count() == before + 1
