"""The one Jinja environment of all pages."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from grader.report.sentences import count_points, verdict
from grader.report.text import one_line, points, seconds, size

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
