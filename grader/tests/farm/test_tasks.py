"""What `run_tasks` promises, on workers that are threads of this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client

from grader.course import Course
from grader.errors import FarmError
from grader.farm.cluster import open_farm
from grader.farm.job import conditions_of, grade_job, read_job
from grader.farm.tasks import Slots, run_tasks
from grader.tests.courses import ANSWERS, submit
from grader.tests.farm.clusters import name_of_worker
from grader.tests.farm.in_process import in_process


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers, one of which says that it has a graphics card."""
    with in_process({"plain": {}, "card": {"GPU": 1}}) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """Somebody who is connected to them."""
    with open_farm(address, at_most=2) as farm:
        yield farm.client


def test_no_task_is_left_out_where_all_workers_are_gone_for_a_while(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a task that killed the last one; a task may wait at the scheduler for the next."""
    counts = iter([2])
    monkeypatch.setattr(Slots, "_ask", lambda _: next(counts, 0))
    monkeypatch.setattr("grader.farm.tasks._COUNT", 0.0)
    for most in (None, 1, 5):
        found = run_tasks(client, name_of_worker, range(1, 9), most=most)
        assert {task for task, _ in found} == set(range(1, 9))


def test_what_needs_a_graphics_card_goes_to_workers_that_have_one(address: str) -> None:
    with open_farm(address, at_most=4, device="cuda") as farm:
        found = run_tasks(farm.client, name_of_worker, range(1, 5), resources=farm.resources)
        assert {name for _, name in found} == {"card"}
    with open_farm(address, at_most=4) as farm:
        found = run_tasks(farm.client, name_of_worker, range(1, 9), resources=farm.resources)
        assert {name for _, name in found} == {"card", "plain"}


def test_no_task_is_no_work(client: Client) -> None:
    assert list(run_tasks(client, name_of_worker, [])) == []


def test_a_worker_that_comes_late_with_another_grader_is_refused_too(
    released_course: Path, address: str
) -> None:
    submit(released_course, "ann", {"problem2": ANSWERS["problem2"]})
    course = Course(released_course)
    (submission,) = course.submissions("ps1")
    conditions = replace(conditions_of(course, "ps1"), environment="of another machine")
    job = read_job(conditions, submission)
    with open_farm(address, at_most=1) as farm, pytest.raises(FarmError, match="not the same"):
        list(run_tasks(farm.client, grade_job, [job]))
