"""The threads of a worker."""

import threading

import pytest

from api.server.pool import Pool


def test_each_job_is_done_once_by_one_of_the_threads() -> None:
    done: list[int] = []
    by: set[str] = set()
    all_here = threading.Barrier(4)

    def do(job: int) -> None:
        if job < 4:
            all_here.wait(10)
        by.add(threading.current_thread().name)
        done.append(job)

    pool = Pool(4, do)
    for job in range(1000):
        pool.submit(job)
    pool.shutdown()

    assert sorted(done) == list(range(1000))
    assert len(by) == 4


def test_jobs_are_done_in_the_order_they_came() -> None:
    done: list[int] = []
    pool = Pool(1, done.append)
    for job in range(100):
        pool.submit(job)
    pool.shutdown()

    assert done == list(range(100))


@pytest.mark.parametrize("error", [ValueError("a fault"), SystemExit(1)])
def test_a_job_that_fails_is_logged_and_its_thread_goes_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def do(job: str) -> None:
        if job == "bad":
            raise error
        done.append(job)

    pool = Pool(1, do)
    for job in ("good", "bad", "good"):
        pool.submit(job)
    pool.shutdown()

    assert done == ["good", "good"]
    assert "A thread of the pool failed" in caplog.text


def test_shutdown_need_not_wait() -> None:
    may_end = threading.Event()
    pool = Pool(1, lambda job: may_end.wait(10))
    pool.submit("long")
    pool.shutdown(wait=False)
    may_end.set()
    pool.shutdown()
