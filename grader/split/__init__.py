"""Runs one notebook over two isolated kernels and yields an outcome for each of its tests."""

from grader.split.check import CheckResult, check_notebook
from grader.split.files import place_files
from grader.split.outcomes import CellFailure, Diagnosis, NotebookResult, Outcome, TestResult
from grader.split.run import run_notebook, unrun_result

__all__ = [
    "CellFailure",
    "CheckResult",
    "Diagnosis",
    "NotebookResult",
    "Outcome",
    "TestResult",
    "check_notebook",
    "place_files",
    "run_notebook",
    "unrun_result",
]
