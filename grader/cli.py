"""The command line: thin commands over functions that a program can call too."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from grader.errors import GraderError, Interrupted, StorageError, UsageError

# The grader's own modules are imported inside the commands: nbgrader alone takes a second and a
# half to import, which `grader --help` should not have to wait for.

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Release, check, collect and grade nbgrader assignments; send feedback.",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
_STOPPED = Interrupted.exit_code

AssignmentName = Annotated[str, typer.Argument(help="Name of the assignment, such as ps1.")]
StudentOption = Annotated[str | None, typer.Option("--student", help="This student only.")]


class _State:
    """What the options before the command say."""

    root = Path()


@app.callback()
def _main(
    course: Annotated[
        Path, typer.Option("--course", help="Folder of the course.", metavar="DIR")
    ] = Path(),
) -> None:
    _State.root = course


@app.command()
def release(
    assignments: Annotated[
        list[str] | None, typer.Argument(help="Names; all of the course's where none is given.")
    ] = None,
) -> None:
    """Make what students get, and check that it shows no solution and no hidden test."""
    from grader.course import Course
    from grader.errors import CourseError
    from grader.release import release_assignment

    course = Course(_State.root)
    names = assignments or course.assignment_names
    if not names:
        raise CourseError(f"The course at {course.root} has no assignments to release.")
    for name in names:
        released = release_assignment(course, name)
        out.print(
            f"Released {escape(name)}: {len(released.files)} files in "
            f"{escape(str(course.path('release', name)))}",
            soft_wrap=True,
        )
        if released.kept is not None:
            where = escape(str(released.kept))
            out.print(
                f"[yellow]Kept:[/yellow] what was changed there is in {where}", soft_wrap=True
            )
        for finding in released.findings:
            out.print(f"[yellow]Note:[/yellow] {escape(str(finding))}", soft_wrap=True)


@app.command()
def check(
    notebook: Annotated[Path, typer.Argument(help="The notebook that you want to hand in.")],
    sandbox: Annotated[
        str, typer.Option(help="How your code is isolated: bubblewrap or none.")
    ] = "none",
) -> None:
    """Run the visible tests of one notebook, as a student would before handing it in."""
    from grader.report.terminal import check_table
    from grader.split import check_notebook

    result = check_notebook(notebook, _mode(sandbox))
    out.print(check_table(result))
    if not result.passed:
        raise typer.Exit(1)


@app.command()
def intake(
    assignment: AssignmentName,
    bundle: Annotated[
        Path | None,
        typer.Option("--from", help="Folder or zip of submissions to take in first."),
    ] = None,
    student: StudentOption = None,
) -> None:
    """Take in submissions, and say what is wrong with them, without running anything."""
    from grader.course import Course
    from grader.intake import inspect_submissions, unpack_bundle
    from grader.report.terminal import intake_table

    course = Course(_State.root)
    passed_over = 0
    if bundle is not None:
        unpacked = unpack_bundle(course, assignment, bundle)
        for entry in unpacked:
            if entry.reason:
                passed_over += 1
                err.print(f"Passed over {escape(repr(entry.entry))}: {escape(entry.reason)}.")
        out.print(f"Took in {len(unpacked) - passed_over} of {len(unpacked)} files.")
    out.print(intake_table(inspect_submissions(course, assignment, student)))
    if passed_over:
        raise typer.Exit(1)


@app.command()
def grade(
    assignment: AssignmentName,
    student: StudentOption = None,
    regrade: Annotated[bool, typer.Option(help="Run again what is graded already.")] = False,
    changed_only: Annotated[
        bool,
        typer.Option(
            help="Run only what is new or was handed in again since it was graded; keep all other "
            "results, even if the assignment, a setting or a package has changed since."
        ),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Submissions at once; 0 means one for each core.")
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="How student code is isolated: bubblewrap or none.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Grade on a Dask cluster: tcp://HOST:PORT, or tls://HOST:PORT with the "
            "certificates that Dask's configuration names.",
            metavar="ADDRESS",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="cpu, or cuda for assignments that have a parameter DEVICE."),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Start Dask's dashboard on this machine.")
    ] = False,
) -> None:
    """Run and score every submission; what is graded already and has not changed is kept."""
    from grader import forks

    if not scheduler:
        forks.import_early()
    from grader.course import Course
    from grader.farm import Farm
    from grader.farm import grade as grade_assignment
    from grader.report import class_table, load_graded, summary, worth_a_look
    from grader.report.progress import GradingProgress

    course = Course(_State.root)
    mode = None if sandbox is None else _mode(sandbox)

    def show_farm(farm: Farm) -> None:
        progress.workers_ready()
        if farm.dashboard:
            err.print(f"Dashboard: {escape(farm.dashboard)}", soft_wrap=True)
        if device == "cuda" and not farm.resources:
            name = escape(assignment)
            err.print(f"{name} has no parameter DEVICE: it is graded on the CPU.", soft_wrap=True)

    gc.freeze()  # what was imported stays, and is not looked through again and again
    with GradingProgress(err) as progress:
        run = grade_assignment(
            course,
            assignment,
            student=student,
            regrade=regrade,
            changed_only=changed_only,
            workers=workers,
            sandbox=mode,
            scheduler=scheduler,
            device=device,
            dashboard=dashboard,
            on_start=progress.start,
            on_farm=show_farm,
            on_running=progress.running,
            on_record=lambda record: progress.finished(fault=bool(record.fault)),
        )
    graded = load_graded(course, assignment, student)
    shown, rest = worth_a_look(graded)
    if shown:
        out.print(class_table(shown))
    if rest:
        out.print(f"{rest} `grader report {escape(assignment)}` writes the table of all.")
    out.print(escape(summary(graded)))
    out.print(f"{run.graded} graded now, {run.kept} kept from before.")
    if run.faults:
        err.print(
            f"{len(run.faults)} could not be graded through a fault of ours; they have no zero. "
            "Run `grader doctor`, then this command again.",
            soft_wrap=True,
        )
        raise typer.Exit(1)


@app.command()
def feedback(assignment: AssignmentName, student: StudentOption = None) -> None:
    """Write a page for each student, where `nbgrader release_feedback` finds it."""
    from grader.course import Course
    from grader.report import each_graded, write_feedback

    course = Course(_State.root)
    pages = [
        page
        for submission in each_graded(course, assignment, student)
        for page in write_feedback(course, submission)
    ]
    where = course.path("feedback", assignment, student or "*")
    out.print(f"Wrote {len(pages)} feedback pages: {escape(str(where))}", soft_wrap=True)


@app.command()
def report(
    assignment: AssignmentName,
    csv: Annotated[Path | None, typer.Option(help="Also write scores to this file.")] = None,
    plots: Annotated[
        bool, typer.Option("--plots", help="Add figures of the time and memory that runs took.")
    ] = False,
    records: Annotated[
        Path | None,
        typer.Option(
            help="Also write what each submission and test took to this file: JSON lines, or CSV "
            "where its name ends in .csv."
        ),
    ] = None,
) -> None:
    """Write the class report, and tables of scores and of runs where they are asked for."""
    from grader.course import Course
    from grader.farm import ResultStore
    from grader.report import export_csv, load_graded, stored_rows, write_class, write_rows

    course = Course(_State.root)
    graded = load_graded(course, assignment)
    figures = []
    if plots:
        from grader.report.plots import run_plots

        figures = run_plots(ResultStore(course, assignment).each())
    page = write_class(course, assignment, graded, plots=figures)
    out.print(f"Wrote the class report: {escape(str(page))}", soft_wrap=True)
    if csv is not None:
        with _table(csv) as file:
            export_csv(graded, file)
        out.print(f"Wrote scores: {escape(str(csv))}", soft_wrap=True)
    if records is not None:
        with _table(records) as file:
            lines = records.suffix.lower() != ".csv"
            number = write_rows(stored_rows(course, assignment), file, lines=lines)
        out.print(f"Wrote {number} records: {escape(str(records))}", soft_wrap=True)


@app.command()
def audit(
    assignments: Annotated[
        list[str] | None, typer.Argument(help="Names; all of the course's where none is given.")
    ] = None,
    mutants: Annotated[bool, typer.Option(help="Try small mistakes in the reference.")] = True,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of the reference.")] = 50,
    workers: Annotated[
        int, typer.Option(min=0, help="Runs at once; 0 means one for each core.")
    ] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the numbers.", metavar="FILE")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="File for the page.", metavar="FILE")] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Run nothing; refuse what has changed since its audit.json was written."
        ),
    ] = False,
    again: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="After that check prove anew those whose audit.json has changed since --since, "
            "and this many others, other ones every day.",
        ),
    ] = None,
    since: Annotated[str, typer.Option(help="A commit of git.", metavar="COMMIT")] = "HEAD~1",
) -> None:
    """Grade the tests themselves: right must pass, wrong must not, nothing may leak.

    A whole audit without a complaint is kept beside the assignment, in audit.json.
    """
    from grader.audit import record
    from grader.audit.audit import SEEDS, audit_assignments
    from grader.course import Course
    from grader.errors import CourseError
    from grader.report.audit import AuditProgress, audit_summary, audit_table, write_audit

    course = Course(_State.root)
    names = assignments or course.assignment_names
    if not names:
        raise CourseError(f"The course at {course.root} has no assignments to audit.")
    proven_anew = check or again is not None
    if proven_anew:
        names = _in_step(course, names, again, since)
    keys = {name: record.keys_of(course, name) for name in names}
    count = workers or os.cpu_count() or 1
    with AuditProgress(err) as watch:
        audits = list(
            audit_assignments(
                course,
                names,
                seeds=seeds,
                mutants=mutants,
                workers=count,
                watch=watch,
                recall=not proven_anew,
            )
        )
    if audits:
        out.print(audit_table(audits))
    for found in audits:
        out.print(escape(audit_summary(found)))
        for problem in found.problems:
            err.print(f"[red]✗[/red] {escape(problem)}", soft_wrap=True)
    written = write_audit(course, audits, json_file=json_file, page=page) if audits else []
    wrong = any(found.problems for found in audits)
    for name in names:
        of_this = [found for found in audits if found.assignment == name]
        path = record.record_path(course, name)
        if proven_anew:
            if said := record.contradiction(course, name, of_this):
                err.print(f"[red]✗[/red] {escape(said)}", soft_wrap=True)
                wrong = True
        elif path is not None and record.is_whole(of_this, SEEDS):
            record.write_record(path, record.make_record(keys[name], of_this))
            written.append(path)
    for path in written:
        out.print(f"Wrote {escape(str(path))}", soft_wrap=True)
    if wrong:
        raise typer.Exit(1)


def _in_step(course: Any, names: list[str], again: int | None, since: str) -> list[str]:
    """Refuse stale records; return the assignments to prove anew."""
    from grader.audit.record import changed_since, chosen_again, staleness

    stale = [said for name in names if (said := staleness(course, name))]
    for said in stale:
        err.print(f"[red]✗[/red] {escape(said)}", soft_wrap=True)
    if stale:
        raise typer.Exit(1)
    out.print(f"The audits of {len(names)} assignments are in step.")
    return [] if again is None else chosen_again(names, again, changed_since(course, names, since))


@app.command()
def doctor() -> None:
    """Test this machine and this course: what works, what is weaker than it should be."""
    from grader.audit.doctor import examine_all
    from grader.report.terminal import check_marks

    checks = examine_all(_State.root)
    out.print(check_marks(checks))
    if any(found.ok is False for found in checks):
        raise typer.Exit(1)


@contextmanager
def _table(path: Path) -> Iterator[TextIO]:
    """A file to write a table to."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None


def _mode(name: str) -> Any:
    from grader.sandbox import SandboxMode

    try:
        return SandboxMode(name)
    except ValueError:
        known = " or ".join(mode.value for mode in SandboxMode)
        raise UsageError(f"There is no sandbox {name!r}: say {known}.") from None


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
    )


def run(command: Callable[[], object]) -> int:
    """Run a command and return its exit code; a GraderError becomes one sentence on stderr."""
    try:
        command()
    except GraderError as error:
        err.print(f"[red]Error:[/red] {escape(str(error))}", soft_wrap=True)
        return error.exit_code
    except SystemExit as ended:
        if ended.code == _STOPPED:  # typer's word for Ctrl-C
            err.print("Stopped. Run the same command to go on.")
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def main() -> None:
    """Entry point of the `grader` program."""
    sys.exit(run(app))
