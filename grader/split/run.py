"""Execute one clean notebook with papermill over two kernels, and return its outcomes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import nbformat
from papermill.engines import papermill_engines
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from grader.release import NotebookTemplate
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.sandbox.kernelspec import KERNEL_NAME
from grader.split.outcomes import NotebookResult, Outcome, TestResult
from grader.split.recorder import Recorder, test_ids

ENGINE = "split"


def run_notebook(
    name: str,
    notebook: nbformat.NotebookNode,
    policy: SandboxPolicy,
    sandbox: SandboxMode,
    parameters: Mapping[str, Any] | None = None,
    template: NotebookTemplate | None = None,
    instructor_files: Collection[str] | None = None,
) -> NotebookResult:
    """Run `notebook` over two fresh kernels.

    Errors in cells are outcomes, not exceptions.

    Args:
        name: the notebook's name without .ipynb.
        notebook: a clean notebook; it is not changed.
        policy: what the answer kernel may see and use; of its files the test kernel sees the
            instructor's.
        sandbox: how both kernels are isolated.
        parameters: papermill parameters, put after the cell tagged `parameters`.
        template: the instructor's copy, which says whose names are whose.
        instructor_files: targets of those files of `policy` that are the instructor's; None where
            all are.

    Raises:
        SandboxError: the kernel could not be started, for a reason that is ours.
    """
    recorder = Recorder(name, test_ids(notebook))
    # as `papermill.execute_notebook`, which then writes the notebook though nobody wants a file
    loaded = load_notebook_node(notebook)
    if parameters:
        loaded = parameterize_notebook(loaded, dict(parameters), engine_name=ENGINE)
    papermill_engines.execute_notebook_with_engine(
        ENGINE,
        loaded,
        KERNEL_NAME,
        progress_bar=False,
        recorder=recorder,
        template=template,
        instructor_files=instructor_files,
        policy=policy,
        sandbox=sandbox,
    )
    return recorder.result()


def unrun_result(
    name: str,
    notebook: nbformat.NotebookNode,
    reason: str,
    outcome: Outcome = Outcome.NOT_RUN,
) -> NotebookResult:
    """The result of a notebook that was never started, with `reason` on each of its tests."""
    tests = tuple(TestResult(grade_id, outcome, reason) for grade_id in test_ids(notebook))
    executed = json.loads(json.dumps(notebook))
    return NotebookResult(name, tests, (), executed, ended_early=reason)
