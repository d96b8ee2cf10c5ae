"""Stock `nbgrader autograde` against `grader grade`: the same class, this machine, in turns.

Two assignments of five graded steps each (grader/benchmarks/assignments), one with NumPy and one
with PyTorch, handed in right by a whole class. The grader isolates every kernel, keeps tests apart
from answers, and grades as many submissions at once as there are cores; stock nbgrader does none
of that. Prints wall seconds a submission, start of the command included, and their ratio; and the
pace without the start, since a command takes as long to start for a thousand submissions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from grader.course import Course
from grader.release import release_assignment

ASSIGNMENTS = Path(__file__).parent / "assignments"
CLASS_SIZE = 40
OURS, STOCK = "grader grade", "nbgrader autograde"


def main() -> None:
    """Grade each assignment named on the command line, or both, with both programs."""
    names = sys.argv[1:] or sorted(path.name for path in ASSIGNMENTS.iterdir())
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
        template = Path(folder) / "template"
        _make_class(template, names)
        for name in names:
            roots = {
                way: shutil.copytree(template, Path(folder) / way.split()[0])
                for way in (STOCK, OURS)
            }
            taken = {way: _seconds(way, root, name) / CLASS_SIZE for way, root in roots.items()}
            pace = _pace(Course(roots[OURS]), name)
            print(
                f"{name:12} {STOCK} {taken[STOCK]:5.2f} s a submission, {OURS} "
                f"{taken[OURS]:5.2f} s: {taken[STOCK] / taken[OURS]:4.1f} times as fast; "
                f"once it runs {pace:5.3f} s, {taken[STOCK] / pace:4.1f} times "
                f"({CLASS_SIZE} submissions, {os.cpu_count()} cores)",
                flush=True,
            )
            for root in roots.values():
                shutil.rmtree(root)


def _make_class(root: Path, names: list[str]) -> None:
    """A course with the released assignments, and every student's right answer."""
    root.mkdir()
    shutil.copytree(ASSIGNMENTS, root / "solutions")
    config = root / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.Grader.solutions_directory = 'solutions'\n")
    course = Course(root)
    for name in names:
        release_assignment(course, name)
        source = nbformat.read(course.assignment(name).notebooks[0], as_version=4)
        answers = {
            cell.metadata.nbgrader.grade_id: _without_markers(cell.source)
            for cell in source.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        released = course.path("release", name) / f"{name}.ipynb"
        for number in range(CLASS_SIZE):
            notebook = nbformat.read(released, as_version=4)
            for cell in notebook.cells:
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                if grade_id in answers:
                    cell.source = f"{answers[grade_id]}\n# student {number}"
            folder = course.path("submitted", name, f"student-{number:02}")
            folder.mkdir(parents=True)
            nbformat.write(notebook, folder / f"{name}.ipynb")


def _without_markers(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if "### " not in line)


def _seconds(way: str, root: Path, name: str) -> float:
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    program, command = way.split()
    started = time.perf_counter()
    done = subprocess.run(
        [str(programs / program), command, name],
        cwd=root,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    taken = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stdout}\n{done.stderr}")
    return taken


def _pace(course: Course, name: str) -> float:
    """Seconds between two finished submissions in the middle of a run, from the stored records."""
    finished = sorted(path.stat().st_mtime for path in course.state.rglob("student-*.json*"))
    quarter = len(finished) // 4
    return (finished[-1 - quarter] - finished[quarter]) / (len(finished) - 1 - 2 * quarter)


if __name__ == "__main__":
    main()
