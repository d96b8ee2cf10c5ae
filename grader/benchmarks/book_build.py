"""What the build of a book of many chapters costs: cold, with no change, with one chapter changed.

    python grader/benchmarks/book_build.py [--chapters 60] [--light]

The chapters are copies of the written ones, with other labels and with code that differs, so that
no cache helps. The targets are for sixty chapters on two cores: cold below 480 s, no change below
30 s, one changed chapter below 40 s. CPU is that of all processes that a build starts. With
--light each cell only shows a number: what is left is what the build adds to the CPU of chapters.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TAKEN = ("_config.yml", "requirements.txt", "exercises", "book")
TARGETS = {"cold": 480, "no change": 30, "one chapter changed": 40}
SHOWN = "from IPython.display import HTML, display\n\ndisplay(HTML("
FLAGS = re.DOTALL | re.MULTILINE
LABELS = (
    r"^\(([\w-]+)\)=$",
    r"\$\$ \(([\w-]+)\)$",
    r"^:label: ([\w-]+)$",
    r"^\s+name: ([\w-]+)$",
    r"\{solution-start\} ([\w-]+)$",
)


def renamed(text: str, mark: str) -> str:
    """A page with its labels marked, so that two copies do not get into each other's way."""
    labels = {label for form in LABELS for label in re.findall(form, text, re.MULTILINE)}
    for label in sorted(labels, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(label)}(?![\w-])", f"{label}-{mark}", text)
    return text


def with_code(text: str, line: str) -> str:
    """A page with one more line of code, at the end of its first cell."""
    start = text.index("```{code-cell}")
    end = text.index("\n```", start)
    return f"{text[:end]}\n{line}{text[end:]}"


def light(text: str) -> str:
    """A page whose cells only show a number."""
    cell = re.compile(
        r"^(```\{code-cell\}[^\n]*\n(?::[^\n]*\n|---\n.*?\n---\n)*)(.*?)(^```$)", FLAGS
    )
    return cell.sub(lambda match: f"{match[1]}\n{SHOWN}'{len(match[2])}'))\n{match[3]}", text)


def lay_out(folder: Path, count: int, *, cheap: bool) -> list[Path]:
    """A course with this many chapters; returns their pages."""
    for name in TAKEN:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, folder / name)
    originals = sorted((folder / "book").glob("*/*/index.md"))
    parts = yaml.safe_load((folder / "book" / "parts.yml").read_text(encoding="utf-8"))
    pages = list(originals)
    for original in originals if cheap else []:
        text = light(original.read_text(encoding="utf-8"))
        original.write_text(text, encoding="utf-8")
    for i in range(count - len(originals)):
        original = originals[i % len(originals)]
        copy_of = original.parent.with_name(f"{original.parent.name}-{i}")
        copy_of.mkdir()
        text = original.read_text(encoding="utf-8")
        page = copy_of / "index.md"
        page.write_text(with_code(renamed(text, str(i)), f"copy = {i}"), encoding="utf-8")
        shutil.copyfile(original.with_name("figure.js"), page.with_name("figure.js"))
        pages.append(page)
        part = next(p for p in parts if p["folder"] == original.parent.parent.name)
        part["chapters"][copy_of.name] = f"Copy {i}"
    text = yaml.safe_dump(parts, sort_keys=False, allow_unicode=True)
    (folder / "book" / "parts.yml").write_text(text, encoding="utf-8")
    return pages


def measure(folder: Path) -> tuple[float, float]:
    """Seconds on the clock and seconds of CPU that a build takes.

    Raises:
        SystemExit: the build failed.
    """
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, str(folder / "book" / "extensions" / "build.py")]
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(f"The build failed:\n{done.stdout[-4000:]}")
    after = os.times()
    cpu = after.children_user + after.children_system
    return time.perf_counter() - start, cpu - before.children_user - before.children_system


def main() -> None:
    """Measure the three builds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--chapters", type=int, default=60)
    parser.add_argument("--light", action="store_true")
    options = parser.parse_args()
    count = options.chapters
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pages = lay_out(folder, count, cheap=options.light)
        print(f"{count} chapters, {cores} cores")
        print(f"{'build':22} {'clock':>8} {'CPU':>8} {'target for 60':>14}")
        for name, target in TARGETS.items():
            if name == "one chapter changed":
                text = pages[-1].read_text(encoding="utf-8")
                pages[-1].write_text(with_code(text, "changed = True"), encoding="utf-8")
            clock, cpu = measure(folder)
            print(f"{name:22} {clock:7.1f}s {cpu:7.1f}s {target:13}s", flush=True)


if __name__ == "__main__":
    main()
