"""A receiver of notifications. It prints each once.

`pip install standardwebhooks`, then `NOTIFY_SECRET=whsec_… python receiver.py 9000`.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["NOTIFY_SECRET"])
seen = set()  # in a shop: a table with a unique key on the id, written in the transaction of what the notification does


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            notification = webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):
            self.answer(401)
            return
        if headers["webhook-id"] not in seen:
            self.take(notification)
            seen.add(headers["webhook-id"])
        self.answer(204)

    def take(self, notification):
        """What the shop does: note it, and let somebody else act on it."""
        print(json.dumps(notification), flush=True)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
