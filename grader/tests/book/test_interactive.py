"""What interactive() writes on a page, and what chapters and the guide for authors do with it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import chapters
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from playwright.sync_api import Browser

from .conftest import ROOT
from .explorable import kit, markup, opened, readout, slider, write_page

GUIDE = ROOT / "CONTRIBUTING.md"
SCRIPTS = sorted((ROOT / "book").glob("*/*/figure.js"))
STILL = "<p>The still.</p>"


def payload(text: str) -> Any:
    return json.loads(re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)[0])


def test_data_arrives_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {
        "array": np.array([[1.0, 0.123456789], [1e-9, -2]]),
        "whole": np.int64(3),
        "flag": np.bool_(True),
        1: ["</script><b>", None, True, (1, 2)],
    }
    text = markup(monkeypatch, "trial", data=data, label='A "trial"', still=STILL)
    assert payload(text) == {
        "array": [[1, 0.123457], [1e-9, -2]],
        "whole": 3,
        "flag": True,
        "1": ["</script><b>", None, True, [1, 2]],
    }
    assert 'aria-label="A &quot;trial&quot;"' in text
    assert text.count("</script>") == 1


def test_a_figure_becomes_the_still(monkeypatch: pytest.MonkeyPatch) -> None:
    text = markup(monkeypatch, "trial", data=[], label="A trial", still=Figure(), alt="Nothing.")
    assert '<div class="interactive-still"><svg class="bookfigure"' in text
    assert 'aria-label="Nothing."' in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a b"}, "'a b' is no name of an explorable"),
        ({"label": " "}, "needs a label"),
        ({"still": Figure()}, "say in alt="),
        ({"data": [float("nan")]}, "holds nan; use None"),
        ({"data": {1, 2}}, "holds a set"),
    ],
)
def test_what_interactive_refuses(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    given = {"name": "trial", "data": [], "label": "A trial", "still": STILL} | options
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        markup(monkeypatch, given.pop("name"), **given)


def test_the_examples_for_authors_work(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = dict(
        re.findall(
            r"^```(python|js)\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )[:2]
    )
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(kit, "display", lambda data, raw: shown.append(data))
    exec(blocks["python"], {"np": np, "plt": plt, "t": np.linspace(0, 10, 50)})
    address = write_page(tmp_path, shown[0]["text/html"], blocks["js"])
    with opened(browser, address) as page:
        slider(page, "frequency").fill("2")
        assert readout(page) == "A turn takes 3.14 s."
        assert page.troubles == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parent.name)
def test_a_chapter_s_script_is_what_its_page_names_and_leaves_the_page_to_the_kit(
    script: Path,
) -> None:
    text = script.read_text("utf-8")
    cells = [c.source for c in chapters.read(script.with_name("index.md")).cells]
    named = re.findall(r'^interactive\(\s*"([^"]+)"', "\n".join(cells), re.MULTILINE)
    assert named
    assert sorted(re.findall(r'^figure\("([^"]+)"', text, re.MULTILINE)) == sorted(named)
    assert re.findall(r"\b(document|innerHTML|fetch|import|setInterval)\b", text) == []
