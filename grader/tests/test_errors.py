"""Every exception that the grader raises on purpose survives a journey to another process."""

from __future__ import annotations

import inspect
import pickle

import pytest

from grader import errors
from grader.errors import GraderError

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, GraderError) and kind.__module__ == errors.__name__
]


def test_every_exception_has_one_base() -> None:
    raised = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert raised == ALL
    assert len(ALL) > 5


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_keeps_all(kind: type[GraderError], protocol: int) -> None:
    error = kind("The disk of naïve.example is full: make room, then run again.")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is kind
    assert again.message == str(again) == error.message == str(error)
    assert again.exit_code == error.exit_code


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_command_that_fails_never_exits_with_success(kind: type[GraderError]) -> None:
    assert kind.exit_code != 0
    assert inspect.getdoc(kind)


def test_exit_codes_follow_custom() -> None:
    assert GraderError.exit_code == 1
    assert errors.UsageError.exit_code == 2
    assert errors.Interrupted.exit_code == 128 + 2  # as a shell tells of SIGINT


def test_a_leak_is_a_failed_release() -> None:
    with pytest.raises(errors.ReleaseError, match="leak"):
        raise errors.LeakError("leak")
