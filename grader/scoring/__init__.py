"""Outcomes into nbgrader's gradebook. Nothing of a submission is run here.

nbgrader scores: its own Autograde converter does the work, with the step that would execute the
notebook swapped for one that brings in what the sandbox recorded.
"""

from grader.scoring.gradebook import CellScore, SubmissionScore, read_scores
from grader.scoring.points import auto_score
from grader.scoring.writer import GradebookWriter

__all__ = ["CellScore", "GradebookWriter", "SubmissionScore", "auto_score", "read_scores"]
