"""Events in the shape in which Stripe sends them (API version 2025-03-31.basil), with made-up ids."""

import copy
import uuid
from typing import Any

_CREATED = 1795770000
_INTENT: dict[str, Any] = {
    "id": "pi_3RFlashSale0000000000001", "object": "payment_intent", "amount": 25800, "amount_capturable": 0,
    "amount_details": {"tip": {}}, "amount_received": 25800, "application": None, "application_fee_amount": None,
    "automatic_payment_methods": {"allow_redirects": "always", "enabled": True}, "canceled_at": None,
    "cancellation_reason": None, "capture_method": "automatic_async", "client_secret": None,
    "confirmation_method": "automatic", "created": 1795769990, "currency": "eur", "customer": None,
    "description": "Limited sneaker", "last_payment_error": None, "latest_charge": "ch_3RFlashSale0000000000001",
    "livemode": False, "metadata": {}, "next_action": None, "on_behalf_of": None,
    "payment_method": "pm_1RFlashSale0000000000001",
    "payment_method_options": {"card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}},
    "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None,
    "setup_future_usage": None, "shipping": None, "source": None, "statement_descriptor": None,
    "statement_descriptor_suffix": None, "status": "succeeded", "transfer_data": None, "transfer_group": None,
}  # fmt: skip
_CHARGE: dict[str, Any] = {
    "id": "ch_3RFlashSale0000000000001", "object": "charge", "amount": 25800, "amount_captured": 25800,
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
    "paid": True, "payment_intent": "pi_3RFlashSale0000000000001", "payment_method": "pm_1RFlashSale0000000000001",
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


def event(kind: str, order_id: str, amount: int = 25800, currency: str = "eur", **members: Any) -> dict[str, Any]:
    """An event about the payment of an order; `members` replace those of its object."""
    thing = copy.deepcopy(_CHARGE if kind.startswith("charge.") else _INTENT)
    thing |= {"amount": amount, "currency": currency, "metadata": {"order_id": order_id, "cart": "42"}}
    thing |= {"amount_captured": amount} if kind.startswith("charge.") else {"amount_received": amount}
    thing |= _UNPAID if kind == "payment_intent.payment_failed" else {}
    return {
        "id": f"evt_3RFlashSale{uuid.uuid4().hex[:16]}", "object": "event", "api_version": "2025-03-31.basil",
        "created": _CREATED, "data": {"object": thing | members}, "livemode": False, "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None}, "type": kind,
    }  # fmt: skip


def succeeded(order_id: str, amount: int = 25800, currency: str = "eur") -> dict[str, Any]:
    """payment_intent.succeeded."""
    return event("payment_intent.succeeded", order_id, amount, currency)
