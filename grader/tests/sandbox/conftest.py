from __future__ import annotations

from collections.abc import Iterator

import pytest

from grader.tests.sandbox.support import Kernel, started


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """One sandboxed kernel for the tests of a module that leave it as it was."""
    with started() as running:
        yield running
