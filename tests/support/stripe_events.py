"""Events in the shape in which Stripe sends them (API version 2025-03-31.basil), with made-up ids."""

import copy
import uuid
from typing import Any

CHARGE = "ch_3RFlashSale0000000000001"
_CREATED = 1795770000
_INTENT: dict[str, Any] = {
    "id": None, "object": "payment_intent", "amount": 25800, "amount_capturable": 0,
    "amount_details": {"tip": {}}, "amount_received": 25800, "application": None, "application_fee_amount": None,
    "automatic_payment_methods": {"allow_redirects": "always", "enabled": True}, "canceled_at": None,
    "cancellation_reason": None, "capture_method": "automatic_async", "client_secret": None,
    "confirmation_method": "automatic", "created": 1795769990, "currency": "eur", "customer": None,
    "description": "Limited sneaker", "last_payment_error": None, "latest_charge": CHARGE,
    "livemode": False, "metadata": {}, "next_action": None, "on_behalf_of": None,
    "payment_method": "pm_1RFlashSale0000000000001",
    "payment_method_options": {"card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}},
    "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None,
    "setup_future_usage": None, "shipping": None, "source": None, "statement_descriptor": None,
    "statement_descriptor_suffix": None, "status": "succeeded", "transfer_data": None, "transfer_group": None,
}  # fmt: skip
_CHARGE: dict[str, Any] = {
    "id": CHARGE, "object": "charge", "amount": 25800, "amount_captured": 25800,
    "amount_refunded": 25800, "application": None, "application_fee": None, "application_fee_amount": None,
    "balance_transaction": "txn_3RFlashSale0000000000001",
    "billing_details": {
        "address": {"city": None, "country": "DE", "line1": None, "line2": None, "postal_code": None, "state": None},
        "email": None, "name": "Ada", "phone": None, "tax_id": None,
    },
    "calculated_statement_descriptor": "FLASHSALE", "captured": True, "created": 1795769995, "currency": "eur",
    "customer": None, "description": "Limited sneaker", "destination": None, "dispute": None, "disputed": False,
    "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "fraud_details": {},
    "livemode": False, "metadata": {}, "on_behalf_of": None, "order": None,
    "outcome": {
        "network_status": "approved_by_network", "reason": None, "risk_level": "normal", "risk_score": 12,
        "seller_message": "Payment complete.", "type": "authorized",
    },
    "paid": True, "payment_intent": None, "payment_method": "pm_1RFlashSale0000000000001",
    "payment_method_details": {
        "card": {
            "amount_authorized": 25800, "brand": "visa", "checks": {"cvc_check": "pass"}, "country": "DE",
            "exp_month": 4, "exp_year": 2030, "fingerprint": "FlashSaleCard001", "funding": "credit", "last4": "4242",
        },
        "type": "card",
    },
    "receipt_email": None, "receipt_number": None, "receipt_url": "https://pay.stripe.com/receipts/payment/none",
    "refunded": True, "review": None, "shipping": None, "source": None, "source_transfer": None,
    "statement_descriptor": None, "statement_descriptor_suffix": None, "status": "succeeded", "transfer_data": None,
    "transfer_group": None,
}  # fmt: skip
_UNPAID = {
    "amount_received": 0, "status": "requires_payment_method", "latest_charge": "ch_3RFlashSale0000000000002",
    "payment_method": None,
    "last_payment_error": {
        "charge": "ch_3RFlashSale0000000000002", "code": "card_declined", "decline_code": "generic_decline",
        "message": "Your card was declined.", "type": "card_error",
    },
}  # fmt: skip
_REFUND: dict[str, Any] = {
    "id": "re_3RFlashSale0000000000001", "object": "refund", "amount": 25800,
    "balance_transaction": "txn_3RFlashSale0000000000002", "charge": CHARGE, "created": 1795769999, "currency": "eur",
    "destination_details": {"card": {"reference_status": "pending", "reference_type": "acquirer_reference_number",
                                     "type": "refund"}, "type": "card"},
    "failure_balance_transaction": "txn_3RFlashSale0000000000003", "failure_reason": "lost_or_stolen_card",
    "metadata": {}, "payment_intent": None, "reason": "requested_by_customer", "receipt_number": None,
    "source_transfer_reversal": None, "status": "failed", "transfer_reversal": None,
}  # fmt: skip
_DISPUTE: dict[str, Any] = {
    "id": "du_1RFlashSale0000000000001", "object": "dispute", "amount": 25800, "balance_transactions": [],
    "charge": CHARGE, "created": 1795769999, "currency": "eur", "enhanced_eligibility_types": [],
    "evidence": {"customer_name": None, "receipt": None, "uncategorized_text": None},
    "evidence_details": {"due_by": 1796774399, "has_evidence": False, "past_due": False, "submission_count": 0},
    "is_charge_refundable": False, "livemode": False, "metadata": {}, "payment_intent": None,
    "payment_method_details": {"card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "83"},
                               "type": "card"},
    "reason": "fraudulent", "status": "needs_response",
}  # fmt: skip


def intent_of(order_id: str) -> str:
    """The PaymentIntent of an order that has one."""
    return f"pi_{order_id.replace('-', '')}"


def event(
    kind: str, order_id: str, amount: int = 25800, currency: str = "eur", *, payment_id: str | None = None,
    live: bool = True, **members: Any,
) -> dict[str, Any]:  # fmt: skip
    """An event about a payment of an order, of the only one unless `payment_id` says so; `members` replace those of its
    object.

    Refunds and disputes do not name the order: Stripe copies metadata from a PaymentIntent to its charges only.
    """
    payment_id = payment_id or intent_of(order_id)
    metadata = {"order_id": order_id, "cart": "42"}
    if kind.startswith("charge.dispute."):
        thing = _DISPUTE | {"payment_intent": payment_id}
    elif kind.startswith("refund."):
        thing = _REFUND | {"payment_intent": payment_id}
    elif kind.startswith("charge."):
        thing = _CHARGE | {"payment_intent": payment_id, "amount_captured": amount, "metadata": metadata}
    else:
        thing = _INTENT | {"id": payment_id, "amount_received": amount, "metadata": metadata}
        thing |= _UNPAID if kind != "payment_intent.succeeded" else {}
    thing = copy.deepcopy(thing | {"amount": amount, "currency": currency})
    return {
        "id": f"evt_3RFlashSale{uuid.uuid4().hex[:16]}", "object": "event", "api_version": "2025-03-31.basil",
        "created": _CREATED, "data": {"object": thing | members}, "livemode": live, "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None}, "type": kind,
    }  # fmt: skip


def succeeded(order_id: str, amount: int = 25800, currency: str = "eur", **more: Any) -> dict[str, Any]:
    """payment_intent.succeeded."""
    return event("payment_intent.succeeded", order_id, amount, currency, **more)
