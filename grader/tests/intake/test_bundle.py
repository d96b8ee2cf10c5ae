"""A folder or zip of many submissions, as platforms give it and as nobody should."""

from __future__ import annotations

import io
import os
import random
import struct
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from grader.course import Course
from grader.errors import CourseError, IntakeError, StorageError
from grader.intake import Unpacked, unpack_bundle
from grader.intake import bundle as bundle_module
from grader.tests.release.conftest import write_notebook

HOSTILE = [
    "../eve/problem1.ipynb",
    "eve/../../problem1.ipynb",
    "../../../../etc/problem1.ipynb",
    "/eve/problem1.ipynb",
    "/etc/cron.d/problem1.ipynb",
    "..\\..\\eve\\problem1.ipynb",
    "./problem1.ipynb",
    "../problem1.ipynb",
    "~/problem1.ipynb",
    "-rf/problem1.ipynb",
    "a\nb/problem1.ipynb",
    "a\x1b[31m/problem1.ipynb",
    "__MACOSX/eve/._problem1.ipynb",
    ".git/problem1.ipynb",
    "x" * 300 + "/problem1.ipynb",
    "eve/problem1.ipynb/",
    "eve/problem1.IPYNB.exe",
    "problem1",
    "eve/problem9.ipynb",
    "eve/data.csv",
    "eve/ann/problem1.ipynb",
    "eve/ps1/ann/problem1.ipynb",
    "ps1/eve/ann/problem1.ipynb",
    "export/eve/problem1.ipynb",
    "bundle/eve/ann/problem1.ipynb",
    "bundle/problem1.ipynb",
    "eve/.ipynb",
]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with ps1 of two notebooks and solo of one; limits are small."""
    root = tmp_path / "course"
    for name in ("ps1/problem1", "ps1/problem2", "solo/work"):
        write_notebook(root / "source" / f"{name}.ipynb", *new_notebook().cells)
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.Grader.submission_size = 1000\n")
    return Course(root)


def zipped(path: Path, entries: Iterable[tuple[str, bytes]], **options: int) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", **options) as archive:
        warnings.simplefilter("ignore")  # two entries of one name
        for name, content in entries:
            archive.writestr(name, content)
    return path


def stored(course: Course) -> dict[str, bytes]:
    root = course.root / "submitted"
    found = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    outside = {p.name for p in course.root.parent.iterdir()} - {"course", "bundle", "bundle.zip"}
    assert outside == set()
    assert {p.name for p in course.root.iterdir()} <= {"source", "submitted", "nbgrader_config.py"}
    return found


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_layouts(course: Course, tmp_path: Path, kind: str) -> None:
    entries = {
        "ann/problem1.ipynb": b"ann 1",
        "ann/problem2.ipynb": b"ann 2",
        "bob/ps1/problem1.ipynb": b"bob 1",
        "bundle/cat/ps1/problem2.ipynb": b"cat 2",
        "ps1/dan/problem1.ipynb": b"dan 1",
    }
    if kind == "zip":
        bundle = zipped(tmp_path / "bundle.zip", entries.items())
    else:
        bundle = tmp_path / "bundle"
        for name, content in entries.items():
            (bundle / name).parent.mkdir(parents=True, exist_ok=True)
            (bundle / name).write_bytes(content)
    report = unpack_bundle(course, "ps1", bundle)
    assert stored(course) == {
        "ann/ps1/problem1.ipynb": b"ann 1",
        "ann/ps1/problem2.ipynb": b"ann 2",
        "bob/ps1/problem1.ipynb": b"bob 1",
        "cat/ps1/problem2.ipynb": b"cat 2",
        "dan/ps1/problem1.ipynb": b"dan 1",
    }
    assert {(done.entry, done.student, done.reason) for done in report} == {
        (name, content.decode().split()[0], "") for name, content in entries.items()
    }
    assert [s.student for s in course.submissions("ps1")] == ["ann", "bob", "cat", "dan"]


@pytest.mark.parametrize(
    "name",
    [
        "ann.ipynb",
        "ann_417_assignsubmission_file_/work.ipynb",
        "ann_12345_67890_work.ipynb",
        "ann/work.ipynb",
        "ann/solo/work.ipynb",
    ],
)
def test_layouts_of_an_assignment_of_one_notebook(
    course: Course, tmp_path: Path, name: str
) -> None:
    report = unpack_bundle(course, "solo", zipped(tmp_path / "bundle.zip", [(name, b"{}")]))
    assert report == [Unpacked(name, "ann")]
    assert stored(course) == {"ann/solo/work.ipynb": b"{}"}


def test_a_later_bundle_replaces_an_earlier_one(course: Course, tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        unpack_bundle(course, "solo", zipped(tmp_path / "bundle.zip", [("ann.ipynb", content)]))
    assert stored(course) == {"ann/solo/work.ipynb": b"second"}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("assignment", ["ps1", "solo"])
def test_hostile_names_write_nothing(
    course: Course, tmp_path: Path, assignment: str, name: str
) -> None:
    name = name.replace("problem1", "work") if assignment == "solo" else name
    bundle = zipped(tmp_path / "bundle.zip", [(name, b"evil"), ("ann/problem1.ipynb", b"ok")])
    report = unpack_bundle(course, assignment, bundle)
    evil = [done for done in report if done.entry == name]
    outside = {path: text for path, text in stored(course).items() if text == b"evil"}
    if assignment == "solo" and name == "./work.ipynb":
        assert list(outside) == ["work/solo/work.ipynb"]  # a student may be called work
    else:
        assert outside == {}
        assert all(done.student == "" and done.reason for done in evil)


def test_a_name_ends_at_its_first_null(course: Course, tmp_path: Path) -> None:
    bundle = zipped(tmp_path / "bundle.zip", [("ann/problem1.ipynbX../../x", b"evil")])
    bundle.write_bytes(bundle.read_bytes().replace(b"ipynbX", b"ipynb\x00"))
    unpack_bundle(course, "ps1", bundle)
    assert set(stored(course)) <= {"ann/ps1/problem1.ipynb"}


def test_links_in_a_zip_become_plain_files(course: Course, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("ann/problem1.ipynb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    unpack_bundle(course, "ps1", tmp_path / "bundle.zip")
    target = course.root / "submitted" / "ann" / "ps1" / "problem1.ipynb"
    assert not target.is_symlink()
    assert target.read_text() == "/etc/passwd"


def test_links_and_pipes_in_a_folder_are_left_out(course: Course, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "ann").mkdir(parents=True)
    (bundle / "ann" / "problem1.ipynb").symlink_to(course.root / "nbgrader_config.py")
    os.mkfifo(bundle / "ann" / "problem2.ipynb")
    (bundle / "bob").symlink_to(course.root / "source" / "ps1")
    assert unpack_bundle(course, "ps1", bundle) == []
    assert stored(course) == {}


def test_the_first_of_two_wins_and_the_second_is_told(course: Course, tmp_path: Path) -> None:
    entries = [
        ("ann/problem1.ipynb", b"first"),
        ("ann/problem1.ipynb", b"second"),
        ("ann/ps1/problem1.ipynb", b"third"),
    ]
    report = unpack_bundle(course, "ps1", zipped(tmp_path / "bundle.zip", entries))
    assert stored(course) == {"ann/ps1/problem1.ipynb": b"first"}
    assert [done.student for done in report] == ["ann", "", ""]
    assert {done.reason for done in report[1:]} == {"the bundle has another problem1 of ann"}


def test_entries_larger_than_a_submission(course: Course, tmp_path: Path) -> None:
    entries = [("ann/problem1.ipynb", b"x" * 1000), ("bob/problem1.ipynb", b"x" * 1001)]
    report = unpack_bundle(course, "ps1", zipped(tmp_path / "bundle.zip", entries))
    assert [done.student for done in report] == ["ann", ""]
    assert "larger than" in report[1].reason
    assert set(stored(course)) == {"ann/ps1/problem1.ipynb"}


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("claim", [0, 10, 1000])
def test_a_zip_bomb_whose_header_lies(
    course: Course, tmp_path: Path, packing: int, claim: int
) -> None:
    bundle = zipped(
        tmp_path / "bundle.zip",
        [("ann/problem1.ipynb", b"\0" * 20_000_000), ("bob/problem1.ipynb", b"{}")],
        compression=packing,
    )
    claimed = bundle.read_bytes().replace(struct.pack("<L", 20_000_000), struct.pack("<L", claim))
    bundle.write_bytes(claimed)
    report = unpack_bundle(course, "ps1", bundle)
    assert [(done.student, bool(done.reason)) for done in report] == [("", True), ("bob", False)]
    assert stored(course) == {"bob/ps1/problem1.ipynb": b"{}"}


def test_an_encrypted_entry(course: Course, tmp_path: Path) -> None:
    bundle = zipped(tmp_path / "bundle.zip", [("ann/problem1.ipynb", b"x"), ("bob.txt", b"")])
    raw = bytearray(bundle.read_bytes())
    raw[6] |= 1  # the flag in the entry's own header
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # and in the index
    bundle.write_bytes(raw)
    report = unpack_bundle(course, "ps1", bundle)
    assert report[0] == Unpacked("ann/problem1.ipynb", "", "it cannot be unpacked within its size")
    assert stored(course) == {}


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry(course: Course, tmp_path: Path, packing: int) -> None:
    content = random.Random(0).randbytes(400)
    bundle = zipped(
        tmp_path / "bundle.zip",
        [("ann/problem1.ipynb", content), ("bob/problem1.ipynb", b"ok")],
        compression=packing,
    )
    raw = bytearray(bundle.read_bytes())
    raw[60:120] = bytes(60)
    bundle.write_bytes(raw)
    report = unpack_bundle(course, "ps1", bundle)
    assert [done.student for done in report] == ["", "bob"]


def test_an_unknown_compression(course: Course, tmp_path: Path) -> None:
    bundle = zipped(tmp_path / "bundle.zip", [("ann/problem1.ipynb", b"x")])
    raw = bytearray(bundle.read_bytes())
    struct.pack_into("<H", raw, 8, 77)
    struct.pack_into("<H", raw, raw.index(b"PK\x01\x02") + 10, 77)
    bundle.write_bytes(raw)
    [done] = unpack_bundle(course, "ps1", bundle)
    assert done.student == ""


def test_damage_anywhere_is_one_sentence_or_a_report(course: Course, tmp_path: Path) -> None:
    entries = [(f"s{n}/problem1.ipynb", b"{}" * n) for n in range(4)]
    packed = zipped(tmp_path / "bundle.zip", entries, compression=zipfile.ZIP_DEFLATED).read_bytes()
    chance = random.Random(1)
    refused = 0
    for _ in range(300):
        raw = bytearray(packed)
        for _ in range(chance.randint(1, 6)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        (tmp_path / "bundle.zip").write_bytes(raw)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                report = unpack_bundle(course, "ps1", tmp_path / "bundle.zip")
        except IntakeError:
            refused += 1
        else:
            assert all(bool(done.student) != bool(done.reason) for done in report)
    assert 0 < refused < 300
    assert all(path.endswith("/ps1/problem1.ipynb") for path in stored(course))


@pytest.mark.parametrize(
    "student", ["김철수", "Zoë", "Иван", "प्रिया", "O Neill", "a+b@example.org"]
)
def test_names_in_any_script(course: Course, tmp_path: Path, student: str) -> None:
    bundle = zipped(tmp_path / "bundle.zip", [(f"{student}/problem1.ipynb", b"{}")])
    assert unpack_bundle(course, "ps1", bundle)[0].student == student
    assert [s.student for s in course.submissions("ps1")] == [student]


def test_a_mac_and_a_pc_write_one_name(course: Course, tmp_path: Path) -> None:
    apart, together = (unicodedata.normalize(form, "Zoë") for form in ("NFD", "NFC"))
    entries = [(f"{apart}/problem1.ipynb", b"1"), (f"{together}/problem2.ipynb", b"2")]
    unpack_bundle(course, "ps1", zipped(tmp_path / "bundle.zip", entries))
    assert set(stored(course)) == {
        f"{together}/ps1/problem1.ipynb",
        f"{together}/ps1/problem2.ipynb",
    }


def test_names_that_are_no_text_can_still_be_told(course: Course, tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path / "bundle"), b"a\xff")
    os.makedirs(folder)
    with open(os.path.join(folder, b"problem1.ipynb"), "wb") as file:
        file.write(b"x")
    [done] = unpack_bundle(course, "ps1", tmp_path / "bundle")
    assert done.student == ""
    assert done.entry.encode("utf-8") == b"a?/problem1.ipynb"


def test_thousands_of_entries(course: Course, tmp_path: Path) -> None:
    entries = [(f"s{n}/data.csv", b"") for n in range(3000)]
    entries.append(("ann/problem1.ipynb", b"{}"))
    report = unpack_bundle(course, "ps1", zipped(tmp_path / "bundle.zip", entries))
    assert [done.student for done in report if done.student] == ["ann"]
    assert len(report) == 3001


def test_more_entries_than_are_taken_in(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "_MAX_ENTRIES", 10)
    bundle = zipped(tmp_path / "bundle.zip", [(f"s{n}/problem1.ipynb", b"") for n in range(11)])
    with pytest.raises(IntakeError, match="holds 11 files; 10 is the most"):
        unpack_bundle(course, "ps1", bundle)
    assert stored(course) == {}


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18])
def test_a_file_that_is_no_zip(course: Course, tmp_path: Path, content: bytes) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(content)
    with pytest.raises(IntakeError, match=r"bundle\.zip is neither a folder nor a zip file\."):
        unpack_bundle(course, "ps1", bundle)


def test_an_index_that_is_no_text(course: Course, tmp_path: Path) -> None:
    bundle = zipped(tmp_path / "bundle.zip", [("é/problem1.ipynb", b"x")])
    bundle.write_bytes(bundle.read_bytes().replace("é".encode(), b"\xff\xff"))
    with pytest.raises(IntakeError, match="neither a folder nor a zip file"):
        unpack_bundle(course, "ps1", bundle)


def test_a_missing_bundle(course: Course, tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match=r"no file or folder .*nowhere\.zip"):
        unpack_bundle(course, "ps1", tmp_path / "nowhere.zip")


def test_an_unknown_assignment(course: Course, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no assignment 'ps9'"):
        unpack_bundle(course, "ps9", tmp_path)


def test_empty_bundles(course: Course, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    assert unpack_bundle(course, "ps1", tmp_path / "bundle") == []
    assert unpack_bundle(course, "ps1", zipped(tmp_path / "bundle.zip", [])) == []


def test_where_nothing_can_be_written(course: Course, tmp_path: Path) -> None:
    (course.root / "submitted").write_text("a file in the way")
    bundle = zipped(tmp_path / "bundle.zip", [("ann/problem1.ipynb", b"{}")])
    with pytest.raises(StorageError, match=r"problem1\.ipynb cannot be written: "):
        unpack_bundle(course, "ps1", bundle)


def test_a_zip_within_a_zip_is_not_opened(course: Course, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("ann/problem1.ipynb", "{}")
    bundle = zipped(tmp_path / "bundle.zip", [("ann.zip", inner.getvalue())])
    [done] = unpack_bundle(course, "ps1", bundle)
    assert (done.student, stored(course)) == ("", {})
