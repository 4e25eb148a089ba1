"""Trials in a pool of threads: the work is waiting for processes, so threads suffice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ferrotape import Executor, Trial, TrialResult, hookimpl


class ThreadsExecutor:
    """Carries out up to `jobs` trials at a time."""

    name = "threads"
    version = "1"
    description = "Trials in a pool of threads on this machine."

    def execute(
        self, trials: Iterable[Trial], work: Callable[[Trial], TrialResult], jobs: int
    ) -> Iterator[TrialResult]:
        """Yields results as they come; on an interrupt it waits only for what has begun."""
        waiting = deque(trials)
        running: set[Future[TrialResult]] = set()
        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="trial") as pool:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.add(pool.submit(work, waiting.popleft()))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()


@hookimpl
def ferrotape_executors() -> Sequence[Executor]:
    """The executor that comes with Ferrotape."""
    return [ThreadsExecutor()]
