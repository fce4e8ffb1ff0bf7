"""Sending a signed payment event from the command line, and what the documentation shows of it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from api.providers.__main__ import main
from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, stock
from tests.support.service import ROOT, Service, free_port
from tests.support.signing import STANDARD_NEXT, STANDARD_SECRET, STRIPE_SECRET

SECRETS = {"FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET, "FLASHSALE_STRIPE_SECRETS": STRIPE_SECRET}


@pytest.fixture(scope="module")
def secured(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API with a secret of each provider."""
    running = Service(api_url, tmp_path_factory.mktemp("secured") / "gunicorn.log", **SECRETS)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def production(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API in production."""
    log = tmp_path_factory.mktemp("production") / "gunicorn.log"
    running = Service(api_url, log, FLASHSALE_ENV="production", **SECRETS)
    yield running
    running.stop()


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project with no secrets but these."""
    kept = {name: text for name, text in os.environ.items() if name not in SECRETS}
    return subprocess.run(
        command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60, check=False
    )


def send(service: Service, *arguments: str, **secrets: str) -> tuple[int, str, str]:
    """Send an event; the exit status, what was printed and what was remarked."""
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as remarked:
        status = main(["send", *arguments, "--port", str(service.port)], secrets)
    return status, printed.getvalue(), remarked.getvalue()


def answer(printed: str) -> tuple[str, dict[str, object]]:
    """The status and the body."""
    status, _, body = printed.partition(" ")
    return status, json.loads(body)


@pytest.mark.parametrize("provider", ["standard", "stripe"])
def test_an_order_is_paid_and_refunded_from_the_command_line(secured: Service, db: Database, provider: str) -> None:
    product = new_product(db, 5)
    order_id = order(db, product, 2)

    status, printed, remarks = send(secured, order_id, "--provider", provider, **SECRETS)
    assert (status, remarks) == (0, "")
    assert answer(printed)[0] == "200"
    assert answer(printed)[1]["outcome"] == "applied"
    amount = db.value(
        "SELECT amount_minor FROM payment_webhooks WHERE webhook_id = %s", answer(printed)[1]["webhook_id"]
    )
    assert amount == 2000

    status, printed, _ = send(secured, order_id, "--provider", provider, "--status", "refunded", **SECRETS)
    assert (status, answer(printed)[1]["order_status"]) == (0, "refunded")
    assert stock(db, product) == (5, 0, 0)


def test_the_secret_may_be_in_a_file(secured: Service, db: Database, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(STANDARD_SECRET + "\n")

    order_id = order(db, new_product(db, 5))

    assert send(secured, order_id, FLASHSALE_WEBHOOK_SECRETS_FILE=str(tmp_path / "secret"))[::2] == (0, "")
    status, _, remarks = send(secured, order_id, FLASHSALE_WEBHOOK_SECRETS_FILE=str(tmp_path / "none"))
    assert (status, remarks.count("FLASHSALE_WEBHOOK_SECRETS_FILE must be the path of a file")) == (1, 1)


@pytest.mark.parametrize("provider", ["standard", "stripe"])
def test_a_declined_card_leaves_the_order_as_it_is(secured: Service, db: Database, provider: str) -> None:
    order_id = order(db, new_product(db, 5), 2)

    status, printed, _ = send(secured, order_id, "--provider", provider, "--status", "declined", **SECRETS)

    assert status == 0
    assert [answer(printed)[1][name] for name in ("payment_status", "order_status")] == ["declined", "pending"]


@pytest.mark.parametrize("provider", ["standard", "stripe"])
def test_a_second_payment_has_a_name_of_its_own_and_is_refunded_by_it(
    secured: Service, db: Database, provider: str
) -> None:
    order_id, second = order(db, new_product(db, 5), 2), f"pi_{new_key()}"
    send(secured, order_id, "--provider", provider, **SECRETS)

    _, printed, _ = send(secured, order_id, "--provider", provider, "--payment", second, **SECRETS)
    receipt = answer(printed)[1]
    assert [receipt[name] for name in ("payment_id", "payment_state", "outcome")] == [second, "due", "refund_due"]

    money = ["--amount", "2000", "--currency", "EUR"]
    status, printed, _ = send(
        secured, "--payment", second, "--status", "refunded", "--provider", provider, *money, **SECRETS
    )
    receipt = answer(printed)[1]
    assert (status, receipt["order_id"]) == (0, order_id)
    assert [receipt[name] for name in ("payment_state", "order_status")] == ["settled", "paid"]


@pytest.mark.parametrize("provider", ["standard", "stripe"])
def test_a_dispute_is_told_and_shown(secured: Service, db: Database, provider: str) -> None:
    order_id = order(db, new_product(db, 5), 2)
    shown = []
    for status in ("succeeded", "dispute_opened", "dispute_lost"):
        assert send(secured, order_id, "--provider", provider, "--status", status, **SECRETS)[0] == 0
        shown.append(db.one("get_order", order_id)["dispute"])

    assert shown == [None, "opened", "lost"]


@pytest.mark.parametrize(("environment", "outcome"), [("production", "applied"), ("", "ignored")])
def test_in_production_only_what_is_sent_from_production_counts(
    production: Service, db: Database, environment: str, outcome: str
) -> None:
    order_id = order(db, new_product(db, 5), 2)

    status, printed, _ = send(production, order_id, "--provider", "stripe", FLASHSALE_ENV=environment, **SECRETS)

    assert (status, answer(printed)[1]["outcome"]) == (0, outcome)


def test_that_it_is_production_may_stand_in_a_file(production: Service, db: Database, tmp_path: Path) -> None:
    order_id, file = order(db, new_product(db, 5), 2), tmp_path / "environment"
    file.write_text("production\n")

    status, printed, _ = send(production, order_id, "--provider", "stripe", FLASHSALE_ENV_FILE=str(file), **SECRETS)

    assert (status, answer(printed)[1]["outcome"]) == (0, "applied")


@pytest.mark.parametrize("provider", ["standard", "stripe"])
def test_a_payment_that_failed_cancels_the_order(secured: Service, db: Database, provider: str) -> None:
    order_id = order(db, new_product(db, 5), 2)

    status, printed, remarks = send(secured, order_id, "--provider", provider, "--status", "failed", **SECRETS)

    assert (status, remarks) == (0, "")
    assert answer(printed)[1]["order_status"] == "cancelled"


def test_amount_currency_and_key_may_be_given(secured: Service, db: Database) -> None:
    order_id, key = order(db, new_product(db, 5), 2), new_key()

    options = ["--amount", "1", "--currency", "USD", "--key", key]
    first, second = (answer(send(secured, order_id, *options, **SECRETS)[1])[1] for _ in range(2))

    assert (first["idempotency_key"], first["outcome"]) == (key, "amount_mismatch")
    assert second["deliveries"] == 2


def test_the_only_provider_with_a_secret_is_the_one_that_signs(secured: Service, db: Database) -> None:
    order_id = order(db, new_product(db, 5), 2)

    status, printed, _ = send(secured, order_id, FLASHSALE_STRIPE_SECRETS=STRIPE_SECRET)

    assert status == 0
    payload = db.value("SELECT payload FROM payment_webhooks WHERE webhook_id = %s", answer(printed)[1]["webhook_id"])
    assert json.loads(payload)["type"] == "payment_intent.succeeded"


def test_nothing_is_sent_as_stripe_without_a_secret_of_stripe(secured: Service, db: Database) -> None:
    status, printed, remarks = send(secured, order(db, new_product(db, 5), 2), "--provider", "stripe")

    assert (status, printed) == (1, "")
    assert remarks.startswith("Nothing was sent: FLASHSALE_STRIPE_SECRETS is not set")


def test_without_a_secret_it_says_so_and_is_refused(secured: Service, db: Database) -> None:
    status, printed, remarks = send(secured, order(db, new_product(db, 5), 2))

    assert (status, answer(printed)[0]) == (1, "401")
    assert remarks == "FLASHSALE_WEBHOOK_SECRETS is not set: this event is not signed\n"


def test_without_a_secret_the_development_server_takes_it(service: Service, db: Database) -> None:
    status, printed, remarks = send(service, order(db, new_product(db, 5), 2))

    assert (status, answer(printed)[1]["outcome"]) == (0, "applied")
    assert "not signed" in remarks


def test_with_a_wrong_secret_it_fails(secured: Service, db: Database) -> None:
    status, printed, remarks = send(secured, order(db, new_product(db, 5), 2), FLASHSALE_WEBHOOK_SECRETS=STANDARD_NEXT)

    assert (status, answer(printed)[0], remarks) == (1, "401", "")


def test_an_early_payment_names_its_amount(secured: Service, db: Database) -> None:
    hold_id = hold(db, new_product(db, 5), 2)

    status, _, remarks = send(secured, hold_id, "--provider", "stripe", **SECRETS)
    assert (status, "amount" in remarks) == (1, True)
    status, printed, _ = send(
        secured, hold_id, "--provider", "stripe", "--amount", "2000", "--currency", "EUR", **SECRETS
    )
    assert (status, answer(printed)[0]) == (0, "202")


def test_the_command_pays_an_order(secured: Service, db: Database) -> None:
    command = [sys.executable, "-m", "api.providers", "send", order(db, new_product(db, 5)), "--port"]
    done = run([*command, str(secured.port)], **SECRETS)

    assert (done.returncode, answer(done.stdout)[0], done.stderr) == (0, "200", "")


def test_a_service_that_is_not_there_and_a_secret_that_is_none_are_explained() -> None:
    absent = run([sys.executable, "-m", "api.providers", "send", "x", "--status", "failed", "--port", str(free_port())])
    malformed = run([sys.executable, "-m", "api.providers", "send", "x"], FLASHSALE_WEBHOOK_SECRETS="whsec_s3cret")
    nothing = run([sys.executable, "-m", "api.providers", "send", ""])

    assert (absent.returncode, "Does the service run" in absent.stderr) == (1, True)
    assert (malformed.returncode, "FLASHSALE_WEBHOOK_SECRETS" in malformed.stderr) == (1, True)
    assert (nothing.returncode, "ORDER=" in nothing.stderr) == (1, True)
    assert "Traceback" not in absent.stderr + malformed.stderr + nothing.stderr
    assert "s3cret" not in malformed.stderr


def test_make_webhook_sends_what_it_is_told(secured: Service, db: Database) -> None:
    product = new_product(db, 5)
    order_id, key = order(db, product, 2), new_key()
    arguments = [f"ORDER={order_id}", f"PAYMENT=pay {key}", "STATUS=failed", f"KEY={key}", "PROVIDER=standard"]
    arguments.append(f"PORT={secured.port}")

    done = run(["make", "-s", "webhook", *arguments], **SECRETS)

    assert done.returncode == 0, done.stderr
    receipt = answer(done.stdout)[1]
    assert (receipt["idempotency_key"], receipt["payment_id"]) == (key, f"pay {key}")
    assert receipt["order_status"] == "cancelled"
    assert run(["make", "-s", "webhook", *arguments]).returncode != 0
    assert "ORDER=" in run(["make", "-s", "webhook"]).stderr


def test_curl_and_openssl_can_sign(secured: Service, db: Database) -> None:
    product = new_product(db, 5)
    order_id = order(db, product, 2)
    script = (ROOT / "docs" / "clients" / "sign.sh").read_text(encoding="utf-8")
    script = script.replace("http://127.0.0.1:8000", secured.url)

    done = run(["sh", "-ec", script], order=order_id, secret=STANDARD_SECRET)

    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout.splitlines()[-1])
    assert (receipt["outcome"], receipt["order_status"]) == ("applied", "paid")


def test_a_secret_made_as_the_documentation_shows_is_accepted() -> None:
    deploying = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    [recipe] = set(re.findall(r"whsec_\$\(openssl rand -base64 \d+\)", deploying))
    secret = run(["sh", "-c", f"echo {recipe}"]).stdout.strip()

    refused = run([sys.executable, "-m", "api.providers", "send", ""], FLASHSALE_WEBHOOK_SECRETS=secret)

    assert "ORDER=" in refused.stderr
