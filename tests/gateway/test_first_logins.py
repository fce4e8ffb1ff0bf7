"""Threads of a new worker log in at the same instant, before any other connection was made in the process."""

import subprocess
import sys

from sql.server.state import ROOT

WORKERS, THREADS = 200, 8
FORK = f"""
import os, sys, threading
from api.gateway.driver import load_driver

sys.setswitchinterval(1e-6)
driver = load_driver()

def work():
    connections = [driver.MySQL(connection_timeout=2) for _ in range({THREADS})]
    together = threading.Barrier({THREADS})
    def log_in(connection):
        together.wait()
        try:
            connection.connect(host="127.0.0.1", port=1, user="a", password="b", database="c")
        except driver.MySQLInterfaceError:
            pass
    threads = [threading.Thread(target=log_in, args=(each,)) for each in connections]
    for each in threads: each.start()
    for each in threads: each.join()
    os._exit(0)

def start():
    child = os.fork()
    return child or work()

for _ in range({WORKERS} // 4):
    for child in [start() for _ in range(4)]:
        _, status = os.waitpid(child, 0)
        assert status == 0, f"a worker ended with {{status}}"
"""


def test_no_worker_crashes_when_its_threads_log_in_for_the_first_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
