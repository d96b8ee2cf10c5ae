"""Many submissions over Dask workers, resumable at any point.

`grade` is the main path: read, skip what is stored, run the rest, store each result as it comes,
score it. Workers run trusted code only; what a student wrote runs in a sandbox that they start.
"""

from grader.farm.cluster import Farm
from grader.farm.grade import GradeRun, grade
from grader.farm.store import ResultStore, SubmissionRecord

__all__ = ["Farm", "GradeRun", "ResultStore", "SubmissionRecord", "grade"]
