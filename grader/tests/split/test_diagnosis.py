"""Named misconceptions: recording calls, replaying them, comparing, and all of it in kernels."""

from __future__ import annotations

import json
import os
import signal
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch

from grader.release import NotebookTemplate
from grader.release.catalogue import Variant
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.split import Diagnosis, NotebookResult, Outcome, TestResult, run_notebook
from grader.split.bridge import diagnosing, recording
from grader.split.bridge.asking import believable, further_calls, narrowed
from grader.split.bridge.child import in_child
from grader.split.bridge.diagnosing import Replays, Suspect, Wrong
from grader.split.bridge.keeping import World
from grader.split.bridge.recording import Call, Recorder
from grader.tests.split.notebooks import LIMITS, check, given, named, notebook, solution
from grader.tests.split.pairs import pair

# recording and replaying, in this process


def ask(function: Callable[..., Any], test: Callable[[Callable[..., Any]], None]) -> list[Call]:
    """The calls of a test that asks `function`."""
    recorder = Recorder(lambda value: False, dict)
    recorder.start(["f"])

    def asked(*arguments: Any, **options: Any) -> Any:
        return recorder.call("f", lambda a, o: function(*a, **o), arguments, options)

    test(asked)
    return recorder.take()


def suspects(
    calls: list[Call], reference: str, *wrong: str, names: dict[str, Any] | None = None
) -> list[Suspect]:
    catalogue = [Wrong(f"f__{at}", "f", textwrap.dedent(source)) for at, source in enumerate(wrong)]
    replays = Replays(60.0)
    base = {"np": np, "torch": torch, **(names or {})}
    assert replays.define(reference, base)
    return replays.suspects(calls, base, catalogue)


def found(calls: list[Call], reference: str, *wrong: str, **options: Any) -> str:
    """The name that a student would be told."""
    return next((each.name for each in suspects(calls, reference, *wrong, **options)), "")


TWICE = "def f(x):\n    return 2 * x"
SQUARE = "def f(x):\n    return x * x"
PLUS = "def f(x):\n    return x + 2"
MINUS = "def f(x):\n    return x - 3"
NOTHING = "def f(x):\n    return 0"


def test_the_wrong_answer_that_agrees_in_all_calls_is_found() -> None:
    calls = ask(lambda x: x**2, lambda f: [f(x) for x in (2.0, np.ones(3), 5.0)] and None)
    assert found(calls, TWICE, PLUS, SQUARE) == "f__1"
    assert found(calls, TWICE, PLUS) == ""
    assert found(calls, TWICE) == ""


def test_nothing_is_said_of_what_the_reference_gives_too() -> None:
    calls = ask(lambda x: x**2, lambda f: f(2))
    assert found(calls, TWICE, SQUARE, PLUS) == "", "2 * 2 is 2 squared is 2 plus 2"


def test_the_first_of_several_that_no_call_tells_apart_is_taken() -> None:
    calls = ask(lambda x: 0 * x, lambda f: f(3))
    assert found(calls, TWICE, MINUS, NOTHING) == "f__0"


def test_one_that_is_clearly_closer_is_taken_before() -> None:
    calls = ask(lambda x: x * x, lambda f: f(3.0))
    nearly = "def f(x):\n    return x * x * (1 + 5e-7)"
    assert found(calls, TWICE, nearly) == "f__0"
    assert found(calls, TWICE, nearly, SQUARE) == "f__1"


# what a failed test did not ask


def asked_more(student: Callable[[Any], Any], test: str, *wrong: str) -> list[str]:
    """Who is left after the student's function was asked what the test did not come to ask."""
    calls = ask(student, lambda f: f(3))
    found_ = suspects(calls, TWICE, *wrong)
    base: dict[str, Any] = {}
    replays = Replays(60.0)
    replays.define(TWICE, base)
    further = further_calls({"f": 1}, base, compile(test, "test", "exec"), replays)
    left = narrowed(found_, further, {"f": lambda a, o: student(*a, **o)}, replays)
    return [each.name for each in left]


def test_more_questions_tell_suspects_apart() -> None:
    test = "assert f(3) == 6\nassert f(4) == 8\nf(5)\nf(6)\nf(7)"
    assert asked_more(lambda x: 0, test, MINUS, NOTHING) == ["f__1"]
    assert asked_more(lambda x: x - 3, test, MINUS, NOTHING) == ["f__0"]
    assert asked_more(lambda x: 0, "assert f(3) == 6", MINUS, NOTHING) == ["f__0", "f__1"]


def test_more_questions_can_clear_a_single_suspect() -> None:
    test = "for x in range(3, 10):\n    f(x)"
    assert asked_more(lambda x: 9, test, SQUARE) == []
    assert asked_more(lambda x: x**2, test, SQUARE) == ["f__0"]
    (suspect,) = suspects(ask(lambda x: x**2, lambda f: f(3)), TWICE, SQUARE)
    assert not believable([suspect])
    several = ask(lambda x: x**2, lambda f: [f(x) for x in range(3, 9)] and None)
    assert believable(suspects(several, TWICE, SQUARE))


def test_a_student_who_does_not_answer_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosing, "ONE_REPLAY", 0.2)
    asked: list[int] = []

    def student(x: int) -> int:
        asked.append(x)
        while x > 3:
            pass
        return x * x

    test = "for x in range(3, 10):\n    f(x)"
    assert asked_more(student, test, SQUARE) == ["f__0"]
    assert asked == [3, 4]


def test_a_test_that_fails_with_the_reference_too_is_asked_as_far_as_it_comes() -> None:
    replays = Replays(60.0)
    base: dict[str, Any] = {}
    replays.define(TWICE, base)
    test = compile("f(1)\nf(2)\nraise KeyError", "test", "exec")
    assert len(further_calls({"f": 1}, base, test, replays)) == 1


def test_a_wrong_answer_must_agree_in_its_exceptions_too() -> None:
    def student(x: int) -> int:
        if x < 0:
            raise ValueError("never negative")
        return x * x

    def test(f: Callable[..., Any]) -> None:
        f(3)
        with pytest.raises(ValueError, match="never"):
            f(-1)

    calls = ask(student, test)
    refusing = "def f(x):\n    if x < 0:\n        raise {}\n    return x * x"
    assert found(calls, TWICE, SQUARE) == ""
    assert found(calls, TWICE, refusing.format("KeyError")) == ""
    assert found(calls, TWICE, refusing.format("ValueError")) == "f__0"


def test_what_becomes_of_an_argument_counts() -> None:
    def student(x: Any) -> Any:
        x += 1
        return 2 * (x - 1)

    def test(f: Callable[..., Any]) -> None:
        x = np.ones(2)
        assert f(x)[0] == 2.0
        x[:] = 100.0

    calls = ask(student, test)
    changing = "def f(x):\n    x += 1\n    return 2 * (x - 1)"
    assert found(calls, TWICE, "def f(x):\n    return 2 * x", changing) == "f__1"


def test_gradients_tell_wrong_answers_apart() -> None:
    def test(f: Callable[..., Any]) -> None:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        torch.autograd.grad(f(x).sum(), x)

    calls = ask(lambda x: 2 * x + 0 * x.detach() + x - x.detach(), test)
    assert len(calls[0].passes) == 1
    doubled = "def f(x):\n    return 3 * x - x.detach()"
    assert found(calls, TWICE, "def f(x):\n    return 2 * x.detach()", doubled) == "f__1"


def test_a_callable_argument_is_used_again() -> None:
    def test(f: Callable[..., Any]) -> None:
        for factor in (2, 3):
            f(lambda x, factor=factor: factor * x)
            f(lambda x: factor * x)  # noqa: B023 -- what is tested

    calls = ask(lambda function: function(1), test)
    assert found(calls, "def f(g):\n    return g(2)", "def f(g):\n    return g(1)") == "f__0"


def test_helpers_and_other_solutions_are_at_hand() -> None:
    calls = ask(lambda x: 3 * x + 1, lambda f: f(2))
    reference = "def g(x):\n    return 3 * x\n\n\ndef f(x):\n    return g(x) + helper(x)"
    names = {"helper": lambda x: x * x}
    wrong = "def f(x):\n    return g(x) + helper(1)"
    assert found(calls, reference, wrong, names=names) == "f__0"


def test_a_broken_or_endless_wrong_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosing, "ONE_REPLAY", 0.2)
    calls = ask(lambda x: x * x, lambda f: f(3))
    endless = "def f(x):\n    while True:\n        try: x\n        except Exception: x"
    noisy = "import os\ndef f(x):\n    print('loud')\n    raise KeyError"
    assert found(calls, TWICE, "def f(x", "1 / 0", endless, noisy, SQUARE) == "f__4"


def test_calls_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = ask(lambda x: x, lambda f: [f(x) for x in range(1000)] and None)
    given_ = [World().make(call.given)[0][0] for call in calls]
    first, last = list(range(recording.FIRST)), list(range(1000 - recording.LAST, 1000))
    assert given_ == first + last
    monkeypatch.setattr(recording, "LARGEST", 10_000)
    calls = ask(lambda x: x, lambda f: [f(np.zeros(100)) for _ in range(100)] and None)
    assert 0 < sum(call.size for call in calls) <= 10_000
    assert ask(lambda x: 0, lambda f: f(np.zeros(10_000))) == []


def test_only_the_calls_of_the_test_itself_are_recorded() -> None:
    with pair() as found_pair:
        found_pair.write("def f(x):\n    return x + 1\n\ndef g(x):\n    return f(x)")
        recorder = Recorder(
            lambda value: found_pair.crossing.mirrors.number_of(value) is not None, dict
        )
        recorder.start(["f"])
        f, g = found_pair["f"], found_pair["g"]
        recorder.watch("f", f)
        recorder.watch("g", g)
        assert (f(1), g(1), f(x=3)) == (2, 2, 4)
        with pytest.raises(TypeError):
            f(g)
        calls = recorder.take()
        assert [call.function for call in calls] == ["f", "f"], "a mirror is no plain argument"
        assert f(5) == 6
        assert recorder.take() == [], "nothing is recorded before the next start"


def test_a_value_that_cannot_be_looked_at_disturbs_no_call() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    odd = Odd()
    assert ask(lambda x: x, lambda f: f(odd)) == []
    assert ask(lambda x: x, lambda f: f([odd])) == []
    assert ask(lambda x: odd, lambda f: f(1) and None) == []


def test_large_data_that_a_test_leaves_is_not_held() -> None:
    names = {"big": np.zeros(10**6), "small": np.zeros(3), "tensor": torch.zeros(2), "f": len}
    names["vectorized"] = np.vectorize(abs)
    assert set(recording.snapshot(names)) == names.keys() - {"big"}


# a process of its own


def test_a_child_says_what_it_finds_and_leaves_nothing() -> None:
    names = {"x": 1}

    def work() -> Iterator[str]:
        names["x"] = 2
        yield "first"
        print("nobody reads this")
        yield "second"

    assert in_child(work, 30.0) == ["first", "second"]
    assert names == {"x": 1}


def _dies() -> Iterator[str]:
    yield "found"
    os.kill(os.getpid(), signal.SIGKILL)


def _fails() -> Iterator[str]:
    yield "found"
    raise ValueError


def _says_too_much() -> Iterator[str]:
    yield "found"
    yield "x" * 2**20


def _hangs() -> Iterator[str]:
    yield "found"
    time.sleep(600)


@pytest.mark.parametrize("work", [_dies, _fails, _says_too_much, _hangs])
def test_of_a_child_that_goes_wrong_what_it_said_before_counts(
    work: Callable[[], Iterator[str]],
) -> None:
    assert in_child(work, 1.0) == ["found"]


# in two kernels

SQUARES = Variant(
    "double__squares", "double", "misconception", "You square x.", SQUARE.replace("f(", "double(")
)
REFERENCE = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"


def graded(*cells: Any, wrong: tuple[Variant, ...] = (SQUARES,)) -> NotebookResult:
    template = NotebookTemplate(
        "work", (), {}, {"step": ["double"]}, (), (), True, (REFERENCE,), wrong
    )
    policy = SandboxPolicy(limits=LIMITS)
    return run_notebook("work", notebook(*cells), policy, SandboxMode.BUBBLEWRAP, None, template)


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_misconception_is_named_in_the_tests_that_it_fails() -> None:
    result = graded(
        given("setup", "import numpy as np"),
        solution("step", "def double(x):\n    return x**2"),
        check("fails", "assert double(2) == 4\nx = np.ones(2)\nassert double(3 * x)[0] == 6"),
        check("passes", "assert double(2) == 4"),
        check("raises", "double(3)\nraise KeyError('odd')"),
        check("asks_nothing", "assert False"),
    )
    found = Diagnosis("double__squares", "You square x.")
    assert {test.grade_id: test.diagnosis for test in result.tests} == {
        "fails": found,
        "passes": None,
        "raises": found,
        "asks_nothing": None,
    }
    again = NotebookResult.from_json(json.loads(json.dumps(result.to_json())))
    assert again == result


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_wrong_answer_that_hangs_or_kills_changes_no_outcome() -> None:
    hangs = Variant(
        "double__hangs", "double", "misconception", ".", "def double(x):\n    while 1: pass"
    )
    kills = Variant(
        "double__kills",
        "double",
        "misconception",
        ".",
        "import os\ndef double(x):\n    os.kill(os.getpid(), 9)",
    )
    cells = (
        solution("step", "def double(x):\n    return x**2"),
        check("first", "assert double(3) == 6"),
        check("second", "assert double(0) == 0"),
    )
    for wrong in ((hangs, SQUARES), (SQUARES, kills)):
        result = graded(*cells, wrong=wrong)
        assert [test.outcome for test in result.tests] == [Outcome.FAILED, Outcome.PASSED]
        named_ = named(result, "first").diagnosis
        assert named_ == (None if kills in wrong else Diagnosis("double__squares", "You square x."))


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_student_is_asked_what_a_failed_test_did_not_come_to_ask() -> None:
    cubes = replace(SQUARES, name="double__cubes", source=SQUARES.source.replace("x * x", "x**3"))
    test = "assert double(1) == 2\nassert double(2) == 4\nassert double(3) == 6"
    for power, wrong in ((2, SQUARES), (3, cubes)):
        result = graded(
            solution("step", f"def double(x):\n    print('asked', x)\n    return x**{power}"),
            check("test", test),
            wrong=(SQUARES, cubes),
        )
        (found,) = result.tests
        assert found.diagnosis == Diagnosis(wrong.name, wrong.sentence)
        assert "asked 3" not in json.dumps(result.executed), "nothing else is changed"


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_student_who_does_not_end_when_asked_more_loses_nothing() -> None:
    result = graded(
        solution("step", "def double(x):\n    while x > 1: pass\n    return x * x"),
        check("first", "assert double(1) == 2\nassert double(2) == 4"),
        check("second", "assert double(1) == 1"),
    )
    assert [test.outcome for test in result.tests] == [Outcome.FAILED, Outcome.PASSED]
    assert named(result, "first").diagnosis == Diagnosis("double__squares", "You square x.")


@pytest.mark.usefixtures("needs_bubblewrap")
def test_a_student_who_ends_the_kernel_is_still_told() -> None:
    result = graded(
        solution("step", "import os\ndef double(x):\n    return x**2"),
        check("first", "assert double(3) == 6"),
        solution("end", "os._exit(3)"),
        check("second", "assert double(3) == 6"),
    )
    found = Diagnosis("double__squares", "You square x.")
    assert [test.outcome for test in result.tests] == [Outcome.FAILED, Outcome.FAILED]
    assert [test.diagnosis for test in result.tests] == [found, found]


def test_older_records_have_no_diagnosis() -> None:
    result = NotebookResult("work", (TestResult("t", Outcome.FAILED),), (), {})
    data = json.loads(json.dumps(result.to_json()))
    del data["tests"][0]["diagnosis"]
    assert NotebookResult.from_json(data) == result
    told = TestResult("t", Outcome.FAILED, diagnosis=Diagnosis("f__x", "You."))
    assert TestResult.from_json(json.loads(json.dumps(asdict(told)))) == told
