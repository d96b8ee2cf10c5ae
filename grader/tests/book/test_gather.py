"""The pages of reference and the table of contents, gathered from the chapters' folders."""

from __future__ import annotations

from pathlib import Path

import gather
import pytest
import toc

from . import small

PARTS = """\
- title: One
  folder: one
  chapters: {first: First, second: Second, third: Third}
- title: Two
  folder: two
  chapters: {fourth: Fourth}
"""
BOOK = "@book{lee, author={Lee, A.}, title={T}, year={1900}, publisher={P}}\n"
TABLE = "## Theme\n\n| Symbol | Meaning |\n|---|---|\n"


def write(folder: Path, **texts: str) -> list[Path]:
    """One file for each text, by name; returns them in this order."""
    paths = [folder / name for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_one_source_in_two_chapters_is_one_entry(tmp_path: Path) -> None:
    spaced = BOOK.replace("{", " {", 1).replace(", title", ",\n  title")
    other = BOOK.replace("lee", "kim")
    text = gather.bibliography(write(tmp_path, a=BOOK + "\n" + other, b=spaced))
    assert text == f"{BOOK.strip()}\n\n{other}"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (BOOK.replace("1900", "1901"), r"a and .*b have different entries lee"),
        (BOOK.replace("lee", "Lee").replace("1900", "1901"), "different entries Lee"),
        ("@book{lee, title=", "b is not BibTeX"),
    ],
)
def test_two_sources_under_one_name_are_an_error(tmp_path: Path, second: str, said: str) -> None:
    with pytest.raises(gather.GatherError, match=said):
        gather.bibliography(write(tmp_path, a=BOOK, b=second))


def test_terms_stand_in_alphabetical_order(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        a="zero\n  Nothing.\n\n  Two\n  paragraphs.\n",
        b="Two\ntoo\n  Both.\n\nan\n  A.\n",
    )
    expected = "an\n  A.\n\nTwo\ntoo\n  Both.\n\nzero\n  Nothing.\n\n  Two\n  paragraphs."
    assert gather.glossary(files) == expected


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("Zero\n  None.", r"a and .*b both define the term 'Zero'"),
        ("word", "an entry is a term"),
        ("  indented", "an entry is a term"),
    ],
)
def test_a_term_twice_or_an_entry_without_a_definition_is_an_error(
    tmp_path: Path, second: str, said: str
) -> None:
    with pytest.raises(gather.GatherError, match=said):
        gather.glossary(write(tmp_path, a="zero\n  Nothing.\n", b=second))


def test_chapters_that_share_a_theme_share_its_table(tmp_path: Path) -> None:
    row = r"| $\lvert x \rvert$ or $a\|b$ | size |"
    first = f"{TABLE}{row}\n\nWords.\n\n## Other\n\n| A |\n|---|\n| 1 |\n"
    second = f"{TABLE}{row.replace('size', ' size ')}\n| $y$ | more |\n"
    text = gather.notation(write(tmp_path, a=first, b=second))
    assert text.count("## Theme") == 1
    assert text.count("size") == 1
    assert text.index("more") < text.index("Words.") < text.index("## Other")
    assert text.count(":::{div} wide-table\n|") == 2


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (f"{TABLE}| $x$ | other |\n", r"a and .*b differ on the symbol \$x\$ of the theme 'Theme'"),
        (TABLE.replace("Meaning", "Sense") + "| $x$ | one |\n", "different columns"),
        ("Words first.\n", "must begin with a theme"),
        ("## Theme\n\nNo table.\n", "the theme 'Theme' has no table"),
    ],
)
def test_symbols_that_do_not_fit_are_an_error(tmp_path: Path, second: str, said: str) -> None:
    with pytest.raises(gather.GatherError, match=said):
        gather.notation(write(tmp_path, a=f"{TABLE}| $x$ | one |\n", b=second))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A folder like book/, with parts.yml and the chapters first and third."""
    folder = tmp_path / "book"
    for name in ("one/third", "one/first"):
        (folder / name).mkdir(parents=True)
        (folder / name / "index.md").write_text("# Title\n")
        (folder / name / "terms.md").write_text(f"{name}\n  Text.\n")
    (folder / "parts.yml").write_text(PARTS)
    return folder


def test_files_come_in_reading_order(book: Path) -> None:
    (book / "terms.md").write_text("common\n  Text.\n")
    found = [path.parent.name for path in gather.sources(book, "terms.md")]
    assert found == ["book", "first", "third"]


def test_contents_have_the_chapters_that_exist_in_the_order_of_the_parts(book: Path) -> None:
    text = toc.contents(book)
    assert text.index("one/first/index") < text.index("one/third/index")
    assert "second" not in text
    assert "caption: Two" not in text
    (book / "two/fifth").mkdir(parents=True)
    (book / "two/fifth/index.md").write_text("# Title\n")
    with pytest.raises(ValueError, match=r"does not list two/fifth; add it there"):
        toc.contents(book)


def test_the_committed_contents_are_in_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert toc.main(["--check"]) == 0, capsys.readouterr().err


def test_pages_are_filled_and_filled_again_when_a_chapter_comes(
    tmp_path: Path,
) -> None:
    index = "# Book\n\n```{toctree}\n:glob:\n\n*\n```\n"
    pages = {
        "index.md": index,
        "glossary.md": "# Glossary\n\n```{gathered-terms}\n```\n",
        "notation.md": "# Notation\n\n```{gathered-symbols}\n```\n",
        "book/one/first/terms.md": "alpha\n  The first letter.\n",
        "book/one/first/symbols.md": f"{TABLE}| $x$ | one |\n",
        "sources.md": "# Sources\n\n{cite:t}`lee,primes`.\n\n```{bibliography}\n```\n",
        "book/one/first/references.bib": BOOK,
    }
    built = small.SmallBook(tmp_path, pages, "chapter", "sphinx_design")
    assert built.build() == ""
    assert 'id="term-alpha"' in built.page("glossary")
    assert "<h2>Theme" in built.page("notation")
    assert "Lee" in built.page("sources")
    built.write({"book/one/second/terms.md": "beta\n  The second letter.\n"})
    assert built.build() == ""
    assert 'id="term-beta"' in built.page("glossary")
    built.write({"book/one/first/terms.md": "gamma\n  The third letter.\n"})
    assert built.build() == ""
    assert 'id="term-alpha"' not in built.page("glossary")
    assert 'id="term-gamma"' in built.page("glossary")


def test_a_chapter_is_named_as_planned_until_it_is_written(tmp_path: Path) -> None:
    planned = "rl/exploration"
    assert planned in toc.planned_chapters(toc.read_parts())
    index = "# Book\n\n```{toctree}\n:glob:\n\n*\nbook/*/*/index\n```\n"
    text = f"# Page\n\nSee {{chapter}}`{planned}`.\n"
    front = "---\ndescription: A chapter that came in the meantime.\ndifficulty: 1\n---\n"
    other = {"book/rl/introduction/index.md": f"{front}# Begin\n"}
    pages = {"index.md": index, "page.md": text, **other}
    built = small.SmallBook(tmp_path, pages, "chapter")
    assert built.build() == ""
    assert '<span class="planned">Exploration (planned)</span>' in built.page("page")
    built.write({f"book/{planned}/index.md": f"{front}# Exploring worlds\n"})
    assert built.build() == ""
    assert f'href="book/{planned}/index.html">Exploring worlds</a>' in built.page("page")
    built.write({"page.md": "# Page\n\nSee {chapter}`rl/nothing`.\n"})
    assert "lists no chapter 'rl/nothing'" in built.build()
