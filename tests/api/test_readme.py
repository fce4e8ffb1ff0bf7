"""The README's purchase, copied and pasted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from sql.server.private import PrivateServer
from tests.conftest import OPERATOR_PASSWORD
from tests.support.database import Database
from tests.support.sale import new_product, stock
from tests.support.service import Service

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def test_the_purchase_of_the_readme_works_as_it_is_printed(service: Service, db: Database) -> None:
    product = new_product(db, 100, price=12900)
    [script] = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    script = script.replace("http://127.0.0.1:8000", service.url)
    script = script.replace("/api/products/1", f"/api/products/{product}").replace(
        '"product_id": 1', f'"product_id": {product}'
    )

    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    shown, held, ordered, receipt, paid = map(json.loads, done.stdout.splitlines())
    assert (shown["available"], held["status"], ordered["status"]) == (100, "active", "pending")
    assert (receipt["outcome"], paid["status"], paid["order_id"]) == ("applied", "paid", held["hold_id"])
    assert stock(db, product) == (98, 0, 2)


def test_the_same_purchase_by_call_works_as_it_is_printed(mysql_server: PrivateServer, db: Database) -> None:
    """Piped into what `make mysql` runs."""
    product = new_product(db, 100, price=12900)
    session = "\n".join(re.findall(r"^mysql> (.*)$", README.read_text(encoding="utf-8"), re.MULTILINE))
    environment = {"FLASHSALE_ADMIN_URL": mysql_server.admin_url(), "FLASHSALE_OPERATOR_PASSWORD": OPERATOR_PASSWORD}

    done = subprocess.run(
        [sys.executable, "-m", "sql.server", "client", "dba"],
        input=session.replace("create_hold(1,", f"create_hold({product},"),
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert re.findall(r"^ *(?:status|order_status): (\w+)$", done.stdout, re.MULTILINE) == ["active", "pending", "paid"]
    assert stock(db, product) == (98, 0, 2)
