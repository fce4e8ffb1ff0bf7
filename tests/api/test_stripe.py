"""Stripe: its signatures as its own package computes them, and its events as they really look."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe as package

from api.problems import ProblemError
from api.providers import stripe
from api.providers.provider import Event, Payment
from tests.support.signing import NOW, STRIPE_NEXT, STRIPE_SECRET, refusal, stop_clock, stripe_headers
from tests.support.stripe_events import event, succeeded

ORDER = "019378d2-8c1a-7c3e-9b57-2f60c1d1a001"
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


def test_a_payment_that_succeeded_names_what_was_received() -> None:
    told = succeeded(ORDER, 25800, "eur")
    told["data"]["object"]["amount"] = 99999

    assert read(told) == Event(told["id"], ORDER, "succeeded", 25800, "EUR", CREATED)


def test_a_payment_that_failed_names_no_money() -> None:
    told = event("payment_intent.payment_failed", ORDER)

    assert read(told) == Event(told["id"], ORDER, "failed", None, None, CREATED)


def test_a_refund_names_what_went_back_in_total() -> None:
    told = event("charge.refunded", ORDER, 25800, "eur", amount_refunded=900)

    assert read(told) == Event(told["id"], ORDER, "refunded", 900, "EUR", CREATED)


@pytest.mark.parametrize(
    "kind", ["payment_intent.created", "charge.succeeded", "charge.refund.updated", "customer.created", "", "x"]
)
def test_an_event_of_another_type_moves_no_order(kind: str) -> None:
    told = succeeded(ORDER) | {"type": kind}

    assert read(told) == Event(told["id"], None, "other", None, None, CREATED)


@pytest.mark.parametrize(
    "metadata", [{}, None, [], "order_id", {"order_id": None}, {"order_id": 7}, {"order_id": "17"}, {"order": ORDER}]
)
def test_an_event_that_names_no_order_of_ours_moves_none(metadata: Any) -> None:
    told = succeeded(ORDER)
    told["data"]["object"] |= {"metadata": metadata, "amount_received": None}

    assert read(told) == Event(told["id"], None, "other", None, None, CREATED)


def test_an_event_about_something_without_metadata_moves_no_order() -> None:
    for thing in ([], None, 7, "x", {}):
        told = succeeded(ORDER) | {"data": {"object": thing}}
        assert read(told).status == "other"


def test_the_id_of_an_order_is_read_in_any_case() -> None:
    assert read(succeeded(ORDER.upper())).order_id == ORDER


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("amount_received", None, "data.object"),
        ("amount_received", -1, "data.object"),
        ("amount_received", "900", "data.object"),
        ("amount_received", 2**63, "data.object"),
        ("currency", None, "data.object"),
        ("currency", "euro", "data.object"),
    ],
)
def test_an_event_about_an_order_that_names_no_money_is_refused(member: str, value: Any, field: str) -> None:
    """Never taken for a payment of any amount."""
    told = succeeded(ORDER)
    told["data"]["object"][member] = value

    with pytest.raises(ProblemError, match="invalid_argument") as refused:
        read(told)

    assert [error.field for error in refused.value.errors] == [field]
    assert member in refused.value.detail


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": None}, "id"),
        ({"type": 1}, "type"),
        ({"created": "now"}, "created"),
        ({"created": -1}, "created"),
        ({"created": 253402300800}, "created"),
        ({"data": []}, "data"),
        ({"data": {}}, "data"),
    ],
)
def test_what_is_no_stripe_event_is_refused_naming_the_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(ProblemError, match="invalid_argument") as refused:
        read(succeeded(ORDER) | changed)

    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize(("status", "amount"), [("succeeded", 25800), ("failed", None), ("refunded", 900)])
def test_what_the_command_line_sends_means_what_it_says(status: Any, amount: int | None) -> None:
    body = stripe.compose(Payment("evt_1", ORDER, status, amount or 25800, "EUR"))

    told = stripe.read(body)

    assert told[:5] == ("evt_1", ORDER, status, amount, "EUR" if amount else None)
    package.Event.construct_from(json.loads(body), key=None)
