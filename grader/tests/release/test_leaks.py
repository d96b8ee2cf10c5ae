"""The last look at a release: whatever nbgrader left in it, no student may see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from traitlets.config import Config

from grader.errors import LeakError, ReleaseError
from grader.release.leaks import check_leaks, check_sources, secret_regions
from grader.tests.release.conftest import write_notebook

REGIONS = secret_regions(Config())
SECRET = "assert mean([1, 2, 6]) == 3, 'the mean is off'"
ANSWER = "return math.fsum(numbers) / len(numbers)"
SCHEME = "Two points for the word convex, none for curved."
SOURCE = [
    f"import math\ndef mean(numbers):\n    ### BEGIN SOLUTION\n    {ANSWER}\n    ### END SOLUTION",
    f"import itertools, functools\n### BEGIN HIDDEN TESTS\n{SECRET}\n"
    "import itertools, functools\nx = 1\n### END HIDDEN TESTS",
    f"Explain.\n### BEGIN MARK SCHEME\n{SCHEME}\n### END MARK SCHEME",
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    cells = [new_code_cell(text) for text in SOURCE]
    return write_notebook(tmp_path / "source" / "a.ipynb", *cells)


def check(source: Path, released: Path) -> None:
    check_leaks([source], [released], REGIONS)


def test_the_regions_are_those_of_nbgrader() -> None:
    assert REGIONS == (
        ("BEGIN SOLUTION", "END SOLUTION"),
        ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS"),
        ("BEGIN MARK SCHEME", "END MARK SCHEME"),
    )


def test_a_course_may_have_its_own_markers() -> None:
    config = Config()
    config.ClearSolutions.begin_solution_delimeter = "<answer>"
    config.ClearHiddenTests.end_test_delimeter = "</secret>"
    assert secret_regions(config) == (
        ("<answer>", "END SOLUTION"),
        ("BEGIN HIDDEN TESTS", "</secret>"),
        ("BEGIN MARK SCHEME", "END MARK SCHEME"),
    )


@pytest.mark.parametrize("secret", [SECRET, ANSWER, SCHEME])
@pytest.mark.parametrize(
    "cell",
    [
        lambda secret: new_code_cell(f"x = 2\n        {secret}\ny = 3"),
        lambda secret: new_code_cell(f"# {secret}"),
        lambda secret: new_markdown_cell(f"Mind that `{secret}`."),
        lambda secret: new_code_cell("", outputs=[new_output("stream", text=f"\n{secret}\n")]),
        lambda secret: new_code_cell(
            "", outputs=[new_output("execute_result", {"text/html": f"<p>{secret}</p>"})]
        ),
        lambda secret: new_code_cell(
            "", outputs=[new_output("display_data", {"application/json": {"a": [secret]}})]
        ),
        lambda secret: new_code_cell(
            "",
            outputs=[
                new_output(
                    "error",
                    ename="E",
                    evalue="",
                    traceback=[f"\x1b[32m1 \x1b[39m{secret.replace(' ', chr(27) + '[0m ')}"],
                )
            ],
        ),
        lambda secret: new_code_cell("", metadata={"note": secret}),
        lambda secret: new_markdown_cell(
            "", attachments={"a.txt": {"text/plain": f"see {secret}"}}
        ),
    ],
    ids=[
        "code",
        "comment",
        "markdown",
        "stream",
        "html",
        "json",
        "traceback",
        "metadata",
        "attachment",
    ],
)
def test_a_planted_line_is_found_anywhere(source: Path, tmp_path: Path, cell, secret: str) -> None:
    released = write_notebook(tmp_path / "a.ipynb", new_markdown_cell("fine"), cell(secret))
    with pytest.raises(LeakError, match=r"a\.ipynb would show students") as caught:
        check(source, released)
    assert secret[:20] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["data.csv", "helper.py", "notebook.ipynb", "noise.bin"])
def test_data_files_are_read_too(source: Path, tmp_path: Path, name: str) -> None:
    released = tmp_path / name
    released.write_bytes(b"\xff\x00\xfe\n" + f'"{SECRET}",1\n'.encode())
    with pytest.raises(LeakError, match=name):
        check(source, released)


def test_every_marker_is_a_leak(source: Path, tmp_path: Path) -> None:
    for marker in (marker for region in REGIONS for marker in region):
        released = write_notebook(tmp_path / "a.ipynb", new_code_cell(f"#{marker}"))
        with pytest.raises(LeakError, match=marker):
            check(source, released)


def test_open_and_short_lines_are_no_secrets(source: Path, tmp_path: Path) -> None:
    released = write_notebook(
        tmp_path / "a.ipynb",
        new_code_cell("import itertools, functools\nx = 1"),
        new_code_cell("def mean(numbers):\n    raise NotImplementedError()"),
    )
    check(source, released)


def test_what_the_source_prints_does_not_open_a_secret(tmp_path: Path) -> None:
    printed = new_output("stream", text=SECRET)
    cells = [new_code_cell(text, outputs=[printed]) for text in SOURCE]
    source = write_notebook(tmp_path / "source" / "a.ipynb", *cells)
    released = write_notebook(tmp_path / "a.ipynb", new_code_cell(SECRET))
    with pytest.raises(LeakError):
        check(source, released)


def test_the_secrets_of_one_notebook_are_secrets_of_all(source: Path, tmp_path: Path) -> None:
    other = write_notebook(tmp_path / "source" / "b.ipynb", new_markdown_cell("B"))
    released = write_notebook(tmp_path / "b.ipynb", new_markdown_cell(SECRET))
    with pytest.raises(LeakError, match=r"b\.ipynb"):
        check_leaks([source, other], [released], REGIONS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("### BEGIN SOLUTION\nx", "'BEGIN SOLUTION' is never closed by 'END SOLUTION'"),
        ("### BEGIN HIDDEN TESTS\nx", "'BEGIN HIDDEN TESTS' is never closed"),
        ("### BEGIN MARK SCHEME\nx", "'BEGIN MARK SCHEME' is never closed"),
        ("### BEGIN SOLUTON\nx\n### END SOLUTION", "'END SOLUTION' closes nothing"),
        ("### BEGIN HIDEN TESTS\nx\n### END HIDDEN TESTS", "a misspelt 'BEGIN HIDDEN TESTS'"),
        ("# BEGIN SOLUTION\n# END HIDDEN TESTS", "'END HIDDEN TESTS' closes nothing"),
        ("# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION", "before 'BEGIN SOLUTION' is closed"),
        (
            "# BEGIN SOLUTION\n# BEGIN HIDDEN TESTS\n# END HIDDEN TESTS\n# END SOLUTION",
            "'BEGIN HIDDEN TESTS' stands before 'BEGIN SOLUTION' is closed",
        ),
    ],
)
def test_markers_pair_up(tmp_path: Path, text: str, words: str) -> None:
    named = new_code_cell(text, metadata={"nbgrader": {"grade_id": "step1"}})
    for cell, where in ((named, "cell step1"), (new_code_cell(text), "cell number 2")):
        path = write_notebook(tmp_path / "a.ipynb", new_markdown_cell("# A"), cell)
        with pytest.raises(ReleaseError) as caught:
            check_sources([path], REGIONS)
        assert words in str(caught.value)
        assert where in str(caught.value)


def test_paired_markers_pass(source: Path) -> None:
    check_sources([source], REGIONS)


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON", b'{"nbformat": 4}', b"\xff"])
def test_a_source_that_is_no_notebook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"a\.ipynb cannot be read as a notebook: [^\n]*\.$"):
        check_sources([path], REGIONS)
