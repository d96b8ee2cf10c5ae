"""Feedback pages, the class report, exports and terminal tables."""

from grader.report.assemble import each_graded, load_graded
from grader.report.classreport import render_class, write_class
from grader.report.export import export_csv
from grader.report.feedback import render_feedback
from grader.report.feedback_files import write_feedback
from grader.report.model import GradedCell, GradedNotebook, GradedSubmission
from grader.report.runs import RunRow, run_rows, stored_rows, write_rows
from grader.report.table import class_table, summary, worth_a_look

__all__ = [
    "GradedCell",
    "GradedNotebook",
    "GradedSubmission",
    "RunRow",
    "class_table",
    "each_graded",
    "export_csv",
    "load_graded",
    "render_class",
    "render_feedback",
    "run_rows",
    "stored_rows",
    "summary",
    "worth_a_look",
    "write_class",
    "write_feedback",
    "write_rows",
]
