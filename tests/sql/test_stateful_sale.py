"""A sale in which anything may happen next, step by step beside a model that says what has to come out."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import run_state_machine_as_test

from sql.server.private import PrivateServer
from sql.server.urls import parse
from tests.conftest import OPERATOR_PASSWORD
from tests.support.database import Database
from tests.support.deploying import deployed
from tests.support.payment_model import RULES
from tests.support.sale_machine import SaleMachine
from tests.support.service import ROOT

STEPS_AT_LEAST = 2_000
REPEATED = [
    "create_hold", "release_hold", "extend_hold", "create_order", "receive_payment_webhook", "cancel_order",
    "cancel_pending_order", "fulfil_order", "record_refund",
]  # fmt: skip
DONE = [*REPEATED, "adjust_stock", "set_sale_window", "set_price", "stop_sale", "accept_payment", "reprocess_webhook"]
PROFILES = {
    "test": settings(max_examples=64, stateful_step_count=40, derandomize=True),
    "long": settings(max_examples=600, stateful_step_count=50, print_blob=True),
}
PROFILE = settings(
    PROFILES[os.environ.get("FLASHSALE_TEST_PROFILE", "test")],
    database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
)  # fmt: skip
# What Hypothesis keeps about the sources belongs where everything generated is.
set_hypothesis_home_dir(ROOT / ".flashsale" / "hypothesis")


@pytest.fixture
def walk(mysql_server: PrivateServer) -> Iterator[None]:
    """A database of its own: every step looks at all the invariants, and at whatever other tests left."""
    with deployed(mysql_server, "flashsale_walk") as address:
        operator = replace(parse(address), user="flashsale_operator", password=OPERATOR_PASSWORD)
        with Database(str(operator)) as SaleMachine.db, Database(address) as SaleMachine.admin:
            yield


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("walk")
def test_whatever_happens_the_sale_is_what_the_model_says() -> None:
    SaleMachine.steps = 0
    SaleMachine.met.clear()
    SaleMachine.done.clear()

    run_state_machine_as_test(SaleMachine, settings=PROFILE)  # type: ignore[no-untyped-call]

    print(f"{SaleMachine.steps} steps; decided {dict(SaleMachine.met)}; done, and repeated {dict(SaleMachine.done)}")
    assert SaleMachine.steps >= STEPS_AT_LEAST
    # The walk has been everywhere: a payment decided in every state, everything done, and repeated where that means
    # anything.
    assert {state for state, _ in SaleMachine.met} >= {state for state, _ in RULES}
    assert set(SaleMachine.done) >= {(name, False) for name in DONE} | {(name, True) for name in REPEATED}
