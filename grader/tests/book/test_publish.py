"""What readers get from the published branch, and that the buttons lead there."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urljoin, urlparse

import chapter as chapter_extension
import chapters
import publish
import pytest
import yaml

from .conftest import ROOT

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
BRANCH = CONFIG["sphinx"]["config"]["notebooks_branch"]
FOLDERS = [page.parent.relative_to(ROOT / "book").as_posix() for page in chapters.chapters()]
MODULES = {"numpy": "numpy", "torch": "torch", "sklearn": "scikit-learn"}


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the branch."""
    folder = tmp_path_factory.mktemp("published") / "files"
    publish.write(ROOT, folder)
    return folder


def assignment_of(folder: str) -> str | None:
    page = ROOT / "book" / folder / "index.md"
    front = chapters.front_matter(page.read_text(encoding="utf-8"), page)
    return front.get("assignment")


def code_of(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]


def page_of(site: Path, folder: str) -> str:
    return (site / "book" / folder / "index.html").read_text(encoding="utf-8")


def test_the_branch_has_what_readers_need_and_no_hidden_test(published: Path) -> None:
    found = {p.relative_to(published).as_posix() for p in published.rglob("*") if p.is_file()}
    assert {f"chapters/{folder}.ipynb" for folder in FOLDERS} == {
        name for name in found if name.startswith("chapters/")
    }
    assert {"README.md", "pyproject.toml", "LICENSE", "grader/cli.py"} <= found
    top = {name.split("/")[0] for name in found}
    assert top == {"README.md", *publish.COPIED, "chapters"}
    assert not [name for name in found if "tests/" in name or "__pycache__" in name]
    canary = re.compile(rb"pta-hidden-canary-[a-z]+\d|begin hidden tests\n", re.IGNORECASE)
    text = {p for p in published.rglob("*") if p.suffix in {".ipynb", ".md", ".txt"}}
    assert [p for p in text if canary.search(p.read_bytes())] == []
    released = {p.relative_to(ROOT).as_posix() for p in (ROOT / "exercises").rglob("*.ipynb")}
    assert released <= found


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_notebook_begins_with_its_title_and_runs_alone(published: Path, folder: str) -> None:
    notebook = json.loads((published / "chapters" / f"{folder}.ipynb").read_text("utf-8"))
    first, *rest = notebook["cells"]
    assert first["cell_type"] == "markdown"
    assert "".join(first["source"]).startswith("# ")
    kit = [cell for cell in rest if cell["id"] == "kit"]
    code = [cell for cell in rest if cell["cell_type"] == "code"]
    if chapters.modules_of(["".join(c["source"]) for c in code if c["id"] != "kit"])[0]:
        assert kit == code[:1]
        assert kit[0]["metadata"]["jupyter"]["source_hidden"]
        source = "".join(kit[0]["source"])
        subprocess.run([sys.executable, "-I", "-c", source], check=True, timeout=60)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


def test_the_branch_grows_by_what_changed(tmp_path: Path) -> None:
    repository, folder = tmp_path / "course", tmp_path / "course" / "_build" / "published"
    folder.mkdir(parents=True)
    for name, value in {"user.name": "A", "user.email": "a@example.org"}.items():
        subprocess.run(["git", "init", "-q", repository], check=True)
        publish.git(repository, "config", name, value)
    (repository / ".gitignore").write_text("_build/\n*.txt\n")
    publish.git(repository, "add", ".gitignore")
    publish.git(repository, "commit", "-q", "-m", "Begin")
    (folder / "a.txt").write_text("one")
    assert publish.commit(repository, folder, "notebooks")
    assert not publish.commit(repository, folder, "notebooks")
    (folder / "a.txt").unlink()
    (folder / "b.txt").write_text("two")
    assert publish.commit(repository, folder, "notebooks")
    assert publish.git(repository, "ls-tree", "--name-only", "notebooks") == "b.txt"
    assert publish.git(repository, "rev-list", "--count", "notebooks") == "2"
    assert publish.git(repository, "status", "--porcelain") == ""


def buttons(page: str) -> list[tuple[str, str]]:
    """Address and text of every button that downloads or opens a notebook."""
    found = re.findall(r'<a class="[^"]*open-button[^"]*"([^>]*)>(.*?)</a>', page, re.DOTALL)
    return [
        (
            html.unescape(re.search(r'href="([^"]+)"', attributes)[1]),
            re.sub(r"<[^>]+>", "", text),
        )
        for attributes, text in found
    ]


def on_branch(address: str) -> str | None:
    """Path on the branch that a Colab or nbgitpuller address opens, or None."""
    repository = CONFIG["repository"]["url"]
    colab = repository.replace("github.com", "colab.research.google.com/github")
    if address.startswith(f"{colab}/blob/{BRANCH}/"):
        return address.removeprefix(f"{colab}/blob/{BRANCH}/")
    asked = parse_qs(urlparse(address).query)
    if asked.get("repo") == [repository] and asked.get("branch") == [BRANCH]:
        return asked["urlpath"][0].removeprefix(f"lab/tree/{repository.rsplit('/', 1)[-1]}/")
    return None


@pytest.mark.parametrize("folder", FOLDERS)
def test_buttons_lead_to_notebooks_that_exist(site: Path, published: Path, folder: str) -> None:
    opened: dict[str, set[str]] = {"Colab": set(), "JupyterHub": set()}
    downloads = []
    for address, text in buttons(page_of(site, folder)):
        if not address.startswith("https://"):
            downloads.append(site / unquote(urljoin(f"book/{folder}/index.html", address)))
            continue
        path = on_branch(address)
        assert path is not None, address
        assert (published / path).is_file(), path
        opened[next(where for where in opened if where in text)].add(path)
    expected = {f"chapters/{folder}.ipynb"}
    if slug := assignment_of(folder):
        expected.add(f"exercises/{slug}/{slug}.ipynb")
    assert opened == {"Colab": expected, "JupyterHub": expected}
    assert len(downloads) == len(expected)
    assert all(path.is_file() for path in downloads)


@pytest.mark.parametrize("folder", FOLDERS)
def test_install_lines_name_what_a_quick_run_imports(
    site: Path, published: Path, folder: str
) -> None:
    page = html.unescape(re.sub(r"<[^>]+>", "", page_of(site, folder)))
    lines = re.findall(r"((?:pip install torch.*\n(?:\$ )?)?)pip install jupyterlab(.*)", page)
    notebooks = [published / "chapters" / f"{folder}.ipynb"]
    if slug := assignment_of(folder):
        notebooks.append(published / "exercises" / slug / f"{slug}.ipynb")
    assert len(lines) == len(notebooks)
    for (torch, others), path in zip(lines, notebooks, strict=True):
        imported = chapters.modules_of(code_of(path))[1]
        if path.parent.parent.name == "chapters":
            imported |= chapters.modules_of(["import matplotlib"])[1]
        installed = {*others.split(), *(["torch"] if torch else [])}
        for module, package in MODULES.items():
            if module in imported:
                assert package in installed
            elif module == "torch":
                assert package not in installed
        assert not torch or f"--index-url {chapter_extension.CPU_WHEELS}" in torch


def test_no_page_sends_students_to_the_sources() -> None:
    pages = [ROOT / "book" / f"{name}.md" for name in ("index", "students")]
    pages += chapters.chapters()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"\bsolutions/|git clone|[Aa] clone of", text), page
    assert f'"grader @ git+ADDRESS@{BRANCH}"' in pages[1].read_text(encoding="utf-8")


def test_the_first_page_promises_only_what_is_there() -> None:
    text = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    if not all(assignment_of(folder) for folder in FOLDERS):
        assert not re.search(r"[Ee]ach chapter[^.]*assignment", text)
    assert "planned" in text
    assert "leaves out no step" not in text


def test_links_follow_the_settings() -> None:
    links = chapter_extension.open_links
    assert links({"repository_url": ""}, "nb", "https://hub.example.org", "a.ipynb") == []
    theme = {"repository_url": "https://github.com/me/fork.git", "repository_branch": "dev"}
    assert links(theme, "nb", "https://hub.example.org/", "x/a.ipynb") == [
        ("Colab", "https://colab.research.google.com/github/me/fork/blob/nb/x/a.ipynb"),
        (
            "JupyterHub",
            "https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fme"
            "%2Ffork&branch=nb&urlpath=lab%2Ftree%2Ffork%2Fx%2Fa.ipynb",
        ),
    ]
    elsewhere = links({"repository_url": "https://git.example.org/me/fork"}, "nb", "", "a.ipynb")
    assert [text for text, _ in elsewhere] == ["your JupyterHub"]
