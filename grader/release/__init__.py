"""From what the instructor writes to what a student gets.

`release_assignment` is the one way: text sources become notebooks in nbgrader's source folder,
nbgrader's generate_assignment makes the released version and fills its gradebook, and a leak
check reads every released byte before anybody else does. `load_template` reads back, from the
gradebook, the cells that grading later trusts.
"""

from grader.release.crossing import Finding, find_crossings
from grader.release.generate import Released, release_assignment
from grader.release.marks import ANSWER_MARK, CHANGES_MARK, is_marked, without_hidden
from grader.release.template import (
    AssignmentTemplate,
    NotebookTemplate,
    TemplateCell,
    load_template,
)

__all__ = [
    "ANSWER_MARK",
    "CHANGES_MARK",
    "AssignmentTemplate",
    "Finding",
    "NotebookTemplate",
    "Released",
    "TemplateCell",
    "find_crossings",
    "is_marked",
    "load_template",
    "release_assignment",
    "without_hidden",
]
