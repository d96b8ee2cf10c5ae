"""Files that a student's code writes are data in the test kernel, and never code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.sandbox import SandboxPolicy
from grader.split import NotebookResult, Outcome
from grader.split.bridge import files
from grader.split.bridge.files import StudentsFiles, may_pass
from grader.split.bridge.values import CannotCross
from grader.tests.split.notebooks import LIMITS, check, given, named, outcomes, run, solution

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")
PATIENT = SandboxPolicy(limits=replace(LIMITS, cell_timeout=60.0, memory=2**31))

LOADER = """
import collections, os, pickle, sys

class Word:
    def __reduce__(self):
        return exec, ("import builtins; builtins.was_here = True",)

def save(name):
    with open(name, "wb") as file:
        pickle.dump(Word(), file)

def say(name):
    with open(name, "w") as file:
        file.write("import builtins; builtins.was_here = True")

def arrays(name):
    import numpy as np
    with open(name, "wb") as file:
        np.save(file, np.array([Word()], dtype=object))

def model(name):
    import torch
    torch.save({"word": Word()}, name)
"""
AFTER = check("after", "import builtins\nassert not hasattr(builtins, 'was_here')")
REFUSED = {
    "pickle": "save('m')\npickle.load(open('m', 'rb'))",
    "pickle of bytes": "save('m')\npickle.loads(open('m', 'rb').read())",
    "python's own pickle": "save('m')\npickle._Unpickler(open('m', 'rb')).load()",
    "pandas": "import pandas\nsave('m.pkl')\npandas.read_pickle('m.pkl')",
    "joblib": "import joblib\nsave('m.jl')\njoblib.load('m.jl')",
    "numpy": "import numpy as np\narrays('a.npy')\nnp.load('a.npy', allow_pickle=True)",
    "torch": "import torch\nmodel('m.pt')\ntorch.load('m.pt', weights_only=False)",
    "exec": "say('t.txt')\nexec(open('t.txt').read())",
    "eval of a part": "say('t.txt')\nexec(open('t.txt').read().split(';')[0])",
    "runpy": "import runpy\nsay('t.txt')\nrunpy.run_path('t.txt')",
    "a module of any name": (
        "from importlib.machinery import SourceFileLoader\nsay('t.txt')\n"
        "SourceFileLoader('t', 't.txt').load_module()"
    ),
    "%run": "say('t.txt')\nget_ipython().run_line_magic('run', 't.txt')\nassert was_here",
    "a program": "import subprocess\nsay('t.txt')\nsubprocess.run([sys.executable, 't.txt'])",
    "a program that reads": (
        "import subprocess\nsay('t.txt')\nsubprocess.run([sys.executable], stdin=open('t.txt'))"
    ),
    "the shell": "say('t.txt')\nos.system('python t.txt')",
    "a link": "save('m')\nos.symlink('m', 'other')\npickle.load(open('other', 'rb'))",
    "a new name": "save('m')\nos.rename('m', 'other')\npickle.load(open('other', 'rb'))",
    "a copy": "import shutil\nsave('m')\nshutil.copy('m', 'c')\npickle.load(open('c', 'rb'))",
    "a library": "import ctypes\nsay('t.txt')\nctypes.CDLL('./t.txt')",
    "marshal": "import marshal\nsay('t.txt')\nmarshal.loads(open('t.txt', 'rb').read())",
}


@pytest.fixture(scope="module")
def refused(needs_bubblewrap: None) -> NotebookResult:
    """All of them in one notebook."""
    tests = [check(f"t{at}", source) for at, source in enumerate(REFUSED.values())]
    imports = given("imports", "import os, pickle, sys")
    return run(imports, solution("s", LOADER), *tests, AFTER, policy=PATIENT)


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_of_a_file_is_run(refused: NotebookResult, name: str) -> None:
    found = named(refused, f"t{list(REFUSED).index(name)}")
    assert found.outcome is not Outcome.PASSED
    assert "written by the student's code" in found.message or name == "%run"


def test_nothing_of_them_was_there_afterwards(refused: NotebookResult) -> None:
    assert outcomes(refused)["after"] is Outcome.PASSED


def test_what_one_test_has_read_no_later_one_unpickles() -> None:
    result = run(
        given("imports", "import os, pickle, sys"),
        solution("s", LOADER),
        check("t", "save('m')\ndata = open('m', 'rb').read()"),
        check("u", "pickle.loads(data)"),
        AFTER,
    )
    assert outcomes(result) == {
        "t": Outcome.PASSED,
        "u": Outcome.ERRORED,
        "after": Outcome.PASSED,
    }


PLAIN = """
import json, pickle

def save():
    with open("plain.pkl", "wb") as file:
        pickle.dump({"a": [1, 2.5, None, "x"]}, file)
    with open("plain.json", "w") as file:
        json.dump([1, 2], file)
    import numpy as np
    np.save("array.npy", np.arange(3.0))
    np.savetxt("table.csv", np.eye(2))
    import torch
    torch.save({"w": torch.ones(2)}, "w.pt")
    with open("list.txt", "w") as file:
        file.write("[1, 2]")
"""
READS = """
import ast, collections, copy, json, pickle
import numpy as np, pandas as pd, torch
save()
assert pickle.load(open("plain.pkl", "rb")) == {"a": [1, 2.5, None, "x"]}
assert json.load(open("plain.json")) == [1, 2]
assert np.load("array.npy").tolist() == [0, 1, 2]
assert np.loadtxt("table.csv").shape == (2, 2)
assert len(pd.read_csv("table.csv", sep=" ", header=None)) == 2
assert torch.load("w.pt")["w"].tolist() == [1, 1]
assert ast.literal_eval(open("list.txt").read()) == [1, 2]
assert collections.namedtuple("Pair", "a b")(1, 2).b == 2
assert copy.deepcopy(np.random.default_rng(5)).random() < 1
"""
OWN = """
import pickle, collections, subprocess, sys
with open("ours.pkl", "wb") as file:
    pickle.dump(collections.Counter("aab"), file)
assert pickle.load(open("ours.pkl", "rb"))["a"] == 2
assert subprocess.run([sys.executable, "-c", "print(5)"]).returncode == 0
exec("value = 5")
assert value == 5
"""


def test_data_in_files_is_read_and_tests_load_what_is_their_own() -> None:
    result = run(solution("s", PLAIN), check("t", READS), check("own", OWN), policy=PATIENT)
    assert set(outcomes(result).values()) == {Outcome.PASSED}, [t.message for t in result.tests]


def test_a_file_of_an_instructors_cell_or_a_test_is_not_exchanged() -> None:
    answer = """
def f(text="forged"):
    for name in ("given.txt", "expected.txt", "mine.txt"):
        with open(name, "w") as file:
            file.write(text)
"""
    result = run(
        given("g", "with open('given.txt', 'w') as file:\n    _ = file.write('honest')"),
        solution("s", answer),
        check("t", "f()\nassert open('given.txt').read() == 'honest'"),
        check("mine", "assert open('mine.txt').read() == 'forged'"),
        check(
            "u",
            "with open('expected.txt', 'w') as file:\n    _ = file.write('secret')\n"
            "f('public')\nassert open('expected.txt').read() == 'secret'\n"
            "assert open('mine.txt').read() == 'public'",
        ),
        check("v", "f('later')\nassert open('expected.txt').read() == 'secret'"),
    )
    assert set(outcomes(result).values()) == {Outcome.PASSED}, [t.message for t in result.tests]


@pytest.mark.parametrize(
    "name", ["matplotlibrc", "pytest.ini", "setup.cfg", "a.py", "a.PYC", ".x", "_x", "a/b", "", 5]
)
def test_code_and_settings_do_not_pass(name: object) -> None:
    assert not may_pass(name)
    assert may_pass("data.csv")


def test_what_lies_there_is_limited_and_not_what_ever_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "IN_ALL", 2**20)
    found = StudentsFiles({})
    monkeypatch.setattr(found, "_hook", lambda: None)  # which this process could not take away
    for part in range(8):
        found.put([("big.bin", bytes([part]) * 700_000)])
    with pytest.raises(CannotCross, match="more than 1 MB of files in all"):
        found.put([("more.bin", bytes(700_000))])
    found.put([("big.bin", b"x"), ("more.bin", bytes(700_000))])
    assert (tmp_path / "big.bin").read_bytes() == b"x"
