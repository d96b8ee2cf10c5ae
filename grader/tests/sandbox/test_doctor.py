"""`examine` on this machine, and its words for machines that are weaker."""

from __future__ import annotations

import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox import doctor
from grader.sandbox.doctor import Check, examine
from grader.tests.sandbox.support import LIMITS, needs_bubblewrap


def _named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@needs_bubblewrap
def test_a_working_sandbox_passes_every_check() -> None:
    checks = examine(LIMITS)
    assert len(checks) == 10
    assert [check for check in checks if check.ok is False] == []
    assert all(check.sentence.endswith(".") for check in checks)


@needs_bubblewrap
def test_weaker_memory_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.memory.usable_cgroup", lambda: None)
    check = _named(examine(LIMITS))["memory"]
    assert check.ok is None
    assert "exceeded for a moment" in check.sentence


@needs_bubblewrap
def test_missing_filter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.start.compile_filter", lambda **_: None)
    check = _named(examine(LIMITS))["system calls"]
    assert check.ok is None
    assert "libseccomp" in check.sentence


@needs_bubblewrap
def test_unenforced_limits_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.start.resource_limits", lambda *_, **__: {})
    checks = _named(examine(LIMITS))
    assert checks["process limit"].ok is None
    assert checks["file limit"].ok is False


def test_no_sandbox_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise SandboxUnavailable("There is no bubblewrap here.")

    monkeypatch.setattr(doctor, "open_kernel", unavailable)
    assert examine(LIMITS) == [Check("bubblewrap", False, "There is no bubblewrap here.")]
