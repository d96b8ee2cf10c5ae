"""What a student wrote cannot act, and says the same."""

from __future__ import annotations

import base64
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from mistune import HTMLRenderer
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import InvalidNotebook, markdown2html_mistune

from grader.inert import (
    HTML_CAP,
    TAGS_CAP,
    image_data,
    inert_cells,
    inert_markdown,
    inert_tex,
    only_colours,
    sanitise,
)

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n rest").decode()
_TAGS = ["script", "svg", "iframe", "object", "form"]


def acting(page: str) -> list[str]:
    """Tags of a page that run, load or lead somewhere."""
    found = []
    for tag in BeautifulSoup(page, "html.parser").find_all(True):
        places = [str(tag.get(name, "")) for name in ("href", "src")]
        leads = [each for each in places if not re.match(r"(?:https?:|#|attachment:|$)", each)]
        runs = tag.name in _TAGS or any(name.startswith("on") for name in tag.attrs)
        if leads or runs or "mermaid" in tag.get("class", ()):
            found.append(str(tag))
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[38;5;200mx", "\x1b[38;5;200mx"),
        ("\x1b[48;2;1;2;3mx", "\x1b[48;2;1;2;3mx"),
        ("\x1b[38mx", "x"),
        ("\x1b[1;38;5mx", "x"),
        ("\x1b[38;2;1;2mx", "x"),
        ("\x1b[48;5;300mx", "x"),
        ("\x1b]0;title\x07x\x1b[2J", "x"),
        ("a\x00b\u202ec", "abc"),
    ],
)
def test_colours_stay_where_they_are_well_formed(text: str, shown: str) -> None:
    assert only_colours(text) == shown


@given(st.text(alphabet="\x1b[;m0123456789]ab\x07\n", max_size=80))
def test_any_text_that_is_left_can_be_coloured(text: str) -> None:
    ansi2html(only_colours(text))


def test_tables_stay_and_what_acts_goes() -> None:
    made = sanitise(
        '<table onclick="x"><tr><td colspan="2">a</td></tr></table><script>b</script>'
        '<a href="javascript:c">d</a><img src=x onerror=e>'
    )
    assert made == '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>d'


def test_what_takes_a_parser_long_is_left_out() -> None:
    assert sanitise("<b>" * (TAGS_CAP + 1)) == ""
    assert sanitise("x" * (HTML_CAP + 1)) == ""
    # open tags of one name are copied into each new block, but for more than three
    copied = sanitise("".join(f"<b a{number}>" for number in range(900)) + "<p>" * 900)
    assert copied.count("<b>") < 6 * 900


@pytest.mark.parametrize(
    "text",
    [
        "<script>1</script>",
        "<img src=x onerror=1>",
        "[x](javascript:1)",
        "[x](JAVASCRIPT&colon;1)",
        "[x](<javascript:1>)",
        "[x]\n\n[x]: javascript:1",
        "<javascript:1>",
        "![x](data:text/html,1)",
        "```mermaid\nA\n```",
        "> ~~~ mermaid\n> A\n> ~~~",
        "<a\nhref=javascript:1>x</a>",
    ],
)
def test_markdown_cannot_act(text: str) -> None:
    assert acting(markdown2html_mistune(text)), "the control: as it was, it acts"
    assert acting(markdown2html_mistune(inert_markdown(text))) == []


@given(st.text(alphabet="[]()<>:!`~\\&#;jJavscriptmed \n1\"'x", max_size=60))
def test_no_markdown_acts(text: str) -> None:
    assert acting(markdown2html_mistune(inert_markdown(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "# Answer\n\n*It* is **so**, for $a < b$ and `x[1]`:\n\n- [link](https://example.org)\n",
        "> quoted\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "![photo](attachment:photo.png) costs 5 < 6",
    ],
)
def test_an_honest_answer_reads_the_same(text: str) -> None:
    assert inert_markdown(text, ["photo.png"]) == text


def test_an_attachment_that_is_not_there_draws_no_notebook_and_so_is_broken() -> None:
    text = "![x](attachment:x.png) [y](attachment:y.png)"
    assert inert_markdown(text) == "![x] (attachment:x.png) [y] (attachment:y.png)"
    assert inert_markdown(text, ["x.png"]) == "![x](attachment:x.png) [y] (attachment:y.png)"
    with pytest.raises(InvalidNotebook):
        markdown2html_mistune(text)
    markdown2html_mistune(inert_markdown(text))


def test_a_picture_of_another_host_becomes_a_link() -> None:
    assert inert_markdown("![x](https://example.org/a.png)") == "[x](https://example.org/a.png)"
    text = "![x][a]\n\n[a]: https://example.org/a.png"
    assert "<img" not in markdown2html_mistune(inert_markdown(text))


def test_tex_makes_no_links() -> None:
    assert inert_tex(r"\href{javascript:1}{x} \hrefs \alpha") == (
        r"\text{href}{javascript:1}{x} \hrefs \alpha"
    )


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/png", 'x" onerror="1'),
        ("image/png", base64.b64encode(b"GIF89a").decode()),
        ("image/svg+xml", base64.b64encode(b"<svg>").decode()),
        ("image/png", {"a": 1}),
        ("image/png", None),
    ],
)
def test_an_image_is_what_it_says(kind: str, data: object) -> None:
    assert image_data(kind, data) == ""
    assert image_data("image/png", PNG) == PNG
    assert image_data("image/png", [PNG[:8], PNG[8:]]) == PNG


def test_cells_keep_what_can_be_shown() -> None:
    locked = {"nbgrader": {"locked": True}}
    outputs = [
        {"output_type": "stream", "name": '"><script>', "text": "a\x1b[31mb"},
        {
            "output_type": "execute_result",
            "execution_count": 3,
            "metadata": {"image/png": {"width": '1" onload="1'}},
            "data": {"image/png": PNG, "text/plain": "<Figure>", "application/javascript": "1"},
        },
        {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": "<svg/>"}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/latex": "$x<script>$"}},
    ]
    cells = [
        {"cell_type": "markdown", "metadata": locked, "source": "<b>ours</b>"},
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": "<b>x</b>",
            "attachments": {"a.png": {"image/png": PNG, "image/svg+xml": PNG}, "b": {"x": "y"}},
        },
        {"cell_type": "raw", "metadata": {}, "source": "<script>"},
        {"cell_type": "code", "metadata": {}, "source": "a < b", "outputs": outputs},
    ]
    ours, answer, raw, code = inert_cells(nbformat.from_dict(cells))
    assert ours["source"] == "<b>ours</b>"
    assert answer["source"] == "< b>x< /b>"
    assert answer["attachments"] == {"a.png": {"image/png": PNG}}
    assert raw["source"] == "&lt;script&gt;"
    assert code["source"] == "a < b"
    stream, result, tex = code["outputs"]
    assert stream == {"output_type": "stream", "name": "stdout", "text": "a\x1b[31mb"}
    assert result["data"] == {"image/png": PNG, "text/plain": "<Figure>"}
    assert result["metadata"] == {}
    assert tex["data"] == {"text/latex": "$x< script>$"}


def test_the_renderer_does_follow_links_of_any_scheme() -> None:
    """Why links are broken here: nbconvert tells mistune to allow harmful ones."""
    assert "javascript" in markdown2html_mistune("[x](javascript:1)")
    assert "javascript" not in HTMLRenderer().link("x", "javascript:1")
