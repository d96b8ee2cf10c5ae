"""MyST text as plain Markdown, which Colab and a bare Jupyter show as it is meant.

A chapter uses roles and directives that only the book's build understands. In its notebook terms
become words, citations names and years, and numbers of equations, theorems, exercises and figures
are counted through the chapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
from boxes import OBJECTIVES, QUESTION
from citations import authors_and_year
from nbformat import NotebookNode
from pybtex.database import parse_file

DIRECTIVE = re.compile(r"^(?P<fence>:{3,}|`{3,})\{(?P<name>[a-z:-]+)\}[ ]*(?P<argument>.*)$")
OPTION = re.compile(r"^:(?P<name>[a-z-]+):[ ]*(?P<value>.*)$")
EQUATION = re.compile(r"^(?P<before>.*)\$\$ \((?P<label>[\w-]+)\)$", re.MULTILINE)
TARGET = re.compile(r"^\([\w-]+\)=$")
ROLE = re.compile(r"\{(?P<name>[a-z:]+)\}`(?P<text>[^`]+)`")
TITLED = re.compile(r"^(?P<title>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
NAMED = {"exercise-start": "Exercise", "solution-start": "Solution of exercise"}
BOXES = {"objectives": OBJECTIVES, "check-question": QUESTION}
SILENT = {"chapter-facts", "exercise-end", "solution-end", "div"}


@cache
def short_names(bibliography: Path) -> dict[str, tuple[str, str]]:
    """Authors and year of each entry of a BibTeX file, as cited in a sentence."""
    entries = parse_file(str(bibliography)).entries
    return {key: authors_and_year(entry) for key, entry in entries.items()}


def options_below(lines: list[str], i: int) -> dict[str, str]:
    """Options of the directive that line `i` opens."""
    found = {}
    for line in lines[i + 1 :]:
        if not (option := OPTION.match(line)):
            break
        found[option["name"]] = option["value"]
    return found


def directives(text: str) -> Iterator[tuple[str, str]]:
    """Name of each directive in a text, and its label, or its argument where it has none."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if opened := DIRECTIVE.match(line):
            label = options_below(lines, i).get("label", opened["argument"])
            yield opened["name"], label


def count_labels(notebook: NotebookNode) -> dict[str, int]:
    """Number of each labelled equation, theorem, exercise and figure of a chapter."""
    numbers: dict[str, int] = {}
    counts: dict[str, int] = {}

    def count(kind: str, label: str) -> None:
        counts[kind] = counts.get(kind, 0) + 1
        numbers[label] = counts[kind]

    for cell in notebook.cells:
        if cell.cell_type == "code":
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            if "name" in figure:
                count("figure", figure["name"])
            continue
        for equation in EQUATION.finditer(cell.source):
            count("equation", equation["label"])
        for name, label in directives(cell.source):
            if name == "exercise-start" or (name.startswith("prf:") and name != "prf:proof"):
                count(name, label)
    return numbers


def opening(name: str, argument: str, label: str, numbers: dict[str, int]) -> str:
    """The words that stand for the first line of a directive.

    Raises:
        ValueError: no plain form of the directive is known.
    """
    if name in SILENT:
        return ""
    if name in BOXES:
        return f"**{BOXES[name]}**\n"
    if name == "admonition":
        return f"**{argument}**\n"
    if name == "assignment":
        return f"In the repository of the book it is `exercises/{argument}/{argument}.ipynb`."
    if name == "prf:proof":
        return "**Proof.**"
    if name.startswith("prf:"):
        title = f" ({argument})" if argument else ""
        return f"**{name.removeprefix('prf:').capitalize()} {numbers[label]}{title}.**"
    if name in NAMED:
        return f"**{NAMED[name]} {numbers[argument if name == 'solution-start' else label]}.**"
    raise ValueError(f"no plain form of the directive {name!r}; add one to {Path(__file__).name}")


def role(name: str, text: str, numbers: dict[str, int], bibliography: Path) -> str:
    """The words that stand for a role.

    Raises:
        ValueError: no plain form of the role is known.
    """
    titled = TITLED.match(text)
    title, target = (titled["title"], titled["target"]) if titled else ("", text)
    if name in {"term", "ref", "doc"}:
        return title or target
    if name in {"cite:p", "cite:t"}:
        names = [short_names(bibliography)[key.strip()] for key in target.split(",")]
        if name == "cite:t":
            return ", ".join(f"{who} ({year})" for who, year in names)
        return f"({'; '.join(f'{who}, {year}' for who, year in names)})"
    if name == "eq":
        return f"({numbers[target]})"
    if name == "numref":
        return (title or "Figure {number}").replace("{number}", str(numbers[target]))
    if name == "prf:ref":
        return title or f"Theorem {numbers[target]}"
    raise ValueError(f"no plain form of the role {name!r}; add one to {Path(__file__).name}")


def plain(text: str, numbers: dict[str, int], bibliography: Path) -> str:
    """One Markdown cell without directives, roles, labels and targets."""
    source = text.splitlines()
    lines: list[str] = []
    opened: list[str] = []  # directives between colons that are still open
    i = 0
    while i < len(source):
        line = source[i]
        if directive := DIRECTIVE.match(line):
            options = options_below(source, i)
            label = options.get("label", directive["argument"])
            lines += opening(directive["name"], directive["argument"], label, numbers).splitlines()
            i += len(options)
            if directive["fence"].startswith("`"):
                i = source.index(directive["fence"], i + 1)
            else:
                opened.append(directive["name"])
        elif opened and re.fullmatch(r":{3,}", line.strip()):
            lines += ["", "∎"] if opened.pop() == "prf:proof" else []
        elif not TARGET.match(line):
            lines.append(line)
        i += 1
    joined = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    joined = EQUATION.sub(lambda m: f"{m['before']}\\tag{{{numbers[m['label']]}}}$$", joined)
    return ROLE.sub(lambda m: role(m["name"], m["text"], numbers, bibliography), joined)


def plain_cells(notebook: NotebookNode, bibliography: Path) -> NotebookNode:
    """The notebook with plain Markdown cells, and a caption below each numbered figure."""
    numbers = count_labels(notebook)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, numbers, bibliography)
        if cell.source.strip():
            cells.append(cell)
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if "name" in figure:
            caption = plain(figure.get("caption", "").strip(), numbers, bibliography)
            below = nbformat.v4.new_markdown_cell(f"*Figure {numbers[figure['name']]}.* {caption}")
            below.id = figure["name"]
            cells.append(below)
    notebook.cells = cells
    return notebook
