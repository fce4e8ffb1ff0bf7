"""Standard Webhooks: only what was signed with a secret of ours, as it was signed, is let in."""

import base64
import string
from collections.abc import Callable

import pytest
from standardwebhooks import Webhook

from api.problems import ProblemError
from api.providers import make_receiver, standard
from api.providers.provider import SignatureError
from tests.support.signing import (
    NOW,
    STANDARD_NEXT,
    STANDARD_SECRET,
    STRIPE_SECRET,
    refusal,
    standard_headers,
    stop_clock,
)  # fmt: skip

# The example of the specification's documentation and of its libraries' tests.
DOCUMENTED_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DOCUMENTED_TIME = 1614265330
DOCUMENTED_BODY = b'{"test": 2432232314}'
DOCUMENTED_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
DOCUMENTED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(DOCUMENTED_TIME),
    "webhook-signature": DOCUMENTED_SIGNATURE,
}
OTHER = "v1," + base64.b64encode(bytes(32)).decode()

Headers = dict[str, str]
Verify = Callable[[Headers, bytes], None]


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The verifier of the documented secret, at the documented time."""
    stop_clock(monkeypatch, DOCUMENTED_TIME)
    return standard.make_verifier([DOCUMENTED_SECRET])


def changes(text: bytes) -> list[bytes]:
    """A text with each byte replaced by every other byte, left out, doubled, and with a byte before and after it."""
    replaced = [
        text[:at] + bytes([other]) + text[at + 1 :]
        for at in range(len(text))
        for other in range(256)
        if other != text[at]
    ]
    shortened = [text[:at] + text[at + 1 :] for at in range(len(text))]
    inserted = [text[:at] + bytes([new]) + text[at:] for at in range(len(text) + 1) for new in b"0A=., \n\x00\x80-_/+"]
    return [changed for changed in {*replaced, *shortened, *inserted} if changed != text]


def test_the_documented_example_is_let_in(verify: Verify) -> None:
    assert refusal(verify, DOCUMENTED, DOCUMENTED_BODY) is None


@pytest.mark.parametrize("header", list(DOCUMENTED))
def test_a_change_of_any_byte_of_a_header_is_refused(verify: Verify, header: str) -> None:
    attempts = [changed.decode("latin-1") for changed in changes(DOCUMENTED[header].encode())]
    assert len(attempts) > 2000

    let_in = [text for text in attempts if refusal(verify, DOCUMENTED | {header: text}, DOCUMENTED_BODY) is None]

    assert let_in == []


def test_a_change_of_any_byte_of_the_body_is_refused(verify: Verify) -> None:
    let_in = [body for body in changes(DOCUMENTED_BODY) if refusal(verify, DOCUMENTED, body) is None]

    assert let_in == []


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "1614265330.9"},
        {"webhook-timestamp": "1.61426533e9"},
        {"webhook-timestamp": "+1614265330"},
        {"webhook-timestamp": "01614265330"},
        {"webhook-timestamp": "1_614_265_330"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("OE=", "OF=")},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("v1,g0", "v1,g\n0")},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("v1,g0", "v1,g-0")},
        {"webhook-signature": DOCUMENTED_SIGNATURE + "="},
        {"webhook-signature": DOCUMENTED_SIGNATURE.rstrip("=")},
        {"webhook-signature": DOCUMENTED_SIGNATURE + " "},
        {"webhook-signature": DOCUMENTED_SIGNATURE + ",v1"},
        {"webhook-signature": DOCUMENTED_SIGNATURE + " v1"},
        {"webhook-signature": "v1 " + DOCUMENTED_SIGNATURE},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("v1,", "v1a,")},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("v1,", "V1,")},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,"},
    ],
    ids=lambda headers: next(iter(headers.values())),
)
def test_another_spelling_of_what_was_signed_is_refused(verify: Verify, headers: Headers) -> None:
    """Some of these the library takes for the original."""
    assert refusal(verify, DOCUMENTED | headers, DOCUMENTED_BODY) == "invalid_signature"


def test_the_library_alone_would_let_changes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the strictness around it is there; when this fails, the library has become strict itself."""
    stop_clock(monkeypatch, DOCUMENTED_TIME)
    for changed in (
        {"webhook-timestamp": "1614265330.9"},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("OE=", "OF=")},
        {"webhook-signature": DOCUMENTED_SIGNATURE.replace("v1,g0", "v1,g-0")},
    ):
        assert Webhook(DOCUMENTED_SECRET).verify(DOCUMENTED_BODY, DOCUMENTED | changed) == {"test": 2432232314}


def test_id_and_timestamp_cannot_be_cut_apart_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The id a.1790000000 is the id a with a body that begins with another timestamp, or would be."""
    stop_clock(monkeypatch, NOW)
    receive = make_receiver({"standard": [STANDARD_SECRET]})
    headers = standard_headers(EVENT, at=NOW, webhook_id=f"a.{NOW}")

    with pytest.raises(SignatureError, match="invalid_signature"):
        receive(headers.get, EVENT)
    with pytest.raises(ProblemError, match="invalid_json"):
        receive((headers | {"webhook-id": "a"}).get, b"%d.%b" % (NOW, EVENT))


@pytest.mark.parametrize("missing", list(DOCUMENTED))
def test_a_header_that_is_missing_or_empty_is_named(verify: Verify, missing: str) -> None:
    for headers in (
        {name: text for name, text in DOCUMENTED.items() if name != missing},
        DOCUMENTED | {missing: ""},
    ):
        with pytest.raises(SignatureError, match="missing_signature") as refused:
            verify(headers, DOCUMENTED_BODY)
        assert missing in refused.value.detail


@pytest.mark.parametrize(("age", "expected"), [
    (0, None), (300, None), (-300, None), (301, "stale_timestamp"), (-301, "stale_timestamp"),
    (300.5, "stale_timestamp"), (10**9, "stale_timestamp"),
])  # fmt: skip
def test_a_timestamp_may_be_300_seconds_away(monkeypatch: pytest.MonkeyPatch, age: float, expected: str | None) -> None:
    stop_clock(monkeypatch, NOW + age)

    verify = standard.make_verifier([STANDARD_SECRET])

    assert refusal(verify, standard_headers(b"{}", at=NOW), b"{}") == expected


def test_a_new_timestamp_on_an_old_signature_does_not_match(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    verify = standard.make_verifier([STANDARD_SECRET])
    recorded = standard_headers(b"{}", at=NOW - 1000)

    assert refusal(verify, recorded | {"webhook-timestamp": str(NOW)}, b"{}") == "invalid_signature"


def test_each_of_several_secrets_signs_and_none_that_was_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    old, new = (standard_headers(b"{}", secret) for secret in (STANDARD_SECRET, STANDARD_NEXT))
    both = standard.make_verifier([STANDARD_NEXT, STANDARD_SECRET])
    after = standard.make_verifier([STANDARD_NEXT])

    assert [refusal(both, headers, b"{}") for headers in (old, new)] == [None, None]
    assert [refusal(after, headers, b"{}") for headers in (old, new)] == ["invalid_signature", None]


def test_one_right_signature_among_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that changes its secret signs with both."""
    stop_clock(monkeypatch, NOW)
    verify = standard.make_verifier([STANDARD_SECRET])
    right = standard_headers(b"{}")
    for signatures in (
        f"{OTHER} {right['webhook-signature']}",
        f"{right['webhook-signature']} {OTHER}",
        f"v1a,{'A' * 86}== {right['webhook-signature']}",
    ):
        assert refusal(verify, right | {"webhook-signature": signatures}, b"{}") is None
    assert refusal(verify, right | {"webhook-signature": f"{OTHER} {OTHER}"}, b"{}") == "invalid_signature"


def test_a_body_that_is_not_utf8_matches_nothing(verify: Verify) -> None:
    assert refusal(verify, DOCUMENTED, b"\xff\xfe") == "invalid_signature"


def test_what_signs_for_the_command_line_is_let_in_and_differs_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    body = '{"name": "é 😀"}'.encode()
    first, second = (standard.sign(STANDARD_SECRET, body) for _ in range(2))

    assert refusal(standard.make_verifier([STANDARD_SECRET]), first, body) is None
    assert first == standard_headers(body, webhook_id=first["webhook-id"])
    assert first["webhook-id"] != second["webhook-id"]


# Who is asked


EVENT = b'{"idempotency_key": "e", "order_id": "019378d2-8c1a-7c3e-9b57-2f60c1d1a001", "status": "failed"}'


def test_with_any_secret_nothing_unsigned_is_let_in() -> None:
    for secrets in ({"standard": [STANDARD_SECRET]}, {"stripe": [STRIPE_SECRET]}):
        with pytest.raises(SignatureError, match="missing_signature"):
            make_receiver(secrets)({}.get, EVENT)


def test_a_provider_without_a_secret_is_refused_when_another_has_one() -> None:
    receive = make_receiver({"stripe": [STRIPE_SECRET], "standard": []})

    with pytest.raises(SignatureError, match="invalid_signature") as refused:
        receive(standard_headers(EVENT).get, EVENT)

    assert "Stripe-Signature (stripe)" in refused.value.detail


def test_a_signature_of_one_provider_opens_no_door_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    receive = make_receiver({"standard": [STANDARD_SECRET], "stripe": [STRIPE_SECRET]})
    headers = standard_headers(EVENT) | {"Stripe-Signature": f"t={NOW},v1={'0' * 64}"}

    assert receive(standard_headers(EVENT).get, EVENT).idempotency_key == "e"
    assert receive(headers.get, EVENT).status == "failed"
    with pytest.raises(SignatureError, match="invalid_signature"):
        receive({"Stripe-Signature": headers["Stripe-Signature"]}.get, EVENT)


def test_nothing_of_a_body_is_read_before_it_is_verified() -> None:
    with pytest.raises(SignatureError, match="invalid_signature"):
        make_receiver({"standard": [STANDARD_SECRET]})(
            standard_headers(b"{", secret=STANDARD_NEXT).get, b"{"
        )  # {: no JSON


def test_without_any_secret_everything_is_let_in() -> None:
    receive = make_receiver({"standard": (), "stripe": ()})

    assert receive({}.get, EVENT).status == "failed"
    assert receive({"webhook-id": "x"}.get, EVENT).status == "failed"


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_",
        STANDARD_SECRET.removeprefix("whsec_"),
        "WHSEC_" + STANDARD_SECRET.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        STANDARD_SECRET.rstrip("="),
        STANDARD_SECRET.replace("=", "-"),
        STANDARD_SECRET[:-2] + chr(ord(STANDARD_SECRET[-2]) + 1) + "=",
        DOCUMENTED_SECRET[:-1] + "é",
        DOCUMENTED_SECRET[:20] + " " + DOCUMENTED_SECRET[20:],
        "whsec_" + string.printable,
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_ and the base64 of 24 to 64 random bytes") as refused:
        standard.make_verifier([STANDARD_SECRET, secret])

    assert secret.removeprefix("whsec_")[:8] not in str(refused.value) or secret == "whsec_"
