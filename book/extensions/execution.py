"""Runs the chapters that changed on all cores, before Sphinx reads any.

myst-nb runs a notebook when Sphinx reads its page, so one after the other. This module runs them
first, several at once, and puts what they print into the same cache under the same keys, so that
Sphinx finds all done. A chapter that fails is reported with its cell, and does not keep the others
from running.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
from chapters import KIT, ChapterError, complete, is_chapter
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from measures import CPU
from myst_nb.core.read import create_nb_reader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

KEPT = 400  # executed notebooks in the cache; the oldest go first
# One thread a kernel: several run at once, and a sum then has the same order on every machine.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FAULT_LINE = re.compile(r"Cell In\[\d+\], line (\d+)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def cores() -> int:
    """How many chapters run at once."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def prepare(app: Sphinx, config: Config) -> None:
    """Put book/kit on the kernels' path, and say where executed chapters are kept."""
    paths = [str(KIT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    cache = Path(app.outdir).parent / ".jupyter_cache"
    cache.mkdir(parents=True, exist_ok=True)
    config.nb_execution_cache_path = str(cache)


def completed(app: Sphinx, docname: str, text: str) -> str:
    """The text of a page as myst-nb is to read it.

    Raises:
        ExtensionError: the front matter lacks something.
    """
    path = Path(app.env.doc2path(docname))
    if path.suffix != ".md":
        return text
    try:
        return complete(text, path, chapter=is_chapter(docname))
    except ChapterError as error:
        raise ExtensionError(str(error)) from error


def key_of(app: Sphinx, docname: str) -> str | None:
    """Key of a page that is a notebook, as it now stands."""
    path = Path(app.env.doc2path(docname))
    text = path.read_text(encoding="utf-8")
    match = re.search(r'"key": "(\w+)"', completed(app, docname, text).split("\n---", 1)[0])
    return match[1] if match else None


def complete_source(app: Sphinx, docname: str, content: list[str]) -> None:
    """Add what the author need not write, when Sphinx reads a page."""
    content[0] = completed(app, docname, content[0])


def pages_with_other_keys(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Notebooks whose kit or libraries changed since they were read."""
    read = env.all_docs.keys() - added - changed - removed
    return [
        name
        for name in sorted(read)
        if "key" in (kernel := env.metadata[name].get("kernelspec") or {})
        and kernel["key"] != key_of(app, name)
    ]


class Fault(Exception):
    """Why a chapter stopped, in a few lines."""


def explain(page: str, notebook: NotebookNode, at: int, error: Exception) -> str:
    """Which cell of a chapter stopped, where it stands, and why."""
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: at + 1])
    starts = notebook.metadata.get("source_map")
    place = f"{page}, line {starts[at]}, code cell {number}" if starts else page
    source = notebook.cells[at].source.splitlines() if notebook.cells else []
    if isinstance(error, CellExecutionError):
        lines = FAULT_LINE.findall(COLOUR.sub("", error.traceback))
        row = int(lines[-1]) if lines else 1
        shown = source[row - 1].strip() if 0 < row <= len(source) else ""
        value = COLOUR.sub("", str(error.evalue)).strip() or "no message"
        return f"{place}: {error.ename}: {value}\n    {shown}"
    if isinstance(error, CellTimeoutError):
        reason = "it ran longer than a cell may (execute: timeout: in _config.yml)"
    elif isinstance(error, DeadKernelError):
        reason = "its kernel died"
    else:
        reason = f"{type(error).__name__}: {error}"
    return f"{place}: {reason}\n    {source[0].strip() if source else ''}"


def cpu_of(process: int) -> float:
    """CPU seconds that a process, and its children that have ended, took until now."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


async def run(
    page: Path, notebook: NotebookNode, timeout: int
) -> tuple[NotebookNode, dict[str, float]]:
    """Execute a chapter in place.

    Returns:
        The notebook, and what its record in the cache says: wall seconds, and CPU seconds of the
        kernel from its start to the end of the last cell.

    Raises:
        Fault: a cell stopped.
    """
    start, begun, cpu = time.perf_counter(), [0], [0.0]

    def measure(**cell: Any) -> None:
        with contextlib.suppress(psutil.Error):  # the last cell may end its kernel
            cpu.append(cpu_of(client.km.provisioner.pid))

    client = NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,  # times would become part of the key
        kernel_name=notebook.metadata["kernelspec"]["name"],
        resources={"metadata": {"path": str(page.parent)}},
        on_cell_start=lambda cell, cell_index: begun.append(cell_index),
        on_cell_executed=measure,
    )
    try:
        # what a kernel says about itself on its standard error is nothing that a chapter prints
        await client.async_execute(stderr=subprocess.DEVNULL)
    except Exception as error:  # whatever ends a chapter must not end the others
        raise Fault(explain(os.path.relpath(page), notebook, begun[-1], error)) from error
    return notebook, {"execution_seconds": time.perf_counter() - start, CPU: cpu[-1]}


def waiting(app: Sphinx, docnames: Iterable[str]) -> dict[Path, NotebookNode]:
    """Those of the pages that must run: notebooks whose outputs or CPU the cache does not know."""
    config = app.env.mystnb_config
    found = {}
    cache = get_cache(config.execution_cache_path)
    for docname in docnames:
        path = Path(app.env.doc2path(docname))
        if path.suffix != ".md" or any(
            PurePosixPath(path.as_posix()).match(p) for p in config.execution_excludepatterns
        ):
            continue
        text = completed(app, docname, path.read_text(encoding="utf-8"))
        reader = create_nb_reader(str(path), app.env.myst_config, config, text)
        if reader is None:
            continue
        notebook = reader.read(text)
        try:
            known = cache.match_cache_notebook(notebook).data
        except KeyError:
            known = {}
        if CPU not in known:
            found[path] = notebook
    return found


async def run_each(
    todo: dict[Path, NotebookNode],
    timeout: int,
    keep: Callable[[Path, NotebookNode, dict[str, float]], None],
) -> list[str]:
    """Run chapters, as many at once as there are cores, and say how it goes.

    Args:
        todo: notebooks by their pages.
        timeout: seconds that a cell may take.
        keep: called with each chapter that ran to its end.

    Returns:
        Why the others stopped.
    """
    faults: list[str] = []
    free = asyncio.Semaphore(cores())
    count = 0
    columns = (
        TextColumn("running chapters"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(highlight=False, soft_wrap=True)) as progress:
        task = progress.add_task("", total=len(todo))

        async def one(page: Path, notebook: NotebookNode) -> None:
            nonlocal count
            name = os.path.relpath(page.parent)
            async with free:
                try:
                    done, took = await run(page, notebook, timeout)
                except Fault as fault:
                    faults.append(str(fault))
                    said = f"{name} STOPPED"
                else:
                    keep(page, done, took)
                    said = (
                        f"{name} ran in {took['execution_seconds']:.1f} s, {took[CPU]:.1f} s of CPU"
                    )
            count += 1
            progress.console.print(f"[{count}/{len(todo)}] {said}", markup=False)
            progress.advance(task)

        await asyncio.gather(*(one(page, notebook) for page, notebook in todo.items()))
    return faults


def read_one_by_one(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Read pages in one process: sphinx-proof and sphinx-exercise cannot merge what others read."""
    app.parallel_of_writing, app.parallel = app.parallel, 1


def write_in_parallel(app: Sphinx, env: BuildEnvironment) -> None:
    """Write pages in as many processes as were asked for."""
    app.parallel = getattr(app, "parallel_of_writing", app.parallel)


def run_all(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Run every chapter that Sphinx is about to read and that changed.

    Raises:
        ExtensionError: chapters failed; all others are in the cache.
    """
    config = env.mystnb_config
    if config.execution_mode != "cache":
        return
    todo = waiting(app, docnames)
    if not todo:
        return
    cache = get_cache(config.execution_cache_path)
    cache.change_cache_limit(KEPT)

    def keep(page: Path, notebook: NotebookNode, took: dict[str, float]) -> None:
        bundle = CacheBundleIn(notebook, str(page), data=took)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)

    faults = asyncio.run(run_each(todo, config.execution_timeout, keep))
    if faults:
        count = "A chapter" if len(faults) == 1 else f"{len(faults)} chapters"
        raise ExtensionError("\n".join([f"{count} stopped:", *sorted(faults)]))
