"""Write expected.json: the points that stock `nbgrader autograde` gives the whole corpus.

Run `python -m grader.tests.split.corpus.record [NAME ...]`; names limit it to these notebooks and
keep what is known of the others. Stock nbgrader isolates nothing, so this takes a while, and the
notebooks run with all your rights.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from grader.tests.split.corpus import EXPECTED, VARIANTS, Entry, entries

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "corpus"
c.Execute.timeout = 4
"""


def main() -> None:
    """Grade the corpus and write the file."""
    chosen = [entry for entry in entries() if not sys.argv[1:] or entry.name in sys.argv[1:]]
    known = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        recorded = _grade(Path(folder), chosen)
    names = {entry.name for entry in entries()}
    scores = {name: found for name, found in (known | recorded).items() if name in names}
    text = json.dumps(scores, indent=1, sort_keys=True)
    EXPECTED.write_text(f"{text}\n", encoding="utf-8")


def _grade(root: Path, chosen: list[Entry]) -> dict[str, dict[str, dict[str, float]]]:
    """Points by notebook, variant and test."""
    (root / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    source = root / "source" / "corpus"
    source.mkdir(parents=True)
    for entry in chosen:
        nbformat.write(entry.source(), source / f"{entry.name}.ipynb")
    _nbgrader(root, "generate_assignment")
    for variant in VARIANTS:
        folder = root / "submitted" / variant / "corpus"
        folder.mkdir(parents=True)
        for entry in chosen:
            released = nbformat.read(root / "release" / "corpus" / f"{entry.name}.ipynb", 4)
            nbformat.write(_submission(entry, variant, released), folder / f"{entry.name}.ipynb")
            for name, content in entry.files.items():
                (folder / name).write_bytes(content)
    _nbgrader(root, "autograde")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {
            entry.name: {variant: _points(gradebook, entry, variant) for variant in VARIANTS}
            for entry in chosen
        }


def _submission(
    entry: Entry, variant: str, released: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """The submission with the metadata of the released cells, checksums among it."""
    marks = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader
        for cell in released.cells
        if "nbgrader" in cell.metadata
    }
    notebook = entry.submission(variant)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader = marks[cell.metadata.nbgrader.grade_id]
    return notebook


def _points(gradebook: Gradebook, entry: Entry, variant: str) -> dict[str, float]:
    found = gradebook.find_submission_notebook(entry.name, "corpus", variant)
    return {
        grade.name: grade.auto_score
        for grade in sorted(found.grades, key=lambda grade: grade.name)
        if grade.name in entry.tests
    }


def _nbgrader(root: Path, command: str) -> None:
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    line = [str(programs / "nbgrader"), command, "corpus"]
    done = subprocess.run(line, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(line[-2:])} failed:\n{done.stderr}")


if __name__ == "__main__":
    main()
