"""A new chapter: what is laid down is whole, and two of them do not get into each other's way."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import chapters
import pytest
import skeleton
import toc
from nbclient import NotebookClient

from grader.audit.variants import step_of, steps_of
from grader.release.candidates import expand_candidates
from grader.release.catalogue import load_variants
from grader.release.sources import notebook_from_text

from . import small

ROOT = small.ROOT


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A repository with the parts, one written chapter, and a table of contents."""
    for name in ("book/parts.yml", ".gitattributes", "_toc.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    for page in chapters.chapters():
        (tmp_path / page.relative_to(ROOT)).parent.mkdir(parents=True)
        (tmp_path / page.relative_to(ROOT)).write_text("# Title\n")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rl/introduction", "rl/markov-decision-processes"),
        ("networks/tensors", "networks/meta-learning"),
        ("rl/exploration", "retrieval/rag"),
    ],
)
def test_two_new_chapters_merge_without_a_conflict(course: Path, one: str, other: str) -> None:
    git(course, "init", "-q", "-b", "main")
    git(course, "add", ".")
    git(course, "commit", "-q", "-m", "Begin")
    for folder in (one, other):
        git(course, "checkout", "-q", "-b", folder, "main")
        skeleton.lay_down(folder, course)
        git(course, "add", ".")
        git(course, "commit", "-q", "-m", f"Begin {folder}")
    git(course, "checkout", "-q", "main")
    for folder in (one, other):
        changed = git(course, "diff", "--name-only", f"main...{folder}").split()
        slug = folder.split("/")[1]
        own = (f"book/{folder}/", f"solutions/{slug}/")
        assert [name for name in changed if not name.startswith(own)] == ["_toc.yml"]
    git(course, "merge", "-q", one)
    git(course, "merge", "-q", "-m", "Both", other)
    assert git(course, "status", "--porcelain") == ""
    merged = (course / "_toc.yml").read_text()
    whole = toc.contents(course / "book")
    for folder in (one, other):
        assert f"book/{folder}/index" in merged
        assert whole.count(f"book/{folder}/index") == 1


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("rl/nothing", "lists no chapter 'rl/nothing'; it has rl/introduction"),
        ("nothing", "names of the form PART/CHAPTER"),
        ("rl/dynamic-programming", "index.md exists already; nothing was written"),
    ],
)
def test_what_cannot_be_laid_down_is_refused(course: Path, folder: str, said: str) -> None:
    before = sorted(course.rglob("*"))
    with pytest.raises(ValueError, match=said):
        skeleton.lay_down(folder, course)
    assert sorted(course.rglob("*")) == before


def test_the_page_builds_without_a_warning(
    course: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    skeleton.lay_down("rl/exploration", course)
    index = "# Book\n\n```{toctree}\n:glob:\n\nbook/*/*/index\n```\n"
    pages = {
        name: (course / name).read_text(encoding="utf-8")
        for name in ("book/rl/exploration/index.md", "book/rl/exploration/figure.js")
    }
    page = "book/rl/exploration/index"
    built = small.SmallBook(
        tmp_path_factory.mktemp("small"), {"index.md": index, **pages}, "chapter"
    )
    assert built.build() == ""
    text = built.page(page)
    assert "difficulty 3 of 5" in text
    assert "_static/figures/rl-exploration.js" in text
    assert "not released yet" in text


def test_the_page_runs(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skeleton.lay_down("rl/exploration", course)
    notebook = chapters.read(course / "book/rl/exploration/index.md")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "book" / "kit"))
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()


def test_the_assignment_is_whole_and_its_reference_passes(course: Path) -> None:
    skeleton.lay_down("rl/exploration", course)
    folder = course / "solutions" / "exploration"
    source = folder / "exploration.md"
    notebook = notebook_from_text(source.read_text(encoding="utf-8"), str(source))
    steps = steps_of(notebook)
    assert sum(step.points for step in steps) == 20
    assert 4 <= len(steps) <= 7
    found = load_variants(folder, notebook)
    kinds = [(v.kind, step_of(notebook, v.function).solution_id) for v in found]
    for step in steps:
        assert kinds.count(("misconception", step.solution_id)) >= 3
        assert kinds.count(("alternative", step.solution_id)) >= 1
    expand_candidates(notebook, folder, str(source))
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
