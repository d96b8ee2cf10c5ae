"""Fixtures for tests of the farm."""

from __future__ import annotations

import pytest

from grader.scoring import GradebookWriter
from grader.tests.farm.support import Inline, install


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Inline:
    """Grading in this process, with every test passed and no kernel started."""
    return install(monkeypatch)


@pytest.fixture
def unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the gradebook out: every record is taken at once."""
    monkeypatch.setattr(GradebookWriter, "score", lambda *_: None)
