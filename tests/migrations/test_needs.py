"""What a deployment needs: a server elsewhere, and nothing that makes a private one."""

import subprocess
import sys

ALL_OF_IT = """
import importlib, pkgutil, sys
import sql.deploy
for module in pkgutil.walk_packages(sql.deploy.__path__, "sql.deploy."):
    importlib.import_module(module.name)
print(*sorted(name for name in sys.modules if name.startswith("sql.") and not name.startswith("sql.deploy")))
"""


def test_the_deployment_imports_nothing_that_downloads_or_starts_a_server() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_OF_IT], capture_output=True, text=True, check=True)

    shared = {"sql.server.state", "sql.server.urls", "sql.server.variables"}
    at_hand = {"sql.server.tools"}  # a backup is made by mysqldump, which is looked for and never downloaded
    assert set(done.stdout.split()) == {"sql.server"} | shared | at_hand
