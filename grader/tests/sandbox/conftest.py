from __future__ import annotations

from collections.abc import Iterator

import pytest

from grader.tests.sandbox import support
from grader.tests.sandbox.support import Kernel, started


@pytest.fixture(scope="module", params=["cold", "warm"])
def start(request: pytest.FixtureRequest) -> Iterator[str]:
    """How the kernels of a module start: each of its tests holds for both ways."""
    support.preload = None if request.param == "cold" else ()
    yield request.param
    support.preload = None


@pytest.fixture(scope="module")
def kernel(start: str) -> Iterator[Kernel]:
    """One sandboxed kernel for the tests of a module that leave it as it was."""
    with started() as running:
        yield running
