"""Constructs in tests that cannot cross between the kernels are named when released."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.cli import app, run
from grader.course import Course
from grader.release import ANSWER_MARK, CHANGES_MARK, Finding, find_crossings, release_assignment
from grader.release.sources import read_source
from grader.tests.courses import _cell, _problem1, _problem2, _solution, _test

ROOT = Path(__file__).parents[3]
SETUP = _cell(
    "setup",
    "import asyncio, builtins, dataclasses, dis, inspect, io, os, pickle, sys, tempfile\n"
    "import numpy as np\n"
    "from unittest import mock\nfrom unittest.mock import patch\n"
    "def helper(x):\n    return x + STEP\nclass Fake:\n    pass\nSTEP = 1\n"
    "os.environ['GIVEN'] = 'z'",
    locked=True,
)
ANSWER = _cell(
    "answer",
    "### BEGIN SOLUTION\nimport pandas as pd\n\n"
    "def f(x):\n    return g(x) * FACTOR if isinstance(x, int) else 0\n\n"
    "def g(x):\n    return x\n\nclass K:\n    pass\n\nFACTOR = 2\nresult = 3\n"
    "os.environ['OF_MINE'] = 'x'\nos.environ['GIVEN'] = 'y'\n### END SOLUTION",
    solution=True,
)


def look(
    source: str, *others: nbformat.NotebookNode, after: tuple[nbformat.NotebookNode, ...] = ()
) -> list[tuple[int, str]]:
    """Lines and sentences about one test cell between the usual ones."""
    cells = [new_markdown_cell("# A"), SETUP, ANSWER, *others, _test("t", 1, source), *after]
    found = find_crossings("nb", new_notebook(cells=cells))
    assert {(each.notebook, each.grade_id) for each in found} <= {("nb", "t")}
    return [(each.line, each.sentence) for each in found]


CANNOT = {
    "assert 'for' not in inspect.getsource(f)": "inspect.getsource reads source",
    "inspect.getsourcelines(K().method)": "inspect.getsourcelines reads source",
    "from inspect import getsource as see\nfor h in (f, g):\n    see(h)": "inspect.getsource reads",
    "import ast\nast.parse(inspect.getsource(f))": "inspect.getsource reads source",
    "assert f.__code__.co_argcount == 1": "__code__ of a student's function",
    "f.__globals__['g'] = None": "__globals__ of a student's function",
    "f.__closure__": "__closure__ of a student's function",
    "getattr(f, '__defaults__')": "__defaults__ of a student's function",
    "dis.dis(f)": "dis.dis reads compiled code",
    "pickle.dumps(K())": "pickle.dumps would copy K",
    "class Mine(K):\n    pass": "Mine extends K",
    "with patch('builtins.input', lambda: '3'):\n    f(1)": "patch('builtins.input'",
    "@mock.patch.object(np, 'mean')\ndef check(m):\n    f(1)": "mock.patch.object(np, 'mean')",
    "import unittest.mock as um\nwith um.patch.dict(os.environ, A='1'):\n    f(1)": "um.patch.dict",
    "import pytest\nmp = pytest.MonkeyPatch()": "pytest.MonkeyPatch changes",
    "from pytest import MonkeyPatch\nMonkeyPatch()": "MonkeyPatch changes",
    "builtins.input = lambda: '3'": "builtins.input changes something",
    "np.random.rand, x = None, 1": "np.random.rand changes something",
    "del np.mean": "np.mean changes something",
    "setattr(np, 'mean', None)": "setattr(np, 'mean', None) changes",
    "sys.modules['numpy'] = None": "sys.modules['numpy'] changes",
    "os.environ['A'] = '1'": "os.environ['A'] changes",
    "g = lambda x: 0\nassert f(1) == 0": "it gives g another value",
    "def g(x):\n    return 0": "it gives g another value",
    "old = g\ndel g": "it gives g another value",
    "isinstance = None\nf(1)": "it gives isinstance another value",
    "FACTOR = 3": "it gives FACTOR another value",
    "for FACTOR in (1, 2):\n    f(FACTOR)": "it gives FACTOR another value",
    "list(get_ipython().user_ns)": "get_ipython().user_ns",
    "get_ipython().history_manager": "get_ipython().history_manager",
    "assert 'f(' in In[2]": "In is the history",
    "_ih[-1]": "_ih is the history",
    "Out": "Out is the history",
    "globals()['g'] = None": "globals() shows the names",
    "def check():\n    return [*globals()]": "globals() shows the names",
    "[n for n in locals() if n == 'f']": "locals() shows the names",
    "assert 'f' in dir()": "dir() shows the names",
    "%run other.py": "%run works on the test kernel",
    "%store f": "%store works on the test kernel",
    "f?": "%pinfo works on the test kernel",
    "%%time\nf(1)": "%%time",
    "%%capture out\nf(1)": "%%capture",
    "with open('in.txt', 'w') as file:\n    file.write('1')": "it writes a file",
    "from pathlib import Path\nPath('in.txt').write_text('1')": "it writes a file",
    "await f(1)": "f(1) is awaited",
    "job = f(1)\nassert await job": "job is awaited",
    "await asyncio.gather(helper(1), f(2))": "asyncio.gather(helper(1), f(2)) is awaited",
    "async for x in f(1):\n    pass": "f(1) is awaited",
    "[x async for x in f(1)]": "f(1) is awaited",
    "try:\n    f(1)\nexcept KeyError as e:\n    assert e.__cause__": "__cause__ of a student",
    "dataclasses.fields(K)": "dataclasses.fields needs the class itself",
    "dataclasses.asdict(K(1))": "dataclasses.asdict needs the class itself",
    "from dataclasses import replace\nk = K()\nreplace(k, n=1)": "dataclasses.replace needs",
    "x = np.ones(2)\nassert np.shares_memory(f(x), x)": "no array shares memory",
    "row, x = f(1), 2\nassert not np.may_share_memory(x, row)": "no array shares memory",
    "assert os.environ['OF_MINE'] == 'x'": "OF_MINE is set in the environment of the answer",
    "assert os.getenv('OF_MINE')": "OF_MINE is set in the environment of the answer",
    "with open('data.csv') as file:\n    f(file)": "an open file of the test kernel",
    "f(x=open('data.csv'))": "an open file of the test kernel",
    "import io\nbuffer = io.BytesIO()\nresult.savefig(buffer)": "a student's figure cannot",
    "with tempfile.TemporaryDirectory() as folder:\n    f(folder)": "what tempfile.Temp",
    "assert ff(1) == 2": "it uses ff, which no cell of the source defines",
    "def check():\n    return resutl": "it uses resutl, which no cell",
}


@pytest.mark.parametrize("source", CANNOT, ids=lambda source: source.splitlines()[-1])
def test_what_cannot_cross_is_named(source: str) -> None:
    found = look(source)
    assert len(found) == 1, found
    _, sentence = found[0]
    assert CANNOT[source] in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert look(f"# why\n  {ANSWER_MARK}\n{source}".replace("  #", "#")) == []


CAN = [
    "assert f(2) == 4\nassert result == 3",
    "x, y = f(1), helper(STEP)\nassert np.allclose(x, y) is not None",
    "assert list(inspect.signature(f).parameters) == ['x']\nassert f.__name__ and not f.__doc__",
    "inspect.getsource(helper)\ninspect.getsource(np.mean)\nhelper.__code__",
    "with mock.patch.object(Fake, 'a', 1, create=True):\n    pass",
    "fake = mock.Mock()\nf(fake)",
    "k = K()\nk.n = 3\nK.n = 4\nf.calls = 0",
    "%timeit -n1 -r1 f(1)\n%matplotlib inline\n!true\nlines = !true",
    "def check():\n    return sorted(locals())\ncheck()",
    "import pandas as pd\npd.DataFrame()",
    "assert 'f' in globals() and 'q' not in locals() and globals()['f'](1) == 2",
    "globals().get('f')(1)\nget_ipython().user_ns['f']\nassert 'f' in get_ipython().user_ns",
    "try:\n    f(None)\nexcept TypeError as error:\n    print(error)",
    "total = sum(v for v in [f(1), f(2)] if (w := v) > 0)\nassert w and [n for n in range(3)]",
    "with open('data.csv') as file, open('data.csv', 'rb') as again:\n    file.read()",
    "def recursive(n):\n    return recursive(n - 1) if n else __name__\nrecursive(2)",
    "_, In = 1, [2]\nassert In",
    "assert (lambda x: x + STEP)(1) == 2",
    "match f(1):\n    case [first, *rest]:\n        print(first, rest)",
    "class Mine(Fake):\n    def method(self):\n        return self.__class__, Mine",
    "this is no Python",
    "",
    "\n\n",
    "%%bash\n",
    "pd.DataFrame()",
    "pd.read_csv(open('data.csv'))",
    "await helper(1)\nasync for x in helper(2):\n    pass",
    "dataclasses.asdict(Fake())\ndataclasses.fields(helper(1))\ndataclasses.asdict(f(1))",
    "assert not np.shares_memory(np.ones(1), np.ones(1))",
    "os.environ['GIVEN'] and os.environ['HOME'] and os.environ.get('OTHER')",
    "out = io.StringIO()\nf(out)\nbuffer = io.BytesIO()\nhelper(open('a'))",
    "quiet = open('/dev/null', 'w')\nopen(os.devnull, mode='w')",
]


SLY = _cell(
    "sly",
    "import numpy as np\nimport random\nimport matplotlib.pyplot as plt\nimport sympy as sp\n"
    "from dataclasses import dataclass\n@dataclass\nclass Node:\n    value: int\n"
    "class Bare:\n    pass\n"
    "class Matrix:\n    def __array__(self): return np.ones(2)\n"
    "def same(x): return x\ndef sample(n, rng=None): return rng.normal(size=n)\n"
    "def draw(x, ax=None): plt.plot(x)\ndef own(): return plt.subplots()\n"
    "expression = sp.Symbol('x') ** 2",
    solution=True,
)
DIFFERENT = {
    "x = (1, 2)\nassert same(x) is x": "same(x) is an equal copy",
    "word = 'a' 'b'\nassert word is same(word)": "same(word) is an equal copy",
    "a, b = Node(1), Node(2)\na.next = b\nassert a.next is b": "a.next is not seen to be b",
    "n = Node(1)\nassert n.update() is not n": "n.update() is not seen to be n",
    "rng = np.random.default_rng(1)\nsample(2, rng)\nx = rng.normal()": "rng goes on here",
    "rng = random.Random(1)\nsample(2, rng=rng)\nfor _ in 'ab':\n    rng.random()": "rng goes on",
    "r = random.Random(1)\nfor _ in 'ab':\n    r.random()\n    sample(2, r)": "r goes on here",
    "plt.figure(figsize=(2, 2))\ndraw([1])\nassert plt.gcf().axes": "draws on a figure of its own",
    "fig, ax = plt.subplots()\ndraw([1])\nassert ax.lines": "draws on a figure of its own",
    "assert sp.simplify(expression - sp.Symbol('x') ** 2) == 0": "an expression of SymPy",
    "assert same(1) is np.ma.masked": "never NumPy's own np.ma.masked",
    "m = Matrix()\nassert np.asarray(m).sum() == 2": "NumPy makes no array of m",
    "assert expression == sp.Symbol('x') ** 2": "an expression of SymPy",
}


@pytest.mark.parametrize("source", DIFFERENT, ids=lambda source: source.splitlines()[-1])
def test_what_would_be_different_is_named(source: str) -> None:
    found = look(source, SLY)
    assert len(found) == 1, found
    assert DIFFERENT[source] in found[0][1]
    assert look(f"{ANSWER_MARK}\n{source}", SLY) == []


ALIKE = [
    "x = [1]\nassert same(x) is x and same(None) is None and same(True) is True",
    "x = (1, 2)\ny = x\nassert y is x and same(x) == x",
    "a, b = Bare(), Bare()\na.next = b\nassert a.next is b",
    "n = Node(1)\nm = n\nassert m is n and n.next is None",
    "rng = np.random.default_rng(1)\nx = rng.normal()\nsample(2, rng)\nsample(3, rng)",
    "for seed in 1, 2:\n    rng = np.random.default_rng(seed)\n    sample(rng.integers(3), rng)",
    "rng = np.random.default_rng(1)\nsample(2, rng)\nrng = np.random.default_rng(1)\nrng.normal()",
    "fig, ax = plt.subplots()\ndraw([1], ax=ax)\nassert ax.lines",
    "draw([1])\nassert plt.gca().lines\nplt.figure()",
    "fig, ax = own()\nassert ax.lines",
    "import sympy\nassert str(expression) == 'x**2' and sympy.Symbol('y') != sympy.Symbol('z')",
    "import sys\nfrom io import StringIO\nsys.stdout = StringIO()\nsame(1)\nsys.stdout = 1",
    "import sys\nwith patch('sys.stdout'), mock.patch.object(sys, 'stderr'):\n    same(1)",
]


@pytest.mark.parametrize("source", ALIKE, ids=lambda source: source.splitlines()[-1])
def test_what_is_alike_on_both_sides_is_passed_over(source: str) -> None:
    assert look(source, SLY) == []


@pytest.mark.parametrize("source", CAN)
def test_what_can_cross_is_passed_over(source: str) -> None:
    found = [sentence for _, sentence in look(source) if "%%bash" not in sentence]
    assert found == []


def test_lines_are_those_of_the_cell() -> None:
    assert [line for line, _ in look("\n\nx = 1\nf.__code__\n%run a.py\n")] == [4, 5]


def test_hidden_tests_are_looked_through_too() -> None:
    cell = _test("t", 1, "assert f(1)", "assert f.__code__\nassert hh(1)")
    found = find_crossings("nb", new_notebook(cells=[SETUP, ANSWER, cell]))
    assert [each.line for each in found] == [3, 4]


def test_a_name_that_only_a_test_defines_and_an_answer_needs() -> None:
    later = _solution("later", "def h(x):", "return x + LIMIT + np.pi")
    own = _cell("show", "print(LIMIT)", locked=True)
    hidden = "assert f(1)\n### BEGIN HIDDEN TESTS\nLIMIT = 3\n### END HIDDEN TESTS"
    found = look(hidden, after=(later, own, new_code_cell("LIMIT")))
    assert [line for line, _ in found] == [3, 3, 3]
    assert [sentence.split(" needs LIMIT")[0] for _, sentence in found] == [
        "a later cell",
        "the cell later",
        "the cell show",
    ]
    assert look("LIMIT = 3", after=(later, own)) == [], "its visible part runs there, too"
    assert look(hidden, _cell("own", "LIMIT = 3", locked=True), after=(own,)) == []


@pytest.mark.parametrize(
    "source", ["from numpy import *", "%run helpers.py", "this is no Python", "%pylab inline"]
)
def test_where_names_cannot_be_known_none_is_called_unknown(source: str) -> None:
    assert len(look("assert sin(0) == 0")) == 1
    assert look("assert sin(0) == 0", _cell("more", source, locked=True)) == []


@pytest.mark.parametrize("magic", ["%%time", "%%capture out"])
def test_what_is_defined_under_a_transparent_magic_is_known(magic: str) -> None:
    timed = _solution("timed", f"{magic}\ndef slow(x):", "return x")
    assert look("assert slow(1) == 1", timed) == []
    assert look("assert slow(1) == LIMIT", timed, _cell("own", f"{magic}\nLIMIT = 1")) == []
    assert len(look("assert slower(1)", timed)) == 1


def test_a_marked_test_is_out_of_reach_like_an_answer() -> None:
    marked = _test("first", 1, f"{ANSWER_MARK}\nmine = inspect.getsource(f)")
    assert look("assert mine", marked) == []


def test_a_mark_must_be_the_whole_line() -> None:
    assert look(f"f.__code__  {ANSWER_MARK}") != []
    assert look(f"{ANSWER_MARK}S\nf.__code__") != []


HANDED = "import graphs, random\ngraph, sizes, STEP = [[1]], {'a': 1}, 3\nother = [2]"


def handed(solution: str, test: str = "assert graph and sizes and STEP") -> list[tuple[int, str]]:
    """Lines and sentences about a solution that is given the instructor's values."""
    helper = _cell("helper", "def size():\n    return len(other)", locked=True)
    cells = [_cell("data", HANDED, locked=True), helper, _cell("a", solution, solution=True)]
    found = find_crossings("nb", new_notebook(cells=[*cells, _test("t", 1, test)]))
    assert {each.grade_id for each in found} <= {"a"}
    return [(each.line, each.sentence) for each in found]


def test_a_call_that_may_change_an_instructors_value_is_named() -> None:
    (found,) = handed("x = 1\ngraphs.relabel(graph, STEP)\nx = 2")
    assert found[0] == 2
    assert found[1].startswith("if graphs.relabel changes graph in place, t does not see it")
    assert f"`{CHANGES_MARK} graph` in that cell" in found[1]
    (found,) = handed("graphs.relabel(other)\nx = 2", "assert size() == 1")
    assert "changes other in place, t does not see it" in found[1]


@pytest.mark.parametrize(
    "solution",
    [
        "random.shuffle(graph)\nx = 1",
        "x = graphs.relabel(graph)",
        "graphs.relabel(graph)",
        "graphs.relabel(other)\nx = 1",
        "graphs.seed(sizes)\nprint(graph)\nx = 1",
        "import numpy as np, matplotlib.pyplot as plt\nplt.plot(graph)\n"
        "np.testing.assert_equal(graph, graph)\nx = 1",
        f"{CHANGES_MARK} graph, sizes\ngraphs.relabel(graph, sizes)\nx = 1",
        "graph = [*graph]\ngraphs.relabel(graph)\nmine = [1]\ngraphs.relabel(mine)\nx = 1",
    ],
)
def test_what_is_known_to_change_or_to_be_left_alone_is_not_named(solution: str) -> None:
    assert handed(solution) == []


def test_an_attribute_of_an_instructors_class_is_named() -> None:
    given = _cell("data", "class Config:\n    level = 1", locked=True)
    answer = _cell("a", "def raise_it():\n    Config.level += 1", solution=True)
    mine = _cell("b", "class Mine: pass\nMine.level = 1\nprint(Config.level)", solution=True)

    def found(test: str) -> list[tuple[str, int]]:
        cells = [given, answer, mine, _test("t", 1, test)]
        return [
            (each.grade_id, each.line) for each in find_crossings("nb", new_notebook(cells=cells))
        ]

    assert found("raise_it()\nassert Config.level == 2") == [("a", 2)]
    assert found("raise_it()\nassert Config().name and Mine()") == []
    assert found(f"{ANSWER_MARK}\nraise_it()\nassert Config.level == 2") == []


def test_a_mark_that_names_nothing_is_named() -> None:
    (found,) = handed(f"x = 1\n{CHANGES_MARK} grahp, sizes")
    assert found == (
        2,
        f"no cell of yours before it defines grahp: correct or remove the name after "
        f"`{CHANGES_MARK}`.",
    )


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*/*.md")), ids=lambda path: path.stem)
def test_this_courses_assignments_have_no_finding(path: Path) -> None:
    notebook = read_source(path)
    assert any(cell.metadata.get("nbgrader", {}).get("grade") for cell in notebook.cells)
    assert find_crossings(path.stem, notebook) == ()


def test_an_ordinary_course_has_no_finding() -> None:
    assert find_crossings("problem1", _problem1()) == ()
    assert find_crossings("problem2", _problem2()) == ()


@given(st.lists(st.text(alphabet="f()[]{}:=%!?'\\ \n#.xdefglobal"), max_size=4))
@settings(max_examples=60, deadline=None)
def test_no_source_is_too_odd(sources: list[str]) -> None:
    cells = [_test(f"t{at}", 1, source) for at, source in enumerate(sources)]
    find_crossings("nb", new_notebook(cells=[*cells, SETUP, *map(new_code_cell, sources)]))


def test_release_says_what_it_found(
    course_of: Callable[..., Course], capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_of(SETUP, ANSWER, _test("t", 1, "assert f.__code__"))
    expected = Finding(
        "a",
        "t",
        1,
        "__code__ of a student's function stays in the answer kernel. The comment line "
        f"`{ANSWER_MARK}` in that cell runs it in the answer kernel, where a submission can see "
        "it.",
    )
    assert release_assignment(course, "hw").findings == (expected,)
    command = ["--course", str(course.root), "release", "hw"]
    assert run(lambda: app(command)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("Released hw")
    assert printed[1:] == [f"Note: {expected}"]


def test_the_guide_quotes_a_finding() -> None:
    cells = [
        SETUP,
        _solution("squares", "def squares(n):", "return [i ** 2 for i in range(1, n + 1)]"),
        _test(
            "test_squares",
            2,
            "assert squares(1) == [1]\nassert 'for' in inspect.getsource(squares)",
        ),
    ]
    (finding,) = find_crossings("problem1", new_notebook(cells=cells))
    cells = [
        _cell("setup", "import graphs\ngraph = graphs.read('graph.txt')", locked=True),
        _solution("relabelled", "# label the nodes", "x = 0\ngraphs.relabel(graph)\ny = 0"),
        _test("test_labels", 1, "assert graph.labels"),
    ]
    cells[1].source = "\n".join(line.strip() for line in cells[1].source.splitlines()[1:])
    (other,) = find_crossings("problem2", new_notebook(cells=cells))
    page = " ".join((ROOT / "book" / "instructors.md").read_text("utf-8").split())
    assert f"Note: {finding}" in page
    assert f"Note: {other}" in page
