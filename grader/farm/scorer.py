"""From stored records to the gradebook, whatever state the gradebook is in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from grader.errors import GradebookBusy, GradebookUnwritable, ScoringError
from grader.farm.store import ResultStore, SubmissionRecord
from grader.scoring import GradebookWriter

_HOPELESS = 3
"""Refusals by a gradebook that takes nothing, before no more is offered to it."""
_LONGEST_PAUSE = 16.0
"""Seconds."""


class Scorer:
    """Writes records to the gradebook; trouble with it stops no grading and loses nothing.

    A record that the gradebook refuses stops no other. While it is locked or its server is gone,
    records stay in the store, and are offered again from time to time and at the end.

    Args:
        writer: of the course's gradebook.
        store: has the records, and is told which of them the gradebook has.
        patience: seconds that a busy gradebook is waited for at the end.
        stopped: whether Ctrl-C was pressed, which ends that waiting.
    """

    def __init__(
        self,
        writer: GradebookWriter,
        store: ResultStore,
        patience: float,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._writer = writer
        self._store = store
        self._patience = patience
        self._stopped = stopped
        self._taken = 0
        self._refused = 0
        self._unwritable = 0
        self._trouble: ScoringError | None = None
        self._busy: ScoringError | None = None
        self._waiting: deque[str] = deque()
        self._pause = 0.0
        self._next = 0.0

    def score(self, record: SubmissionRecord) -> None:
        """Score a stored record, unless the gradebook has it, or could not take any just now."""
        if record.scored:
            return
        if self._unwritable >= _HOPELESS and not self._taken:
            return
        if time.monotonic() < self._next:
            self._waiting.append(record.student)
        else:
            self._offer(record)

    def finish(self) -> None:
        """Offer again what the gradebook could not take; say what it did not take in the end.

        Raises:
            ScoringError: with the first reason; results are in the store.
            KeyboardInterrupt: `stopped` said so.
        """
        give_up = time.monotonic() + self._patience
        while self._waiting:
            self._sleep(min(self._next, give_up))
            record = self._store.load(self._waiting.popleft())
            if record is None or record.scored:
                continue
            if self._offer(record):
                give_up = time.monotonic() + self._patience
            elif time.monotonic() >= give_up:
                self._trouble = self._trouble or self._busy
                break
        if self._trouble is not None:
            others = f" So it is with {self._refused - 1} more." if self._refused > 1 else ""
            raise ScoringError(
                f"{str(self._trouble).rstrip('.')}.{others} Results are kept: put that right and "
                "run the same command again."
            )

    def _sleep(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            if self._stopped():
                raise KeyboardInterrupt
            time.sleep(min(left, 0.1))

    def _offer(self, record: SubmissionRecord) -> bool:
        """Score one record; returns whether the gradebook answered at all."""
        try:
            self._writer.score(
                record.student,
                {result.notebook: result for result in record.results},
                record.unreadable.keys(),
                record.timestamp,
            )
        except GradebookBusy as error:
            self._waiting.append(record.student)
            self._pause = min(2 * self._pause or 0.5, _LONGEST_PAUSE)
            self._next = time.monotonic() + self._pause
            self._busy = error
            return False
        except ScoringError as error:
            # what is wrong with one record says nothing of the next
            self._unwritable += isinstance(error, GradebookUnwritable)
            self._refused += 1
            self._trouble = self._trouble or error
        else:
            self._taken += 1
            self._store.mark_scored(record)
        self._pause = self._next = 0.0
        return True
