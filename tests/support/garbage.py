"""No search for garbage among what stays: the modules and thousands of collected tests, which every process has."""

import gc

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Nothing that is made from here on goes before the tests do."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look only at what the tests themselves make."""
    gc.freeze()
    gc.enable()
