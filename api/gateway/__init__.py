"""The way to MySQL: CALLs procedures, alone, in sets, or one for all who ask, and repeats what is safe to repeat."""

from api.gateway.asynchronous import AsyncGateway, Calls, make_gateway
from api.gateway.blocking import BlockingCalls, Gateway
from api.gateway.driver import Row
from api.gateway.errors import ProcedureError, UnavailableError
from api.gateway.observer import Observer, Unobserved, where_it_failed
from api.gateway.primary import Primary
from api.gateway.secondaries import SecondaryReads

__all__ = [
    "AsyncGateway",
    "BlockingCalls",
    "Calls",
    "Gateway",
    "Observer",
    "Primary",
    "ProcedureError",
    "Row",
    "SecondaryReads",
    "UnavailableError",
    "Unobserved",
    "make_gateway",
    "where_it_failed",
]
