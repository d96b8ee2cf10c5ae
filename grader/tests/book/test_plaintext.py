"""A chapter's text in its notebook: plain Markdown, in which nothing that was written is lost."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import plaintext
import pytest

BIB = """\
@book{one, author={Bellman, Richard}, title={A}, year={1957}}
@book{two, author={Howard, Ronald A. and {van der} Waerden, B.}, title={B}, year={1960}}
@misc{three, author={{OpenAI}}, title={C}, year={2019}}
"""


@pytest.fixture
def plain(tmp_path: Path):
    """What becomes of a notebook with one Markdown cell."""
    bibliography = tmp_path / "references.bib"
    bibliography.write_text(BIB, encoding="utf-8")

    def of(text: str) -> str:
        cell = nbformat.v4.new_markdown_cell(text)
        notebook = nbformat.v4.new_notebook(cells=[cell])
        cells = plaintext.plain_cells(notebook, bibliography).cells
        return "\n".join(cell.source for cell in cells)

    return of


def test_roles_and_directives_become_words_and_numbers(plain) -> None:
    text = """\
(here)=
## A section

:::{objectives}
- Know a {term}`backup` and two {term}`policies <policy>`.
:::
$$
a = b
$$ (eq-one)

% a comment
::::{prf:theorem} Short
:label: thm-short
By {eq}`eq-one` and {cite:t}`one`.
:::{prf:proof}
It is {math}`1`.
:::
::::
::::{prf:lemma}
Not labelled.
::::
:::{prf:lemma}
:label: lem
Second.
:::
```{exercise-start} Easy
:label: ex-a
```
Why {cite:p}`one,two`? As {cite:t}`three` says {cite:p}`unknown`.
```{exercise-end}
```
```{solution-start} ex-a
:class: dropdown
```
See {prf:ref}`thm-short`, {prf:ref}`lem`, {ref}`here`, {ref}`ex-a`, {ref}`that <here>`.
```{solution-end}
```"""
    assert (
        plain(text)
        == """\
## A section

**What you will be able to do**

- Know a backup and two policies.

$$
a = b
\\tag{1}$$

**Theorem 1 (Short).**
By (1) and Bellman (1957).

**Proof.**
It is $1$.

∎

**Lemma 1.**
Not labelled.

**Lemma 2.**
Second.

**Exercise 1 (Easy).**
Why (Bellman, 1957; Howard and van der Waerden, 1960)? As OpenAI (2019) says (unknown).

**Solution of exercise 1.**
See Theorem 1, Lemma 2, A section, Exercise 1, that."""
    )


def test_question_is_a_list_with_folded_answers(plain) -> None:
    text = """\
:::{check-question}
What is a {term}`sum`?

- [x] $1 + 1$, or {term}`this`

  Yes.

  ```python
  1 + 1
  ```
- [ ] -1

  A sum has *terms*.
:::"""
    assert (
        plain(text)
        == """\
**Check question.** What is a sum?

- (a) $1 + 1$, or this
- (b) -1

<details><summary>Show the answer</summary>

- (a) **Right.** Yes.

  ```python
  1 + 1
  ```
- (b) **Wrong.** A sum has *terms*.

</details>"""
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{abbr}`x` and {new:role}`title <target>`", "x and title"),
        (":::{mystery} of what\n:key: value\nThe *content*\n:::", "The *content*"),
        ("```{mystery}\n---\nkey: value\n---\nText {term}`a`\n```", "Text a"),
        (":::{note}\nMind.\n:::", "**Note.**\n\nMind."),
        (":::{dropdown} More\nMind.\n:::", "**More**\n\nMind."),
        (":::{div} wide\n| a |\n|---|\n| {term}`b` {term}`c` |\n:::", "| a |\n|---|\n| b c |"),
        ("`{term}` is a role, `` {term}`x` `` too: {term}`x`", None),
        ("{eq}`elsewhere` and {numref}`fig-there`", "elsewhere and fig-there"),
        ("H{sub}`2`O", "H<sub>2</sub>O"),
        ("- one\n\n  :::{note}\n  Two\n  :::\n- three", "- one\n\n  **Note.**\n\n  Two\n\n- three"),
        ("```python\n{term}`x`\n(a)=\n```", "```python\n{term}`x`\n(a)=\n```"),
        ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
        ("```{math}\n:label: m\nx\n```\nBy {eq}`m`.", "$$\nx\n\\tag{1}$$\n\nBy (1)."),
        (
            ":::{figure} a.png\n:name: f\n:alt: A line\nSee {term}`it`.\n:::\nIn {numref}`f`.",
            "![A line](a.png)\n\n*Figure 1.* See it.\n\nIn Figure 1.",
        ),
        ("```{table} Costs\n:name: t\n| a |\n|---|\n```", "*Table 1.* Costs\n| a |\n|---|"),
    ],
)
def test_what_is_not_known_becomes_its_content(plain, text: str, words: str | None) -> None:
    expected = "`{term}` is a role, `` {term}`x` `` too: x" if words is None else words
    assert plain(text) == expected


def test_figures_of_cells_get_captions_and_comparisons_fold(tmp_path: Path) -> None:
    (tmp_path / "b.bib").write_text("", encoding="utf-8")
    figure = {"figure": {"name": "fig-x", "caption": "A {term}`line`.\n"}}
    drawing = nbformat.v4.new_code_cell("show()", metadata={"mystnb": figure})
    comparing = nbformat.v4.new_code_cell("reproduced('x', ours=1)")
    text = nbformat.v4.new_markdown_cell("In {numref}`fig-x`, {numref}`picture %s <fig-x>`.")
    notebook = nbformat.v4.new_notebook(cells=[text, drawing, comparing])
    cells = plaintext.plain_cells(notebook, tmp_path / "b.bib").cells
    assert [cell.source for cell in cells] == [
        "In Figure 1, picture 1.",
        "show()",
        "*Figure 1.* A line.",
        "reproduced('x', ours=1)",
    ]
    assert cells[3].metadata["jupyter"] == {"source_hidden": True}
    assert "jupyter" not in cells[1].metadata


def test_no_chapter_keeps_markup_that_only_the_book_reads() -> None:
    import chapters
    import notebooks

    for chapter in chapters.chapters():
        references = chapter.with_name("references.bib")
        cells = notebooks.stand_alone(chapters.read(chapter), "slug", references)
        text = "\n".join(c.source for c in cells.cells if c.cell_type == "markdown")
        left = re.findall(r"\{[a-z:]+\}`|^:{3,}|^`{3,}\{|^\([\w-]+\)=$", text, re.MULTILINE)
        assert left == [], chapter
