"""Autograder for nbgrader courses: release, intake, isolated execution, scoring and feedback."""

import sys

__version__ = "0.1.0"

# jsonschema looks for this package, to check a format that no notebook has; importing it compiles
# a grammar, which takes every process a second. Without it jsonschema leaves that check out.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # what blocks an import
