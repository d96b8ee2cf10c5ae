"""Measures one notebook's tests: what they let pass, what they notice, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode

from grader.audit.mutants import Mutant
from grader.audit.pipeline import Version
from grader.audit.pool import Answer, Job, Pool
from grader.audit.result import Audit, StepAudit, Survivor
from grader.audit.runner import Cell, cells_of
from grader.audit.subject import Subject, without_region
from grader.audit.variants import Step, apply_variant, blank
from grader.release.altering import unseen_changes
from grader.release.catalogue import Variant

_CHUNK = 10
"""Seeds in one job."""
_FEWER = 5
"""Seeds for a misconception, of which there are many."""
_PATIENCE = 10
"""How many times as long as the reference's slowest cell a cell of another version may run."""
_SHORTEST = 2.0
"""Seconds that every cell may run."""
_END = "the end"
"""The grade_id of a test behind all cells."""


class Check(NamedTuple):
    """A job, and what its answer means for the audit."""

    job: Job
    judge: Callable[[Answer], None]


class Measurement:
    """One notebook's audit while it is made.

    Args:
        subject: the notebook and its catalogues.
        pool: where jobs run.
        parameters: what the course sets in the cell tagged `parameters`.
        seeds: how many the reference and the alternatives run with.
        mutants: whether to try mutants.
        memory: bytes that a version may need besides the reference's imports.
    """

    def __init__(
        self,
        subject: Subject,
        pool: Pool,
        *,
        parameters: dict[str, Any],
        seeds: int,
        mutants: bool,
        memory: int,
    ) -> None:
        self.subject = subject
        self.pool = pool
        self.seeds = seeds
        self.cells = cells_of(subject.notebook)
        self.full = {cell.grade_id: cell.points for cell in self.cells if cell.role == "test"}
        rows = [StepAudit(s.solution_id, list(s.functions), s.points) for s in subject.steps]
        self.rows = dict(zip(subject.steps, rows, strict=True))
        points = sum(self.full.values())
        self.audit = Audit(subject.assignment, subject.name, points, rows, mutated=mutants)
        self.messages: set[str] = set()
        self.expected: set[float] = set()
        self.versions: list[Version] = []
        self._parameters = {k: v for k, v in parameters.items() if k != "SEED"}
        self._seed: int | None = parameters.get("SEED")
        self._memory = memory
        self._limit = 20.0
        self._alone: dict[Step, bool] = {}
        self._used: set[int] = set()

    def prepare(self) -> None:
        """Run the reference: what it imports, how long it takes, which steps can run alone."""
        first = self._job(self.cells, self.full)
        # an empty test behind the last cell, so that what follows the real ones runs too
        to_the_end = self._job((*self.cells, Cell(_END, "test", "")), (*self.full, _END))
        answer = self.pool.one(replace(to_the_end, watch=True, list_modules=True))
        self.pool.warm_up(answer.modules)
        shown = replace(self._job(self._visible(self.cells), self.full), watch=True)
        self.expected = _compared(answer) - _compared(self.pool.one(shown))
        for run in answer.runs:
            for test, error in run.errors.items():
                self._problem(f"The reference does not pass {test} ({error}).")
            for cell, error in run.failures.items():
                self._problem(f"The reference's cell {cell} raises {error}.")
            for sentence in unseen_changes(self.subject.notebook, run.altered):
                self._problem(sentence)
        if answer.ended:
            self._problem(f"The reference does not come to its end: {answer.ended}.")
        timed, *alone = self.pool.all(
            [first, *(self._job(self.cells, step.test_ids) for step in self.subject.steps)]
        )
        for run in timed.runs:
            self.versions.append(Version("the-reference", self.subject.notebook, run.points))
            self._limit = max(_SHORTEST, _PATIENCE * run.slowest)
            for step, row in self.rows.items():
                row.seconds = sum(run.seconds.get(test, 0.0) for test in step.test_ids)
                row.memory = max((run.memory.get(test, 0) for test in step.test_ids), default=0)
        for step, lonely in zip(self.subject.steps, alone, strict=True):
            self._alone[step] = not self._lost(lonely, step.test_ids)

    def checks(self) -> list[Check]:
        """All that is left to run, in an order that an instructor would ask in."""
        return [
            *self._blanks(),
            *self._reference(),
            *self._cuda(),
            *self._alternatives(),
            *self._misconceptions(),
            *(self._mutants() if self.audit.mutated else []),
        ]

    def finish(self) -> Audit:
        """Draw the conclusions that need all answers."""
        audit = self.audit
        unexplained = sum(not survivor.reason for survivor in audit.survivors)
        if unexplained:
            what = "1 mutant survives" if unexplained == 1 else f"{unexplained} mutants survive"
            self._problem(
                f"{what} without a word why: improve the tests, or say in equivalents.toml why "
                "the change makes no difference."
            )
        if audit.flakes:
            self._problem(f"The reference loses points with {audit.flakes} of {audit.seeds} seeds.")
        self._stale_equivalents()
        return audit

    def _blanks(self) -> Iterable[Check]:
        everything = blank(self.subject.notebook)

        def judge_all(answer: Answer) -> None:
            for run in answer.runs:
                self.audit.blank = sum(run.points.values())
                self.versions.append(Version("the-blank-stub", everything, run.points))
            if self.audit.blank:
                self._problem(f"The blank notebook earns {self.audit.blank:g} points.")

        yield Check(self._job(cells_of(everything), self.full), judge_all)
        for step in self.subject.steps:
            notebook = self.subject.notebook
            for cell in step.solution_ids:
                notebook = blank(notebook, cell)
            what = f"A notebook without an answer to {step.solution_id}"
            yield self._exactly(notebook, step, what)

    def _reference(self) -> Iterable[Check]:
        def judge(answer: Answer) -> None:
            self.audit.flakes += sum(any(self._missing(run.points)) for run in answer.runs)
            self.audit.flakes += len(seeds) - len(answer.runs)

        self.audit.seeds = self.seeds
        for seeds in self._chunks(self.seeds):
            yield Check(self._job(self.cells, self.full, seeds), judge)

    def _cuda(self) -> Iterable[Check]:
        def judge(answer: Answer) -> None:
            lost = self._lost(answer, self.full)
            if answer.ended == "no GPU here":
                self.audit.cuda = answer.ended
            elif lost:
                self.audit.cuda = "another score"
                self._problem(f"On a GPU the reference loses points: {', '.join(lost)}.")
            else:
                self.audit.cuda = "the same score"

        parameters = [cell.source for cell in self.cells if cell.role == "parameters"]
        if not any("DEVICE" in source for source in parameters):
            self.audit.cuda = "uses no GPU"
        elif not any(Path("/dev").glob("nvidia[0-9]*")):
            self.audit.cuda = "no GPU here"
        else:
            job = self._job(self.cells, self.full)
            yield Check(replace(job, parameters={**job.parameters, "DEVICE": "cuda"}), judge)

    def _alternatives(self) -> Iterable[Check]:
        for variant in self.subject.of_kind("alternative"):
            step = self.subject.step_of(variant.function)
            self.rows[step].alternatives += 1
            cells = cells_of(apply_variant(self.subject.notebook, variant))
            yield Check(self._job(cells, self.full), self._keeps(variant, self.full))
            for seeds in self._chunks(self.seeds):
                job = self._job(cells, self._tests(step), seeds)
                yield Check(job, self._keeps(variant, step.test_ids))

    def _keeps(self, variant: Variant, tests: Iterable[str]) -> Callable[[Answer], None]:
        def judge(answer: Answer) -> None:
            if lost := self._lost(answer, tests):
                self._problem(f"The alternative {variant.name} loses {', '.join(lost)}.")

        return judge

    def _misconceptions(self) -> Iterable[Check]:
        for variant in self.subject.of_kind("misconception"):
            step = self.subject.step_of(variant.function)
            row = self.rows[step]
            row.misconceptions += 1
            row.detected += 1
            notebook = apply_variant(self.subject.notebook, variant)
            what = f"The misconception {variant.name}"
            yield self._exactly(notebook, step, what, misconception=True)
            cells = cells_of(notebook)
            for seeds in self._chunks(min(self.seeds, _FEWER)):
                job = self._job(cells, self._tests(step), seeds)
                yield Check(job, self._noticed(variant, step))
            yield Check(self._job(self._visible(cells), self._tests(step)), self._helped(step))

    def _noticed(self, variant: Variant, step: Step) -> Callable[[Answer], None]:
        def judge(answer: Answer) -> None:
            kept = [run.seed for run in answer.runs if not self._missing(run.points, step.test_ids)]
            if kept:
                self._undetected(step, f"The misconception {variant.name}", kept)

        return judge

    def _helped(self, step: Step) -> Callable[[Answer], None]:
        def judge(answer: Answer) -> None:
            self.rows[step].visible += bool(self._lost(answer, step.test_ids))

        return judge

    def _mutants(self) -> Iterable[Check]:
        for step, mutant in self.subject.mutants():
            self.rows[step].mutants += 1
            cells = tuple(
                replace(cell, source=mutant.source) if cell.grade_id == mutant.grade_id else cell
                for cell in self.cells
            )
            yield Check(self._job(cells, self._tests(step)), self._killed(step, mutant))

    def _killed(self, step: Step, mutant: Mutant) -> Callable[[Answer], None]:
        def judge(answer: Answer) -> None:
            row = self.rows[step]
            said = [at for at, e in enumerate(self.subject.equivalents) if e.covers(mutant)]
            self._used |= set(said)
            if not self._lost(answer, step.test_ids):
                reason = self.subject.equivalents[said[0]].reason if said else ""
                self.audit.survivors.append(
                    Survivor(
                        step.solution_id,
                        mutant.function,
                        mutant.operator,
                        mutant.line,
                        mutant.removed,
                        mutant.added,
                        " ".join(reason.split()),
                    )
                )
                return
            row.killed += 1
            errors = [error for run in answer.runs for error in run.errors.values()]
            row.killed_by_time += bool(answer.ended) or any("CellTimeout" in e for e in errors)
            if said:
                entry = self.subject.equivalents[said[0]]
                self._problem(
                    f"equivalents.toml calls {entry.mutant!r} in {entry.function} equivalent, but "
                    "a test notices it."
                )

        return judge

    def _stale_equivalents(self) -> None:
        entries = self.subject.equivalents
        if not self.audit.mutated:
            mutants = [mutant for _, mutant in self.subject.mutants()] if entries else []
            self._used = {
                at
                for at, entry in enumerate(entries)
                if any(entry.covers(mutant) for mutant in mutants)
            }
        for at, entry in enumerate(entries):
            if at not in self._used:
                self._problem(
                    f"equivalents.toml speaks of {entry.mutant.strip()!r} in {entry.function}, but "
                    "no mutant is like that: correct or remove the entry."
                )

    def _exactly(
        self, notebook: NotebookNode, step: Step, what: str, misconception: bool = False
    ) -> Check:
        """A check that a version loses the points of `step` and no others."""
        first = misconception and self.rows[step].misconceptions == 1

        def judge(answer: Answer) -> None:
            lost = set(self._lost(answer, self.full))
            kept = set(step.test_ids) - lost
            if kept == set(step.test_ids) if misconception else kept:
                if misconception:
                    self._undetected(step, what, [0])
                else:
                    self._problem(f"{what} keeps the points of {', '.join(sorted(kept))}.")
            if others := lost - set(step.test_ids):
                self._problem(f"{what} also loses {', '.join(sorted(others))}.")
            if first:
                name = what.rpartition(" ")[2]
                self.versions += [Version(name, notebook, run.points) for run in answer.runs]

        return Check(self._job(cells_of(notebook), self.full), judge)

    def _undetected(self, step: Step, what: str, seeds: Sequence[int | None]) -> None:
        sentence = f"{what} keeps the points of {step.solution_id}"
        if not any(problem.startswith(sentence) for problem in self.audit.problems):
            self.rows[step].detected -= 1
            self._problem(f"{sentence} (seeds {', '.join(map(str, seeds))}).")

    def _visible(self, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        begin, end = self.subject.regions[1]
        return tuple(
            replace(cell, source=without_region(cell.source, begin, end))
            if cell.role == "test"
            else cell
            for cell in cells
        )

    def _tests(self, step: Step) -> tuple[str, ...]:
        """The tests to run to learn about `step`: its own, where they need no others."""
        if self._alone.get(step):
            return step.test_ids
        order = list(self.full)
        return tuple(order[: max(order.index(test) for test in step.test_ids) + 1])

    def _job(
        self, cells: tuple[Cell, ...], tests: Iterable[str], seeds: Sequence[int | None] = ()
    ) -> Job:
        wanted = tuple(tests)
        # without what does not run, so that another step's test may change and this is recalled
        last = max(at for at, cell in enumerate(cells) if cell.grade_id in wanted)
        kept = (c for c in cells[: last + 1] if c.role != "test" or c.grade_id in wanted)
        return Job(
            tuple(kept),
            wanted,
            tuple(seeds) or (self._seed,),
            self._parameters,
            # in steps of two, so that a job stays the same from audit to audit
            2.0 ** math.ceil(math.log2(self._limit)),
            self._memory,
            self.subject.data_digest,
        )

    def _chunks(self, count: int) -> list[range]:
        return [range(at, min(at + _CHUNK, count)) for at in range(0, count, _CHUNK)]

    def _missing(self, points: dict[str, float], tests: Iterable[str] | None = None) -> list[str]:
        wanted = self.full if tests is None else tests
        return [test for test in wanted if points.get(test, 0.0) < self.full[test]]

    def _lost(self, answer: Answer, tests: Iterable[str]) -> list[str]:
        """Those of `tests` that lose points in any run, or all where one did not end."""
        wanted = tuple(tests)
        self.messages |= {error for run in answer.runs for error in run.errors.values()}
        if answer.ended or not answer.runs:
            return list(wanted)
        lost = {test for run in answer.runs for test in self._missing(run.points, wanted)}
        return [test for test in wanted if test in lost]

    def _problem(self, sentence: str) -> None:
        if sentence not in self.audit.problems:
            self.audit.problems.append(sentence)


def _compared(answer: Answer) -> set[float]:
    """All numbers that tests compared with."""
    return {n for run in answer.runs for found in run.compared.values() for n in found}
