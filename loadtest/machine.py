"""What a benchmark ran on."""

import os
import platform
import statistics
import time
from pathlib import Path

from loadtest.database import Database

FLUSHES = 200


def describe(database: Database, folder: Path) -> dict[str, str]:
    """Hardware, kernel, server and the settings that durability rests on, as they are in the running server."""
    server = database.row(
        "SELECT VERSION() AS version, @@GLOBAL.sync_binlog AS sync_binlog, @@GLOBAL.log_bin AS log_bin,"
        " @@GLOBAL.innodb_flush_log_at_trx_commit AS flush_log, @@GLOBAL.innodb_doublewrite AS doublewrite,"
        " @@GLOBAL.event_scheduler AS event_scheduler, @@GLOBAL.performance_schema AS performance_schema,"
        " @@GLOBAL.max_connections AS max_connections"
    )
    housekeeping = (f"{name} = {server[name]}" for name in ("event_scheduler", "performance_schema"))
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "Memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GB",
        "System": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "Disk": f"one fdatasync of a small append takes {_flush_ms(folder):.2f} ms (median of {FLUSHES})",
        "MySQL": f"{server['version']}, settings of sql/server/my.cnf,"
        f" but max_connections = {server['max_connections']}",
        "Durability": f"log_bin = {server['log_bin']}, sync_binlog = {server['sync_binlog']},"
        f" innodb_flush_log_at_trx_commit = {server['flush_log']}, innodb_doublewrite = {server['doublewrite']}",
        "Housekeeping": ", ".join(housekeeping),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


def _flush_ms(folder: Path) -> float:
    """What the disk needs to make 512 bytes last, in milliseconds."""
    path = folder / "flush"
    times = []
    flush = getattr(os, "fdatasync", os.fsync)
    with path.open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            began = time.perf_counter()
            file.write(bytes(512))
            flush(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(times) * 1e3
