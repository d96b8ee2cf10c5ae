"""Runs one notebook and yields an outcome for each of its tests.

Today instructor cells and the student's cells share one isolated kernel. This room is where they
will part: `run_notebook` and the outcomes that it returns do not say how many kernels there are.
"""

from grader.split.check import CheckResult, check_notebook
from grader.split.files import place_files
from grader.split.outcomes import CellFailure, NotebookResult, Outcome, TestResult
from grader.split.run import run_notebook, unrun_result

__all__ = [
    "CellFailure",
    "CheckResult",
    "NotebookResult",
    "Outcome",
    "TestResult",
    "check_notebook",
    "place_files",
    "run_notebook",
    "unrun_result",
]
