"""Run one of nbgrader's converters quietly, and turn its failures into one sentence."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.converters.base import BaseConverter, NbGraderException
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from grader.errors import GraderError


def run_converter(converter: BaseConverter, task: str, error: type[GraderError]) -> None:
    """Run `converter` without its log on the terminal.

    Args:
        converter: one of nbgrader's, ready to start.
        task: what it does, for the message: "generate assignment 'ps1'".
        error: what to raise when nbgrader fails.

    Raises:
        GraderError: of class `error`, with the first reason that nbgrader logged.
    """
    reasons = _Reasons()
    converter.log = logging.Logger("nbgrader")
    converter.log.addHandler(reasons)
    try:
        with programs_on_path(), warnings.catch_warnings():
            # nbgrader's own use of its database; harmless, and not ours to mend
            warnings.simplefilter("ignore", SAWarning)
            converter.start()
    except (NbGraderException, SQLAlchemyError, OSError) as failure:
        reason = reasons.first or str(failure)
        raise error(f"nbgrader could not {task}: {reason}") from failure


@contextmanager
def programs_on_path() -> Iterator[None]:
    """Put this environment's programs on PATH, because nbgrader runs `alembic` by name."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


class _Reasons(logging.Handler):
    """Keeps the last line of the first traceback, or the first error, that nbgrader logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging for every record."""
        lines = record.getMessage().strip().splitlines()
        # SQLAlchemy ends its messages with the statement and with a link to its manual
        lines = [line for line in lines if not line.startswith(("[SQL", "(Background"))]
        if lines:
            self._errors.append(lines[-1])
            if lines[0].startswith("Traceback"):
                self._errors[:] = [lines[-1]]

    @property
    def first(self) -> str:
        """The reason, or "" where nothing was logged."""
        return self._errors[0] if self._errors else ""
