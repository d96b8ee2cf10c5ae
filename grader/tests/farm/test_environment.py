"""What is installed, as the names of folders say it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from grader.farm.environment import _installed


def test_it_says_what_the_packages_metadata_says() -> None:
    found = _installed()
    assert found == sorted(set(found))
    for name in ("numpy", "nbgrader", "jupyter-client", "scikit-learn"):
        assert f"{name}=={version(name)}" in found


def test_every_way_to_install_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one_part-1.0.dist-info", "Two-2.0-py3.11.egg-info", "source.egg-info", "x-1"):
        (tmp_path / name).mkdir()
    archive = tmp_path / "archive.zip"
    archive.touch()
    monkeypatch.setattr(sys, "path", [str(archive), str(tmp_path / "gone"), str(tmp_path)])
    assert _installed() == ["one-part==1.0", "two==2.0-py3.11"]
