"""Objectives and check questions: what authors write, what readers get, what is refused."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .small import ROOT, SmallBook

QUESTION = """\
:::{check-question}
What is $2^2$, or `2 ** 2`?

- [x] $4$

  Two times two.

  ```python
  assert 2 ** 2 == 4
  ```
- [ ] the number `2`

  That is $2^1$.
- [ ] none of these

  One of them is 4.
:::
"""
SEVERAL = QUESTION.replace("- [ ] the number `2`", "- [x] the number `4`")
OBJECTIVES = ":::{objectives}\n- Say what $2^2$ is.\n- Prove it.\n:::\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> SmallBook:
    pages = {
        "page.md": f"# Page\n\n{OBJECTIVES}\n{QUESTION}\n{SEVERAL}",
        "other.md": "# Other\n\nNo question.\n",
    }
    made = SmallBook(tmp_path_factory.mktemp("boxes"), pages, "boxes")
    assert made.build() == ""
    return made


def test_objectives_are_a_box_with_its_title(book: SmallBook) -> None:
    box = re.search(r'<div class="objectives admonition">.*?</div>', book.page("page"), re.DOTALL)
    assert box
    assert "What you will be able to do" in box[0]
    assert box[0].count("<li>") == 2


def test_question_is_a_labelled_group_of_folded_options(book: SmallBook) -> None:
    page = book.page("page")
    first = page[page.index('id="check-0"') : page.index('id="check-1"')]
    assert 'role="group" aria-labelledby="check-0-title"' in first
    assert re.findall(r'<details class="check-option check-(\w+)">', first) == [
        "right",
        "wrong",
        "wrong",
    ]
    assert "[x]" not in page
    assert "<input" not in first
    assert re.findall(r"Option \d", first) == ["Option 1", "Option 2", "Option 3"]
    assert first.count("<b>Right.</b>") == 1
    assert first.count("<b>Wrong.</b>") == 2
    assert "assert" in first
    assert "2 options are right" not in first
    assert "2 options are right" in page


def test_script_is_loaded_where_a_question_is(book: SmallBook) -> None:
    assert "questions.js" in book.page("page")
    assert "questions.js" not in book.page("other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (QUESTION.replace("[x]", "[ ]"), "has no right option"),
        (QUESTION.replace("- [ ] none", "- none"), "begins with [x] (right) or [ ] (wrong): 'none"),
        (QUESTION.replace("  That is $2^1$.\n", ""), "below the option 'the number 2' does not"),
        (QUESTION.replace("What is $2^2$, or `2 ** 2`?", ""), "begins with a question"),
        (":::{check-question}\nWhat?\n:::\n", "ends with its options"),
        (":::{check-question}\nWhat?\n\n- [x] yes\n\n  So.\n:::\n", "2 to 5 options, not 1"),
        (":::{objectives}\nProve it.\n:::\n", "holds a list"),
    ],
    ids=["none right", "no box", "no reason", "no text", "no options", "one option", "no list"],
)
def test_bad_box_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    book = SmallBook(tmp_path, {"page.md": f"# Page\n\n{text}"}, "boxes")
    said = book.build()
    assert message in said
    assert re.search(r"page\.md:3: ERROR", said)


@pytest.fixture
def page(browser: Browser, book: SmallBook) -> Iterator[Page]:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto((book.html / "page.html").as_uri())
    yield tab
    context.close()


@pytest.mark.parametrize(
    ("question", "option", "verdict"),
    [
        (0, 0, "Right."),
        (0, 2, "Not right; the right option is marked."),
        (1, 1, "Right, and the right options are marked."),
    ],
)
def test_one_key_shows_every_answer(page: Page, question: int, option: int, verdict: str) -> None:
    asked = page.locator(f"#check-{question}")
    assert asked.locator(".check-why:visible").count() == 0
    asked.locator("summary").nth(option).focus()
    page.keyboard.press("Enter")
    assert asked.locator(".check-why:visible").count() == 3
    assert asked.get_by_role("status").inner_text() == verdict
    assert page.locator("details[open]").count() == 3, "the other question is still folded"
    page.keyboard.press("Enter")
    assert asked.locator(".check-why:visible").count() == 2, "an answered option folds again"
    assert asked.get_by_role("status").inner_text() == verdict


def test_answers_unfold_without_scripts(browser: Browser, book: SmallBook) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((book.html / "page.html").as_uri())
    page.locator("#check-0 summary").nth(1).click()
    assert "That is" in page.locator("#check-0 .check-why:visible").inner_text()
    context.close()


def test_the_example_for_authors_is_right(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(r"^ *:::\{check-question\}.*?^ *:::$", guide, re.MULTILINE | re.DOTALL)
    assert found
    book = SmallBook(tmp_path, {"page.md": f"# Page\n\n{textwrap.dedent(found[0])}\n"}, "boxes")
    assert book.build() == ""
    assert book.page("page").count('class="check-option') == 2
