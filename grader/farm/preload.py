"""Which modules kernels of an assignment are forked with."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from grader.course import Course
from grader.release import AssignmentTemplate


def preload_of(course: Course, template: AssignmentTemplate) -> tuple[str, ...] | None:
    """What a zygote imports before the first kernel; None where the course wants cold starts."""
    settings = course.settings
    if not settings.warm_kernels:
        return None
    if settings.preload is not None:
        return tuple(settings.preload)
    notebooks = template.notebooks.values()
    return imported_modules(line for notebook in notebooks for line in notebook.imports)


def imported_modules(statements: Iterable[str]) -> tuple[str, ...]:
    """Names of the modules that import statements of a notebook name, in order of name.

    `from a import b` names a, and perhaps a module a.b, which a zygote tries.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse("\n".join(statements))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")
    return tuple(sorted(name for name in found if not name.startswith("__future__")))
