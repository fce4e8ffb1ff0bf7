"""What /metrics says, as a number for each series."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """The numbers of one answer of /metrics."""

    def __init__(self, text: str) -> None:
        self.numbers: dict[Series, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series = (sample.name, frozenset(sample.labels.items()))
                assert series not in self.numbers, f"{series} is there twice"
                self.numbers[series] = sample.value

    def value(self, name: str, **labels: object) -> float:
        """The sum of the series of this name that have these labels; 0 when there is none."""
        wanted = {(label, str(value)) for label, value in labels.items()}
        return sum(value for (found, has), value in self.numbers.items() if found == name and wanted <= has)

    def names(self) -> set[str]:
        """Every name that a series has."""
        return {name for name, _ in self.numbers}


def scrape(url: str, **headers: str) -> Scrape:
    """GET /metrics, as Prometheus does."""
    answer = httpx.get(f"{url}/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return Scrape(answer.text)
