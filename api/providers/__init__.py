"""The payment providers whose webhooks are let in. Adding one is adding its module here, and its name to `PROVIDERS`.

A provider is recognised by its headers. Its signature is verified over the bytes as received, before anything of them
is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from api.providers import standard, stripe
from api.providers.provider import Event, Provider, SignatureError
from api.schemas import PaymentEvent

PROVIDERS: tuple[Provider, ...] = (standard.PROVIDER, stripe.PROVIDER)
"""The first is taken for what comes without a signature, where that is accepted."""

GetHeader = Callable[[str], str | None]
Receiver = Callable[[GetHeader, bytes], Event | PaymentEvent]


def make_receiver(secrets: Mapping[str, Sequence[str]], production: bool = False) -> Receiver:
    """A function from the headers of a request, by their names, and its body to the event.

    `secrets` are the providers' by name. With any of them, only what one of them signed is let in: the function raises
    SignatureError. With none at all, everything is. It raises ProblemError for a body that is no event. In production
    an event of a provider's test mode moves nothing: it is kept as `other`.
    """
    secured = any(secrets.values())
    doors = [
        (
            tuple(provider.headers),
            provider.make_verifier(secrets[provider.name]) if secrets.get(provider.name) else None,
            provider,
        )
        for provider in PROVIDERS
    ]
    accepted = " or ".join(
        f"{', '.join(provider.headers)} ({provider.name})" for _, verify, provider in doors if verify
    )

    def receive(get_header: GetHeader, body: bytes) -> Event | PaymentEvent:
        for names, verify, provider in doors:
            headers = {name: value for name in names if (value := get_header(name)) is not None}
            if headers:
                if verify:
                    verify(headers, body)
                elif secured:
                    detail = f"No secret of {provider.name} is configured here. Sign with {accepted}."
                    raise SignatureError("invalid_signature", detail)
                event = provider.read(body)
                return event.as_other() if production and isinstance(event, Event) and event.test else event
        if secured:
            raise SignatureError("missing_signature", f"The signature is missing. Sign with {accepted}.")
        return PROVIDERS[0].read(body)

    return receive
