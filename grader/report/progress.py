"""How far a run is: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

LINE_EVERY = 60.0  # seconds between two lines where there is no terminal
_SOON = 5
"""Submissions that a forecast needs."""


class GradingProgress:
    """Shows the progress of one run; use it in a `with` statement.

    Args:
        console: where to; a terminal gets a bar, anything else a line now and then.
        clock: seconds that go on steadily.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._total = self._stored = self._done = self._running = self._failed = 0
        self._began = self._said = clock()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[details]}"),
            console=console,
            disable=not console.is_terminal,
            expand=True,
        )
        self._task = self._bar.add_task("Grading", visible=False, details="")

    def __enter__(self) -> GradingProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def start(self, total: int, stored: int) -> None:
        """There are so many submissions, and so many of them are graded already."""
        self._total, self._stored = total, stored
        self._bar.update(self._task, total=total, visible=True)
        self._show()

    def workers_ready(self) -> None:
        """The rate counts from here."""
        self._began = self._said = self._clock()

    def running(self, count: int) -> None:
        """So many submissions are with workers."""
        self._running = count
        self._show()

    def finished(self, *, fault: bool) -> None:
        """One more is done; `fault` says that it could not be graded."""
        self._done += 1
        self._failed += fault
        self._show()

    @property
    def sentence(self) -> str:
        """The state of the run in words."""
        return f"{self._done} of {self._total} graded{self._details()}"

    def _details(self) -> str:
        parts = [f"{self._running} running"] if self._running else []
        if self._failed:
            parts.append(f"{self._failed} failed")
        fresh = self._done - self._stored
        seconds = self._clock() - self._began
        if fresh >= _SOON and seconds > 0:
            rate = fresh / seconds
            parts.append(f"{60 * rate:.3g} a minute")
            if left := self._total - self._done:
                parts.append(f"{duration(left / rate)} left")
        return "".join(f", {part}" for part in parts)

    def _show(self) -> None:
        if self._console.is_terminal:
            details = self._details().removeprefix(", ")
            self._bar.update(self._task, completed=self._done, details=details)
        elif self._clock() - self._said >= LINE_EVERY:
            self._said = self._clock()
            self._console.print(f"{self.sentence}.", soft_wrap=True)


def duration(seconds: float) -> str:
    """Such as "40 s", "12 min" or "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
