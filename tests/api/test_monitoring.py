"""The alert rules and the dashboard speak of metrics and labels that the service really has."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.database import Database
from tests.support.prometheus import Scrape, scrape
from tests.support.sale import new_key, new_product, order, pay
from tests.support.service import Service
from tests.support.waiting import wait_until

MONITORING = Path(__file__).parents[2] / "docs" / "monitoring"
METRIC = r"\bflashsale_\w+"
# What PromQL itself or Prometheus adds.
ALWAYS = {"instance", "job", "le"}
STATES = r"\b(flashsale_(?:orders|payments|disputes|webhooks|http_request\w*_bucket)){([^}]*)}"


def alert_rules() -> list[dict[str, Any]]:
    """Every rule of alerts.yml."""
    document = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Every panel of the dashboard that shows something."""
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


RULES = {rule["alert"]: rule["expr"] for rule in alert_rules()}
QUERIES = {f"{panel['title']} {target['refId']}": target["expr"] for panel in panels() for target in panel["targets"]}


@pytest.fixture(scope="module")
def exposed(service: Service, sessions: Any) -> Scrape:
    """What a service tells after a sale, however small."""
    db: Database = sessions.open("dba")
    product = new_product(db, 1)
    for _ in range(2):
        httpx.post(f"{service.url}/api/holds", json={"product_id": product, "qty": 1})
    bought = order(db, new_product(db, 1))
    pay(db, bought, amount=1, currency="EUR")
    pay(db, bought, "dispute_opened")
    httpx.get(f"{service.url}/api/orders/{new_key()}")
    found = [scrape(service.url)]
    # The other process may not have counted yet: it is this answer that is whole, not the next one.
    wait_until(lambda: "flashsale_invariant_violations" in found[-1].names() or found.append(scrape(service.url)), 30)
    return found[-1]


@pytest.mark.parametrize("expression", [*RULES.values(), *QUERIES.values()], ids=[*RULES, *QUERIES])
def test_every_metric_and_every_label_in_an_expression_exists(exposed: Scrape, expression: str) -> None:
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for name, has in exposed.numbers:
        labels[name] |= {label for label, _ in has}
    used = set(re.findall(METRIC, expression))

    assert used
    assert used <= labels.keys()
    for name, matchers in re.findall(rf"({METRIC}){{([^}}]*)}}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= labels[name] | ALWAYS
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(grouped.split(", ")) <= set.union(*(labels[name] for name in used)) | ALWAYS


@pytest.mark.parametrize("expression", [*RULES.values(), *QUERIES.values()], ids=[*RULES, *QUERIES])
def test_every_state_that_an_expression_asks_for_exists(exposed: Scrape, expression: str) -> None:
    known = {(name, label, value) for name, has in exposed.numbers for label, value in has}
    for name, matchers in re.findall(STATES, expression):
        for label, value in re.findall(r'(\w+)="([^"]*)"', matchers):
            assert (name, label, value) in known


def test_every_number_is_shown_or_watched(exposed: Scrape) -> None:
    used = set(re.findall(METRIC, " ".join([*RULES.values(), *QUERIES.values()])))
    parts = re.compile("_(bucket|sum|count|created)$")

    assert {parts.sub("", name) for name in exposed.names()} <= {parts.sub("", name) for name in used}


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in alert_rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert len(rule["annotations"]["description"]) > 40
    assert len(RULES) == len(alert_rules())


def test_the_dashboard_can_be_imported_and_nothing_overlaps() -> None:
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(set(ids)) == len(ids)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = json.dumps(dashboard["panels"])
    assert set(re.findall(r"\$\{?(\w+)", text)) <= variables | {"__rate_interval"}
