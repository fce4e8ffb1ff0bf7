"""The HTTP face of the sale: one request, one CALL, one answer. No rule of the sale lives here."""

VERSION = "1.0.0"
"""Of the whole project: setup.cfg and the OpenAPI document read it, the files of deployments are compared with it."""
