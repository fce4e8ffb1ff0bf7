"""Tells the shop what happened: claims notifications from the outbox, posts them, and settles them."""

from api.notify.delivery import Delivery
from api.notify.signing import make_signer

__all__ = ["Delivery", "make_signer"]
