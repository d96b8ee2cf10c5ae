"""Gathers what the chapters bring into the pages of reference.

- references.bib of all chapters and of book/ become one file. An entry may stand in several of them
  if it is the same everywhere.
- terms.md of all chapters and of book/ fill the line `{gathered-terms}` of the glossary: entries of
  one `{glossary}`, in alphabetical order. A term that is defined twice is an error.
- symbols.md of all chapters fill the line `{gathered-symbols}` of the notation page. A chapter's
  file has a heading for each theme, and below it one table and perhaps a paragraph. Chapters that
  share a theme share its table: its columns must be the same, and a symbol has one meaning in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from pybtex.database import Entry, parse_string
from pybtex.exceptions import PybtexError
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from toc import planned_chapters, read_parts

ENTRY = re.compile(r"^@\w+\s*\{\s*(?P<key>[^,\s]+)\s*,.*?(?=^@|\Z)", re.DOTALL | re.MULTILINE)
LINE = re.compile(r"^```\{(?P<what>gathered-(?:terms|symbols))\}\n```$", re.MULTILINE)
FILES = {"gathered-terms": "terms.md", "gathered-symbols": "symbols.md"}


class GatherError(Exception):
    """What does not fit together, in one sentence."""


def sources(book: Path, name: str) -> list[Path]:
    """Files of this name in book/ and in its chapters, in reading order."""
    order: list[str] = []
    if (book / "parts.yml").exists():
        order = list(planned_chapters(read_parts(book / "parts.yml")))

    def place(path: Path) -> tuple[int, str]:
        folder = path.parent.relative_to(book).as_posix()
        return (order.index(folder) if folder in order else len(order), folder)

    common = [book / name] if (book / name).exists() else []
    return common + sorted(book.glob(f"*/*/{name}"), key=place)


def short(path: Path) -> str:
    """A path as an author knows it."""
    return os.path.relpath(path)


def bibliography(files: Iterable[Path]) -> str:
    """One BibTeX file out of several.

    Raises:
        GatherError: a file cannot be read, or a key stands for two different sources.
    """
    kept: dict[str, tuple[Path, str, Entry]] = {}
    for path in files:
        text = path.read_text(encoding="utf-8")
        try:
            entries = parse_string(text, "bibtex").entries
        except PybtexError as error:
            raise GatherError(f"{short(path)} is not BibTeX: {error}") from error
        for match in ENTRY.finditer(text):
            key, entry = match["key"].lower(), entries[match["key"]]
            if key not in kept:
                kept[key] = (path, match[0].strip(), entry)
            elif kept[key][2] != entry:
                raise GatherError(
                    f"{short(kept[key][0])} and {short(path)} have different entries "
                    f"{match['key']}; make them the same, or give one another key"
                )
    return "\n\n".join(text for _, text, _ in kept.values()) + "\n"


def term_entries(path: Path) -> Iterable[tuple[list[str], str]]:
    """Terms and text of each entry of a file: terms at the margin, the definition indented."""
    text = path.read_text(encoding="utf-8").strip()
    for block in re.split(r"\n\s*\n(?=\S)", text) if text else []:
        lines = block.splitlines()
        terms = [line.strip() for line in lines if line and not line[0].isspace()]
        if not terms or len(terms) == len(lines) or lines[0][0].isspace():
            raise GatherError(
                f"{short(path)}: an entry is a term, and below it its definition, indented by two "
                f"spaces; this is not: {lines[0]!r}"
            )
        yield terms, block


def glossary(files: Iterable[Path]) -> str:
    """The entries of all files, in alphabetical order.

    Raises:
        GatherError: a term is defined twice.
    """
    where: dict[str, Path] = {}
    entries: list[tuple[str, str]] = []
    for path in files:
        for terms, block in term_entries(path):
            for term in terms:
                if term.casefold() in where:
                    raise GatherError(
                        f"{short(where[term.casefold()])} and {short(path)} both define "
                        f"the term {term!r}; leave it in one"
                    )
                where[term.casefold()] = path
            entries.append((terms[0].casefold(), block))
    return "\n\n".join(block for _, block in sorted(entries))


def cells(row: str) -> list[str]:
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def notation(files: Iterable[Path]) -> str:
    """One section a theme, each with one table.

    Raises:
        GatherError: columns differ, or a symbol has two meanings in a theme.
    """
    heads: dict[str, tuple[str, Path]] = {}
    rows: dict[str, dict[str, tuple[str, Path]]] = {}
    words: dict[str, list[str]] = {}
    for path in files:
        parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if parts[0].strip() or len(parts) < 3:
            raise GatherError(f"{short(path)} must begin with a theme: `## Theme`")
        for theme, body in zip(parts[1::2], parts[2::2], strict=True):
            lines = body.strip().splitlines()
            table = [line for line in lines if line.startswith("|")]
            if len(table) < 3:
                raise GatherError(f"{short(path)}: the theme {theme!r} has no table")
            head, path_of_head = heads.setdefault(theme, (table[0], path))
            if cells(head) != cells(table[0]):
                raise GatherError(
                    f"{short(path_of_head)} and {short(path)} have different columns for the "
                    f"theme {theme!r}; make them the same"
                )
            for line in table[2:]:
                symbol = cells(line)[0]
                kept, first = rows.setdefault(theme, {}).setdefault(symbol, (line, path))
                if cells(kept) != cells(line):
                    raise GatherError(
                        f"{short(first)} and {short(path)} differ on the symbol {symbol} of the "
                        f"theme {theme!r}; make the rows the same, or choose another symbol"
                    )
            text = "\n".join(line for line in lines if not line.startswith("|")).strip()
            words.setdefault(theme, []).extend([text] if text else [])
    sections = []
    for theme, (head, _) in heads.items():
        rule = "|" + "---|" * len(cells(head))
        table = "\n".join([head, rule, *(line for line, _ in rows[theme].values())])
        parts = [f"## {theme}", f":::{{div}} wide-table\n{table}\n:::", *words[theme]]
        sections.append("\n\n".join(parts))
    return "\n\n".join(sections)


def write_bibliography(book: Path, target: Path, others: Iterable[Path] = ()) -> Path:
    """Write the gathered references to a file, if they changed; returns it.

    Raises:
        GatherError: they do not fit together.
    """
    files = dict.fromkeys([*others, *sources(book, "references.bib")])
    text = bibliography(files)
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return target


def gather_references(app: Sphinx, config: Config) -> None:
    """Give sphinxcontrib-bibtex the gathered file; what is gathered is no page of its own."""
    source = Path(app.srcdir)
    config.exclude_patterns += [f"book/**{name}" for name in FILES.values()]
    if not sources(source / "book", "references.bib"):
        return
    others = [source / name for name in config.bibtex_bibfiles]
    target = Path(app.outdir).parent / "gathered" / "references.bib"
    try:
        write_bibliography(source / "book", target, others)
    except GatherError as error:
        raise ExtensionError(str(error)) from error
    config.bibtex_bibfiles = [os.path.relpath(target, source)]


def gather_source(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the lines that stand for what chapters bring."""
    makers: dict[str, Callable[[Iterable[Path]], str]] = {
        "gathered-terms": lambda files: f"```{{glossary}}\n{glossary(files)}\n```",
        "gathered-symbols": notation,
    }
    used: list[Path] = []

    def fill(match: re.Match[str]) -> str:
        files = sources(Path(app.srcdir) / "book", FILES[match["what"]])
        used.extend(files)
        return makers[match["what"]](files)

    try:
        content[0] = LINE.sub(fill, content[0])
    except GatherError as error:
        raise ExtensionError(str(error)) from error
    for path in used:
        app.env.note_dependency(str(path))
    app.env.temp_data["gathered"] = [str(path) for path in used]


def note_files(app: Sphinx, doctree: object) -> None:
    """Keep which files a page was filled from."""
    if used := app.env.temp_data.get("gathered"):
        app.env.metadata[app.env.docname]["gathered"] = used


def pages_with_other_files(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages of reference that were filled before a chapter's file came or went."""
    book = Path(app.srcdir) / "book"
    known = {str(path) for name in FILES.values() for path in sources(book, name)}
    found = []
    for name in env.found_docs - added - removed:
        used = env.metadata[name].get("gathered")
        if used and set(used) != {p for p in known if Path(p).name == Path(used[0]).name}:
            found.append(name)
    return found


def connect(app: Sphinx) -> None:
    """Register what this module does."""
    app.connect("config-inited", gather_references)
    app.connect("env-get-outdated", pages_with_other_files)
    app.connect("source-read", gather_source)
    app.connect("doctree-read", note_files)
