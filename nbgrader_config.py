"""Configuration of this course, read by nbgrader, Formgrader and the grader alike."""

from grader.autograde import use_split

c = get_config()  # noqa: F821  # traitlets defines it when it reads this file

c.CourseDirectory.course_id = "probability-to-alignment"
# nbgrader copies every file of its source directory into the release, so it reads converted
# notebooks, never solutions/ itself.
c.CourseDirectory.source_directory = "_build/source"
c.CourseDirectory.release_directory = "exercises"

c.Grader.solutions_directory = "solutions"
c.Grader.pages_directory = "book"
c.Grader.notebook_timeout = 60.0
c.Grader.cell_timeout = 20.0

# `nbgrader autograde` and Formgrader's button grade as `grader grade` does
use_split(c)
