"""Tests that would run what a student's file says are named when they are released."""

from __future__ import annotations

import pytest

from grader.release import find_crossings
from grader.tests.split.notebooks import check, given, notebook, solution

ANSWER = "import torch\ndef save(path): pass"
IMPORTS = given("g", "import json, os, pickle, runpy, subprocess\nimport numpy as np, pandas as pd")


def named(test: str) -> list[str]:
    """What a release says of a test."""
    cells = notebook(IMPORTS, solution("s", ANSWER), check("t", test))
    return [finding.sentence for finding in find_crossings("work", cells)]


@pytest.mark.parametrize(
    ("test", "word"),
    [
        ("save('m')\npickle.load(open('m', 'rb'))", "pickle.load runs"),
        ("save('m')\nfrom pickle import loads\nloads(open('m', 'rb').read())", "pickle.loads runs"),
        ("save('m')\npd.read_pickle('m')", "pandas.read_pickle runs"),
        ("save('m')\nimport joblib\njoblib.load('m')", "joblib.load runs"),
        ("save('m')\nnp.load('m', allow_pickle=True)", "numpy.load with allow_pickle=True runs"),
        ("save('m')\ntorch.load('m', weights_only=False)", "torch.load with weights_only=False"),
        ("save('m')\nexec(open('m').read())", "exec runs"),
        ("save('m')\nrunpy.run_path('m')", "runpy.run_path runs"),
        ("save('m')\nsubprocess.run(['sh', 'm'])", "subprocess.run starts"),
        ("save('m')\nos.system('sh m')", "os.system starts"),
        ("save('m')\n!sh m", "starts can read"),
    ],
)
def test_a_test_that_would_run_a_students_word_is_named(test: str, word: str) -> None:
    found = [sentence for sentence in named(test) if word in sentence]
    assert len(found) == 1
    assert "### GRADER: ANSWER KERNEL" in found[0]


@pytest.mark.parametrize(
    "test",
    [
        "save('m')\njson.load(open('m'))",
        "save('m')\nnp.load('m')\nnp.load('m', allow_pickle=False)",
        "save('m')\ntorch.load('m')",
        "pickle.load(open('expected.pkl', 'rb'))",
        "save('m')\nexec('x = 1')",
        "with open('m') as file:\n    assert file.read()",
    ],
)
def test_data_and_what_is_the_instructors_are_not(test: str) -> None:
    assert named(test) == []
