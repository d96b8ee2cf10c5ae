"""Outputs, Markdown and source as markup that cannot act."""

from __future__ import annotations

import base64

import pytest

from grader.report.formulas import TEX_CAP, formula
from grader.report.hidden import LeakGuard
from grader.report.markup import MARKDOWN_CAP, SOURCE_CAP, highlighted, markdown, sanitise
from grader.report.outputs import (
    IMAGE_CAP,
    OUTPUTS_CAP,
    TEXT_CAP,
    Budget,
    attached_image,
    coloured,
    image_markup,
    render_outputs,
)
from grader.tests.report.samples import PNG, active_parts, display, scripts, stream

NOTHING_HIDDEN = LeakGuard([], [])


def rendered(*outputs, budget=None):
    shown = render_outputs(
        list(outputs), label="cell 5", budget=budget or Budget(), guard=NOTHING_HIDDEN
    )
    return "".join(shown)


def as_markdown(source, attachments=None):
    return markdown(source, lambda url, alt: attached_image(attachments or {}, url, alt, Budget()))


def test_colours_become_classes():
    html = coloured("\x1b[31mred\x1b[0m \x1b[38;5;28;01mdef\x1b[0m \x1b[2J\x1b]0;title\x07<b>\x00")
    assert 'class="ansi-red-fg">red' in html
    assert "ansi-green-fg" in html
    assert "style=" not in html
    assert "title" not in html
    assert "&lt;b&gt;" in html
    assert not {"\x1b", "\x00"} & set(html)


@pytest.mark.parametrize(
    "text", ["\x1b", "\x1b[", "\x1b[31", "\x1b\x1b[31mx", "\x9b31mx", "\x1b[9\x07m"]
)
def test_broken_escapes_leave_no_control_character(text):
    assert all(character.isprintable() for character in coloured(text))


def test_a_style_that_the_text_only_quotes_stays_text():
    assert " style=&#34;color" in coloured('<b style="color: rgb(1,2,3)">')


def test_a_progress_bar_shows_its_last_state():
    assert ">done</pre>" in rendered(stream("10 %\r50 %\rdone"))
    assert ">a\nb</pre>" in rendered(stream("a\r\nb\r\n"))


def test_images_are_checked():
    good = image_markup("image/png", PNG, 'a "figure"', Budget())
    assert f'src="data:image/png;base64,{PNG}"' in good
    assert "&#34;figure&#34;" in good
    for kind, data in [
        ("image/png", PNG + '" onerror="alert(1)'),
        ("image/png", "<svg onload=alert(1)>"),
        ("image/png", base64.b64encode(b"<svg onload=alert(1)/>").decode()),
        ("image/jpeg", PNG),
        ("image/gif", None),
        ("image/png", base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(IMAGE_CAP)).decode()),
    ]:
        assert image_markup(kind, data, "", Budget()).startswith('<p class="cut">Output cut')
    assert "too large" in image_markup("image/png", PNG, "", Budget(left=10))


def test_drawings_and_programs_are_dropped():
    assert "drawn by a program" in rendered(display(image_svg__xml="<svg onload=alert(1)>"))
    assert "drawn by a program" in rendered(display(application_javascript="alert(1)"))
    text = rendered(display(image_svg__xml="<svg/>", text_plain="<Figure>"))
    assert "&lt;Figure&gt;" in text


def test_tables_keep_their_shape_and_nothing_else():
    html = sanitise(
        "<style>td{}</style><table class=a id=b style='x'><tr onclick=x><td colspan=2>1</td>"
        "<td colspan='9999'>2</td></tr></table><a href='https://a.example'>text</a>"
    )
    assert '<td colspan="2">1</td><td>2</td>' in html
    assert "text" in html
    assert active_parts(html) == []
    assert not any(word in html for word in ("class", "id=", "style", "href", "https"))


@pytest.mark.parametrize(
    "html",
    [
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mi><table><mglyph><style><!--</style><img title='--><img src=x onerror=1>'>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<b/onclick=alert(1)><script src=data:,alert(1)><details ontoggle=alert(1) open>",
    ],
)
def test_html_that_mutates_stays_inert(html):
    assert active_parts(sanitise(html)) == []
    assert "onerror" not in sanitise(html)


def test_everything_is_cut_with_a_sentence():
    long = rendered(stream("x" * (TEXT_CAP + 5)))
    assert f"Output cut: the first {TEXT_CAP:,} of {TEXT_CAP + 5:,} characters are shown." in long
    assert len(long) < TEXT_CAP + 300
    many = rendered(*[stream("x")] * (OUTPUTS_CAP + 3))
    assert f"the first {OUTPUTS_CAP} of {OUTPUTS_CAP + 3} are shown" in many
    assert "page is full" in rendered(stream("xxxx"), budget=Budget(left=3))
    assert "cut here" in highlighted("x" * (SOURCE_CAP + 1))
    assert 'class="plain"' in as_markdown("*x*" * MARKDOWN_CAP)


def test_markdown_is_rendered():
    html = as_markdown(
        "## Step\n\n**bold** `x` and $\\gamma < 1$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```python\ndef f(): pass\n```\n\n$$\nv = r\n$$\n"
    )
    for part in (
        "<h4>Step</h4>",
        "<strong>bold</strong>",
        "<mi>\u03b3</mi><mo>&lt;</mo><mn>1</mn>",
        "<td>1</td>",
        '<span class="k">def</span>',
        '<math display="block"><mrow><mi>v</mi><mo>=</mo><mi>r</mi></mrow></math>',
    ):
        assert part in html


def test_an_attached_image_is_shown_and_others_are_named():
    attachments = {"plot.png": {"image/png": PNG}}
    assert 'alt="a plot"' in as_markdown("![a plot](attachment:plot.png)", attachments)
    for url in (
        "https://a.example/x.png",
        "plot.png",
        "attachment:other",
        f"data:image/png;base64,{PNG}",
    ):
        html = as_markdown(f"![a plot]({url})", attachments)
        assert "<img" not in html
        assert "[image: a plot]" in html


def test_a_description_of_an_image_is_plain_text():
    html = as_markdown("![**a** $x$ &quot;b&quot; <i onclick=x>](attachment:none)")
    assert "[image: a" in html
    assert "&#34;b&#34;" in html
    assert active_parts(html) == []


@pytest.mark.parametrize(
    "unit", [">", "*a ", "[", "$", "`", "<a ", "_a", "&", "<!--", "\\begin{a}"]
)
def test_hostile_markdown_is_survived(unit):
    assert active_parts(as_markdown(unit * (MARKDOWN_CAP // len(unit)))) == []


def test_the_guard_ignores_lines_that_students_may_see():
    line = "expected = np.zeros(n_states)"
    guard = LeakGuard([f"{line}\nassert secret_function(3) == 5"], [line])
    assert not guard.shows_hidden(line)
    assert guard.shows_hidden("----> 2 assert secret_function(3) == 5")


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;script&gt;alert(1)&lt;/script&gt;}",
        r"\href{javascript:alert(1)}{x}",
        r"\color{red;background:url(//evil.example)}{x}",
        r"\mathrm{</math><img src=x onerror=alert(1)>}",
        r"\hspace{1em\" onclick=\"alert(1)}x",
    ],
)
def test_formulas_cannot_act(tex):
    html = formula(tex, display=False)
    assert active_parts(html) == []
    assert scripts(html) == []


@pytest.mark.parametrize("tex", ["{" * 900, "\\left(" * 300, "x" * (TEX_CAP + 1), "\\nope{x}", "^"])
def test_what_is_no_formula_is_shown_as_typed(tex):
    assert formula(tex, display=True).startswith('<code class="tex display">')


def test_an_aligned_formula_is_a_table():
    html = formula(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", display=True)
    assert html.count("<mtr>") == 2


def test_a_prime_keeps_its_size_in_an_index():
    html = formula(r"\sum_{s'} p(s')", display=True)
    assert html.count('<mi>s</mi><mo lspace="0" rspace="0">\u2032</mo>') == 2
