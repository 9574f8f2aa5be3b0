"""The simulator's time, and the timetable of what happens later in it.

All times are Unix seconds of the simulated clock. It follows the wall clock until a test freezes it,
moves it or lets it run faster; nothing else in the simulator looks at the wall clock for a decision.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

Task = tuple[float, int, str, Any]


class Clock:
    """Tell the simulated time."""

    def __init__(self) -> None:
        self.rate = 1.0
        self._at = time.time()
        self._since = time.monotonic()

    def now(self) -> float:
        """Return the simulated time in Unix seconds."""
        if not self.rate:
            return self._at
        return self._at + (time.monotonic() - self._since) * self.rate

    def set(self, at: float, rate: float | None = None) -> None:
        """Move the clock to `at` and, if given, change its rate (0 freezes it)."""
        if rate is not None:
            self.rate = rate
        self._at, self._since = at, time.monotonic()

    def catch_up(self) -> None:
        """Follow the wall clock again."""
        self.set(time.time(), 1.0)


class Timetable:
    """Run tasks when they are due, oldest first, one after another.

    A task is a name and JSON-like argument, so that the timetable can be written to a file.
    """

    def __init__(self, clock: Clock, run: Callable[[str, Any], None]) -> None:
        self.clock = clock
        self._run = run
        self._heap: list[Task] = []
        self._count = 0
        self._wake = threading.Condition()
        self._turn = threading.RLock()
        self._thread = threading.Thread(target=self._loop, name="timetable", daemon=True)

    def start(self) -> None:
        """Begin to run due tasks in a thread of our own."""
        self._thread.start()

    def at(self, due: float, name: str, argument: Any) -> None:
        """Have the task `name` run at `due`."""
        with self._wake:
            self._count += 1
            heapq.heappush(self._heap, (due, self._count, name, argument))
            if self._heap[0][1] == self._count:
                self._wake.notify()

    def next_due(self) -> float | None:
        """Return when the next task is due, None when there is none."""
        with self._wake:
            return self._heap[0][0] if self._heap else None

    def tasks(self) -> list[Task]:
        """Return what is planned, oldest first."""
        with self._wake:
            return sorted(self._heap)

    def replace(self, tasks: list[Task]) -> None:
        """Forget every task and plan these."""
        with self._wake:
            self._heap = [(float(due), int(n), str(name), argument) for due, n, name, argument in tasks]
            heapq.heapify(self._heap)
            self._count = max((n for _, n, _, _ in self._heap), default=0)
            self._wake.notify()

    def nudge(self) -> None:
        """Have the thread look again, because the clock was changed."""
        with self._wake:
            self._wake.notify()

    def advance(self, to: float, settle: Callable[[], None] | None = None, step: float = -1.0) -> int:
        """Move the clock to `to`, running what falls due on the way at its own time; return how many tasks ran.

        `settle` is called after each task, so that what it caused, a webhook and its answer, has happened before
        the next one; tasks that follow within `step` seconds of the first are settled together (0: those of one
        instant). A running clock keeps its rate and goes on from `to`.
        """
        rate, ran = self.clock.rate, 0
        with self._turn:
            self.clock.set(self.clock.now(), 0.0)
            try:
                if settle:
                    settle()  # what is under way belongs to the present
                settled_until = float("-inf")
                while (task := self._pop(to)) is not None:
                    self.clock.set(max(task[0], self.clock.now()))
                    self._perform(task)
                    ran += 1
                    if task[0] > settled_until:
                        settled_until = task[0] + step
                    due = self.next_due()
                    if settle and (due is None or due > min(settled_until, to)):
                        settle()
            finally:
                self.clock.set(max(to, self.clock.now()), rate)
        self.nudge()
        return ran

    def _pop(self, until: float) -> Task | None:
        with self._wake:
            return heapq.heappop(self._heap) if self._heap and self._heap[0][0] <= until else None

    def _perform(self, task: Task) -> None:
        try:
            self._run(task[2], task[3])
        except Exception:  # a broken task must not stop the simulated world
            logging.getLogger(__name__).exception("task %s failed", task[2])

    def _loop(self) -> None:
        while True:
            with self._turn:
                while (task := self._pop(self.clock.now())) is not None:
                    self._perform(task)
            with self._wake:
                if not self._heap:
                    self._wake.wait()
                elif (left := self._heap[0][0] - self.clock.now()) > 0:
                    self._wake.wait(min(left / self.clock.rate, 3600.0) if self.clock.rate else None)
