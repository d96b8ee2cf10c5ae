"""How each kind of end of a cell is told apart, in real kernels, isolated or not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader import checking
from grader.sandbox import DataFile, SandboxMode, SandboxPolicy
from grader.split import NotebookResult, Outcome, place_files
from grader.tests.split.notebooks import LIMITS, answer, check, given, named, outcomes, run

pytestmark = pytest.mark.usefixtures("needs_bubblewrap")

STUDENT = """
import sys
import warnings
x = 1
def broken(): return 1 // 0
def wrong(): assert False, "a sentence of the student's"
def leave(): sys.exit(0)
def stop(): raise StopIteration
def skip():
    import unittest
    raise unittest.SkipTest("skipped")
def shout():
    warnings.warn("slow")
    print("!", file=sys.stderr)
def loop():
    while True: pass
"""
KINDS = {
    "passes": ("assert x", Outcome.PASSED, ""),
    "fails": ("assert x == 2, 'x is not 2'", Outcome.FAILED, "x is not 2"),
    "fails_without_words": ("assert False", Outcome.FAILED, ""),
    "fails_a_check": (
        "assert_that(False, name='order')",
        Outcome.FAILED,
        "This does not hold: order.",
    ),
    "fails_inside": ("wrong()", Outcome.FAILED, "a sentence of the student's"),
    "errs": ("undefined", Outcome.ERRORED, "NameError: name 'undefined' is not defined"),
    "errs_inside": ("broken()", Outcome.ERRORED, "ZeroDivisionError: integer division or modulo"),
    "exits": ("leave()", Outcome.ERRORED, "RuntimeError"),
    "stops": ("stop()", Outcome.ERRORED, "Exception"),
    "skips": ("skip()", Outcome.ERRORED, "Exception: skipped"),
    "exits_itself": ("raise SystemExit", Outcome.ERRORED, "SystemExit"),
    "cannot_be_parsed": ("def f(:", Outcome.ERRORED, "SyntaxError: invalid syntax"),
    "shouts": ("shout()", Outcome.PASSED, ""),
    "is_empty": ("", Outcome.PASSED, ""),
    "is_a_comment": ("# nothing to test", Outcome.PASSED, ""),
    "loops": ("loop()", Outcome.TIMED_OUT, "It ran longer than the 4 s allowed for one"),
    "goes_on_after_that": ("assert x == 1", Outcome.PASSED, ""),
    "loops_itself": ("while True: pass", Outcome.TIMED_OUT, "It ran longer than the 4 s allowed"),
    "goes_on_after_that_too": ("assert x == 1", Outcome.PASSED, ""),
}


@pytest.fixture(scope="module", params=list(SandboxMode))
def every_kind(request: pytest.FixtureRequest) -> NotebookResult:
    checker = Path(checking.__file__).read_text(encoding="utf-8")
    checker = checker.replace("from __future__ import annotations", "")  # first lines only
    tests = (check(name, source) for name, (source, _, _) in KINDS.items())
    return run(given("checks", checker), answer(STUDENT), *tests, mode=request.param)


@pytest.mark.parametrize("name", KINDS)
def test_each_end_has_its_outcome(every_kind: NotebookResult, name: str) -> None:
    _, outcome, message = KINDS[name]
    found = named(every_kind, name)
    assert (found.outcome, found.message[: len(message)]) == (outcome, message), found
    assert (found.message == "") == (message == "")


def test_a_notebook_that_ends_has_no_end_of_its_own(every_kind: NotebookResult) -> None:
    assert every_kind.ended_early == ""
    assert not every_kind.unexplained
    assert every_kind.failures == ()
    assert every_kind.peak_memory > 0
    assert NotebookResult.from_json(json.loads(json.dumps(every_kind.to_json()))) == every_kind


POINTS = {
    "none": ("None", None),
    "zero": ("0", 0.0),
    "fraction": ("1.5", 1.5),
    "all": ("2", 2.0),
    "text": ("'well done'", None),
    "too_much": ("7", 7.0),
    "negative": ("-1", -1.0),
    "not_a_number": ("float('nan')", -1.0),
    "infinite": ("float('inf')", -1.0),
    "forged_before": ("show(2)\n0.5", 0.5),
    "forged_after": ("later(2)\n0.5", 0.5),
    "forged_alone": ("show('ok')\nassert True", None),
}


def test_partial_credit_is_the_last_value_and_nothing_that_is_forged() -> None:
    forger = (
        "import sys\nshow = sys.displayhook\nshell = get_ipython()\n"
        "def later(value):\n    def hook(*_):\n"
        "        shell.events.unregister('post_run_cell', hook)\n        show(value)\n"
        "    shell.events.register('post_run_cell', hook)"
    )
    result = run(answer(forger), *(check(name, source) for name, (source, _) in POINTS.items()))
    assert {test.grade_id: test.partial for test in result.tests} == {
        name: points for name, (_, points) in POINTS.items()
    }
    assert set(outcomes(result).values()) == {Outcome.PASSED}


@pytest.mark.parametrize("mode", list(SandboxMode))
def test_after_an_exit_the_cells_before_it_are_replayed_and_tests_go_on(mode: SandboxMode) -> None:
    result = run(
        answer("seen = ['once']"),
        check("before", "assert seen == ['once']"),
        answer("seen.append('twice')\nimport os\nos._exit(3)"),
        check("after", "assert seen == ['once']"),
        answer("seen.append('thrice')"),
        check("last", "assert seen == ['once', 'thrice']"),
        mode=mode,
    )
    assert set(outcomes(result).values()) == {Outcome.PASSED}, result.tests
    assert [(failure.index, failure.message) for failure in result.failures] == [
        (3, "The program ended (exit, a crash, or a signal).")
    ]
    assert result.ended_early == ""
    assert not result.unexplained


@pytest.mark.parametrize(
    "leave", ["import os\nos._exit(3)", "quit()", "get_ipython().kernel.do_shutdown(False)\nquit()"]
)
def test_a_second_exit_takes_the_rest_along(leave: str) -> None:
    result = run(
        answer(leave),
        check("between", "assert True"),
        answer("x = 1"),
        answer(leave),
        check("after", "assert True"),
        answer("x = 2"),
    )
    assert outcomes(result) == {"between": Outcome.PASSED, "after": Outcome.NOT_RUN}
    assert (
        result.ended_early == "Stopped at cell 4: the program ended (exit, a crash, or a signal)."
    )
    assert [failure.index for failure in result.failures] == [1, 4]
    assert named(result, "after").message == result.ended_early


def test_a_kernel_that_dies_in_its_replay_ends_the_notebook(tmp_path: Path) -> None:
    once = f"""
import os, pathlib
seen = pathlib.Path({str(tmp_path / "seen")!r})
if seen.exists():
    os._exit(1)
seen.touch()
"""
    result = run(
        answer(once),
        check("before", "assert True"),
        answer("os._exit(1)"),
        check("after", "assert True"),
        mode=SandboxMode.NONE,
    )
    assert outcomes(result) == {"before": Outcome.PASSED, "after": Outcome.NOT_RUN}
    assert result.ended_early.startswith("Stopped at cell 3: ")


@pytest.mark.parametrize("mode", list(SandboxMode))
def test_a_death_by_signal_costs_its_test_and_is_unexplained(mode: SandboxMode) -> None:
    """Anybody may have sent it, the kernel of a machine without memory left too."""
    result = run(
        answer("import os, signal\ndef die(): os.kill(os.getpid(), signal.SIGKILL)"),
        check("dies", "die()"),
        check("after", "assert callable(die)"),
        mode=mode,
    )
    assert outcomes(result) == {"dies": Outcome.KILLED, "after": Outcome.PASSED}
    assert result.unexplained


DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
HOG = (
    "import mmap\nkept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 2**24))\n"
    "    kept[-1].write(bytes(2**24))"
)


def _function(source: str) -> str:
    return "def hog():\n" + "".join(f"    {line}\n" for line in source.splitlines())


@pytest.mark.parametrize(
    ("source", "outcome", "sentence"),
    [
        (DEAF, Outcome.TIMED_OUT, "It ran longer than the 1 s allowed for one cell"),
        (HOG, Outcome.KILLED, "It used up the 0.5 GiB of memory allowed."),
    ],
    ids=["deaf", "memory"],
)
def test_a_test_whose_answer_kernel_is_killed_fails_alone_and_says_why(
    source: str, outcome: Outcome, sentence: str
) -> None:
    policy = SandboxPolicy(limits=replace(LIMITS, cell_timeout=1.0 if source is DEAF else 20.0))
    result = run(
        answer("x = 1\n" + _function(source)),
        check("before", "assert x == 1"),
        check("hog", "hog()"),
        check("after", "assert x == 1"),
        policy=policy,
    )
    assert outcomes(result) == {
        "before": Outcome.PASSED,
        "hog": outcome,
        "after": Outcome.PASSED,
    }
    assert named(result, "hog").message.startswith(sentence)
    assert result.ended_early == ""
    assert not result.unexplained


@pytest.mark.parametrize(
    ("source", "limits", "sentence"),
    [
        (DEAF, {"cell_timeout": 1.0}, "could not be interrupted"),
        ("while True:\n    print('x' * 10**5)", {"output": 2**20}, "more than the 1 MiB allowed"),
        (HOG, {"cell_timeout": 20.0}, "It used up the 0.5 GiB of memory allowed."),
    ],
    ids=["deaf", "output", "memory"],
)
def test_a_cell_of_the_students_that_kills_its_kernel_costs_itself_only(
    source: str, limits: dict[str, float], sentence: str
) -> None:
    policy = SandboxPolicy(limits=replace(LIMITS, **limits))
    result = run(answer("x = 1"), answer(source), check("after", "assert x == 1"), policy=policy)
    assert outcomes(result) == {"after": Outcome.PASSED}
    ((index, message),) = [(failure.index, failure.message) for failure in result.failures]
    assert index == 2
    assert sentence in message
    assert result.ended_early == ""


def test_a_notebook_over_its_time_ends_there() -> None:
    policy = SandboxPolicy(limits=replace(LIMITS, cell_timeout=30.0, notebook_timeout=2.0))
    result = run(
        answer(_function(DEAF)),
        check("before", ""),
        check("hog", "hog()"),
        check("after", ""),
        policy=policy,
    )
    assert outcomes(result) == {
        "before": Outcome.PASSED,
        "hog": Outcome.TIMED_OUT,
        "after": Outcome.NOT_RUN,
    }
    assert (
        result.ended_early
        == "Stopped at cell 3 (hog): the notebook ran longer than the 2 s allowed in all."
    )
    assert not result.unexplained


def test_what_a_student_returns_can_cost_the_test_kernel_one_test_only() -> None:
    policy = SandboxPolicy(limits=replace(LIMITS, cell_timeout=20.0))
    result = run(
        given("imports", "import numpy as np\nlimit = 3"),
        answer("import numpy as np\nx = 1\ndef much(): return np.ones(2**24)"),
        check("before", "assert x == 1"),
        check("hog", "kept = [much() for _ in range(20)]\nassert len(kept) == 20"),
        check("after", "assert (x, limit) == (1, 3)"),
        policy=policy,
    )
    assert outcomes(result) == {
        "before": Outcome.PASSED,
        "hog": named(result, "hog").outcome,
        "after": Outcome.PASSED,
    }
    assert named(result, "hog").outcome in (Outcome.KILLED, Outcome.ERRORED)


def test_a_fork_bomb_is_bounded_and_later_tests_have_their_outcome() -> None:
    bomb = (
        "import subprocess\nstarted = []\ntry:\n    while len(started) < 10_000:\n"
        "        started.append(subprocess.Popen(['sleep', '100']))\n"
        "except OSError:\n    pass\nassert len(started) < 200"
    )
    policy = SandboxPolicy(limits=replace(LIMITS, processes=48))
    result = run(
        answer("started = []\n" + _function(bomb.replace("started = []\n", ""))),
        check("bomb", "hog()"),
        check("after", "assert callable(hog)"),
        policy=policy,
    )
    assert outcomes(result) == {"bomb": Outcome.PASSED, "after": Outcome.PASSED}


def test_tags_do_not_steer_execution() -> None:
    result = run(
        answer("x = 1", tags=("skip-execution", "raises-exception", "papermill-error")),
        answer("y = undefined", tags=("raises-exception",)),
        check("sees_it", "assert x == 1"),
    )
    assert outcomes(result) == {"sees_it": Outcome.PASSED}
    assert [failure.message for failure in result.failures] == [
        "NameError: name 'undefined' is not defined"
    ]


def test_parameters_are_injected_after_the_cell_that_is_tagged_so() -> None:
    result = run(
        answer("SEED = 0\nDEVICE = 'cpu'", tags=("parameters",)),
        answer("fail"),
        check("sees_it", "assert (SEED, DEVICE) == (7, 'cpu')"),
        parameters={"SEED": 7},
    )
    assert outcomes(result) == {"sees_it": Outcome.PASSED}
    assert result.failures[0].index == 2, "the injected cell is not counted"


def test_parameters_that_no_cell_declares_reach_tests_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    result = run(check("sees_it", "assert SEED == 7"), parameters={"SEED": 7})
    assert outcomes(result) == {"sees_it": Outcome.PASSED}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", list(SandboxMode))
def test_files_lie_in_the_work_folder_and_the_instructors_win(mode: SandboxMode) -> None:
    submitted = {
        "helper.py": b"def twice(x): return 2 * x",
        "data/mine.txt": b"mine",
        "table.csv": b"forged",
        "lib": b"in the way",
    }
    instructor = {"table.csv": b"a,b", "lib/words.txt": b"words"}
    with place_files(submitted, instructor) as files:
        result = run(
            answer("from helper import twice"),
            check(
                "reads",
                "assert twice(2) == 4\nassert open('data/mine.txt').read() == 'mine'\n"
                "assert open('table.csv').read() == 'a,b'\n"
                "assert open('lib/words.txt').read() == 'words'",
            ),
            policy=SandboxPolicy(limits=LIMITS, files=files),
            mode=mode,
        )
    assert outcomes(result) == {"reads": Outcome.PASSED}, result
    assert all(isinstance(file, DataFile) and not file.source.exists() for file in files)
