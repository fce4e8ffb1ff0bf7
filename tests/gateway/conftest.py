"""Threads that look for the node that sells, or for secondaries, rest when the test is over that needed them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from api.gateway.primary import Primary
from api.gateway.secondaries import SecondaryReads


@pytest.fixture(autouse=True)
def _looks_rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made: list[Primary | SecondaryReads] = []
    for kind in (Primary, SecondaryReads):
        monkeypatch.setattr(kind, "__init__", _noting(kind.__init__, made))
    yield
    for each in made:
        for step in ("_search", "_sells", "_look"):
            setattr(each, step, _rest)


def _noting(make: Any, made: list[Any]) -> Any:
    def make_and_note(self: Any, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        made.append(self)

    return make_and_note


def _rest(*_: object) -> None:
    """The next step of such a thread, and its last one."""
    threading.Event().wait()
