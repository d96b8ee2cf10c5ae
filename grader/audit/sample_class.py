"""A class of submissions, one for each thing that can happen to a grader.

`python -m grader.audit.sample_class FOLDER ASSIGNMENT`, called in a course that has text sources,
makes FOLDER a course of its own, with that assignment released and a class of submissions made
from the reference, the alternatives and the misconceptions. Nothing here is a real person's work.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from grader.audit.variants import apply_variant, asked, step_of, steps_of
from grader.course import CONFIG_NAME, Course
from grader.errors import CourseError, GraderError
from grader.release import release_assignment
from grader.release.catalogue import Variant, load_variants
from grader.release.sources import read_source

_CONFIG = '''"""A sample class; made by grader.audit.sample_class."""

c = get_config()  # noqa: F821  # traitlets defines it when it reads this file
c.Grader.solutions_directory = "solutions"
c.Grader.cell_timeout = 15.0  # a busy machine takes that long to hand out a gigabyte
c.Grader.notebook_timeout = 60.0
c.Grader.memory = "1G"
'''
_STAMP = ".made-from"


def make_sample_class(course: Course, assignment: str, folder: Path) -> int:
    """Make `folder` a course with a class of submissions; does nothing where it is up to date.

    Args:
        course: has the assignment's text source and catalogues.
        assignment: its name.
        folder: replaced where it was made from something else.

    Returns:
        How many submissions there are.

    Raises:
        CourseError: the course has no such text source, or `folder` holds something else.
        ReleaseError: the assignment cannot be released.
    """
    course.require(assignment)
    if course.solutions is None:
        raise CourseError(f"The course at {course.root} has no text sources to make a class from.")
    sources = course.solutions / assignment
    stamp = _stamp(sources)
    if _read(folder / _STAMP) == stamp:
        return len(list((folder / "submitted").iterdir()))
    if folder.exists() and not (folder / _STAMP).exists():
        raise CourseError(f"{folder} holds something that is no sample class: name another folder.")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sources, folder / "solutions" / assignment)
    (folder / CONFIG_NAME).write_text(_CONFIG, encoding="utf-8")
    (folder / _STAMP).write_text("unfinished", encoding="utf-8")
    sample = Course(folder)
    release_assignment(sample, assignment)
    released = nbformat.read(sample.path("release", assignment) / f"{assignment}.ipynb", 4)
    reference = read_source(sources / f"{assignment}.md")
    variants = list(asked(reference, load_variants(sources, reference)))
    number = 0
    for number, (name, content) in enumerate(submissions(released, reference, variants), 1):
        student = f"{number:02}-{name}"
        target = sample.path("submitted", assignment, student) / f"{assignment}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_bytes(content)
    (folder / _STAMP).write_text(stamp, encoding="utf-8")
    return number


def submissions(
    released: nbformat.NotebookNode, reference: nbformat.NotebookNode, variants: list[Variant]
) -> Iterator[tuple[str, bytes]]:
    """Names and files of the class.

    Args:
        released: the notebook that students got.
        reference: the instructor's, solutions and all.
        variants: alternatives and misconceptions.
    """
    perfect = answered(released, reference)
    yield "perfect", _bytes(perfect)
    yield "other-ways", _bytes(answered(released, _all_alternatives(reference, variants)))
    for variant in _one_for_each_step(reference, variants):
        name = variant.name.replace("_", "-")
        yield name, _bytes(answered(released, apply_variant(reference, variant)))
    yield "blank", _bytes(released)
    for name, change in _MISHAPS.items():
        notebook = copy.deepcopy(perfect)
        change(notebook)
        yield name, _bytes(notebook)
    yield "not-a-notebook", b"%PDF-1.7 this is a report, not a notebook\n"
    yield "empty-file", b""


def answered(
    released: nbformat.NotebookNode, answers: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """The released notebook with the solution cells of another version of it filled in."""
    sources = {
        cell.metadata.nbgrader.grade_id: _without_markers(cell.source)
        for cell in answers.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    filled = copy.deepcopy(released)
    for cell in filled.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in sources:
            cell.source = sources[grade_id]
    return filled


def _all_alternatives(
    reference: nbformat.NotebookNode, variants: list[Variant]
) -> nbformat.NotebookNode:
    """The reference with the first alternative of every function that has one."""
    seen: set[str] = set()
    for variant in variants:
        if variant.kind == "alternative" and variant.function not in seen:
            seen.add(variant.function)
            reference = apply_variant(reference, variant)
    return reference


def _one_for_each_step(
    reference: nbformat.NotebookNode, variants: list[Variant]
) -> Iterator[Variant]:
    """The first misconception of every step, in the notebook's order."""
    wrong = [variant for variant in variants if variant.kind == "misconception"]
    for step in steps_of(reference):
        chosen = (v for v in wrong if step_of(reference, v.function) == step)
        first = next(chosen, None)
        if first is not None:
            yield first


def _test(notebook: nbformat.NotebookNode, number: int = 0) -> int:
    """Position of a test cell."""
    return [
        at
        for at, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("grade")
        and not cell.metadata.nbgrader.get("solution")
    ][number]


def _answer(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The first answer cell."""
    answers = (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution"))
    first: nbformat.NotebookNode = next(answers)
    return first


def _exception_at_import(notebook: nbformat.NotebookNode) -> None:
    answer = _answer(notebook)
    answer.source = f"import a_module_that_nobody_has\n\n{answer.source}"


def _syntax_error(notebook: nbformat.NotebookNode) -> None:
    answer = _answer(notebook)
    answer.source = answer.source.replace(":\n", "\n", 1)


def _endless_loop(notebook: nbformat.NotebookNode) -> None:
    answer = _answer(notebook)
    answer.source = answer.source.replace('"""\n', '"""\n    while True:\n        pass\n', 2)


def _memory_hog(notebook: nbformat.NotebookNode) -> None:
    # shared memory: too much of the private kind ends in a MemoryError, and the kernel goes on
    hog = (
        "import mmap\n\nmemory = []\nwhile True:\n    memory.append(mmap.mmap(-1, 2**24))\n"
        "    memory[-1][:: mmap.PAGESIZE] = bytes(2**24 // mmap.PAGESIZE)"
    )
    notebook.cells.insert(_test(notebook, 1), new_code_cell(hog))


def _sys_exit(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.insert(_test(notebook, 1), new_code_cell("import sys\n\nsys.exit(0)"))


def _kernel_exit(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.insert(_test(notebook, 1), new_code_cell("import os\n\nos._exit(0)"))


def _deleted_test(notebook: nbformat.NotebookNode) -> None:
    del notebook.cells[_test(notebook, 1)]


def _duplicated_cell(notebook: nbformat.NotebookNode) -> None:
    at = _test(notebook, 1)
    notebook.cells.insert(at, copy.deepcopy(notebook.cells[at]))


def _edited_test(notebook: nbformat.NotebookNode) -> None:
    _answer(notebook).source = "# no answer"
    notebook.cells[_test(notebook)].source = "assert True"


def _wrong_kernel(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata.kernelspec = {"name": "my-env", "display_name": "My env", "language": "julia"}


_MISHAPS: dict[str, Callable[[nbformat.NotebookNode], None]] = {
    "exception-at-import": _exception_at_import,
    "syntax-error": _syntax_error,
    "endless-loop": _endless_loop,
    "memory-hog": _memory_hog,
    "sys-exit": _sys_exit,
    "kernel-exit": _kernel_exit,
    "deleted-test": _deleted_test,
    "duplicated-cell": _duplicated_cell,
    "edited-test": _edited_test,
    "wrong-kernel": _wrong_kernel,
}


def _without_markers(source: str) -> str:
    lines = source.splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("### "))


def _bytes(notebook: nbformat.NotebookNode) -> bytes:
    for at, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{at}"
    text: str = nbformat.writes(notebook)
    return text.encode()


def _stamp(sources: Path) -> str:
    """Changes with the assignment, its catalogues, and this file."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(sources.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main(arguments: list[str]) -> int:
    """Command line; returns the exit code."""
    if len(arguments) != 2:
        print("Usage: python -m grader.audit.sample_class FOLDER ASSIGNMENT", file=sys.stderr)
        return 2
    folder, assignment = Path(arguments[0]), arguments[1]
    try:
        count = make_sample_class(Course(), assignment, folder)
    except GraderError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"The sample class has {count} submissions in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
