"""The catalogue of wrong answers, and the reference, never reach the student's kernel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from grader.release import NotebookTemplate
from grader.release.catalogue import Variant
from grader.sandbox import SandboxMode, SandboxPolicy
from grader.split import run_notebook
from grader.split.kernels import KernelPair
from grader.tests.attacks.target import PREFIX
from grader.tests.split.notebooks import LIMITS, answer, check, named, notebook, solution

WORDS = [f"{PREFIX}{place}-{mark}" for place, mark in (("wrong", "a41f"), ("reference", "b52e"))]
CLASSES = "".join(f"[{letter}]" for letter in PREFIX)
SEARCH = f"""
import re, threading, time

def words_in_memory():
    word, found = re.compile(rb"{CLASSES}[a-z]+-[0-9a-f]+"), set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, kind, *_ = line.split()
            if kind.startswith("rw") and "[v" not in line:
                at, end = (int(part, 16) for part in span.split("-"))
                while at < end:
                    size = min(end - at, 2**24)
                    try:
                        memory.seek(at)
                        found.update(word.findall(memory.read(size)))
                    except OSError:
                        break
                    at += size
    return found

def watch(path):
    while True:
        with open(path, "a") as file:
            print(sorted(words_in_memory()), file=file)
        time.sleep(0.01)
"""
DECOY = f"decoy = '{PREFIX[:5]}' + '{PREFIX[5:]}' + 'decoy-' + str(4711)"


def run_with_catalogue(path: Path) -> None:
    """Grade somebody whose thread searches its kernel's memory from its first cell on.

    Without a sandbox, so that the thread can tell; what is sent to the kernel is the same.
    """
    wrong, reference = WORDS
    source = f"def double(x):\n    note = {wrong!r}\n    return x * x"
    variant = Variant(
        "double__squares", "double", "misconception", f"You square ({wrong}).", source
    )
    right = f"def double(x):\n    note = {reference!r}\n    return 2 * x"
    template = NotebookTemplate(
        "work", (), {}, {"step": ["double"]}, (), (), True, (right,), (variant,)
    )
    start = f"threading.Thread(target=watch, args=({str(path)!r},), daemon=True).start()"
    book = notebook(
        answer(f"{SEARCH}\n{DECOY}\n{start}"),
        solution("step", "def double(x):\n    return x * x"),
        check("test_step", "assert double(3) == 6"),
    )
    policy = SandboxPolicy(limits=LIMITS)
    result = run_notebook("work", book, policy, SandboxMode.NONE, None, template)
    diagnosis = named(result, "test_step").diagnosis
    assert diagnosis is not None, "the catalogue was in the test kernel"
    assert diagnosis.name == "double__squares"


@pytest.mark.timeout(180)
def test_a_student_who_searches_all_memory_finds_no_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "found.txt"
    original = KernelPair.diagnose

    async def diagnose(*arguments: Any) -> dict[str, str]:
        """The answer kernel lives on until its memory was searched once more from start to end."""
        found = await original(*arguments)
        enough = len(path.read_text().splitlines()) + 2
        while len(path.read_text().splitlines()) < enough:
            await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(KernelPair, "diagnose", diagnose)
    run_with_catalogue(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert any(f"{PREFIX}decoy-4711" in line for line in lines), "the search finds what is there"
    assert not [line for line in lines if any(word in line for word in WORDS)]
