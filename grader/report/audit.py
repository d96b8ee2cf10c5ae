"""What `grader audit` found: in a terminal, as a page, as numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from grader.audit.audit import Watch
from grader.audit.result import KILL_RATE, Audit, StepAudit
from grader.course import Course
from grader.report.files import write_atomically
from grader.report.pages import render
from grader.report.text import points, size


def audit_table(audits: Sequence[Audit]) -> Table:
    """One row a step, below its assignment; made for 100 columns."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("Assignment, step", overflow="fold", min_width=22)
    for name in ("Points", "Wrong\nseen", "visibly", "by\nname", "Mutants\nseen", "CPU", "Memory"):
        table.add_column(name, justify="right")
    for audit in audits:
        table.add_row(Text(audit.title, style="bold"), *_total(audit))
        for step in audit.steps:
            table.add_row(Text(f"  {', '.join(step.functions) or step.name}"), *_row(step))
    return table


class AuditProgress(Watch):
    """A bar on a terminal; a context manager."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._bar = self._bars.add_task("Audit", total=None)

    def __enter__(self) -> AuditProgress:
        self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()

    def start(self, name: str, total: int) -> None:
        """Show what begins."""
        self._bars.reset(self._bar, description=name, total=total or None)

    def advance(self) -> None:
        """One more is done."""
        self._bars.advance(self._bar)


def audit_summary(audit: Audit) -> str:
    """One notebook in one sentence."""
    notebook = f"{audit.title}: blank {points(audit.blank)} of {points(audit.points)}"
    reference = f"the reference loses points with {audit.flakes} of {audit.seeds} seeds"
    bound = f"at most {audit.flake_bound:.1%} with 95% confidence"
    return f"{notebook}; {reference} ({bound}); on a GPU: {audit.cuda}; {audit.pipeline}."


def audit_page(audits: Sequence[Audit]) -> str:
    """A page that needs no network and no script."""
    return render(
        "audit.html",
        audits=audits,
        goal=KILL_RATE,
        problems=sum(len(audit.problems) for audit in audits),
        percent=percent,
        cpu=cpu,
        memory=memory,
    )


def write_audit(
    course: Course,
    audits: Sequence[Audit],
    *,
    json_file: Path | None = None,
    page: Path | None = None,
) -> list[Path]:
    """Write what was found; returns the files.

    Args:
        course: whose it is.
        audits: one for each notebook.
        json_file: all numbers; `reports/audit.json` of the course unless given.
        page: the page; `reports/audit.html` of the course unless given.

    Raises:
        StorageError: a file cannot be written.
    """
    folder = course.root / "reports"
    numbers = json.dumps([audit.to_json() for audit in audits], indent=1)
    return [
        write_atomically(json_file or folder / "audit.json", numbers + "\n"),
        write_atomically(page or folder / "audit.html", audit_page(audits)),
    ]


def percent(share: float | None) -> str:
    """A share as people write it; never rounded up to all."""
    if share is None:
        return ""
    return f"{min(share, 0.999) if share < 1 else 1:.1%}".replace(".0%", "%")


def cpu(seconds: float) -> str:
    """CPU time, of which tests take little."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def memory(number: int) -> str:
    """Bytes that a step takes."""
    return size(number) if number > 2**20 else "1 MB" if number else ""


def _total(audit: Audit) -> list[Text]:
    summed = ("mutants", "killed", "misconceptions", "detected", "visible", "diagnosed")
    everything = StepAudit(
        audit.title,
        [],
        audit.points,
        seconds=sum(step.seconds for step in audit.steps),
        memory=max(step.memory for step in audit.steps),
        **{name: audit.total(name) for name in summed},
    )
    return _row(everything, style="bold")


def _row(step: StepAudit, style: str = "") -> list[Text]:
    def share(part: int, whole: int, goal: float) -> Text:
        if not whole:
            return Text("")
        return Text(f"{part}/{whole}", style=style if part >= goal * whole else "red")

    return [
        Text(points(step.points), style=style),
        share(step.detected, step.misconceptions, 1.0),
        Text(f"{step.visible}" if step.misconceptions else "", style=style),
        Text(f"{step.diagnosed}" if step.misconceptions else "", style=style),
        share(step.killed, step.mutants, KILL_RATE),
        Text(cpu(step.seconds), style=style),
        Text(memory(step.memory), style=style),
    ]
