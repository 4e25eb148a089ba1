"""Trials in a pool of threads: the work is waiting for processes, so threads suffice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

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
        if jobs == 1:  # no thread is needed, and none costs anything
            yield from map(work, trials)
            return
        waiting = deque(trials)
        done: SimpleQueue[TrialResult | BaseException] = SimpleQueue()
        running = 0

        def carry_out(trial: Trial) -> None:
            try:
                done.put(work(trial))
            except BaseException as error:  # noqa: BLE001 - raised where it can be seen
                done.put(error)

        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="trial") as pool:
            while waiting or running:
                while waiting and running < jobs:
                    pool.submit(carry_out, waiting.popleft())
                    running += 1
                result = done.get()
                running -= 1
                if isinstance(result, BaseException):
                    raise result
                yield result


@hookimpl
def ferrotape_executors() -> Sequence[Executor]:
    """The executor that comes with Ferrotape."""
    return [ThreadsExecutor()]
