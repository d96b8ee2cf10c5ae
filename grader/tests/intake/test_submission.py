"""One student's folder: nothing in it can hang, overfill or lead the reader astray."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.course import Limits, Submission
from grader.intake import SubmittedFiles, read_submission
from grader.intake.submission import _MAX_FILES

LIMITS = Limits(submission_size=1000, disk=500)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "submitted" / "ann" / "hw"
    made.mkdir(parents=True)
    (made / "hw.ipynb").write_text("{}")
    return made


def read(folder: Path, limits: Limits = LIMITS) -> SubmittedFiles:
    files = read_submission(Submission("ann", "hw", folder), ["hw"], limits)
    for sentence in [*files.problems, *files.unusable.values()]:
        assert sentence.endswith(".")
        assert sentence.isprintable()
        sentence.encode("utf-8")
    for name in files.files:
        assert not Path(name).is_absolute()
        assert ".." not in Path(name).parts
    return files


def test_a_plain_submission(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_bytes(b"1,2")
    (folder / "helper.py").write_bytes(b"x = 1")
    (folder / "Ergänzung 한.txt").write_bytes(b"")
    files = read(folder)
    assert files == SubmittedFiles(
        {"hw": b"{}"}, {}, {"data/a.csv": b"1,2", "helper.py": b"x = 1", "Ergänzung 한.txt": b""}
    )


def test_nothing_there(tmp_path: Path) -> None:
    assert read(tmp_path) == SubmittedFiles({}, {})
    assert read(tmp_path / "missing") == SubmittedFiles({}, {})


def test_what_jupyter_leaves_behind_is_ignored(folder: Path) -> None:
    for name in (".ipynb_checkpoints", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "hw.ipynb").write_text("old")
    (folder / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC\n")
    assert read(folder) == SubmittedFiles({"hw": b"{}"}, {}, timestamp="2026-03-01 10:00:00 UTC")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 201, b"x" * 10**6, b""])
def test_timestamps_of_any_kind(folder: Path, content: bytes) -> None:
    (folder / "timestamp.txt").write_bytes(content)
    assert len(read(folder).timestamp) <= 200


def test_other_notebooks_are_left_out(folder: Path) -> None:
    (folder / "hw (1).ipynb").write_text("{}")
    files = read(folder)
    assert files.files == {}
    assert files.problems == ("hw (1).ipynb is not part of the assignment and was left out.",)


def test_links_to_files_are_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the hidden tests")
    for name in ("hw.ipynb", "data.csv", "timestamp.txt"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(secret)
    files = read(folder)
    assert files == SubmittedFiles(
        {},
        {"hw": "hw.ipynb is a link or a folder, or cannot be opened."},
        {},
        ("data.csv is a link or a folder, or cannot be opened.",),
    )


def test_links_to_folders_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "hw.md").write_text("the solution")
    (folder / "data").symlink_to(tmp_path / "solutions")
    (folder / "loop").symlink_to(folder)
    files = read(folder)
    assert files.files == {}
    assert [problem.split()[0] for problem in files.problems] == ["data", "loop"]


@pytest.mark.parametrize("name", ["hw.ipynb", "data.csv"])
def test_a_pipe_does_not_hang_the_reader(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    files = read(folder)
    sentence = f"{name} is not a plain file."
    assert sentence in [*files.unusable.values(), *files.problems]
    assert files.files == {}


@pytest.mark.parametrize("name", ["hw.ipynb", "data.csv"])
def test_what_cannot_be_opened(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / name).unlink(missing_ok=True)
    monkeypatch.chdir(folder)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        files = read(folder)
    assert f"{name} is a link or a folder, or cannot be opened." in [
        *files.unusable.values(),
        *files.problems,
    ]


def test_a_folder_in_the_place_of_a_notebook(folder: Path) -> None:
    (folder / "hw.ipynb").unlink()
    (folder / "hw.ipynb").mkdir()
    assert read(folder).unusable == {"hw": "hw.ipynb is a link or a folder, or cannot be opened."}


def test_a_device_is_no_notebook(folder: Path) -> None:
    try:
        (folder / "zero").unlink(missing_ok=True)
        os.mknod(folder / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        (folder / "zero").symlink_to("/dev/zero")  # who may not make devices cannot send them
    assert read(folder).files == {}


def test_a_notebook_up_to_its_limit(folder: Path) -> None:
    (folder / "hw.ipynb").write_bytes(b"x" * 1000)
    assert len(read(folder).notebooks["hw"]) == 1000
    (folder / "hw.ipynb").write_bytes(b"x" * 1001)
    files = read(folder)
    assert files.notebooks == {}
    assert "clear its outputs" in files.unusable["hw"]


def test_a_sparse_giant_is_not_read(folder: Path) -> None:
    for name in ("hw.ipynb", "data.bin"):
        with (folder / name).open("wb") as file:
            file.truncate(2**40)
    files = read(folder, Limits())
    assert "hw.ipynb has 1048576.0 MiB" in files.unusable["hw"]
    assert "data.bin has 1048576.0 MiB" in files.problems[0]
    assert "outputs" not in files.problems[0]
    assert files.files == {}


def test_all_other_files_share_one_limit(folder: Path) -> None:
    for name in "abc":
        (folder / name).write_bytes(b"x" * 200)
    files = read(folder)
    assert sorted(files.files) == ["a", "b"]
    [problem] = files.problems
    assert problem.startswith("c has ")


def test_too_many_files(folder: Path) -> None:
    for number in range(_MAX_FILES + 50):
        (folder / f"f{number}").touch()
    files = read(folder)
    assert files.notebooks == {"hw": b"{}"}
    assert len(files.files) <= _MAX_FILES
    [problem] = files.problems
    assert f"more than {_MAX_FILES} files" in problem


def test_as_many_files_as_allowed(folder: Path) -> None:
    for number in range(_MAX_FILES - 1):
        (folder / f"f{number}").touch()
    files = read(folder)
    assert (len(files.files), files.problems) == (_MAX_FILES - 1, ())


@pytest.fixture
def deep_folder(folder: Path) -> Iterator[Path]:
    """Holds more folders in each other than Python recurses into."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    yield folder
    subprocess.run(["rm", "-rf", folder / "d"], check=True)  # pytest could not


def test_a_tree_too_deep_to_walk(deep_folder: Path) -> None:
    (deep_folder / "near.txt").write_text("near")
    files = read(deep_folder)
    assert files.files == {"near.txt": b"near"}
    assert len(files.problems) == 1


@pytest.mark.parametrize(
    "name", [b"a\xff\xfe.csv", b"a\nb.csv", b"a\x1b[31m.csv", b"\xe2\x80\xae.py"]
)
def test_names_that_cannot_be_shown(folder: Path, name: bytes) -> None:
    with open(os.path.join(os.fsencode(folder), name), "wb") as file:
        file.write(b"x")
    files = read(folder)
    assert files.files == {}
    [problem] = files.problems
    assert "?" in problem


def test_names_with_odd_characters_in_other_notebooks(folder: Path) -> None:
    (folder / "a\x1b\n.ipynb").write_text("{}")
    assert read(folder).problems == ("a??.ipynb is not part of the assignment and was left out.",)


def test_only_the_instructor_sets_limits(folder: Path) -> None:
    (folder / "nbgrader_config.py").write_text("c.Grader.submission_size = '1T'")
    (folder / "hw.ipynb").write_bytes(b"x" * 600)
    assert read(folder, replace(LIMITS, submission_size=500)).notebooks == {}
