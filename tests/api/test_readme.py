"""The README's purchase, copied and pasted."""

import json
import re
import subprocess
from pathlib import Path

from tests.support.database import Database
from tests.support.sale import new_product, stock
from tests.support.service import Service

README = Path(__file__).resolve().parents[2] / "README.md"


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
