"""The OpenAPI document, made of the table of routes."""

from api.openapi.document import encode_document, make_document

__all__ = ["encode_document", "make_document"]
