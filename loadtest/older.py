"""The API of another checkout, the last one with threads: measured beside this one, on a database of its own."""

import os
import subprocess
from pathlib import Path

from sql.server.service import Checkout
from sql.server.state import Failure
from sql.server.variables import ADMIN_URL, API_PASSWORD, FILE, OPERATOR_PASSWORD

LAST = "e40d024"
"""The last commit whose API had a thread for each buyer."""
HOW = f"`git worktree add ../old {LAST}`, `cd ../old && python3 -m sql.server venv`, then here `make bench OLD=../old`"
SETTINGS = "api/gunicorn.conf.py"
DEPLOY_SECONDS = 120


def find(folder: str) -> Checkout | None:
    """The checkout that OLD names; None when it names none. Raises Failure when it is not whole."""
    if not folder:
        return None
    root = Path(folder).resolve()
    python = root / ".venv" / "bin" / "python"
    for path in (python, root / SETTINGS):
        if not path.exists():
            raise Failure(f"OLD={folder}: there is no {path}; {HOW}")
    return Checkout(root, str(python), SETTINGS)


def deploy(checkout: Checkout, admin_url: str, api_password: str, operator_password: str) -> None:
    """Make the tables and procedures that belong to it, by its own deployment. Raises Failure."""
    variables = {ADMIN_URL: admin_url, API_PASSWORD: api_password, OPERATOR_PASSWORD: operator_password}
    environment = {name: value for name, value in os.environ.items() if name.removesuffix(FILE) not in variables}
    done = subprocess.run(
        [checkout.python, "-m", "sql.deploy", "migrate"],
        cwd=checkout.folder,
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEPLOY_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Failure(f"{checkout.folder} could not be deployed:\n{done.stderr[-2000:]}")
