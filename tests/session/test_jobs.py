"""Jobs: exactly one answer on the main thread, cancel leaves nothing, closing is prompt."""

from __future__ import annotations

import queue
import threading

import pytest

from arviewer.errors import Bug, Cancelled
from arviewer.session.jobs import Jobs

ECHO = "arviewer.workers.echo:echo"


class MainThread:
    """A main loop for tests: closures are queued and run by the test."""

    def __init__(self) -> None:
        self.closures: queue.Queue = queue.Queue()
        self.told: list = []

    def done(self, result: object) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.told.append(("done", result))

    def failed(self, error: Exception) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.told.append(("failed", type(error)))

    def run_until(self, condition) -> None:
        while not condition():
            self.closures.get(timeout=60)()


@pytest.fixture
def main():
    return MainThread()


@pytest.fixture
def jobs(main):
    jobs = Jobs(main.closures.put)
    yield jobs
    jobs.close()


def test_the_result_arrives_on_the_main_thread(jobs: Jobs, main: MainThread) -> None:
    """One job, one answer, and the jobs are idle again."""
    jobs.start("Echo", ECHO, 5, done=main.done, failed=main.failed)
    assert jobs.busy

    main.run_until(lambda: main.told)

    assert main.told == [("done", 5)]
    assert not jobs.busy


def test_progress_comes_with_words(jobs: Jobs, main: MainThread) -> None:
    """A long job says how far it is, never backwards."""
    seen = []
    jobs.start(
        "Echo",
        ECHO,
        5,
        done=main.done,
        failed=main.failed,
        on_progress=lambda f, w: seen.append((f, w)),
        parameters={"duration_s": 0.5},
    )

    main.run_until(lambda: main.told)

    fractions = [f for f, _ in seen]
    assert fractions == sorted(fractions)
    assert seen[-1][1] == "Waiting"


def test_cancel_answers_cancelled_and_the_next_job_runs(jobs: Jobs, main: MainThread) -> None:
    """A cancelled job never reports a result; the queue goes on."""
    job = jobs.start("Slow", ECHO, 1, done=main.done, failed=main.failed, parameters={"duration_s": 60.0})
    jobs.start("Next", ECHO, 2, done=main.done, failed=main.failed)

    job.cancel()
    main.run_until(lambda: len(main.told) == 2)

    assert main.told == [("failed", Cancelled), ("done", 2)]


def test_a_job_cancelled_while_its_result_waits_is_not_applied(jobs: Jobs, main: MainThread) -> None:
    """Cancel wins as long as the result has not been handed over."""
    job = jobs.start("Echo", ECHO, 1, done=main.done, failed=main.failed)
    closures = []
    while not closures:
        closure = main.closures.get(timeout=60)
        if closure.__qualname__.startswith("Jobs._finish"):
            closures.append(closure)
    job.cancel()

    closures[0]()

    assert main.told == [("failed", Cancelled)]


def test_an_unforeseen_error_is_told_as_a_bug(jobs: Jobs, main: MainThread) -> None:
    """Nothing ends unheard."""
    jobs.start("Odd", ECHO, 1, done=main.done, failed=main.failed, parameters={"no_such": 1})

    main.run_until(lambda: main.told)

    assert main.told == [("failed", Bug)]


def test_close_is_prompt_and_silent(main: MainThread) -> None:
    """Closing with a job at work ends it; no callback comes afterwards."""
    jobs = Jobs(main.closures.put)
    jobs.start("Slow", ECHO, 1, done=main.done, failed=main.failed, parameters={"duration_s": 60.0})

    jobs.close()
    while not main.closures.empty():
        main.closures.get()()

    assert main.told == []
