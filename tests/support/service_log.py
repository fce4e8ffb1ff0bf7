"""The log of a running service, line by line."""

from __future__ import annotations

import json
from typing import Any

from tests.support.service import Service
from tests.support.waiting import wait_until

Line = dict[str, Any]


def log_lines(service: Service) -> list[Line]:
    """Every line it has written so far; each must be a JSON object."""
    return [json.loads(line) for line in service.log.read_text().splitlines()]


def lines_of(service: Service, request_id: str) -> list[Line]:
    """The lines that belong to a request, once its own is there."""
    found: list[Line] = []

    def arrived() -> bool:
        found[:] = [line for line in log_lines(service) if line.get("request_id") == request_id]
        return any(line["event"] == "request" for line in found)

    wait_until(arrived)
    return found
