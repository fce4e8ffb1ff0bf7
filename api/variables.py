"""The environment variables of the service, a row each: api/settings.py reads them, docs/settings.md lists them."""

from __future__ import annotations

from api.providers import PROVIDERS
from sql.server.variables import API, DATABASE_URL, DECLARED_HERE, PORT, Variable

DEVELOPMENT, PRODUCTION = ENVIRONMENTS = ("development", "production")
ENVIRONMENT = "FLASHSALE_ENV"
HOST = "FLASHSALE_HOST"
WORKERS = "FLASHSALE_WORKERS"
CONNECTIONS = "FLASHSALE_CONNECTIONS"
API_KEYS = "FLASHSALE_API_KEYS"
METRICS_TOKEN = "FLASHSALE_METRICS_TOKEN"
CORS_ORIGINS = "FLASHSALE_CORS_ORIGINS"
NOTIFY_URL = "FLASHSALE_NOTIFY_URL"
NOTIFY_SECRETS = "FLASHSALE_NOTIFY_SECRETS"
LOG_FORMAT = "FLASHSALE_LOG_FORMAT"
SLOW_CALL_MS = "FLASHSALE_SLOW_CALL_MS"
PRODUCT_READS_MAX_AGE_MS = "FLASHSALE_PRODUCT_READS_MAX_AGE_MS"
DECLARED = (
    Variable(
        DATABASE_URL,
        "what the API connects with; of a group the URL names all nodes: `…@a:3306,b:3306,c:3306/flashsale`",
        "account `flashsale_api` on the same server",
        (API,),
    ),
    *DECLARED_HERE,
    Variable(
        HOST,
        "the address on which the API listens, `0.0.0.0` for all; `make run` stays on 127.0.0.1",
        "127.0.0.1",
        (API,),
    ),
    *(
        Variable(
            provider.variable,
            f"signing secrets of payment events by {provider.title}, several separated by commas: "
            "[who may call it](deploying.md#who-may-call-it)",
            "none; without any provider's, webhooks are not verified",
            (API, "`make webhook`"),
        )
        for provider in PROVIDERS
    ),
    Variable(
        ENVIRONMENT,
        "`production`: does not start without a secret of a payment provider, warns when there are no API keys or no "
        "metrics token, ignores payments of a provider's test mode, and has no `/demo`; `development`: has `/demo`, "
        "which signs its payments with the first secret",
        "development, but no `/demo` where there are secrets",
        (API,),
    ),
    Variable(WORKERS, "processes that serve", "2", (API,), 1, 64),
    Variable(
        CONNECTIONS,
        "connections to MySQL that a worker may have for the sale; up to five more are for `/metrics` and `/board`, "
        "one for notifications",
        "16",
        (API,),
        1,
        256,
    ),
    Variable(
        API_KEYS,
        "SHA-256 hashes of the keys that may call `/api/*`, separated by commas: "
        "[who may call it](deploying.md#who-may-call-it)",
        "none: the API is open",
        (API,),
    ),
    Variable(METRICS_TOKEN, "what `/metrics` and `/board` ask for", "none: they are open", (API,)),
    Variable(
        NOTIFY_URL,
        "who is told of what happens: URLs, separated by commas; `none` ends it: "
        "[how to receive](integrating.md#notifications)",
        "nobody is told, or who was told before by this database",
        (API,),
    ),
    Variable(
        NOTIFY_SECRETS,
        "what notifications are signed with, `whsec_…`; several separated by commas, while they are changed",
        f"needed with `{NOTIFY_URL}`",
        (API, "`make notifications`"),
    ),
    Variable(
        CORS_ORIGINS,
        "origins whose pages may call `/api/*`, such as `https://shop.example`, separated by commas",
        "none",
        (API,),
    ),
    Variable(LOG_FORMAT, "`json` or `text`", "text where stderr is a terminal, else json", (API,)),
    Variable(SLOW_CALL_MS, "a CALL that takes so many milliseconds is logged as slow", "500", (API,), 0, 60_000),
    Variable(
        PRODUCT_READS_MAX_AGE_MS,
        "products may be read from the secondaries of a group when what they show is so old at most: "
        "[products from secondaries](deploying.md#products-from-secondaries)",
        "none: the node that sells answers all",
        (API,),
        500,
        60_000,
    ),
)
"""Every variable of the service, those of the deployment and of make included."""
KNOWN_VARIABLES = frozenset(each.name for each in DECLARED if each.name != PORT)
WHOLE_NUMBERS = {each.name: each for each in DECLARED if each.most}
"""Those that are numbers, by their names."""
