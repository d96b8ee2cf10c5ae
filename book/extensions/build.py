"""Builds the book into _build/html; a warning is an error. This is what `make book` runs.

It makes _toc.yml anew, runs the chapters that changed on all cores (execution.py), lets Sphinx read
and write pages on all cores, removes pages that the book no longer has, and leaves a stamp of what
the site was made from, by which tests see that it is up to date.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from pathlib import Path

import toc
import yaml

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ("_config.yml", "_toc.yml", "requirements.txt", "book", "exercises")


def digest(root: Path = ROOT) -> str:
    """One hash of everything that the site is made from."""
    made = hashlib.sha256()
    for name in INPUTS:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(file.parts):
                made.update(str(file.relative_to(root)).encode())
                made.update(file.read_bytes())
    return made.hexdigest()


def up_to_date(root: Path = ROOT) -> bool:
    """Whether the site is there, whole, and made from the sources as they are."""
    stamp = root / "_build" / "book.stamp"
    return (
        (root / "_build" / "html" / "search.html").exists()
        and stamp.exists()
        and stamp.read_text(encoding="utf-8") == digest(root)
    )


def remove_old_pages(root: Path = ROOT) -> None:
    """Remove from the site what belongs to pages that are no longer in the table of contents."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    pages = {contents["root"]} | {c["file"] for p in contents["parts"] for c in p["chapters"]}
    html = root / "_build" / "html"
    for path in html.glob("book/**/*.html"):
        if path.relative_to(html).with_suffix("").as_posix() not in pages:
            path.unlink()
    for path in (root / "_build" / "measures").glob("*/*.json"):
        if f"book/{path.parent.name}/{path.stem}/index" not in pages:
            path.unlink()
    for folder in (html / "_sources").glob("book/*/*"):
        name = folder.relative_to(html / "_sources").as_posix()
        if folder.is_dir() and f"{name}/index" not in pages:
            shutil.rmtree(folder)


def sphinx(root: Path) -> int:
    """Run Sphinx as `jupyter-book build -W -n --keep-going` does, on all cores."""
    from execution import cores
    from jupyter_book.sphinx import build_sphinx

    settings = {
        "external_toc_path": "_toc.yml",
        "latex_individualpages": False,
        "nitpicky": True,
    }
    result = build_sphinx(
        root,
        root / "_build" / "html",
        noconfig=True,
        path_config=root / "_config.yml",
        confoverrides=settings,
        warningiserror=True,
        keep_going=True,
        jobs=cores(),
    )
    return result if isinstance(result, int) else 1


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Build the book; returns 0 if it is whole.

    With `--if-stale` nothing is done where another process has just built it.
    """
    build = root / "_build"
    build.mkdir(exist_ok=True)
    stamp = build / "book.stamp"
    with (build / "book.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if toc.main([]):
            return 1
        if "--if-stale" in arguments and up_to_date(root):
            return 0
        before = digest(root)
        stamp.unlink(missing_ok=True)
        if failed := sphinx(root):
            return failed
        remove_old_pages(root)
        stamp.write_text(before, encoding="utf-8")
    sys.stdout.write(f"The book is in {build / 'html' / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
