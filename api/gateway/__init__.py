"""The way to MySQL: CALLs procedures, and repeats what is safe to repeat."""

from api.gateway.blocking import Calls, Gateway, Observer, ProcedureError, Row, UnavailableError, Unobserved

__all__ = ["Calls", "Gateway", "Observer", "ProcedureError", "Row", "UnavailableError", "Unobserved"]
