"""Processes that run versions of a notebook, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.audit.pool import Job, Pool, Store
from grader.audit.runner import Cell
from grader.errors import StorageError


def job(source: str, **options) -> Job:
    return Job((Cell("t", "test", source, 1.0),), ("t",), **options)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept" / "runs.jsonl")


def test_versions_do_not_see_each_other(tmp_path: Path, store: Store) -> None:
    clean = "import sys\nassert not hasattr(sys, 'mark')\nsys.mark = {}\n"
    counted = []
    with Pool(2, tmp_path, store) as pool:
        answers = pool.all([job(clean + str(n)) for n in range(6)], lambda: counted.append(1))
    assert [answer.runs[0].errors for answer in answers] == [{}] * 6
    assert len(counted) == 6


def test_each_way_to_end_badly_loses_the_points(tmp_path: Path, store: Store) -> None:
    jobs = [
        job("import os\nos._exit(3)"),
        job("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
        job("x = bytearray(2**30)", memory=2**28),
        job("import signal\nsignal.signal(signal.SIGPROF, lambda *a: None)\nwhile True: pass",
            cell_limit=0.1),
    ]  # fmt: skip
    jobs[3] = replace(jobs[3], cells=(Cell("t", "test", jobs[3].cells[0].source, 1.0),))
    with Pool(1, tmp_path, store) as pool:
        died, killed, hungry, deaf = pool.all(jobs)
        assert pool.one(job("assert True")).runs[0].points == {"t": 1.0}
    assert (died.runs, died.ended) == ((), "the process died")
    assert (killed.runs, killed.ended) == ((), "the process died")
    assert hungry.runs[0].errors == {"t": "MemoryError:"}
    assert (deaf.runs, deaf.ended) == ((), "it ran for too long")


def test_runs_before_a_death_count(tmp_path: Path, store: Store) -> None:
    cells = (
        Cell("p", "parameters", "SEED = 0"),
        Cell("t", "test", "if SEED == 2: exit_now()", 1.0),
    )
    helper = Cell("h", "instructor", "import os\ndef exit_now(): os._exit(0)")
    with Pool(1, tmp_path, store) as pool:
        answer = pool.one(Job((helper, *cells), ("t",), seeds=(0, 1, 2, 3)))
    assert [run.seed for run in answer.runs] == [0, 1]


def test_what_ran_is_recalled(tmp_path: Path, store: Store) -> None:
    trace = tmp_path / "trace"
    work = job(f"open({str(trace)!r}, 'a').write('ran ')")
    with Pool(1, tmp_path, store) as pool:
        first = pool.all([work, work])
    again = Store(store.path)
    with Pool(1, tmp_path, again) as pool:
        assert pool.all([work, replace(work, cell_limit=3.0)]) == first
        other = pool.one(replace(work, data="changed"))
    assert other.runs[0].points == first[0].runs[0].points
    assert trace.read_text() == "ran ran "


def test_a_store_forgets_what_nobody_asks_for(store: Store) -> None:
    for key in "abc":
        store.put(key, {"runs": key})
    with store.path.open("a") as file:
        file.write('{"key": "d", "ans')  # a run was killed while it wrote
    again = Store(store.path)
    assert again.get("b") == {"runs": "b"}
    assert again.get("d") is None
    again.tidy()
    assert Store(store.path).get("b") == {"runs": "b"}
    assert Store(store.path).get("a") is None


def test_a_store_that_recalls_nothing_keeps_what_is_found_anew(store: Store) -> None:
    store.put("a", {"runs": "old"})
    fresh = Store(store.path, recall=False)
    assert fresh.get("a") is None
    fresh.put("a", {"runs": "new"})
    assert fresh.get("a") == Store(store.path).get("a") == {"runs": "new"}


def test_a_disk_that_takes_nothing_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Store(tmp_path / "file" / "runs.jsonl").put("a", {})


def test_a_process_imports_before_it_forks(tmp_path: Path, store: Store) -> None:
    asks = job("import sys\nassert 'wave' in sys.modules")
    with Pool(1, tmp_path, store) as pool:
        pool.warm_up(["wave", "no_such_module"])
        assert pool.one(asks).runs[0].errors == {}
        listed = pool.one(replace(asks, list_modules=True))
    assert "wave" in listed.modules


def test_without_a_gpu_nothing_runs_on_one(tmp_path: Path, store: Store) -> None:
    torch = pytest.importorskip("torch")
    wanted = job("assert DEVICE == 'cuda'", parameters={"DEVICE": "cuda"})
    cells = (Cell("p", "parameters", "DEVICE = 'cpu'"), *wanted.cells)
    with Pool(1, tmp_path, store) as pool:
        answer = pool.one(replace(wanted, cells=cells))
    ran = answer.runs and answer.runs[0].points == {"t": 1.0}
    assert ran if torch.cuda.is_available() else answer.ended == "no GPU here"
