"""Amounts as Stripe counts them, and as ISO 4217 does, which is how the sale counts.

They differ only in the currencies of `PER_UNIT`. All others have as many decimals in both: none (JPY, KRW, …), two, or
three (BHD, JOD, KWD, OMR, TND). Sources: https://docs.stripe.com/currencies, "Zero-decimal currencies" and "Special
cases"; ISO 4217, list one, column "minor unit".
"""

from __future__ import annotations

from api.schemas import BIGINT_MAX

PER_UNIT = {"ISK": (100, 1), "UGX": (100, 1), "MGA": (1, 100)}
"""By currency, how many make one króna, shilling or ariary: of what Stripe counts, and of ISO 4217's minor units."""
NO_CURRENCY = "XXX"
"""ISO 4217's code where no currency is involved."""


def from_stripe(amount: int, currency: str) -> tuple[int, str] | None:
    """An amount of Stripe's as minor units and currency; None when it is too large for the sale.

    40.10 ISK is no whole number of minor units. Rounded, it could pay an order for 40 or for 41, and the rest would be
    missing from the books, or invented. It is given as 4010 XXX instead: an amount that fits no order, so that the
    payment is due for a refund, and that the refund of the same amount settles.
    """
    stripe, iso = PER_UNIT.get(currency, (1, 1))
    whole, rest = divmod(amount * iso, stripe)
    if max(whole, amount) > BIGINT_MAX:
        return None
    return (amount, NO_CURRENCY) if rest else (whole, currency)


def to_stripe(amount: int, currency: str) -> int:
    """Minor units as Stripe's amount. Raises ValueError where Stripe has no such amount."""
    stripe, iso = PER_UNIT.get(currency, (1, 1))
    whole, rest = divmod(amount * stripe, iso)
    if rest:
        raise ValueError(f"Stripe counts {currency} in steps of {iso} minor units")
    return whole
