"""Autograder for nbgrader courses: release, intake, isolated execution, scoring and feedback."""

__version__ = "0.1.0"
