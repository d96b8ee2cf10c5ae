"""The line that asks for candidates, and what comes in its place."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell

from grader.errors import CourseError, LeakError, ReleaseError
from grader.release import release_assignment
from grader.release.candidates import asking_order
from grader.release.sources import read_source
from grader.tests.release.conftest import HEAD

SOLUTION = """\
import math as m
from os.path import *
OFFSET = 1


@kept
def half(x):
    return x / 2


class Unused:
    pass


def mean(values):
    '''The secret docstring.'''
    return half(sum(values)) if len(values) == 2 else m.fsum(values) / depth(values)


def depth(values):
    return len(values)
"""
WRONG = """\
import math


def _total(values):
    '''This one is wrong.'''
    return math.fsum(values)


def mean__forgets_to_divide(values):
    'You do not divide.'
    return _total(values)


def mean__off_by_one(values):
    'You divide by one too many.'
    return sum(values) / (len(values) + OFFSET)


def mean__recurses(values):
    'You recurse.'
    return 0 if not values else mean__recurses(values[1:])
"""
RIGHT = """\
def mean__by_numpy(values):
    'Uses NumPy.'
    import numpy
    return float(numpy.mean(values))
"""
CALL = "found = CANDIDATES"


def cell(role: str, body: str) -> str:
    return f"```{{code-cell}}\n:grader: {role}\n{body}\n```\n\n"


def hidden(body: str) -> str:
    return f"x = 0\n### BEGIN HIDDEN TESTS\n{body}\n### END HIDDEN TESTS"


def write(
    folder: Path,
    test: str = hidden("### GRADER: CANDIDATES mean\nfound = CANDIDATES"),
    *,
    given: str = "def kept(f):\n    return f",
    solution: str = SOLUTION,
    wrong: str = WRONG,
) -> Path:
    cells = [cell("given tools", given), cell("answer mean", solution), cell("test mean 1", test)]
    path = folder / "hw.md"
    path.write_text(HEAD + "".join(cells), encoding="utf-8")
    (folder / "misconceptions.py").write_text(wrong, encoding="utf-8")
    (folder / "alternatives.py").write_text(RIGHT, encoding="utf-8")
    return path


def run(path: Path) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """The candidates, where nothing that a student may have written is there any more."""
    names: dict[str, Any] = {}
    sources = [each.source for each in read_source(path).cells]
    exec(sources[0], names)
    exec(sources[1], names)
    for name in ("half", "depth", "mean", "OFFSET", "m"):
        names[name] = None
    exec(sources[2], names)
    right, wrong = _once(names["found"], True), _once(names["found"], False)
    return right, wrong, names


def _once(pairs: list[tuple[Any, bool]], wanted: bool) -> list[Any]:
    """Those that are right, or wrong, without repetition, in the order in which they are made."""
    made = {inspect.getclosurevars(each).nonlocals["found"]: each for each, _ in pairs}
    found = {inspect.getclosurevars(e).nonlocals["found"] for e, ok in pairs if ok is wanted}
    places = {f: f.__code__.co_firstlineno if inspect.isfunction(f) else 0 for f in found}
    return [made[each] for each in sorted(found, key=places.__getitem__)]


def test_right_and_wrong_ones_need_nothing_of_the_student(tmp_path: Path) -> None:
    right, wrong, names = run(write(tmp_path))
    assert [each([1, 2, 6]) for each in right] == [3, 3]
    assert [each([1, 3]) for each in right] == [2, 2]
    assert [each([1, 2, 6]) for each in wrong] == [9, 2.25, 0]
    assert names["mean"] is None
    assert names["CANDIDATES"] is names["found"]


def test_all_look_alike(tmp_path: Path) -> None:
    right, wrong, _ = run(write(tmp_path))
    assert len({each.__code__ for each in right + wrong}) == 1
    assert {(each.__name__, each.__qualname__) for each in right + wrong} == {("candidate",) * 2}


def test_the_text_holds_no_sentence_and_only_what_is_needed(tmp_path: Path) -> None:
    source = read_source(write(tmp_path)).cells[2].source
    for word in ("You do not divide", "secret docstring", "This one is wrong", "Unused", "__"):
        assert word not in source.replace("__qualname__", ""), word
    assert source.count("def depth(") == 1
    assert source.startswith("x = 0\n### BEGIN HIDDEN TESTS\ndef _candidates_mean():")


@pytest.mark.parametrize(
    ("words", "right", "wrong"),
    [
        ("mean ONLY off_by_one", [3, 3], [2.25]),
        ("mean  only  recurses , off_by_one", [3, 3], [2.25, 0]),
        ("mean EXCEPT off_by_one", [3, 3], [9, 0]),
        ("mean EXCEPT by_numpy,recurses", [3], [9, 2.25]),
    ],
)
def test_a_choice_of_them(
    tmp_path: Path, words: str, right: list[float], wrong: list[float]
) -> None:
    found = run(write(tmp_path, hidden(f"### GRADER: CANDIDATES {words}\n{CALL}")))
    assert [[each([1, 2, 6]) for each in part] for part in found[:2]] == [right, wrong]


@pytest.mark.parametrize(
    "test",
    [
        "def run():\n    ### grader: candidates mean\n    return CANDIDATES\n\n\nfound = run()",
        "def run():\n    global found\n    found = 1\n    ### GRADER: CANDIDATES mean\n"
        "    found = CANDIDATES\n\n\nrun()",
        "if x == 0:\n    pass\n    #GRADER:CANDIDATES mean\nfound = CANDIDATES",
        "@kept\ndef run():\n    y = 1\n    # GRADER: CANDIDATES mean ONLY recurses\n"
        "    few = len(CANDIDATES)\n    # GRADER: CANDIDATES mean\n"
        "    assert few < len(CANDIDATES)\n    return CANDIDATES\n\n\nfound = run()",
        "found = ()\n\n# GRADER: CANDIDATES mean\n\nfound = CANDIDATES",
    ],
)
def test_wherever_the_line_stands(tmp_path: Path, test: str) -> None:
    right, wrong, _ = run(write(tmp_path, hidden(test)))
    assert [each([1, 2, 6]) for each in right + wrong] == [3, 3, 9, 2.25, 0]


def test_names_of_the_notebook_are_left_alone(tmp_path: Path) -> None:
    names = "made = make = alike = _candidates_mean = 5\nCANDIDATES = 7"
    given = f"def kept(f):\n    return f\n\n\n{names}"
    sums = "made + make + alike + _candidates_mean + CANDIDATES"
    wrong = f"def mean__odd(values):\n    'Odd.'\n    return {sums}\n"
    inside = (
        f"def run():\n    ### GRADER: CANDIDATES mean\n    return CANDIDATES\n{CALL[:5]} = run()"
    )
    _, [odd], found = run(write(tmp_path, hidden(inside), given=given, wrong=wrong))
    assert odd([1]) == 27
    assert [found[name] for name in ("made", "make", "alike", "CANDIDATES")] == [5, 5, 5, 7]
    with pytest.raises(ReleaseError, match="the notebook has a CANDIDATES of its own"):
        read_source(write(tmp_path, given=given, wrong=wrong))


@pytest.mark.parametrize("name", ["RIGHT", "WRONG"])
def test_a_test_that_goes_through_right_ones_first_is_refused(tmp_path: Path, name: str) -> None:
    loop = (
        f"def run():\n    ### GRADER: CANDIDATES mean\n    for each in {name}:\n        mean(each)"
    )
    with pytest.raises(ReleaseError, match=f"gives no {name}: go through the pairs") as caught:
        read_source(write(tmp_path, hidden(loop)))
    assert "\n" not in str(caught.value)
    own = f"{name} = [each for each, ok in CANDIDATES if ok]"
    assert read_source(write(tmp_path, hidden(f"### GRADER: CANDIDATES mean\n{own}\n{name}")))


def test_the_order_is_drawn_from_what_is_hidden(tmp_path: Path) -> None:
    def order(test: str, wrong: str = WRONG) -> list[bool]:
        names = run(write(tmp_path, hidden(test), wrong=wrong))[2]
        return [is_right for _, is_right in names["found"]]

    test = f"### GRADER: CANDIDATES mean\n{CALL}"
    orders = [order(f"{test}\n# {number}") for number in range(20)]
    assert order(f"{test}\n# 0") == orders[0]
    assert len({str(each) for each in orders}) > 10
    assert order(test) != order(test, WRONG.replace("fsum", "prod"))


@pytest.mark.parametrize(("rights", "wrongs"), [(1, 1), (1, 2), (4, 1), (2, 3), (4, 18), (9, 3)])
def test_in_what_order_they_are_asked_for(rights: int, wrongs: int) -> None:
    befores, orders = set(), set()
    for secret in range(60):
        order = asking_order(rights, wrongs, str(secret))
        first = order[0]
        assert first >= rights
        assert first == max(sorted(order), key=order.count)
        assert set(order) == set(range(rights + wrongs))
        assert min(map(order.count, order)) == 2
        for end in range(1, len(order) + 1):
            asked = order[:end]
            assert sum(each < rights for each in asked) <= asked.count(first)
        before = order[: next(n for n, each in enumerate(order) if each < rights)]
        assert before.count(first) == 2
        befores.add(len(set(before)))
        orders.add(tuple(order))
    assert befores == set(range(1, min(3, wrongs) + 1))
    assert len(orders) > min(60, 4 * wrongs) // 2


def test_what_is_only_given_has_candidates_too(tmp_path: Path) -> None:
    given = "def kept(f):\n    return f\n\n\ndef twice(x):\n    return 2 * x"
    wrong = "def twice__thrice(x):\n    'Thrice.'\n    return 3 * x\n"
    test = hidden(f"### GRADER: CANDIDATES twice\n{CALL}")
    right, odd, _ = run(write(tmp_path, test, given=given, wrong=wrong))
    assert [each(2) for each in right + odd] == [4, 6]


def test_a_reference_in_the_hidden_test_has_candidates_too(tmp_path: Path) -> None:
    test = hidden(f"def twice(x):\n    return 2 * x\n### GRADER: CANDIDATES twice\n{CALL}")
    wrong = "def twice__thrice(x):\n    'Thrice.'\n    return 3 * x\n"
    right, odd, _ = run(write(tmp_path, test, wrong=wrong))
    assert [each(2) for each in right + odd] == [4, 6]


def test_a_class_has_candidates_too(tmp_path: Path) -> None:
    given = (
        "def kept(f):\n    return f\n\n\nclass Sum:\n    def of(self, *v):\n        return sum(v)"
    )
    wrong = "class Sum__first:\n    'The first.'\n    def of(self, *v):\n        return v[0]\n"
    test = hidden(f"### GRADER: CANDIDATES Sum\n{CALL}")
    right, odd, _ = run(write(tmp_path, test, given=given, wrong=wrong))
    assert [each().of(1, 2) for each in right + odd] == [3, 1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "write `### GRADER: CANDIDATES FUNCTION`, and after it perhaps"),
        ("mean, median", "not 'mean, median'"),
        ("mean ONLY", "not 'mean ONLY'"),
        ("mean BUT off_by_one", "not 'mean BUT off_by_one'"),
        ("median", "no cell of the notebook defines median"),
        ("half", "there is no misconception of half to be noticed"),
        ("mean ONLY typo", "mean has no misconception named typo"),
        ("mean ONLY by_numpy", "mean has no misconception named by_numpy"),
        ("mean EXCEPT typo", "mean has no misconception or alternative named typo"),
        ("mean EXCEPT forgets_to_divide, off_by_one, recurses", "no misconception of mean to be"),
    ],
)
def test_a_line_that_asks_for_what_is_not_there(tmp_path: Path, words: str, sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence) as caught:
        read_source(write(tmp_path, hidden(f"### GRADER: CANDIDATES {words}\n{CALL}")))
    assert str(caught.value).startswith(f"{tmp_path / 'hw.md'}, cell test_mean: ")
    assert "\n" not in str(caught.value)


def test_a_candidate_that_uses_what_nobody_defines(tmp_path: Path) -> None:
    plain = SOLUTION.replace("from os.path import *\n", "")
    wrong = "def mean__odd(values):\n    'Odd.'\n    return missing(values)\n"
    with pytest.raises(ReleaseError, match=r"a candidate for mean uses missing, which no cell"):
        read_source(write(tmp_path, solution=plain, wrong=wrong))


def test_a_line_outside_a_test_is_refused(tmp_path: Path) -> None:
    line = "### GRADER: CANDIDATES mean"
    with pytest.raises(
        ReleaseError, match="cell mean: `GRADER: CANDIDATES` belongs into the hidden"
    ):
        read_source(write(tmp_path, solution=f"{SOLUTION}{line}"))
    path = write(tmp_path)
    path.write_text(f"{path.read_text()}Prose.\n\n{line}\n")
    with pytest.raises(ReleaseError, match=r"cell without a name: .* belongs into the hidden"):
        read_source(path)


def test_a_test_that_is_no_plain_python(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"cell test_mean: .* needs a cell of plain Python"):
        read_source(write(tmp_path, f"%time 1\n{hidden('### GRADER: CANDIDATES mean')}"))


def test_a_broken_catalogue_is_said_as_always(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="is not valid Python"):
        read_source(write(tmp_path, wrong="def mean__("))


def test_the_line_in_the_open_part_stops_the_release(text_course: Any) -> None:
    folder = text_course.solutions / "hello"
    (folder / "alternatives.py").unlink()
    text = (folder / "hello.md").read_text()
    shown = "### GRADER: CANDIDATES hello\nassert hello"
    (folder / "hello.md").write_text(text.replace("assert hello", shown, 1))
    with pytest.raises(LeakError, match="would show students what they must not see"):
        release_assignment(text_course, "hello")
    assert not (text_course.path("release", "hello") / "hello.ipynb").exists()


def test_a_plain_notebook_has_no_catalogues(course_of: Any) -> None:
    mark = {"grade_id": "t", "grade": True, "locked": True, "points": 1, "solution": False}

    test = new_code_cell(
        hidden("### GRADER: CANDIDATES mean"),
        metadata={"nbgrader": {**mark, "schema_version": 3, "task": False}},
    )
    with pytest.raises(ReleaseError, match="cell t: `GRADER: CANDIDATES` means something in a"):
        release_assignment(course_of(test), "hw")
