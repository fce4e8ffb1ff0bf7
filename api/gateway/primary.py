"""Which node of a group sells: one look for it a process, on a thread of its own, for all who make CALLs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from api.gateway.driver import Driver
from api.gateway.errors import NO_PRIMARY, UnavailableError, fields
from api.gateway.observer import Reports, where_it_failed
from sql.server.urls import Url

log = logging.getLogger("flashsale.api")

LOOK_SECONDS = 1.0
"""How often the node that sells is asked whether it still does: one without a majority refuses nothing for a while."""
SEARCH_SECONDS = 0.1
"""The pause between two rounds while no node sells."""
ANSWER_SECONDS = 2
PRIMARY = "primary"


class Primary:
    """The node that sells, of all the nodes of a URL; a single node is it without being asked.

    The driver once crashed while several threads connected to a port that refused them, so only this thread connects
    to a node that is not known to sell.
    """

    def __init__(self, url: Url) -> None:
        self.several = bool(url.others)
        self._changed = threading.Condition()
        self._node: Url | None = None if self.several else url
        self._looks = threading.Event()
        self._thread: threading.Thread | None = None
        self._report = Reports()
        self._drivers = [Driver(node, ANSWER_SECONDS, ANSWER_SECONDS, self._report) for node in url.nodes]

    def node(self, until: float) -> Url:
        """The node that sells, as soon as there is one. Raises UnavailableError at `until` (monotonic)."""
        node = self._node
        if node is not None and self._thread_runs():
            return node
        with self._changed:
            self._begin()
            while self._node is None:
                if not self._changed.wait(until - time.monotonic()):
                    raise UnavailableError(NO_PRIMARY)
            return self._node

    def known(self) -> Url | None:
        """The node that sells; None while that is not known."""
        return self._node

    def doubt(self, node: Url) -> None:
        """A CALL failed as it does on a node that sells no more: nobody uses it until it was asked."""
        with self._changed:
            if self._node is not node or not self.several:
                return
            self._node = None
        self._looks.set()

    def _thread_runs(self) -> bool:
        return not self.several or (self._thread is not None and self._thread.is_alive())

    def _begin(self) -> None:
        """Make the thread, when it is needed first: after the fork."""
        if not self._thread_runs():
            self._thread = threading.Thread(target=self._work, name="primary", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            node = self._node
            try:
                if node is None:
                    self._search()
                elif not self._sells(self._driver_of(node)):
                    self.doubt(node)
                    continue
            except Exception as error:
                log.error("The look for the primary failed: %s", where_it_failed(error))
            self._looks.wait(SEARCH_SECONDS if self._node is None else LOOK_SECONDS)
            self._looks.clear()

    def _search(self) -> None:
        """Ask each node, the one that was doubted last after all others: one that was frozen believes in itself."""
        for driver in list(self._drivers):
            if self._sells(driver):
                self._drivers.remove(driver)
                self._drivers.append(driver)
                with self._changed:
                    self._node = driver.url
                    self._changed.notify_all()
                log.info("node %s sells", driver.url.place)
                return
        self._report(0, "no node of the group sells at the moment")

    def _driver_of(self, node: Url) -> Driver:
        return next(driver for driver in self._drivers if driver.url is node)

    def _sells(self, driver: Driver) -> bool:
        """Whether the node says so; then its EVENT is enabled, which MySQL disables where another node created it."""
        try:
            connection = driver.log_in()
        except UnavailableError:
            return False
        except driver.Error as error:
            self._tell(driver, error)
            return False
        try:
            if driver.run(connection, "find_role", ())[0]["role"] != PRIMARY:
                return False
            if self._node is not driver.url:
                with contextlib.suppress(driver.Error):
                    driver.run(connection, "resume_sweep", ())
            return True
        except driver.Error as error:
            self._tell(driver, error)
            return False
        finally:
            with contextlib.suppress(driver.Error):
                connection.close()

    def _tell(self, driver: Driver, error: object) -> None:
        errno, _, message = fields(error)
        self._report(errno, f"node {driver.url.place} does not tell its role: {message} (errno {errno})")
