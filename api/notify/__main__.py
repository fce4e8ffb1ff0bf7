"""``make notifications``: prints what would be sent, as it would be sent, and sends nothing."""

from __future__ import annotations

import os
import sys

from api.gateway import Gateway, UnavailableError
from api.notify.signing import make_signer
from api.settings import read_notify_secrets
from api.variables import NOTIFY_SECRETS
from sql.server.environment import account
from sql.server.state import Failure

MOST = 100


def main() -> int:
    """Print the pending ones, oldest first; 0, or 1 with what is wrong."""
    secrets = read_notify_secrets(os.environ, required=False)
    sign = make_signer(secrets)
    rows = Gateway(account("dba")).call("list_notifications", ("pending", MOST))
    for row in reversed(rows):
        headers = sign(row["message_id"], row["body"])
        lines = [f"POST {row['receiver']}", *(f"{name}: {value}" for name, value in headers.items() if value)]
        when = f"due {row['due_at']} UTC, attempts so far: {row['attempts']}"
        print("\n".join([*lines, "", row["body"], f"({when})", ""]))
    print(f"pending: {'the last ' if len(rows) == MOST else ''}{len(rows)}", file=sys.stderr)
    if not secrets:
        print(f"unsigned, for {NOTIFY_SECRETS} is not set here", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, UnavailableError) as error:
        sys.exit(f"{error}")
