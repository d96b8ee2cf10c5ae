"""Stock `nbgrader autograde` against `grader grade`: the same class, on this machine, in one run.

Prints wall seconds a submission for both and their ratio. The grader isolates every kernel and
grades as many submissions at once as there are cores; stock nbgrader does neither.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grader.course import Course
from grader.release import release_assignment
from grader.tests.courses import make_course, submit

CLASS_SIZE = 12


def main() -> None:
    """Run both, twice, interleaved, and print the better time of each."""
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
        template = make_course(Path(folder) / "template")
        release_assignment(Course(template), "ps1")
        for number in range(CLASS_SIZE):
            submit(template, f"student-{number:02}")
        seconds: dict[str, list[float]] = {"nbgrader autograde": [], "grader grade": []}
        for turn in range(2):
            for name, taken in seconds.items():
                root = shutil.copytree(template, Path(folder) / f"{name.split()[0]}-{turn}")
                taken.append(_seconds(name.split(), root))
    best = {name: min(taken) / CLASS_SIZE for name, taken in seconds.items()}
    for name, each in best.items():
        print(f"{name:20} {each:6.2f} s a submission of two notebooks ({CLASS_SIZE} submissions)")
    ratio = best["nbgrader autograde"] / best["grader grade"]
    print(f"ratio: grader grade is {ratio:.2f} times as fast ({os.cpu_count()} cores)")


def _seconds(command: list[str], root: Path) -> float:
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    started = time.perf_counter()
    subprocess.run(
        [str(programs / command[0]), command[1], "ps1"],
        cwd=root,
        env=environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
