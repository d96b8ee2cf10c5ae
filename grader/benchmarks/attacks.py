"""The attacks of grader/tests/attacks against stock nbgrader and against `grader grade`.

Prints how many of each category succeed there and here. Stock nbgrader runs a submission as the
user who grades, so each of its runs is itself shut into a sandbox: an empty file system with a
read-only Python, no network, its own processes, and limits.

    python grader/benchmarks/attacks.py [--markdown FILE] [--detail] [NAME OR CATEGORY ...]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grader
from grader.course import Limits
from grader.sandbox import Bind, SandboxPolicy, examine_host
from grader.sandbox.bubblewrap import GROUP, PASSWD, Descriptors, command_line
from grader.tests.attacks.browser import pages_that_run_scripts
from grader.tests.attacks.catalogue import CATEGORIES, Attack, load_attacks
from grader.tests.attacks.classroom import grade_class, student_of
from grader.tests.attacks.judge import Evidence, judge
from grader.tests.attacks.target import make_target

PATIENCE = 75.0
"""Seconds for one jail, start and both commands included."""
TEMPLATE = Path("/opt/template")
NO_WIRE = "wire"
"""The category that has nothing to attack in stock nbgrader, which has one kernel."""


@dataclass(frozen=True)
class Row:
    """One attack and what it achieved, a phrase each; None where it was not tried."""

    attack: Attack
    there: list[str] | None
    here: list[str]


def main() -> None:
    """Run both, print the table, and write it where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="attacks or categories; all where none is named")
    parser.add_argument("--markdown", type=Path, help="write the table to this file too")
    parser.add_argument("--detail", action="store_true", help="say what each attack achieved")
    options = parser.parse_args()
    chosen = [
        attack
        for attack in load_attacks(every=True)
        if not options.names or {attack.name, attack.category} & set(options.names)
    ]
    with tempfile.TemporaryDirectory(prefix="grader-attacks-") as folder:
        there = against_nbgrader(chosen, Path(folder) / "stock")
        here = against_grader(chosen, Path(folder) / "class")
    rows = [Row(attack, there.get(attack.name), here[attack.name]) for attack in chosen]
    if options.detail:
        for row in rows:
            for place, found in (("nbgrader", row.there or []), ("grader", row.here)):
                for what in found:
                    print(f"{row.attack.name:32} {place:9} {what[:120]}")
    table = markdown(rows)
    print(table)
    if options.markdown is not None:
        options.markdown.write_text(table, encoding="utf-8")


def against_nbgrader(attacks: list[Attack], folder: Path) -> dict[str, list[str]]:
    """What each attack achieves where stock nbgrader grades it, by name."""
    template = make_target(folder / "course")
    tried = [attack for attack in attacks if attack.category != NO_WIRE]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = {attack.name: pool.submit(_in_jail, attack, template) for attack in tried}
        try:
            found = {name: job.result() for name, job in jobs.items()}
        except BaseException:
            _Jail.close_all()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return {name: judge(_with_browser(*result, folder)) for name, result in found.items()}


def against_grader(attacks: list[Attack], folder: Path) -> dict[str, list[str]]:
    """What each attack achieves where this grader grades them all, by name."""
    folder.mkdir()
    graded = grade_class(folder / "course", attacks)
    found = {}
    for attack in attacks:
        evidence = graded.evidence(attack)
        if attack.category == "HTML and script":
            evidence.script = bool(pages_that_run_scripts(graded.pages(student_of(attack))))
        found[attack.name] = judge(evidence)
    return found


def _with_browser(evidence: Evidence, pages: list[str], folder: Path) -> Evidence:
    """Open the feedback pages, which are the attacker's, in a browser without a network."""
    files = []
    for number, text in enumerate(pages):
        files.append(folder / f"page-{number}.html")
        files[-1].write_text(text, encoding="utf-8", errors="replace")
    evidence.script = bool(files and pages_that_run_scripts(files))
    return evidence


class _Jail:
    """The jails that run now, so that they can be ended together."""

    running: set[subprocess.Popen[bytes]] = set()  # noqa: RUF012 -- one for the whole program
    closed = False

    @classmethod
    def close_all(cls) -> None:
        """End all, and start no other."""
        cls.closed = True
        for program in list(cls.running):
            program.kill()


def _in_jail(attack: Attack, template: Path) -> tuple[Evidence, list[str]]:
    """Run `grader.tests.attacks.stock` in a sandbox of its own."""
    command = [sys.executable, "-m", "grader.tests.attacks.stock", str(TEMPLATE), attack.name]
    lost = Evidence(None, "the grading program and all around it were ended")
    if _Jail.closed:
        return lost, []
    with _command(template, command) as (line, descriptors):
        program = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            env={"PATH": os.environ["PATH"]},
            start_new_session=True,
        )
    _Jail.running.add(program)
    try:
        out, err = program.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        return lost, []
    finally:
        _Jail.running.discard(program)
    try:
        data = json.loads(out.splitlines()[-1])
        pages = data.pop("pages")
        secrets = data.pop("survives")
        # what was stolen is named in the evidence; said again as the judge looks for it
        data["survives"] = [secret[::-1].encode().hex() for secret in secrets]
        return Evidence(**data), pages
    except (IndexError, ValueError, KeyError, TypeError):
        if b"Traceback" in err:
            print(f"{attack.name}: {err.decode(errors='replace')[-600:]}", file=sys.stderr)
        return lost, []


@contextmanager
def _command(template: Path, command: list[str]) -> Iterator[tuple[list[str], list[int]]]:
    """The command line of a sandbox around `command`, and the descriptors that it needs."""
    package = Path(grader.__file__).parent
    policy = SandboxPolicy(
        limits=Limits(disk=512 * 2**20),
        binds=(Bind(package, package), Bind(template, TEMPLATE)),
    )
    with ExitStack() as stack:
        passwd, group = (_readable(stack, text.encode()) for text in (PASSWD, GROUP))
        info = stack.enter_context(open(os.devnull, "wb")).fileno()
        given = Descriptors(info, passwd, group)
        yield command_line(policy, examine_host(), given, command), given.numbers()


def _readable(stack: ExitStack, text: bytes) -> int:
    descriptor = os.memfd_create("text")
    stack.callback(os.close, descriptor)
    os.write(descriptor, text)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def markdown(rows: list[Row]) -> str:
    """The table by category, as Markdown."""
    lines = [
        "| Category | Attacks | Succeed against stock nbgrader | Succeed against this grader |",
        "|---|---:|---:|---:|",
    ]
    for category in [*CATEGORIES, ""]:
        of_it = [row for row in rows if category in ("", row.attack.category)]
        if of_it:
            tried = [row for row in of_it if row.there is not None]
            there = str(sum(bool(row.there) for row in tried)) if tried else "none to attack"
            here = sum(bool(row.here) for row in of_it)
            name = category[:1].upper() + category[1:] or "All"
            lines.append(f"| {name} | {len(of_it)} | {there} | {here} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if shutil.which("chromium") is None:
        sys.exit("This needs Debian's package chromium, to see whether scripts run in pages.")
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped; nothing that was started is left.")
