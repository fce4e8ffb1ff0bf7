"""Stripe: its signatures as its own package computes them, and its events as they really look."""

import datetime
import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
import stripe as package

from api.problems import ProblemError
from api.providers import make_receiver, stripe
from api.providers.provider import Event, Payment
from api.providers.stripe_money import to_stripe
from api.schemas import EventStatus
from tests.support.signing import NOW, STRIPE_NEXT, STRIPE_SECRET, refusal, stop_clock, stripe_headers
from tests.support.stripe_events import CHARGE, event, intent_of, succeeded

ORDER = "019378d2-8c1a-7c3e-9b57-2f60c1d1a001"
INTENT = intent_of(ORDER)
BODY = json.dumps(succeeded(ORDER)).encode()
CREATED = datetime.datetime(2026, 11, 27, 9, 0, tzinfo=datetime.UTC)

Headers = dict[str, str]
Verify = Callable[[Headers, bytes], None]


def reason(verify: Verify, header: str, body: bytes = BODY) -> str | None:
    """Why a request is refused; None when it is let in."""
    return refusal(verify, {"Stripe-Signature": header}, body)


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The verifier of one secret, now."""
    stop_clock(monkeypatch, NOW)
    return stripe.make_verifier([STRIPE_SECRET])


@pytest.fixture
def header(verify: Verify) -> str:
    """What Stripe would send with the body, now."""
    return stripe_headers(BODY)["Stripe-Signature"]


def changes(text: bytes, alphabet: bytes) -> list[bytes]:
    """A text with each byte replaced, left out and doubled, and with something put before and after it."""
    replaced = [text[:at] + bytes([new]) + text[at + 1 :] for at in range(len(text)) for new in alphabet]
    shortened = [text[:at] + text[at + 1 :] for at in range(len(text))]
    inserted = [text[:at] + bytes([new]) + text[at:] for at in range(len(text) + 1) for new in b"0aA=., \n\x00\x80"]
    return [changed for changed in {*replaced, *shortened, *inserted} if changed != text]


def test_what_stripes_package_signs_is_let_in(verify: Verify, header: str) -> None:
    assert reason(verify, header) is None


def test_what_we_sign_stripes_package_lets_in(verify: Verify) -> None:
    signed = stripe.sign(STRIPE_SECRET, BODY)["Stripe-Signature"]

    assert package.WebhookSignature.verify_header(BODY.decode(), signed, STRIPE_SECRET, tolerance=300)


def test_a_change_of_any_byte_of_the_header_is_refused(verify: Verify, header: str) -> None:
    attempts = [text.decode("latin-1") for text in changes(header.encode(), bytes(range(256)))]
    assert len(attempts) > 10_000

    assert [text for text in attempts if reason(verify, text) is None] == []


def test_a_change_of_any_byte_of_the_body_is_refused(verify: Verify, header: str) -> None:
    attempts = [*changes(BODY, b"0\x00"), *([BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :] for at in range(9)])]

    assert [body for body in attempts if reason(verify, header, body) is None] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.upper().replace("T=", "t=").replace("V1=", "v1="),
        lambda header: header + f",t={NOW}",
        lambda header: f"t={NOW}," + header,
        lambda header: f"t={NOW - 1}," + header,
        lambda header: header.replace("t=", "t=0"),
        lambda header: header.replace("t=", "t=+"),
        lambda header: header.replace(",v1", ".0,v1"),
        lambda header: header.replace("v1=", "v0="),
        lambda header: header + ",v1=00",
        lambda header: header + ",v1=é",
        lambda header: header + ",",
        lambda header: header + ",junk",
        lambda header: header.replace(",", ", "),
        lambda header: header.split(",")[0],
        lambda header: header.split(",")[1],
        lambda header: "",
    ],
    ids=range(16),
)
def test_another_spelling_of_the_header_is_refused(verify: Verify, header: str, change: Callable[[str], str]) -> None:
    assert change(header) != header
    assert reason(verify, change(header)) == "invalid_signature"


def test_signatures_of_several_secrets_and_schemes_may_stand_together(verify: Verify, header: str) -> None:
    """While an endpoint's secret is being rolled, Stripe signs with both; v0 comes with test events."""
    other = f"v1={'0' * 64}"
    timestamp, right = header.split(",")

    for signatures in ([other, right], [right, other], [right, f"v0={'f' * 64}"], [f"v0={'f' * 64}", other, right]):
        assert reason(verify, ",".join([timestamp, *signatures])) is None
    assert reason(verify, f"{right},{timestamp}") is None
    assert reason(verify, f"{timestamp},{other},{other}") == "invalid_signature"


@pytest.mark.parametrize(
    ("age", "expected"),
    [(300, None), (-300, None), (301, "stale_timestamp"), (-301, "stale_timestamp"), (10**9, "stale_timestamp")],
)
def test_a_timestamp_may_be_300_seconds_away(monkeypatch: pytest.MonkeyPatch, age: int, expected: str | None) -> None:
    stop_clock(monkeypatch, NOW + age)

    assert reason(stripe.make_verifier([STRIPE_SECRET]), stripe_headers(BODY, at=NOW)["Stripe-Signature"]) == expected


def test_each_of_several_secrets_signs_and_none_that_was_taken_out(verify: Verify) -> None:
    old, new = (stripe_headers(BODY, secret)["Stripe-Signature"] for secret in (STRIPE_SECRET, STRIPE_NEXT))
    both, after = stripe.make_verifier([STRIPE_NEXT, STRIPE_SECRET]), stripe.make_verifier([STRIPE_NEXT])

    assert [reason(both, header) for header in (old, new)] == [None, None]
    assert [reason(after, header) for header in (old, new)] == ["invalid_signature", None]


@pytest.mark.parametrize("secret", ["", "whsec_", "sk_live_" + "a" * 32, "whsec_ " + "a" * 32, "whsec_é" + "a" * 32])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="signing secret of a Stripe webhook endpoint") as refused:
        stripe.make_verifier([STRIPE_SECRET, secret])
    assert "aaaa" not in str(refused.value)


# What events mean


def read(told: Any) -> Event:
    """What an event means."""
    return stripe.read(json.dumps(told).encode())


def other(told: dict[str, Any]) -> Event:
    """What an event means that is kept and moves nothing."""
    return Event(told["id"], None, None, "other", None, None, CREATED)


def test_a_payment_that_succeeded_names_what_was_received() -> None:
    told = succeeded(ORDER, 25800, "eur")
    told["data"]["object"]["amount"] = 99999

    assert read(told) == Event(told["id"], ORDER, INTENT, "succeeded", 25800, "EUR", CREATED)


@pytest.mark.parametrize(
    ("kind", "status"), [("payment_intent.payment_failed", "declined"), ("payment_intent.canceled", "failed")]
)
def test_a_declined_card_ends_no_payment_and_a_cancelled_payment_intent_does(kind: str, status: Any) -> None:
    told = event(kind, ORDER)

    assert read(told) == Event(told["id"], ORDER, INTENT, status, None, None, CREATED)


def test_a_refund_names_what_went_back_in_total() -> None:
    told = event("charge.refunded", ORDER, 25800, "eur", amount_refunded=900)

    assert read(told) == Event(told["id"], ORDER, INTENT, "refunded", 900, "EUR", CREATED)


def test_a_refund_that_failed_names_its_own_amount_and_is_found_by_the_payment() -> None:
    told = event("refund.failed", ORDER, 900, "eur")

    assert read(told) == Event(told["id"], None, INTENT, "refund_failed", 900, "EUR", CREATED)


@pytest.mark.parametrize(
    ("kind", "stands", "status"),
    [
        ("charge.dispute.created", "needs_response", "dispute_opened"),
        ("charge.dispute.created", "warning_needs_response", "dispute_opened"),
        ("charge.dispute.closed", "won", "dispute_won"),
        ("charge.dispute.closed", "warning_closed", "dispute_won"),
        ("charge.dispute.closed", "prevented", "dispute_won"),
        ("charge.dispute.closed", "lost", "dispute_lost"),
    ],
)
def test_a_dispute_is_found_by_its_payment_and_moves_no_money(kind: str, stands: str, status: Any) -> None:
    told = event(kind, ORDER, 900, status=stands)

    assert read(told) == Event(told["id"], None, INTENT, status, None, None, CREATED)


@pytest.mark.parametrize("kind", ["charge.refunded", "refund.failed", "charge.dispute.created"])
@pytest.mark.parametrize("intent", [None, "", 7, "p" * 256])
def test_without_a_payment_intent_the_charge_is_the_payment(kind: str, intent: Any) -> None:
    assert read(event(kind, ORDER, payment_intent=intent)).payment_id == CHARGE


@pytest.mark.parametrize(
    "kind",
    [
        "payment_intent.created", "payment_intent.processing", "payment_intent.requires_action", "charge.succeeded",
        "charge.refund.updated", "charge.dispute.updated", "refund.created", "refund.updated", "customer.created",
        "", "x", None, 7, ["payment_intent.succeeded"], {"payment_intent.succeeded": 1},
    ],
)  # fmt: skip
def test_an_event_of_another_type_moves_nothing(kind: Any) -> None:
    told = succeeded(ORDER) | {"type": kind}

    assert read(told) == other(told)


@pytest.mark.parametrize(
    "metadata",
    [{}, None, [], "order_id", 7, {"order_id": None}, {"order_id": ""}, {"order_id": True}, {"order_id": [ORDER]},
     {"order_id": {"id": ORDER}}, {"order": ORDER}],
)  # fmt: skip
def test_an_event_that_names_no_order_is_about_its_payment(metadata: Any) -> None:
    told = succeeded(ORDER)
    told["data"]["object"]["metadata"] = metadata

    assert read(told) == Event(told["id"], None, INTENT, "succeeded", 25800, "EUR", CREATED)


@pytest.mark.parametrize(
    ("named", "order_id"),
    [
        ("17", "17"), ("O 17", "O 17"), (" ", " "), (17, "17"), (-1.5, "-1.5"), (ORDER.upper(), ORDER.upper()),
        (ORDER + " ", ORDER + " "), ("ä\x00😀", "ä\x00😀"), ("x" * 255, "x" * 255), ("😀" * 300, "😀" * 255),
    ],
)  # fmt: skip
def test_an_order_is_passed_on_as_it_was_named(named: Any, order_id: str) -> None:
    """What is no id of ours is a mistake in the shop: the money is here, and someone has to see it."""
    told = succeeded(ORDER)
    told["data"]["object"]["metadata"] = {"order_id": named}

    assert read(told).order_id == order_id


@pytest.mark.parametrize("name", [None, 7, "", "p" * 256])
def test_a_payment_without_an_id_is_that_of_its_order(name: Any) -> None:
    told = succeeded(ORDER)
    told["data"]["object"]["id"] = name

    assert read(told)[1:4] == (ORDER, None, "succeeded")


@pytest.mark.parametrize("thing", [[], None, 7, "x", {}, {"id": 7, "metadata": {}}])
def test_an_event_about_nothing_is_kept_and_said(thing: Any, caplog: pytest.LogCaptureFixture) -> None:
    for data in ({"object": thing}, thing):
        told = succeeded(ORDER) | {"data": data}
        assert read(told) == other(told)
    assert "payment_intent.succeeded names no payment and no order" in caplog.text


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        ("payment_intent.succeeded", "amount_received"),
        ("charge.refunded", "amount_refunded"),
        ("refund.failed", "amount"),
    ],
)
@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("amount", value) for value in (None, -1, "900", 900.5, 900.0, True, [900], 2**63, 10**30)),
        *(("currency", value) for value in (None, "", "euro", "eu", "€ur", "eur\n", 978, ["eur"])),
    ],
)
def test_money_that_cannot_be_counted_is_kept_and_said(
    kind: str, amount: str, member: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Never taken for a payment, or a refund, of any amount; and never refused, since Stripe would give up."""
    told = event(kind, ORDER)
    told["data"]["object"][amount if member == "amount" else member] = value

    assert read(told) == other(told)
    assert f"{kind} names no amount that the sale can count" in caplog.text
    assert told["id"] not in caplog.text


# How Stripe counts; the numbers are those of its own documentation and of ISO 4217.


@pytest.mark.parametrize(
    ("currency", "stripes", "minor"),
    [
        ("usd", 1099, 1099), ("eur", 0, 0), ("huf", 1000, 1000), ("twd", 80000, 80000),
        *((currency, 500, 500) for currency in
          ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")),
        *((currency, 5120, 5120) for currency in ("bhd", "jod", "kwd", "omr", "tnd")),
        ("isk", 500, 5), ("ugx", 500, 5), ("mga", 5, 500), ("isk", 0, 0), ("mga", 0, 0),
        ("eur", 2**63 - 1, 2**63 - 1), ("mga", (2**63 - 1) // 100, (2**63 - 1) // 100 * 100),
    ],
)  # fmt: skip
def test_an_amount_is_counted_in_the_minor_units_of_its_currency(currency: str, stripes: int, minor: int) -> None:
    told = read(succeeded(ORDER, stripes, currency))

    assert (told.status, told.amount, told.currency) == ("succeeded", minor, currency.upper())
    assert to_stripe(minor, currency.upper()) == stripes


def test_a_fraction_of_a_krona_is_not_rounded_and_fits_no_order() -> None:
    """40.10 ISK are neither 40 nor 41: what was received is due for a refund, and the refund of it settles it."""
    paid = read(succeeded(ORDER, 4010, "isk"))
    refunded = read(event("charge.refunded", ORDER, 4010, "isk", amount_refunded=4010))

    assert (paid.status, paid.amount, paid.currency) == ("succeeded", 4010, "XXX")
    assert (refunded.status, refunded.amount, refunded.currency) == ("refunded", 4010, "XXX")


def test_an_amount_that_is_too_large_once_it_is_converted_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    told = succeeded(ORDER, (2**63 - 1) // 100 + 1, "mga")

    assert read(told) == other(told)
    assert "no amount that the sale can count" in caplog.text


def test_stripe_has_no_fraction_of_an_ariary() -> None:
    with pytest.raises(ValueError, match="MGA in steps of 100 minor units"):
        to_stripe(150, "MGA")


# What is odd


@pytest.mark.parametrize("created", [None, "now", "2026-11-27T09:00:00Z", -1, 253402300800, 1.5, True, [], 10**30])
def test_a_time_that_is_none_is_left_out(created: Any) -> None:
    assert read(succeeded(ORDER) | {"created": created}).occurred_at is None


def test_an_event_of_which_only_the_id_is_left_is_kept() -> None:
    assert read({"id": "evt_1"}) == Event("evt_1", None, None, "other", test=True)


@pytest.mark.parametrize("changed", [{"id": ""}, {"id": None}, {"id": 7}, {"id": "e" * 256}])
def test_an_event_without_an_id_is_refused(changed: dict[str, Any]) -> None:
    """The id is what tells a repeat from another event."""
    with pytest.raises(ProblemError, match="invalid_argument") as refused:
        read(succeeded(ORDER) | changed)

    assert [error.field for error in refused.value.errors] == ["id"]


@pytest.mark.parametrize(("livemode", "test"), [(True, False), (False, True), (None, True), ("true", True), (1, True)])
def test_what_does_not_say_that_it_is_live_is_a_test(livemode: Any, test: bool) -> None:
    told = succeeded(ORDER) | {"livemode": livemode}

    assert (read(told).test, read(told).status) == (test, "succeeded")


@pytest.mark.parametrize(
    ("live", "production", "status"),
    [(True, True, "succeeded"), (False, True, "other"), (True, False, "succeeded"), (False, False, "succeeded")],
)
def test_in_production_a_test_is_kept_and_moves_nothing(live: bool, production: bool, status: str) -> None:
    receive = make_receiver({}, production)
    told = succeeded(ORDER, live=live)

    received = receive({"Stripe-Signature": ""}.get, json.dumps(told).encode())

    assert received.status == status
    if status == "other":
        assert received == other(told)._replace(test=True)


# What the command line sends


@pytest.mark.parametrize("status", get_args(EventStatus))
@pytest.mark.parametrize(("order_id", "payment_id"), [(ORDER, None), (ORDER, "pi_2"), (None, "pi_2")])
def test_what_the_command_line_sends_means_what_it_says(
    status: Any, order_id: str | None, payment_id: str | None
) -> None:
    body = stripe.compose(Payment("evt_1", order_id, payment_id, status, 900, "EUR", live=True))

    told = stripe.read(body)

    money = (900, "EUR") if status in ("succeeded", "refunded", "refund_failed") else (None, None)
    found_by_payment = status.startswith(("dispute", "refund_failed"))
    if status == "other":
        order_id = payment_id = None
    else:
        payment_id = payment_id or f"pi_{ORDER.replace('-', '')}"
    assert told[:6] == ("evt_1", None if found_by_payment else order_id, payment_id, status, *money)
    assert not told.test
    package.Event.construct_from(json.loads(body), key=None)


def test_the_command_line_says_amounts_as_stripe_does() -> None:
    body = stripe.compose(Payment("evt_1", ORDER, None, "succeeded", 41, "ISK"))

    assert json.loads(body)["data"]["object"]["amount_received"] == 4100
    assert stripe.read(body)[4:6] == (41, "ISK")
    assert stripe.read(body).test
