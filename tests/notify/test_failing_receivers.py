"""A receiver that answers anything but a success is told again. One API tells it, for all tests here."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Sessions
from tests.support.database import Database
from tests.support.outbox import make_due, state_of
from tests.support.receiver import SECRET, Receiver
from tests.support.sale import new_product, nobody_sweeps, order
from tests.support.service import Service
from tests.support.waiting import wait_until

SECONDS = 30


@pytest.fixture(scope="module")
def shop() -> Iterator[Receiver]:
    """The receiver."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def telling(
    shop: Receiver, api_url: str, sessions: Sessions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The API, which tells it; in the end it tells nobody any more."""
    log = tmp_path_factory.mktemp("telling") / "gunicorn.log"
    told = {"FLASHSALE_NOTIFY_URL": shop.url, "FLASHSALE_NOTIFY_SECRETS": SECRET}
    with Service(api_url, log, **told) as service:
        known = "SELECT receiver FROM notification_receivers"
        wait_until(lambda: [row["receiver"] for row in sessions.checker.query(known)] == [shop.url], SECONDS)
        yield service
    sessions.checker.call("set_receivers", "[]")


@pytest.fixture(autouse=True)
def _only_orders_are_told(telling: Service, connect_as: Callable[..., Database]) -> Iterator[None]:
    with nobody_sweeps(connect_as("admin")):
        yield


def test_the_log_says_when_a_receiver_fails_without_its_path(db: Database, shop: Receiver, telling: Service) -> None:
    """The first test here: a worker says so once, and those that follow may leave one for which it still fails."""
    shop.status = lambda _: 503
    shop.wait_for(order(db, new_product(db, 1)))
    wait_until(lambda: f"notifications do not reach 127.0.0.1:{shop.port}: 503" in telling.log.read_text(), SECONDS)
    assert "told?by" not in telling.log.read_text()


@pytest.mark.parametrize("status", [500, 301, 307, 404, 410])
def test_whatever_is_no_success_is_tried_again_and_no_redirect_is_followed(
    db: Database, shop: Receiver, connect_as: Callable[..., Database], status: int
) -> None:
    with Receiver() as elsewhere:
        shop.headers["Location"] = elsewhere.url
        shop.status = lambda _: status
        order_id = order(db, new_product(db, 1))
        shop.wait_for(order_id)
        wait_until(lambda: state_of(db, shop.url, order_id)[0][3] is not None, SECONDS)

        [(_, state, attempts, error)] = state_of(db, shop.url, order_id)
        assert (state, attempts) == ("pending", 1)
        assert str(error).startswith(str(status))
        assert elsewhere.came == []
        shop.status = lambda _: 200
        make_due(connect_as("admin"), shop.url)
        wait_until(lambda: state_of(db, shop.url, order_id)[0][1] == "delivered", SECONDS)
        first, second = shop.wait_for(order_id)
        assert first == second
