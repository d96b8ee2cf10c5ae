"""Makes the branch that readers' buttons lead to: notebooks and a check tool, no hidden test.

    publish.py                     writes the files to _build/published
    publish.py --branch notebooks  and commits them to this branch, on top of what it holds

The branch has the chapters as notebooks, exercises/, and the grader as a package, so that students
get what they need without cloning the course: nothing of solutions/ is on it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from chapters import chapters
from gather import write_bibliography
from notebooks import without_outputs

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("LICENSE", "LICENSE-CC-BY-4.0", "pyproject.toml", "exercises", "grader")
LEFT_OUT = ("tests", "benchmarks", "__pycache__", ".ipynb_checkpoints", "*.pyc")
README = """\
# Notebooks of Probability to Alignment

Made by a program from the course's main branch; do not edit anything here.

- `chapters/`: every chapter as a notebook. It needs only the libraries that it imports.
- `exercises/`: the assignments. Copy the one that you work on to a folder of your own.
- `grader/`: the program that checks your work. To install it, put this branch's address in the
  place of ADDRESS and its name in the place of BRANCH:

  ```
  pip install "grader @ git+ADDRESS@BRANCH"
  ```
"""


def write(root: Path, target: Path) -> None:
    """Write everything that is published to an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    references = write_bibliography(root / "book", root / "_build" / "gathered" / "references.bib")
    for page in chapters(root / "book"):
        part, slug = page.parent.parent.name, page.parent.name
        notebook = target / "chapters" / part / f"{slug}.ipynb"
        notebook.parent.mkdir(parents=True, exist_ok=True)
        notebook.write_text(without_outputs(page, references), encoding="utf-8")
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            shutil.copyfile(source, target / name)
    (target / "README.md").write_text(README, encoding="utf-8")


def git(root: Path, *arguments: str, **variables: str) -> str:
    """Run git in a repository; returns what it printed.

    Raises:
        subprocess.CalledProcessError: git failed; its message went to standard error.
    """
    command = ["git", "-C", str(root), *arguments]
    result = subprocess.run(
        command, env=os.environ | variables, check=True, stdout=subprocess.PIPE, text=True
    )
    return result.stdout.strip()


def commit(root: Path, folder: Path, branch: str) -> bool:
    """Commit a folder as the whole content of a branch, on top of what the branch holds.

    Whoever has pulled the branch can pull again, since its history only grows. The working tree and
    its index are not touched. Returns whether anything changed.
    """
    index = root / "_build" / "published.index"
    index.unlink(missing_ok=True)
    variables = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(folder)}
    git(folder, "add", "--all", "--force", ".", **variables)
    tree = git(folder, "write-tree", **variables)
    name = f"refs/heads/{branch}"
    known = git(root, "for-each-ref", "--format=%(objectname) %(tree)", name).split()
    if known[1:] == [tree]:
        return False
    of = git(root, "rev-parse", "--short", "HEAD")
    parents = ["-p", known[0]] if known else []
    made = git(root, "commit-tree", tree, *parents, "-m", f"Published from {of}")
    git(root, "update-ref", name, made)
    return True


def main(arguments: list[str]) -> int:
    """Write what is published, and commit it if a branch is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--branch", help="commit to this branch")
    branch = parser.parse_args(arguments).branch
    target = ROOT / "_build" / "published"
    write(ROOT, target)
    if branch:
        changed = commit(ROOT, target, branch)
        sys.stdout.write(f"{branch}: {'a new commit' if changed else 'nothing new'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
