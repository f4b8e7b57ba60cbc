# SPDX-License-Identifier: BSD-3-Clause
"""Threads for calls: how many there are, and when they end."""

import threading
from queue import SimpleQueue

import pytest
from realmos_agent.tee import client_numbers, wire
from realmos_agent.tee.network import Network
from realmos_agent.tee.workers import Workers

PATIENCE = 60.0
Threads = SimpleQueue[threading.Thread]


def noted(workers: Workers, threads: Threads) -> threading.Thread:
    """Run a job; return the thread that it was given."""
    assert workers.run(lambda: threads.put(threading.current_thread()))
    return threads.get(timeout=PATIENCE)


def ended(thread: threading.Thread) -> bool:
    thread.join(PATIENCE)
    return not thread.is_alive()


def test_threads_without_a_job_end_with_their_owner() -> None:
    workers, threads, going_on = Workers(), Threads(), threading.Event()

    def job() -> None:
        threads.put(threading.current_thread())
        assert going_on.wait(PATIENCE)

    for _ in range(3):
        assert workers.run(job)
    found = [threads.get(timeout=PATIENCE) for _ in range(3)]
    assert len(set(found)) == 3
    workers.end()  # all have one
    going_on.set()
    assert all(map(ended, found))


def test_a_job_that_comes_later_is_done_and_leaves_no_thread() -> None:
    workers, threads = Workers(), Threads()
    first = noted(workers, threads)
    workers.end()
    assert ended(first)
    assert ended(noted(workers, threads))


def test_a_hub_that_ends_leaves_no_thread_of_its_connections() -> None:
    before, woken = set(threading.enumerate()), threading.Event()
    network = Network(woken.set)
    network.ask(wire.Frame(client_numbers.KIND_NET, 0, 1, bytes(client_numbers.NET_SIZE)))
    assert woken.wait(PATIENCE)
    made = set(threading.enumerate()) - before
    assert made
    network.close()
    assert all(map(ended, made))


def test_a_job_that_found_no_thread_is_done_by_one_that_had_just_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers, threads = Workers(), Threads()
    thread = noted(workers, threads)
    monkeypatch.setattr(workers, "run", lambda _job: False)
    while not threads.qsize():  # until that thread is idle again
        workers.run_sometime(lambda: threads.put(threading.current_thread()))
    assert threads.get(timeout=PATIENCE) is thread
    workers.end()
