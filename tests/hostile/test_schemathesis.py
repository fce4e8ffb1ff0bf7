"""Schemathesis sends what the OpenAPI document allows and what it forbids, alone and in sequences along its links.

All of its checks are on: no 5xx, no status, header, type or shape that is not documented, nothing refused that is
allowed, nothing accepted that is not. FLASHSALE_CASES is how many requests it sends at least: 300, or 5,000 in
`make test-faults`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.database import Database
from tests.support.fault_lengths import times
from tests.support.sale import new_product
from tests.support.service import ROOT, Service

CASES = int(os.environ.get("FLASHSALE_CASES") or times(300, 5000))
# The most of one run along the links. Hypothesis may end it after some dozens: the next one begins with another seed.
SCENARIOS = 100
ROUNDS = 100


def attack(service: Service, product: int, report: Path, phases: str, examples: int) -> int:
    """Run Schemathesis with at most so many examples an operation; how many requests were judged, all well."""
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "tests/hostile/schemathesis.toml"),
            "run", f"{service.url}/openapi.json", "--phases", phases, "--max-examples", str(examples),
            "--checks", "all", "--report", "json", "--report-json-path", str(report), "--no-color",
        ],
        cwd=report.parent,  # it keeps a cache where it runs
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.hostile.hooks",
            "PYTHONPATH": str(ROOT),
            "FLASHSALE_HOSTILE_PRODUCT": str(product),
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
    found = json.loads(report.read_text())
    assert found["complete"]
    assert {found["phases"][phase]["status"] for phase in phases.split(",")} == {"success"}
    cases: dict[str, int] = found["test_cases"]
    assert (cases["with_failures"], cases["without_checks"], cases["errored"]) == (0, 0, 0)
    return cases["generated"]


@pytest.mark.timeout(1200)
def test_whatever_is_sent_the_service_answers_as_its_document_says(
    service: Service, db: Database, http: httpx.Client, tmp_path: Path
) -> None:
    product = new_product(db, 1_000_000_000, max_per_hold=1_000_000)

    sent = attack(service, product, tmp_path / "single.json", "examples,coverage,fuzzing", max(10, CASES // 16))
    rounds = 0
    while rounds == 0 or (sent < CASES and rounds < ROUNDS):
        rounds += 1
        sent += attack(service, product, tmp_path / f"linked-{rounds}.json", "stateful", SCENARIOS)

    assert sent >= CASES
    assert db.value("SELECT COUNT(*) FROM holds WHERE product_id = %s", product) > 0
    assert http.get("/readyz").status_code == 200
    print(f"{sent} requests, {rounds} rounds along the links")
