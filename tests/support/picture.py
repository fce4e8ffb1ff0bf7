"""python -m tests.support.picture: docs/board.webp, the board 80 s after a sale began on servers of its own.

Buyers come in waves. Most pay, some give their units back, some forget them, one pays too little.
"""

import io
import math
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import expect

from sql.deploy import migrate
from sql.server.private import PrivateServer
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD, url_of
from tests.support.browser import open_browser, visit
from tests.support.buyer import Buyer
from tests.support.database import Database
from tests.support.service import ROOT, Service, free_port

PICTURE = ROOT / "docs" / "board.webp"
VIEW = {"width": 1180, "height": 968}
SECONDS = 80
BUYERS = 4
STOCK = 2000


def buy_for_a_while(url: str, product: int, seed: int) -> None:
    """One buyer after another on one connection, with pauses."""
    chance, began = random.Random(seed), time.monotonic()
    with Buyer(url) as buyer:
        while (elapsed := time.monotonic() - began) < SECONDS:
            time.sleep(chance.uniform(0.1, 0.5) * (1.5 + math.cos(elapsed / 8)))
            held = buyer.hold(product, chance.choice((1, 1, 2)))
            way = chance.random()
            if held.status_code != 201 or way < 0.15:
                continue
            hold_id = held.json()["hold_id"]
            if way < 0.25:
                buyer.release(hold_id)
                continue
            buyer.order(hold_id)
            if way > 0.4:
                buyer.pay(hold_id)


def look(url: str, sneaker: int, poster: int) -> bytes:
    """Let buyers buy, and take the picture before they end; a PNG."""
    with open_browser() as browser, visit(browser, url, viewport=VIEW) as page:
        page.goto("/board")
        with ThreadPoolExecutor(BUYERS + 1) as pool:
            for seed in range(BUYERS):
                pool.submit(buy_for_a_while, url, sneaker, seed)
            pool.submit(buy_for_a_while, url, poster, BUYERS)
            time.sleep(SECONDS - 2)
            with Buyer(url) as buyer:
                order_id = buyer.hold(sneaker).json()["hold_id"]
                buyer.order(order_id)
                buyer.pay(order_id, amount=1290, currency="EUR")
            expect(page.locator("#pulse")).to_contain_text("Live")
            time.sleep(1.5)
            return page.screenshot()


def main() -> None:
    """Sell, look, and write the picture."""
    with TemporaryDirectory() as folder, PrivateServer(Path(folder, "mysql"), free_port(), "root") as server:
        migrate(server.admin_url(), API_PASSWORD, OPERATOR_PASSWORD, echo=lambda _: None)
        db = Database(server.admin_url())
        names = (("Limited sneaker", STOCK), ("Signed poster", 12))
        sneaker, poster = (
            db.one("create_product", name, 12900, "EUR", stock, *(None, None, None, 60, None, None, None))["product_id"]
            for name, stock in names
        )
        service = Service(url_of(server, "flashsale_api", API_PASSWORD), Path(folder, "log"))
        try:
            seen = look(service.url, sneaker, poster)
        finally:
            service.stop()
    Image.open(io.BytesIO(seen)).convert("RGB").save(PICTURE, quality=80, method=6)


if __name__ == "__main__":
    main()
