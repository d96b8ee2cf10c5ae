"""What a chapter is, asked by everything that builds the book.

A chapter is the folder book/<part>/<chapter>/ with the page in index.md. Its front matter holds
only what is the chapter's own:

    ---
    description: one sentence for search engines and link previews
    difficulty: 3
    assignment: exploration    # if it has one
    reads: [corpus.txt]        # files beside the page that its code reads, if there are any
    ---

`complete` adds what makes it a notebook. It keeps the number of lines, so that warnings name the
right line, and gives the notebook a key of what its outputs depend on besides its code. myst-nb
takes the kernel's description into the key of its execution cache, so that is where the key stands.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import jupytext
import yaml
from nbformat import NotebookNode

BOOK = Path(__file__).resolve().parents[1]
KIT = BOOK / "kit"
DOCNAME = re.compile(r"book/(?P<part>[^/]+)/(?P<slug>[^/]+)/index")
FRONT = re.compile(r"\A---\n(?P<yaml>.*?)^---\n", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
OPTION = re.compile(r"\A(?::[\w-]+:[^\n]*\n|---\n.*?\n---\n)*", re.DOTALL)
NOTEBOOK = {
    "jupytext": {"text_representation": {"extension": ".md", "format_name": "myst"}},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
}
# A new release of one of these may move a number; other packages cannot.
NUMERICAL = ("numpy", "scipy", "matplotlib", "scikit-learn", "gymnasium", "torch")
WITH_JUPYTER = {"IPython"}  # comes with any notebook


class ChapterError(Exception):
    """What is wrong with a chapter's source, in one sentence."""


def is_chapter(docname: str) -> bool:
    """Whether a page is a chapter."""
    return DOCNAME.fullmatch(docname) is not None


def chapters(book: Path = BOOK) -> list[Path]:
    """Pages of all chapters that exist."""
    return sorted(book.glob("*/*/index.md"))


def kit_modules() -> dict[str, Path]:
    """Modules that a chapter's code may import, by name."""
    return {path.stem: path for path in sorted(KIT.glob("*.py"))}


@cache
def distributions() -> dict[str, list[str]]:
    """Names of the installed packages that provide a module."""
    return {name: list(found) for name, found in metadata.packages_distributions().items()}


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Top-level names of the modules that a piece of code imports, wherever it does so."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def at_full_scale(node: ast.AST) -> bool:
    """Whether a node is `if SCALE == "full":`, whose body a quick run never enters."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "SCALE"
        and isinstance(node.test.ops[0], ast.Eq)
        and isinstance(node.test.comparators[0], ast.Constant)
        and node.test.comparators[0].value == "full"
    )


def walk_quick(tree: ast.AST) -> Iterable[ast.AST]:
    """Every node that a run at SCALE="quick" may reach."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if at_full_scale(node):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def modules_of(cells: Iterable[str]) -> tuple[set[str], set[str]]:
    """Kit modules and other modules, the standard library's left out, that code cells import."""
    kit, found = kit_modules(), set[str]()
    waiting = list(cells)
    while waiting:
        new = imported(walk_quick(ast.parse(without_magics(waiting.pop())))) - found
        found |= new
        waiting += [kit[name].read_text(encoding="utf-8") for name in new & set(kit)]
    return found & set(kit), found - set(kit) - set(sys.stdlib_module_names)


def without_magics(code: str) -> str:
    """Code that Python can parse: lines for IPython or a shell are left out."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.MULTILINE)


def requirements(cells: Iterable[str]) -> list[str]:
    """What to install with pip so that these code cells can import what they do."""
    outside = modules_of(cells)[1] - WITH_JUPYTER
    return sorted(distributions().get(name, [name])[0] for name in outside)


@cache
def numerical_needs(package: str) -> frozenset[str]:
    """Those of the numerical packages that an installed package needs, itself included."""
    seen, waiting = set[str](), [package.lower()]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        needed = {re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0].lower() for line in asked}
        waiting += needed & set(NUMERICAL)
    return frozenset(seen & set(NUMERICAL))


def version_of(package: str) -> str:
    """Version of an installed package, or "none"."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def versions(cells: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that code cells import and of the numerical ones behind them."""
    direct = requirements(cells)
    behind = set[str]().union(*(numerical_needs(package) for package in direct))
    return {name: version_of(name) for name in sorted({*direct, *behind})}


def key(page: Path, cells: list[str], reads: Iterable[str] = ()) -> str:
    """Name of everything besides its own code that a chapter's outputs depend on.

    It is made from the version of Python, the kit modules that the code imports, the versions of
    the packages that it imports, and the files that its front matter says it reads.

    Raises:
        ChapterError: a file that it is to read is not there, or a cell is not Python.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    try:
        kit = modules_of(cells)[0]
        found = versions(cells)
    except SyntaxError as error:
        raise ChapterError(
            f"{page}: a code cell is not Python: {error.msg}: {error.text}"
        ) from error
    for name in sorted(kit):
        digest.update(kit_modules()[name].read_bytes())
    digest.update(json.dumps(found).encode())
    for name in reads:
        try:
            digest.update((page.parent / name).read_bytes())
        except OSError as error:
            raise ChapterError(
                f"{page}: its front matter says that it reads {name}, which is not there"
            ) from error
    return digest.hexdigest()[:12]


def code_cells(text: str) -> list[str]:
    """Source of each code cell of a MyST notebook."""
    bodies = (match["body"] for match in CODE.finditer(text))
    return [OPTION.sub("", body, count=1) for body in bodies]


def front_matter(text: str, page: Path) -> dict[str, Any]:
    """The front matter of a page, or {}.

    Raises:
        ChapterError: it is not a mapping in YAML.
    """
    match = FRONT.match(text)
    if match is None:
        return {}
    try:
        front = yaml.safe_load(match["yaml"]) or {}
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ChapterError(f"{page}: the front matter is not YAML: {problem}") from error
    if not isinstance(front, dict):
        raise ChapterError(f"{page}: the front matter must be lines of the form `name: value`")
    return front


def checked(front: dict[str, Any], page: Path) -> dict[str, Any]:
    """The front matter of a chapter, if it says what a chapter's must.

    Raises:
        ChapterError: something is missing or of the wrong kind.
    """
    expected = {
        "description": (lambda v: isinstance(v, str) and len(v) > 20, "one sentence"),
        "difficulty": (lambda v: v in {1, 2, 3, 4, 5}, "a whole number from 1 to 5"),
        "assignment": (lambda v: v is None or isinstance(v, str), "the assignment's name"),
        "reads": (lambda v: isinstance(v, list) or v is None, "a list of files"),
    }
    for name, (good, what) in expected.items():
        if not good(front.get(name)):
            raise ChapterError(
                f"{page}: the front matter needs `{name}:` with {what}, not {front.get(name)!r}"
            )
    return front


def complete(text: str, page: Path, *, chapter: bool = True) -> str:
    """The text of a page with all that makes it a notebook, on as many lines as before.

    Args:
        text: the page as its author wrote it.
        page: where it lies; named in errors.
        chapter: whether it is a chapter; other pages are completed if they are notebooks already.

    Raises:
        ChapterError: the front matter lacks something.
    """
    front = front_matter(text, page)
    if chapter:
        checked(front, page)
        meta = front.setdefault("myst", {}).setdefault("html_meta", {})
        meta.setdefault("description", front.pop("description"))
        front = NOTEBOOK | front
    elif "kernelspec" not in front:
        return text
    match = FRONT.match(text)
    if match is None:
        raise ChapterError(f"{page}: the front matter is missing")
    body = text[match.end() :]
    made = key(page, code_cells(body), front.pop("reads", None) or ())
    front["kernelspec"] = front["kernelspec"] | {"key": made}
    lines = max(1, match["yaml"].count("\n"))
    filler = "#\n" * (lines - 1)
    return f"---\n{json.dumps(front, ensure_ascii=False)}\n{filler}---\n{body}"


def read(page: Path) -> NotebookNode:
    """A chapter as a notebook, without outputs."""
    notebook = jupytext.reads(complete(page.read_text(encoding="utf-8"), page), fmt="md:myst")
    notebook.metadata["kernelspec"].pop("key")
    return notebook
