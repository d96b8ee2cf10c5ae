"""Every exception that the grader raises on purpose.

Each carries one sentence that says what is wrong, where, and what to do about it. The command
line prints that sentence and exits with `exit_code`; a program that calls the package catches
`GraderError`. All of them survive pickling, because farm workers send them home.
"""

from __future__ import annotations


class GraderError(Exception):
    """Base of the tree: something the person at the keyboard can put right."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class UsageError(GraderError):
    """A command was called with arguments that do not fit together."""

    exit_code = 2


class CourseError(GraderError):
    """The course directory, its configuration, or something named in it is missing or broken."""


class ReleaseError(GraderError):
    """An assignment's source cannot be turned into a released notebook."""


class LeakError(ReleaseError):
    """A released file contains something that only the instructor may see."""


class IntakeError(GraderError):
    """A bundle of submissions cannot be taken in as a whole (one bad notebook never raises)."""


class SandboxError(GraderError):
    """An isolated kernel could not be started or was lost for a reason that is ours."""


class SandboxLost(SandboxError):
    """A running sandbox was ended from outside; the same work may well succeed again."""


class SandboxUnavailable(SandboxError):
    """Raised where the machine cannot isolate a kernel and the instructor did not allow that."""


class FarmError(GraderError):
    """Workers cannot be reached, do not fit this machine, or are all gone."""


class ScoringError(GraderError):
    """The gradebook cannot be read or written."""


class GradebookUnwritable(ScoringError):
    """The gradebook, or the folder beside it, cannot be written, whoever's work is scored."""


class GradebookBusy(ScoringError):
    """The gradebook cannot be written now; it may be soon: a lock, or a server that restarts."""


class StorageError(GraderError):
    """A file that the grader must write could not be written (a full or read-only disk)."""


class Interrupted(GraderError):
    """The run was stopped by the user; what was finished is kept and a rerun goes on from there."""

    exit_code = 130
