"""What a chapter's source is completed with, and what its outputs are keyed by."""

from __future__ import annotations

import json
from pathlib import Path

import chapters
import pytest

PAGE = """\
---
description: A chapter that is as short as a chapter can be.
difficulty: 3
# a remark of the author
assignment: one
---
# Title

```{code-cell} ipython3
:tags: [hide-input]

CODE
```
"""


def page(folder: Path, code: str = "import numpy as np", front: str = "") -> tuple[str, Path]:
    text = PAGE.replace("CODE", code).replace("assignment: one\n", f"assignment: one\n{front}")
    return text, folder / "index.md"


def key(folder: Path, code: str, front: str = "") -> str:
    return chapters.front_matter(chapters.complete(*page(folder, code, front)), folder)[
        "kernelspec"
    ]["key"]


def test_completion_keeps_every_line_in_its_place(tmp_path: Path) -> None:
    text, path = page(tmp_path)
    done = chapters.complete(text, path)
    assert done.splitlines()[5:] == text.splitlines()[5:]
    front = chapters.front_matter(done, path)
    assert front["jupytext"]["text_representation"]["format_name"] == "myst"
    assert front["myst"]["html_meta"]["description"].startswith("A chapter that")
    assert (front["difficulty"], front["assignment"]) == (3, "one")


def test_a_page_that_is_no_notebook_is_left_alone(tmp_path: Path) -> None:
    text = "---\nmyst: {}\n---\n# Title\n"
    assert chapters.complete(text, tmp_path / "index.md", chapter=False) == text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("difficulty: 3\n", "", r"`difficulty:` with a whole number from 1 to 5, not None"),
        ("difficulty: 3", "difficulty: 6", "not 6"),
        ("description: A chapter that is as short as a chapter can be.\n", "", "`description:`"),
        ("description:", "description: [", "not YAML"),
        ("description: A", "- A", "not YAML|lines of the form"),
        ("assignment: one", "assignment: 1", "`assignment:` with the assignment's name"),
        ("assignment: one", "reads: a.txt", "`reads:` with a list of files"),
        ("assignment: one", "reads: [a.txt]", "it reads a.txt, which is not there"),
        ("CODE", "x = (", "not Python"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_that_names_the_page(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(chapters.ChapterError, match=said) as raised:
        chapters.complete(PAGE.replace(old, new), tmp_path / "index.md")
    assert str(tmp_path / "index.md") in str(raised.value)


def test_the_key_follows_the_kit_modules_that_are_imported_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = {name: tmp_path / f"{name}.py" for name in ("outer", "inner", "other")}
    kit["outer"].write_text("from inner import x\n")
    for name in ("inner", "other"):
        kit[name].write_text("x = 1\n")
    monkeypatch.setattr(chapters, "kit_modules", lambda: kit)
    code = "from outer import x"
    before = key(tmp_path, code)
    kit["other"].write_text("x = 2\n")
    assert key(tmp_path, code) == before
    kit["inner"].write_text("x = 2\n")
    assert key(tmp_path, code) != before


def test_the_key_follows_the_libraries_that_are_imported_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def f():\n    import sklearn.datasets"
    plain, learned = key(tmp_path, "import json"), key(tmp_path, code)
    known = chapters.version_of

    def release(package: str) -> None:
        monkeypatch.setattr(
            chapters, "version_of", lambda name: "99" if name == package else known(name)
        )

    release("torch")
    assert key(tmp_path, code) == learned
    for package in ("scikit-learn", "scipy"):  # scipy stands behind scikit-learn
        release(package)
        assert key(tmp_path, code) != learned
        assert key(tmp_path, "import json") == plain


def test_the_key_follows_the_files_that_are_read(tmp_path: Path) -> None:
    corpus, front = tmp_path / "corpus.txt", "reads: [corpus.txt]\n"
    corpus.write_text("one")
    before = key(tmp_path, "import json", front)
    corpus.write_text("two")
    assert key(tmp_path, "import json", front) != before


def test_an_import_for_the_full_scale_only_is_not_asked_of_a_reader() -> None:
    cells = [
        'if SCALE == "full":\n    import torch\nelse:\n    import scipy',
        "def f():\n    import numpy",
        "%matplotlib inline\n!ls\nfrom IPython.display import display",
    ]
    assert chapters.requirements(cells) == ["numpy", "scipy"]
    assert "torch" in chapters.requirements(['if SCALE == "quick":\n    import torch'])


def test_requirements_are_packages_not_modules() -> None:
    cells = [
        "import os, sklearn.datasets as data\nfrom torch import nn",
        "from heatgrid import panels",
    ]
    assert chapters.requirements(cells) == ["matplotlib", "numpy", "scikit-learn", "torch"]
    assert chapters.requirements(["import json"]) == []


def test_a_chapter_is_read_as_a_notebook(tmp_path: Path) -> None:
    text, path = page(tmp_path)
    path.write_text(text)
    notebook = chapters.read(path)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code"]
    assert notebook.cells[1].source == "import numpy as np"
    assert json.dumps(notebook.metadata["kernelspec"]) == json.dumps(
        chapters.NOTEBOOK["kernelspec"]
    )
