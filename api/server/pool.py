"""The threads of a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from api.watch.logs import where_it_failed

log = logging.getLogger("flashsale.api")


class Pool:
    """So many threads, which do with each job what they were made for, first come, first served.

    concurrent.futures can do more, and its lock and its future for each job cost a request several switches of thread.
    """

    def __init__(self, threads: int, do: Callable[[Any], None]) -> None:
        self._do = do
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"pool-{number}") for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Any) -> None:
        """Have it done as soon as a thread is free."""
        self._jobs.put(job)

    def shutdown(self, wait: bool = True) -> None:
        """Let the threads end when what was submitted is done."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._do(job)
            except BaseException as error:
                log.error("A thread of the pool failed: %s", where_it_failed(error))
