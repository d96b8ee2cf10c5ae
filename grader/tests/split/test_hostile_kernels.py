"""A submission that speaks the kernel's protocol itself: its outcome is bad, and ours is whole."""

from __future__ import annotations

import json
import os
import warnings

import nbformat
import pytest

from grader.sandbox import SandboxMode
from grader.split import NotebookResult, Outcome
from grader.split.recorder import MESSAGE_LENGTH, Recorder, one_line, partial_score
from grader.tests.split.notebooks import answer, check, named, notebook, outcomes, run

SEND = """
import json
kernel = get_ipython().kernel
session, parent, shell, iopub = (
    kernel.session, kernel.get_parent(), kernel.shell_stream, kernel.iopub_socket
)
send = type(session).send
session.pack = lambda value: json.dumps(value, default=str).encode()  # lets anything through
def say(kind, content):
    send(session, iopub, kind, content, parent=kernel.get_parent())
def answer_with(content):
    def forged(self, stream, kind, *arguments, **options):
        if kind == "execute_reply":
            del session.send
            return send(self, stream, kind, content, *arguments[1:], **options)
        return send(self, stream, kind, *arguments, **options)
    session.send = forged.__get__(session)
"""

REPLIES = {
    "no_status": {},
    "list": [],
    "nothing": None,
    "error_of_wrong_types": {"status": "error", "ename": {"a": 1}, "evalue": [2], "traceback": 3},
    "aborted": {"status": "aborted"},
    "surrogates": {"status": "error", "ename": "\ud800", "evalue": "\udfff", "traceback": []},
}


@pytest.mark.usefixtures("needs_bubblewrap")
@pytest.mark.parametrize("reply", REPLIES.values(), ids=list(REPLIES))
def test_a_forged_reply_is_a_failed_cell_and_no_fault_of_ours(reply: object) -> None:
    result = run(
        answer(SEND),
        answer(f"answer_with(json.loads({json.dumps(reply)!r}))"),
        check("after", "assert callable(say)"),
        check("fails", "assert not callable(say)"),
    )
    assert [failure.index for failure in result.failures] == [2]
    assert outcomes(result) == {"after": Outcome.PASSED, "fails": Outcome.FAILED}
    _assert_whole(result)


@pytest.mark.usefixtures("needs_bubblewrap")
def test_what_the_answer_kernel_says_while_a_test_runs_is_not_heard() -> None:
    forge = """
def forge():
    kernel.session.send(shell, "execute_reply", {"status": "ok"}, parent=kernel.get_parent())
    say("execute_result", {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 1})
    say("status", {"execution_state": "idle"})
    return 1
"""
    result = run(
        answer(SEND + forge),
        check("fails", "assert forge() == 2"),
        check("gives_nothing", "forge()\nNone"),
        check("last", "assert forge() == 1"),
    )
    assert outcomes(result) == {
        "fails": Outcome.FAILED,
        "gives_nothing": Outcome.PASSED,
        "last": Outcome.PASSED,
    }
    assert [test.partial for test in result.tests] == [None] * 3
    _assert_whole(result)


OUTPUTS = {
    "stream_of_a_number": ("stream", {"name": 5, "text": 7}),
    "stream_of_surrogates": ("stream", {"name": "stdout", "text": "\ud800"}),
    "data_is_a_list": ("display_data", {"data": [1], "metadata": {}}),
    "image_is_a_dict": ("display_data", {"data": {"image/png": {}}, "metadata": {}}),
    "transient_is_text": ("display_data", {"data": {}, "metadata": {}, "transient": "x"}),
    "content_is_a_list": ("display_data", []),
    "count_is_text": ("execute_input", {"code": "", "execution_count": "many"}),
    "comm": ("comm_open", {"comm_id": 3, "data": 5, "target_name": {}}),
}


@pytest.mark.usefixtures("needs_bubblewrap")
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=list(OUTPUTS))
def test_a_malformed_output_is_left_out_or_ends_its_cell(output: tuple[str, object]) -> None:
    kind, content = output
    code = f"say({kind!r}, json.loads({json.dumps(content)!r}))"
    result = run(answer(SEND), check("first", "assert True"), answer(code), check("last", "say"))
    assert named(result, "first").outcome is Outcome.PASSED
    assert named(result, "last").outcome is Outcome.PASSED
    _assert_whole(result)


@pytest.mark.usefixtures("needs_bubblewrap")
@pytest.mark.parametrize(
    "code",
    [
        "shell.send_multipart([b'garbage'])",
        "iopub.send_multipart([b'garbage', b'<IDS|MSG>', b'', b'{', b'', b'', b''])",
        "session.key = b'another'",
        "import os\nos.closerange(3, 100)",
        "import threading\nthreading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()",
        "get_ipython().run_cell = lambda *_, **__: None",
        "exit()",
    ],
    ids=["shell", "iopub", "key", "files", "thread", "no-cells", "exit"],
)
def test_a_kernel_out_of_order_ends_within_its_limits(code: str) -> None:
    result = run(answer(SEND), check("first", "assert True"), answer(code), check("last", "1/0"))
    assert named(result, "first").outcome is Outcome.PASSED
    assert named(result, "last").outcome in (Outcome.ERRORED, Outcome.NOT_RUN)
    _assert_whole(result)


def _assert_whole(result: NotebookResult) -> None:
    """It can be stored, scored and read back, and its words are plain."""
    text = json.dumps(result.to_json())
    assert NotebookResult.from_json(json.loads(text)) == result
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(nbformat.from_dict(result.executed))
    nbformat.writes(nbformat.from_dict(result.executed)).encode("utf-8")
    for message in [*(t.message for t in result.tests), *(f.message for f in result.failures)]:
        message.encode("utf-8")
        assert len(message) <= MESSAGE_LENGTH
        assert message.isprintable()


def test_every_expected_test_has_a_result_even_if_nothing_ran() -> None:
    recorder = Recorder("work", ("one", "two"))
    assert [test.outcome for test in recorder.result().tests] == [Outcome.NOT_RUN] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n\n  one \ntwo", "one"),
        ("\x1b[31mred\x1b[0m\x07", "red"),
        ("a\u202eb\u2066c", "abc"),
        ("x" * 1000, "x" * (MESSAGE_LENGTH - 1) + "…"),
        ("half \ud800 pair", "half ? pair"),
        ("", ""),
    ],
)
def test_a_message_is_one_plain_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_of_several_numbers_the_smallest_counts() -> None:
    cell = check("c", "")
    for shown in ("3", "'ok'", "1.5", "2"):
        data = {"text/plain": shown}
        cell.outputs.append(nbformat.v4.new_output("execute_result", data, execution_count=1))
    assert partial_score(cell) == 1.5
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/plain": "1"})]
    assert partial_score(cell) is None


@pytest.mark.usefixtures("needs_bubblewrap")
def test_nothing_is_left_of_a_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for mode in SandboxMode:
        outcomes(run(answer("import os\nos.fork()"), check("c", "assert True"), mode=mode))
    assert os.listdir(str(tmp_path)) == []
    assert notebook().cells
