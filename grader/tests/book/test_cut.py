"""The finder of cut content finds what is cut, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from .cut import counted, cuts

PAGE = """\
<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
body {{ margin: 0; }} article {{ font: 16px monospace; margin: 0 auto; max-width: 700px; }}
pre {{ overflow-x: auto; }} .cut {{ overflow: hidden; }} .wide {{ width: 900px; }}
.visually-hidden {{ clip: rect(0 0 0 0); overflow: hidden; position: absolute; width: 1px; }}
.eqno {{ float: right; }} mjx-math {{ display: block; }}
</style><article>{body}</article>
"""
LONG = "x" * 200
NUMBERED = (
    '<div class="math"><span class="eqno">(1)</span><mjx-container style="display: block">'
    '<mjx-math style="width: {width}px">a</mjx-math></mjx-container></div>'
)


@pytest.mark.parametrize(
    ("body", "wide", "narrow"),
    [
        ("<p>Short words that break at the end of a line, as words do.</p>", {}, {}),
        (f"<pre>{LONG}</pre>", {"code to scroll": 1}, {}),
        (f"<pre>{'x' * 60}</pre>", {}, {}),
        (
            f'<div class="cell_output"><pre class="cut">{LONG}</pre></div>',
            {"output cut off": 1},
            {"output cut off": 1},
        ),
        ('<table class="wide"><tr><td>a</table>', {"table cut off": 1}, {"table cut off": 1}),
        (
            '<div class="wide-table" style="overflow-x: auto"><table class="wide"><tr><td>a</table>'
            "</div>",
            {"table to scroll": 1},
            {},
        ),
        (f'<p><span class="visually-hidden">{LONG}</span></p>', {}, {}),
        (f'<details><summary>a</summary><pre>{LONG}</pre></details>', {"code to scroll": 1}, {}),
        (NUMBERED.format(width=300), {}, {}),
        (
            NUMBERED.format(width=690),
            {"equation under its number": 1},
            {"equation cut off": 1, "equation under its number": 1},
        ),
    ],
)  # fmt: skip
def test_what_is_cut_is_found(
    browser: Browser, tmp_path: Path, body: str, wide: dict, narrow: dict
) -> None:
    (tmp_path / "page.html").write_text(PAGE.format(body=body), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert counted(cuts(page, 1280), scrolling=True) == wide
    assert counted(cuts(page, 390), scrolling=False) == narrow
    page.close()
