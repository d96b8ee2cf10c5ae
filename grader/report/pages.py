"""The one Jinja environment of all pages."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grader.report.sentences import count_points
from grader.report.text import one_line, points, seconds, size
from grader.report.verdicts import verdict

_ENVIRONMENT = Environment(
    loader=PackageLoader("grader.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    points=points,
    count_points=count_points,
    seconds=seconds,
    size=size,
    line=one_line,
    verdict=verdict,
)


def render(template: str, **values: Any) -> str:
    """A page from a template beside this module; every value is escaped unless it is Markup."""
    return _ENVIRONMENT.get_template(template).render(**values)


def inline_script(name: str) -> tuple[Markup, str]:
    """A script of ours to put into a page, and the source that its security policy must allow."""
    text = files("grader.report").joinpath("templates", name).read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Markup(text), f"'sha256-{digest}'"  # noqa: S704  (a file of this package)
