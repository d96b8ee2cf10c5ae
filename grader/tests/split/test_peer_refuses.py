"""What the test kernel's end refuses a hostile answer kernel, and how a conversation goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.split.bridge import tester
from grader.split.bridge.crossing import Crossing
from grader.split.bridge.errors import AnswerGone, AnswerInterrupted
from grader.split.bridge.files import StudentsFiles
from grader.split.bridge.values import CannotCross, Encoder
from grader.tests.attacks.catalogue import LINE
from grader.tests.split.pairs import EXTRAS, Pair, extras, pair


@pytest.fixture
def two() -> Iterator[Pair]:
    with pair() as found:
        yield found


def asked(two: Pair, operation: str, code: str) -> Exception:
    """What becomes of a hostile student's question about `thing`, an object lent by a test."""
    two.write(f"def spy(thing):\n    return peer.ask({operation!r}, thing, {code})")
    two.student["peer"] = two.agent
    return two["spy"]


class Helper:
    """Of the tests; its module is not the notebook's."""

    secret = 5


@pytest.mark.parametrize(
    "name", ["__class__", "_private", "__dict__", "__globals__", "gi_frame", "f_back", "tb_frame"]
)
def test_private_names_of_a_tests_objects_are_refused(two: Pair, name: str) -> None:
    two.run("class Mine:\n    _private = 1\n    def go(self): return 2\nmine = Mine()")
    spy = asked(two, "attr", repr(name))
    for lent in (two.test["mine"], lambda: 1, (x for x in "a"), Helper(), Helper):
        with pytest.raises(CannotCross, match="stays"):
            spy(lent)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("attr", "'secret'"),
        ("method", "'mro', (), {}"),
        ("set", "'secret', 1"),
        ("special", "'__getitem__', 0"),
        ("special", "'__dict__'"),
        ("copy", "True"),
        ("module", ""),
        ("train", "True"),
        ("step", "'throw', 'ValueError'"),
        ("step", "'next', None"),
    ],
)
def test_objects_of_libraries_are_not_looked_into(two: Pair, operation: str, code: str) -> None:
    spy = asked(two, operation, code)
    with pytest.raises((CannotCross, TypeError)):
        spy(Helper())
    assert Helper.secret == 5


def test_public_names_of_a_tests_own_objects_are_theirs_to_use(two: Pair) -> None:
    two.run("class Env:\n    state = 1\n    def step(self, a): return a + self.state\nenv = Env()")
    two.write("def play(env):\n    env.state = 5\n    return env.step(1), env.state")
    assert two["play"](two.test["env"]) == (6, 5)
    assert two.test["env"].state == 5


def test_a_test_object_is_not_a_way_into_its_modules(two: Pair) -> None:
    two.run("import sys\nclass Env:\n    lib = sys\n    def get(self): return sys\nenv = Env()")
    two.write("def look(env): return env.lib.modules['os'].getcwd is not None")
    # a module goes by name, so what arrives is the student's own
    assert two["look"](two.test["env"])


@pytest.mark.parametrize(
    "operation", ["isinstance", "issubclass", "delete", "name", "begin", "eval"]
)
def test_a_question_that_only_a_test_may_ask_ends_the_conversation(
    two: Pair, operation: str
) -> None:
    spy = asked(two, operation, "'x'")
    with pytest.raises(AnswerGone, match="protocol"):
        spy(lambda: 1)
    with pytest.raises(AnswerGone):
        two["spy"]


def reply(two: Pair, *parts: Any, buffers: Sequence[bytes] = ()) -> Any:
    """Have the student's side answer the next question with these parts of a message."""

    def forged(number: int, *_: Any) -> None:
        header = ["!", number, "ok", None, [], EXTRAS]
        for at, part in parts:
            header[at] = part
        two.agent.channel.send(header, list(buffers))

    two.agent._reply = forged  # type: ignore[method-assign]
    return two["anything"]


FORGED: dict[str, list[tuple[int, Any]]] = {
    "another_question": [(1, 999)],
    "question_of_no_number": [(1, "1")],
    "no_kind": [(0, "?!")],
    "no_status": [(2, "fine")],
    "status_of_no_text": [(2, ["ok"])],
    "unknown_number": [(3, ["Y", 5])],
    "number_is_true": [(3, ["Y", True])],
    "generator": [(3, ["G", 1, "Random", None])],
    "library": [(3, ["g", "os:system"])],
    "shared_class": [(3, ["M", "Helper"])],
    "dataclass": [(3, ["D", "Helper", "a", 1])],
    "object_of_no_class": [(3, ["H", 1, "o", 5])],
    "object_of_no_kind": [(3, ["H", 1, "z"])],
    "object_of_pythons_class": [(3, ["H", 1, "o", ["ty", "int"]])],
    "change_to_nothing": [(4, [[0, ["l"]]])],
    "change_before_all": [(4, [[-1, ["l"]]])],
    "changes_are_a_number": [(4, 5)],
    "change_of_three": [(4, [[0, ["l"], 1]])],
    "extras_are_nothing": [(5, None)],
    "extras_of_two": [(5, [[], []])],
    "release_of_nothing": [(5, extras(dropped=[[1, 1]]))],
    "release_of_half": [(5, extras(dropped=[[1, 0.5]]))],
    "release_of_a_word": [(5, extras(dropped=["x"]))],
    "shared_tensors": [(5, extras(shared=[[0, 1, "float32", [], "cpu", False, None, 0]]))],
    "sparse_of_no_entries": [(3, ["sp", "csr", "array", [2, 2]])],
    "sparse_of_a_wide_shape": [(3, ["sp", "csr", "array", [1, 2**40], None, None, None])],
    "sparse_of_no_shape": [(3, ["sp", "csr", "array", ["1", 2], None, None, None])],
    "sparse_of_no_layout": [(3, ["sp", "__class__", "array", [1, 2], None, None, None])],
    "sparse_of_lists": [(3, ["sp", "csr", "array", [1, 2], ["l"], ["l"], ["l"]])],
    "kept_arguments_are_a_number": [(5, extras(lasting=5))],
    "kept_argument_that_is_a_number": [(5, extras(lasting=[[], [5]]))],
    "kept_argument_of_one": [(5, extras(lasting=[[], [[1]]]))],
    "names_of_an_exception_are_a_number": [(2, "error"), (3, ["e", 0, 5, [], None, None])],
    "kept_arguments_that_were_never_sent": [(5, extras(lasting=[[[7, ["l"]]], [7]]))],
    "exception_that_was_never_raised": [(2, "error"), (3, ["y", 5])],
    "exception_of_no_parts": [(2, "error"), (3, ["e"])],
    "exception_is_nothing": [(2, "error"), (3, None)],
}


@pytest.mark.parametrize("parts", FORGED.values(), ids=list(FORGED))
def test_a_reply_that_is_none_ends_the_conversation(
    two: Pair, parts: list[tuple[int, Any]]
) -> None:
    two.student["anything"] = 1
    with pytest.raises(AnswerGone, match="protocol"):
        reply(two, *parts)
    with pytest.raises(AnswerGone):
        two["anything"]


def test_what_goes_along_here_is_what_goes_along_in_earnest() -> None:
    encoder = Encoder(lambda value, encoder: None)
    assert Crossing({}, trusts=True, shared=set()).outgoing(encoder) == EXTRAS
    attackers: dict[str, Any] = {}
    exec(LINE, attackers)
    assert attackers["EXTRAS"] == EXTRAS


def notes(**parts: Any) -> list[Any]:
    """Notes of the answer kernel, as nodes, with some parts in place of empty ones."""
    usual: dict[str, Any] = {"out": "", "err": ""}
    usual |= {name: ["l"] for name in ("warned", "files", "changed", "rebound")}
    return ["t", *(parts.get(name, found) for name, found in usual.items())]


MALFORMED_NOTES: dict[str, Any] = {
    "no_tuple": ["l"],
    "of_five": notes()[:-1],
    "number_for_text": notes(out=5),
    "text_for_a_list": notes(warned="x"),
    "warning_is_a_number": notes(warned=["l", 5]),
    "warning_of_three": notes(warned=["l", ["t", "UserWarning", "x", "y"]]),
    "file_is_a_number": notes(files=["l", 5]),
    "file_of_one": notes(files=["l", ["t", "x"]]),
    "file_elsewhere": notes(files=["l", ["t", "../x", ["b", 0]]]),
    "file_of_a_name_too_long_for_a_disk": notes(files=["l", ["t", "\u00e9" * 200, ["b", 0]]]),
    "change_is_a_number": notes(changed=["l", 5]),
    "change_of_two": notes(changed=["l", ["t", 1, "x"]]),
    "name_is_a_number": notes(rebound=["l", 5]),
}


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two sides of which the test's takes notes, as a test kernel does."""
    monkeypatch.chdir(tmp_path)
    with pair(lambda names: tester.TesterCrossing(names, StudentsFiles(names))) as found:
        found.student["anything"] = 1
        yield found
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("node", MALFORMED_NOTES.values(), ids=list(MALFORMED_NOTES))
def test_malformed_notes_of_a_reply_end_the_conversation(noted: Pair, node: Any) -> None:
    buffers = [b"content"] if "['b', 0]" in str(node) else []
    with pytest.raises(AnswerGone, match="protocol"):
        reply(noted, (5, extras(notes=node)), buffers=buffers)
    with pytest.raises(AnswerGone):
        noted["anything"]


@pytest.mark.parametrize("node", MALFORMED_NOTES.values(), ids=list(MALFORMED_NOTES))
def test_malformed_notes_of_a_question_end_the_conversation(noted: Pair, node: Any) -> None:
    buffers = [b"content"] if "['b', 0]" in str(node) else []
    question = ["?", 1, "call", [], extras(notes=node)]
    noted.student["ask"] = lambda: noted.agent.channel.send(question, buffers)
    with pytest.raises(AnswerGone, match="protocol"):
        noted["ask"]()


def test_a_warning_that_a_test_makes_an_error_ends_no_conversation(noted: Pair) -> None:
    warned = notes(warned=["l", ["t", "UserWarning", "careful"]])
    for _ in range(2):
        with pytest.raises(UserWarning, match="careful"):  # all warnings are errors in our tests
            reply(noted, (5, extras(notes=warned)))


def test_a_question_that_cannot_cross_is_answered_so(two: Pair) -> None:
    two.write("import random\ndef f(call):\n    return call(random)\nx = 1")
    with pytest.raises(CannotCross, match="module random stays"):
        two["f"](lambda _: 1)
    assert two["x"] == 1, "the conversation goes on"


def test_a_module_that_stays_there_is_said_to(two: Pair) -> None:
    two.write("import random\ndef f(): return random")
    with pytest.raises(CannotCross, match="module random stays"):
        two["f"]()
    two.write("x = 1")
    assert two["x"] == 1, "the conversation goes on"


def test_an_argument_that_cannot_cross_is_named_and_the_conversation_goes_on(two: Pair) -> None:
    two.write(
        "def f(x): return 1\ndef deep():\n    x = []\n    for _ in range(99): x = [x]\n    return x"
    )
    deep: list[Any] = []
    for _ in range(99):
        deep = [deep]
    with pytest.raises(CannotCross, match="nested"):
        two["f"](deep)
    with pytest.raises(CannotCross, match="nested"):
        two["deep"]()
    assert two["f"](1) == 1


def test_an_interrupt_on_the_other_side_is_told_from_an_error(two: Pair) -> None:
    two.write("def f(): raise KeyboardInterrupt\ndef g(): return 1")
    g = two["g"]
    with pytest.raises(AnswerInterrupted):
        two["f"]()
    with pytest.raises(AnswerInterrupted):
        g()  # a loop over calls ends with its cell
    two.tester.broken = None
    assert g() == 1


def test_mirrors_that_are_dropped_are_forgotten_on_the_other_side(two: Pair) -> None:
    two.write("class C: pass\ndef make(): return C()")
    make = two["make"]
    before = len(two.other.exports._objects)
    for _ in range(50):
        make()
    assert len(two.other.exports._objects) <= before + 4
