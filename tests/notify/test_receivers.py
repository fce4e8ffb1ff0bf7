"""The two receivers of docs/clients/, run as they are; and what make notifications prints."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import playwright
import pytest

from api.notify import make_signer
from sql.server.private import PrivateServer
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD
from tests.support.database import Database
from tests.support.outbox import new_receiver, told
from tests.support.receiver import SECRET
from tests.support.sale import new_product, order, pay
from tests.support.service import ROOT, Service, free_port
from tests.support.waiting import wait_until

FOLDER = ROOT / "docs" / "clients"
NODE = Path(playwright.__file__).parent / "driver" / "node"
RECEIVERS = {"python": ("receiver.py", sys.executable), "js": ("receiver.mjs", str(NODE))}


class Running:
    """A receiver, and what it printed."""

    def __init__(self, command: list[str], output: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/told"
        self._output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [*command, str(self.port)], env=os.environ | {"NOTIFY_SECRET": SECRET}, stdout=file, stderr=file
            )
        wait_until(self._answers, 20)

    def _answers(self) -> bool:
        try:
            httpx.post(self.url, content=b"{}", verify=False)
        except httpx.TransportError:
            assert self._process.poll() is None, self._output.read_text()
            return False
        return True

    def printed(self) -> list[dict[str, object]]:
        """Each notification that it took; two that came at once may stand on one line."""
        text, found = self._output.read_text().strip(), []
        while text:
            notification, end = json.JSONDecoder().raw_decode(text)
            found.append(notification)
            text = text[end:].lstrip()
        return found

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture(params=RECEIVERS)
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A receiver of the folder."""
    name, interpreter = RECEIVERS[request.param]
    running = Running([interpreter, str(FOLDER / name)], tmp_path / "printed")
    yield running
    running.stop()


def test_a_receiver_hears_of_a_purchase(
    receiver: Running, db: Database, api_url: str, tmp_path: Path, connect_as: Callable[..., Database]
) -> None:
    service = Service(
        api_url, tmp_path / "gunicorn.log", FLASHSALE_NOTIFY_URL=receiver.url, FLASHSALE_NOTIFY_SECRETS=SECRET
    )
    wait_until(lambda: db.query("SELECT 1 FROM notification_receivers WHERE receiver = %s", receiver.url) != [], 30)
    order_id = order(db, new_product(db, 2))
    pay(db, order_id)
    pending = "SELECT 1 FROM notifications WHERE subject = %s AND state = 'pending'"
    wait_until(lambda: db.query(pending, order_id) == [], 30)
    service.stop()
    connect_as("admin").call("set_receivers", "[]")

    of_it = [each for each in receiver.printed() if order_id in json.dumps(each)]
    assert [each["type"] for each in of_it] == ["order.created", "order.paid"]


def test_a_receiver_takes_a_repeat_once_and_refuses_what_is_not_signed(receiver: Running) -> None:
    body = json.dumps({"type": "order.paid", "data": {}})
    signed = make_signer([SECRET])("1-1", body)
    other = make_signer(["whsec_" + "b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE="])("1-2", body)
    both = make_signer(["whsec_" + "b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCBvdGhlciE=", SECRET])("1-3", body)

    def answer(headers: dict[str, str], content: str = body) -> int:
        return httpx.post(receiver.url, headers=headers, content=content, verify=False).status_code

    assert [answer(signed), answer(signed), answer(both)] == [204, 204, 204]
    old = signed | {"webhook-timestamp": str(int(time.time()) - 3600)}
    assert [answer(other), answer(old), answer({}), answer(signed, body + " ")] == [401] * 4
    assert len(receiver.printed()) == 2


def test_make_notifications_prints_what_is_pending_as_it_would_be_sent(
    mysql_server: PrivateServer, db: Database
) -> None:
    name = new_receiver()
    with told(db, name):
        order_id = order(db, new_product(db, 1))
        environment = {
            "FLASHSALE_ADMIN_URL": mysql_server.admin_url(), "FLASHSALE_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
            "FLASHSALE_API_PASSWORD": API_PASSWORD, "FLASHSALE_NOTIFY_SECRETS": SECRET,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "api.notify"], cwd=ROOT, env=os.environ | environment, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
        assert f"POST {name}\n" in done.stdout
        assert "\nwebhook-signature: v1," in done.stdout
        assert order_id in done.stdout
        assert db.value("SELECT SUM(attempts) FROM notifications WHERE receiver = %s", name) == 0
