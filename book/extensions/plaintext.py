"""MyST text as plain Markdown, which Colab and a bare Jupyter show as it is meant.

A chapter uses roles and directives that only the book's build understands. In its notebook terms
become words, citations names and years, and numbers of equations, theorems, exercises and figures
are counted through the chapter. MyST's own parser says where they stand; everything else stays as
it was written. A directive that has no plain form here becomes its content, a role its text.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
import yaml
from boxes import OBJECTIVES, QUESTION
from cells import only_reproduces
from citations import authors_and_year
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from nbformat import NotebookNode
from pybtex.database import parse_file

EXTENSIONS = {"amsmath", "colon_fence", "deflist", "dollarmath"}
OPENING = re.compile(r"^[\s>]*(?:`{3,}|~{3,}|:{3,})\s*\{(?P<name>[^\s{}]+)\}\s*(?P<argument>.*)$")
OPTION = re.compile(r"^:(?P<name>[\w-]+):\s*(?P<value>.*)$")
TITLED = re.compile(r"^(?P<title>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
TICKED = re.compile(r"^[-*+]\s+\[(?P<tick>[ xX])\]\s+")

# Directives that leave nothing, those that only frame their content, and those that are code.
SILENT = {
    "bibliography",
    "chapter-facts",
    "contents",
    "exercise-end",
    "ledger",
    "part-map",
    "solution-end",
    "tableofcontents",
    "toctree",
}
OPEN_ENDED = {"exercise-start", "solution-start"}  # what follows belongs to them
CODE = {"code", "code-block", "sourcecode", "literalinclude", "eval-rst", "raw"}
NOTES = {"attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip"}
NOTES |= {"warning"}
COUNTED = {"exercise": "exercise", "exercise-start": "exercise", "figure": "figure"}
COUNTED |= {"table": "table", "list-table": "table", "math": "equation"}


@dataclass(frozen=True)
class Directive:
    """One directive of a text: `{name} argument`, its options, and the text inside."""

    name: str
    argument: str
    options: dict[str, str]
    body: str

    @property
    def kind(self) -> str:
        """What it is counted as: "exercise", "figure", "theorem"; "" if it has no number."""
        if self.name.startswith("prf:") and self.name != "prf:proof":
            return self.name.removeprefix("prf:")
        if self.name == "math" and "label" not in self.options:
            return ""
        return COUNTED.get(self.name, "")

    @property
    def label(self) -> str:
        """What references call it; without one, its own text, which no reference will be."""
        own = f"{self.name} {self.argument} {self.body}"
        return self.options.get("label") or self.options.get("name") or own


@dataclass(frozen=True)
class Edit:
    """Words for the place between two offsets; a block is followed by 1 or 2 ends of a line."""

    start: int
    end: int
    words: str
    lines: int = 0


@cache
def parser() -> MarkdownIt:
    """The parser of the book's pages."""
    return create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)


@cache
def short_names(bibliography: Path) -> dict[str, tuple[str, str]]:
    """Authors and year of each entry of a BibTeX file, as cited in a sentence."""
    entries = parse_file(str(bibliography)).entries
    return {key: authors_and_year(entry) for key, entry in entries.items()}


def directive_of(token: Token) -> Directive | None:
    """The directive that a token of the parser is, if it is one."""
    if token.type not in {"fence", "colon_fence"}:
        return None
    opening = OPENING.match(token.markup[:3] + token.info.strip())
    if not opening:
        return None
    lines = token.content.splitlines()
    options: dict[str, str] = {}
    if lines and lines[0].strip() == "---":
        end = lines.index("---", 1) if "---" in lines[1:] else len(lines)
        given = yaml.safe_load("\n".join(lines[1:end])) or {}
        options = {str(key): str(value) for key, value in given.items()}
        lines = lines[end + 1 :]
    else:
        while lines and (option := OPTION.match(lines[0])):
            options[option["name"]] = option["value"].strip()
            lines.pop(0)
    return Directive(opening["name"], opening["argument"].strip(), options, "\n".join(lines))


def inner(directive: Directive) -> str:
    """The Markdown inside a directive, "" if it holds something else."""
    return "" if directive.name in CODE | {"math"} else directive.body


@dataclass
class Labels:
    """What can be referred to in a chapter: kind and number of each label, title of each target."""

    numbers: dict[str, tuple[str, int]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, label: str) -> None:
        """Give the next number of a kind to a label."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.numbers[label] = (kind, self.counts[kind])

    def read(self, text: str) -> None:
        """Count what a text labels, in its order."""
        waiting = ""  # a target, until its heading comes
        for token in parser().parse(text):
            if token.type == "math_block_label":
                self.count("equation", token.info)
            elif token.type == "myst_target":
                waiting = token.content
            elif token.type == "inline" and waiting:
                self.titles[waiting], waiting = token.content, ""
            elif directive := directive_of(token):
                if directive.kind:
                    self.count(directive.kind, directive.label)
                self.read(inner(directive))

    def number(self, label: str) -> int | None:
        """The number of a label, or None where it belongs to another chapter."""
        return self.numbers.get(label, ("", None))[1]


def labels_of(notebook: NotebookNode) -> Labels:
    """Everything that a chapter's cells label."""
    labels = Labels()
    for cell in notebook.cells:
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if cell.cell_type == "markdown":
            labels.read(cell.source)
        elif "name" in figure:
            labels.count("figure", figure["name"])
    return labels


class Plain:
    """Writes the Markdown of one chapter without roles, directives, labels and targets."""

    def __init__(self, labels: Labels, bibliography: Path) -> None:
        self.labels = labels
        self.bibliography = bibliography

    def text(self, source: str) -> str:
        """A text without what only the book's build understands."""
        lines = source.splitlines(keepends=True)
        starts = [0, *itertools.accumulate(map(len, lines))]
        edits: list[Edit] = []
        cursor = 0
        for token in parser().parse(source):
            if token.map is None:
                continue
            start, end = starts[token.map[0]], starts[min(token.map[1], len(lines))]
            if directive := directive_of(token):
                indent = re.match(r"[\s>]*", lines[token.map[0]])[0]
                words = textwrap.indent(self.directive(directive), indent)
                edits.append(Edit(start, end, words, 1 if directive.name in OPEN_ENDED else 2))
            elif token.type in {"myst_target", "myst_line_comment"}:
                edits.append(Edit(start, end, "", 2))
            elif token.type == "math_block_label":
                label = source.rindex("$$", start, end)
                end = len(source[:end].rstrip("\n"))
                edits.append(Edit(label, end, f"\\tag{{{self.labels.number(token.info)}}}$$"))
            elif token.type == "inline":
                cursor = self.roles(token, source, (max(cursor, start), end), edits)
        return apply(edits, source).strip("\n")

    def roles(self, inline: Token, source: str, between: tuple[int, int], edits: list[Edit]) -> int:
        """Add an edit for each role of a paragraph; return where the last of them ends."""
        cursor, end = between
        for child in inline.children or []:
            if found := find_inline(child, source, cursor, end):
                cursor = found.end()
                if child.type == "myst_role":
                    words = self.role(child.meta["name"], child.content)
                    edits.append(Edit(*found.span(), words))
        return cursor

    def directive(self, directive: Directive) -> str:
        """The words that stand for a directive."""
        name, argument = directive.name, directive.argument
        if name in SILENT:
            return ""
        if name in CODE:
            language = "" if name in {"raw", "eval-rst"} else argument
            return f"```{language}\n{directive.body}\n```"
        if name == "math":
            number = self.labels.number(directive.label)
            tag = f"\\tag{{{number}}}" if number else ""
            return f"$$\n{directive.body}\n{tag}$$"
        if name == "check-question":
            return self.question(directive.body)
        if name in {"figure", "image"}:
            return self.picture(directive)
        heading = self.heading(directive)
        body = self.text(directive.body)
        if name == "prf:proof":
            body += "\n\n∎"
        if not heading:
            return body
        apart = "\n\n" if name in {"objectives", "admonition", "dropdown", *NOTES} else "\n"
        return f"{heading}{apart}{body}" if body else heading

    def heading(self, directive: Directive) -> str:
        """The words above a directive's content, "" if it is only a frame."""
        name, argument = directive.name, self.text(directive.argument)
        title = f" ({argument})" if argument else ""
        if directive.kind:
            number = self.labels.number(directive.label)
            counted = f"{directive.kind.capitalize()}{f' {number}' if number else ''}"
            if directive.kind == "table":
                return f"*{counted}.* {argument}"
            return f"**{counted}{title}.**"
        if name in {"solution", "solution-start"}:
            return f"**Solution of {self.reference(directive.argument).lower()}.**"
        if name == "objectives":
            return f"**{OBJECTIVES}**"
        if name == "prf:proof":
            return f"**Proof{title}.**"
        if name == "assignment":
            slug = directive.argument
            return f"In the repository of the book it is `exercises/{slug}/{slug}.ipynb`."
        if name in {"admonition", "dropdown"}:
            return f"**{argument}**"
        return f"**{name.capitalize()}.**" if name in NOTES else ""

    def picture(self, directive: Directive) -> str:
        """An image with its caption."""
        image = f"![{directive.options.get('alt', '')}]({directive.argument})"
        number = self.labels.number(directive.label)
        caption = self.text(directive.body)
        counted = f"*Figure {number}.* " if number else ""
        return f"{image}\n\n{counted}{caption}" if caption else image

    def question(self, body: str) -> str:
        """A check question: the options in a list, and the answers folded below."""
        text, options = split_options(body)
        asked = [f"- ({letter}) {self.text(choice)}" for letter, _, choice, _ in options]
        reasons = (
            f"({letter}) **{'Right' if right else 'Wrong'}.** {self.text(why)}"
            for letter, right, _, why in options
        )
        answers = [f"- {textwrap.indent(reason, '  ').lstrip()}" for reason in reasons]
        return "\n".join(
            [
                f"**{QUESTION}.** {self.text(text)}\n",
                *asked,
                "\n<details><summary>Show the answer</summary>\n",
                *answers,
                "\n</details>",
            ]
        )

    def reference(self, target: str) -> str:
        """A label in words: "Theorem 2", the title of a section, or the label itself."""
        if target in self.labels.numbers:
            kind, number = self.labels.numbers[target]
            return f"{kind.capitalize()} {number}"
        return self.text(self.labels.titles[target]) if target in self.labels.titles else target

    def role(self, name: str, content: str) -> str:
        """The words that stand for a role."""
        titled = TITLED.match(content)
        title, target = (titled["title"], titled["target"]) if titled else ("", content)
        if name.startswith("cite"):
            return self.citation(name, target)
        if name == "eq":
            number = self.labels.number(target)
            return title or (f"({number})" if number else target)
        if name == "numref":
            number = self.labels.number(target)
            shown = title or self.reference(target)
            return shown.replace("{number}", str(number)).replace("%s", str(number))
        if name == "math":
            return f"${content}$"
        if name in {"sub", "sup", "kbd"}:
            return f"<{name}>{content}</{name}>"
        if name in {"code", "download", "file"}:
            return title or f"`{target}`"
        if name in {"ref", "prf:ref"}:
            return title or self.reference(target)
        return title or target

    def citation(self, name: str, keys: str) -> str:
        """Authors and years of what is cited; a key that is not in the bibliography as it is."""
        known = short_names(self.bibliography)
        names = [known.get(key.strip(), (key.strip(), "")) for key in keys.split(",")]
        if name in {"cite:t", "cite:ts", "cite:ct"}:
            return ", ".join(f"{who} ({year})" if year else who for who, year in names)
        return f"({'; '.join(f'{who}, {year}'.rstrip(', ') for who, year in names)})"


def apply(edits: list[Edit], source: str) -> str:
    """The source with every edit made."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        before, after, words = source[: edit.start], source[edit.end :], edit.words
        if edit.lines:
            before, after = before.rstrip("\n") + "\n\n", after.lstrip("\n")
            words += "\n" * edit.lines if words else ""
        source = before + words + after
    return source


def find_inline(child: Token, source: str, start: int, end: int) -> re.Match[str] | None:
    """Where the source has an inline token that is a role or code, at or after `start`."""
    if child.type == "myst_role":
        opening = r"(?<!\\)" + re.escape(f"{{{child.meta['name']}}}") + r"(?P<ticks>`+)"
    elif child.type == "code_inline":
        opening = rf"(?<![`}}])(?P<ticks>{child.markup})"
    else:
        return None
    return re.compile(rf"{opening}(?!`).+?(?<!`)(?P=ticks)(?!`)", re.DOTALL).search(
        source, start, end
    )


def split_options(body: str) -> tuple[str, list[tuple[str, bool, str, str]]]:
    """A question's text, and of each option: letter, whether it is right, its text, and why."""
    lines = body.splitlines()
    tokens = parser().parse(body)
    lists = [i for i, t in enumerate(tokens) if t.type == "bullet_list_open" and t.level == 0]
    if not lists:
        return body, []
    items = [t for t in tokens[lists[-1] :] if t.type == "list_item_open" and t.level == 1]
    paragraphs = [t for t in tokens[lists[-1] :] if t.type == "paragraph_open" and t.level == 2]
    options = []
    for letter, item in zip("abcdefgh", items, strict=False):
        first, last = item.map
        end = next(t.map[1] for t in paragraphs if t.map[0] == first)
        choice = "\n".join(line.strip() for line in lines[first:end])
        ticked = TICKED.match(choice)
        why = textwrap.dedent("\n".join(lines[end:last])).strip("\n")
        right = bool(ticked) and ticked["tick"] in "xX"
        options.append((letter, right, TICKED.sub("", choice), why))
    return "\n".join(lines[: tokens[lists[-1]].map[0]]).strip("\n"), options


def plain_cells(notebook: NotebookNode, bibliography: Path) -> NotebookNode:
    """The notebook with plain Markdown cells and a caption below each numbered figure.

    Code that only compares with printed numbers is folded.
    """
    plain = Plain(labels_of(notebook), bibliography)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain.text(cell.source)
        elif cell.cell_type == "code" and only_reproduces(cell.source):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if cell.source.strip():
            cells.append(cell)
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if "name" in figure:
            caption = plain.text(figure.get("caption", "").strip())
            number = plain.labels.number(figure["name"])
            below = nbformat.v4.new_markdown_cell(f"*Figure {number}.* {caption}")
            below.id = figure["name"]
            cells.append(below)
    notebook.cells = cells
    return notebook
