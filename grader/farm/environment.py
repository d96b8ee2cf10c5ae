"""What a result depends on besides the submission and the assignment: Python and its packages."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import sys
from pathlib import Path

import grader

_NAMED = 3
_METADATA = (".dist-info", ".egg-info")


@functools.cache
def environment() -> tuple[str, ...]:
    """Python, every installed distribution with its version, and the grader's own source."""
    package = Path(grader.__file__).parent
    source = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if "tests" not in path.relative_to(package).parts:
            source.update(path.read_bytes())
    return (
        f"Python {sys.version.split()[0]}",
        f"{platform.python_implementation()} for {platform.machine()}",
        f"the grader's source {source.hexdigest()[:12]}",
        *_installed(),
    )


def _installed() -> list[str]:
    """Such as "numpy==2.4.6", from the names of the folders that installers write.

    importlib.metadata would read a file for each, before every command that grades.
    """
    found = set()
    for folder in map(os.path.abspath, sys.path):
        with contextlib.suppress(OSError):  # an archive, or not there
            for entry in os.listdir(folder):
                stem, suffix = os.path.splitext(entry)
                name, dash, version = stem.partition("-")
                if dash and suffix in _METADATA:
                    found.add(f"{name.lower().replace('_', '-')}=={version}")
    return sorted(found)


@functools.cache
def environment_digest() -> str:
    """Changes with anything in `environment`."""
    return hashlib.sha256("\n".join((sys.version, *environment())).encode()).hexdigest()


def difference(here: tuple[str, ...], there: tuple[str, ...]) -> str:
    """What another machine has that this one has not, and the other way round, in words.

    Returns:
        Such as "it has numpy==2.3.0 and lacks numpy==2.4.6"; "" where both are the same.
    """
    parts = []
    for verb, one, other in (("has", there, here), ("lacks", here, there)):
        found = [entry for entry in one if entry not in set(other)]
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        if found:
            parts.append(f"{verb} {', '.join(found[:_NAMED])}{more}")
    return f"it {' and '.join(parts)}" if parts else ""
