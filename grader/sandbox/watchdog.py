"""Judges a running kernel from outside: how much it uses, how long it runs, why it ended.

A kernel's own word counts for nothing, since a submission can make it say anything. One thread
per kernel looks at it several times a second and kills it when a limit is passed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from grader.course import Limits
from grader.sandbox import usage
from grader.sandbox.memory import MemoryMeter

TICK = 0.1  # seconds between two looks


class DeathReason(Enum):
    """Why a kernel is gone."""

    MEMORY = "memory"
    WALL_CLOCK = "wall clock"
    OUTPUT = "output"
    EXITED = "exited"
    KILLED = "killed"
    LOST = "lost"
    """Ended from outside, and not by us: nothing that a submission could do."""


@dataclass(frozen=True)
class Death:
    """The end of one kernel.

    Args:
        reason: what ended it.
        sentence: the same for a person to read.
        exit_code: of the kernel's process where it ended by itself, negative for a signal.
        detail: the end of what it wrote to stderr outside of any cell, for the instructor's
            eyes: a submission may have written it.
    """

    reason: DeathReason
    sentence: str
    exit_code: int | None = None
    detail: str = ""


class Supervised(Protocol):
    """What a watchdog needs of a running kernel."""

    meter: MemoryMeter

    def pause(self, seconds: float) -> bool:
        """Wait up to `seconds`; True at once when no process is left."""

    def kill(self) -> None:
        """Kill every process, without waiting."""

    def exit_code(self) -> int | None:
        """The exit code once nothing is left."""

    def tail(self) -> str:
        """The end of what was written to stderr outside of any cell."""

    def pids(self) -> set[int]:
        """Its processes, as far as they are found without looking at all of the machine."""


class Watchdog:
    """Watches one kernel from its start until nothing of it is left.

    Args:
        process: the running kernel.
        limits: memory (bytes) and notebook_timeout (seconds) are enforced here; until
            `start_clock` is called, startup_timeout is granted on top.
        gpu: measure memory on graphics cards too.
    """

    def __init__(self, process: Supervised, limits: Limits, *, gpu: bool = False) -> None:
        self._process = process
        self._limits = limits
        self._sentence: tuple[DeathReason, str] | None = None
        self._death: Death | None = None
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._deadline = time.monotonic() + limits.startup_timeout + limits.notebook_timeout
        self._gpu = gpu
        self._cpu_seconds = 0.0
        self.peak_memory = 0
        self.peak_gpu_memory = 0
        self._thread = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)
        self._thread.start()

    @property
    def death(self) -> Death | None:
        """How the kernel ended; None while any process of it is left."""
        return self._death

    def start_clock(self) -> None:
        """The notebook begins now: from here on it has notebook_timeout seconds in all."""
        self._deadline = time.monotonic() + self._limits.notebook_timeout

    def condemn(self, reason: DeathReason, sentence: str) -> None:
        """Kill the kernel for `reason`; the first reason given stays."""
        with self._lock:
            if self._sentence is None and self._death is None:
                self._sentence = reason, sentence
        self._process.kill()

    def cpu_seconds(self) -> float:
        """CPU time that the kernel and what it started have used; after its end, the last look."""
        if self._death is None:
            now = usage.cpu_seconds(self._process.pids())
            self._cpu_seconds = max(self._cpu_seconds, now)
        return self._cpu_seconds

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing of the kernel is left; False if that took longer than `timeout`."""
        return self._gone.wait(timeout)

    def _watch(self) -> None:
        try:
            while not self._process.pause(TICK):
                try:
                    self._look()
                except Exception as error:  # whatever it is, nothing may run on unwatched
                    failure = f"killed: it could not be watched ({type(error).__name__}: {error})"
                    self.condemn(DeathReason.KILLED, failure)
            self._death = self._judge()
        finally:
            self._process.meter.close()
            self._gone.set()

    def _look(self) -> None:
        meter = self._process.meter
        self.peak_memory = max(self.peak_memory, meter.usage())
        self.cpu_seconds()
        if self._gpu:
            used = usage.gpu_memory(self._process.pids())
            self.peak_gpu_memory = max(self.peak_gpu_memory, used)
        if meter.exceeded():
            self.condemn(DeathReason.MEMORY, self._memory_sentence())
        elif time.monotonic() > self._deadline:
            seconds = self._limits.notebook_timeout
            sentence = f"killed: the notebook ran longer than {seconds:g} s in all"
            self.condemn(DeathReason.WALL_CLOCK, sentence)

    def _judge(self) -> Death:
        reason, sentence = self._sentence or (DeathReason.EXITED, "")
        # a cgroup may have killed the kernel between two looks
        unexplained = reason in (DeathReason.EXITED, DeathReason.KILLED)
        if unexplained and self._process.meter.exceeded():
            reason, sentence = DeathReason.MEMORY, self._memory_sentence()
        if reason is DeathReason.MEMORY:
            self.peak_memory = max(self.peak_memory, self._limits.memory)
        code = self._process.exit_code() if reason is DeathReason.EXITED else None
        if reason is DeathReason.EXITED and code is None:
            reason, sentence = DeathReason.LOST, "the sandbox was ended from outside"
        sentence = sentence or f"the kernel ended by itself with exit code {code}"
        detail = "".join(c if c.isprintable() else " " for c in self._process.tail())
        return Death(reason, sentence, code, detail)

    def _memory_sentence(self) -> str:
        return f"killed: memory limit of {self._limits.memory / 2**30:.3g} GiB exceeded"
