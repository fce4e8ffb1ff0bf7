"""Reading a request's query string: what is not known, given twice or malformed is refused with what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from api.problems import FieldError, invalid_fields
from api.routes import Query

_MOST = 32
"""Parameters that are looked at."""

Values = dict[str, Any]


def make_query_reader(parameters: Sequence[Query]) -> Callable[[str], Values]:
    """A function from a query string to its values, by name, with the default of those that are not there.

    It raises the problem `invalid_argument`, which names everything that is wrong.
    """
    known = {parameter.name: parameter for parameter in parameters}
    defaults = {parameter.name: parameter.default for parameter in parameters}
    allowed = {name: str(msgspec.json.schema(parameter.type)["description"]) for name, parameter in known.items()}
    names = ", ".join(known)

    def read(query: str) -> Values:
        values = dict(defaults)
        if not query:
            return values
        errors: list[FieldError] = []
        seen: set[str] = set()
        for name, text in _split(query, names):
            if name not in known:
                errors.append(FieldError(name[:64], f"is not known here; allowed are {names}"))
            elif name in seen:
                errors.append(FieldError(name, "is given more than once"))
            else:
                try:
                    values[name] = msgspec.convert(text, known[name].type, strict=False)
                except msgspec.ValidationError:
                    errors.append(FieldError(name, allowed[name]))
            seen.add(name)
        if errors:
            raise invalid_fields(errors[:10])
        return values

    return read


def _split(query: str, names: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError:  # no UTF-8, or more of them than anybody needs
        raise invalid_fields(
            [FieldError("query", f"must be percent-encoded UTF-8, with each of {names} once at most")]
        ) from None
