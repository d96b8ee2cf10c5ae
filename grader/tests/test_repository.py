"""The rules of the house that no other tool checks: imports, pins, targets, workflows, paths."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "grader"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.is_file())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

MAX_LINES = 450
# Each of these imports only what stands before it; checking.py goes into notebooks by itself.
LAYERS = ["errors", "forks", "inert", "course"]
LAYERS += ["release", "intake", "sandbox", "split", "scoring", "farm", "audit", "report"]
STANDALONE = "checking"
KNOW_ALL = {"autograde", "cli", "__main__", "tests", "benchmarks"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_modules(path: Path) -> Iterator[str]:
    """Dotted name of everything that a file imports, wherever in the file it does so."""
    package = [*path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            yield module
            if module == "grader":
                yield from (f"grader.{alias.name}" for alias in node.names)


def third_party(paths: list[Path]) -> dict[str, set[str]]:
    """Top-level modules that are neither the standard library's nor ours, and who imports them."""
    found: dict[str, set[str]] = {}
    for path in paths:
        for module in imported_modules(path):
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in {"grader", "__future__"}:
                found.setdefault(top, set()).add(relative(path))
    return found


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """Distribution to version, as requirements.txt has them."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    requirements = [line.partition("#")[0].strip() for line in lines]
    matches = [re.match(r"([\w.-]+)==([\w.+!]+)(;|$)", each) for each in requirements if each]
    assert all(matches), "requirements.txt has a line that is no pin of the form name==version"
    return {normalised(match[1]): match[2] for match in matches if match}


def declared() -> set[str]:
    """What pyproject.toml says the package needs, or uses where it is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return {normalised(re.split(r"[ ;<>=!~\[]", each)[0]) for found in lists for each in found}


def without(modules: dict[str, set[str]], known: set[str]) -> dict[str, set[str]]:
    """Those modules that come from none of the distributions in `known`."""
    providers = packages_distributions()
    return {
        module: users
        for module, users in modules.items()
        if not known & {normalised(name) for name in providers.get(module, [])}
    }


def test_every_import_is_pinned() -> None:
    beside = [path for folder in ("book", "solutions") for path in (ROOT / folder).rglob("*.py")]
    modules = third_party([*SOURCES, *beside])
    ours = {path.stem for path in beside}
    assert without({name: modules[name] for name in set(modules) - ours}, set(pins())) == {}


def test_every_extension_of_the_book_is_pinned() -> None:
    sphinx = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]
    modules = {name.partition(".")[0] for name in sphinx["config"]["extensions"]}
    ours = set(sphinx["local_extensions"])
    assert without({name: {"_config.yml"} for name in modules - ours}, set(pins())) == {}


def test_the_package_declares_what_it_imports() -> None:
    package = [path for path in SOURCES if not {"tests", "benchmarks"} & set(path.parts)]
    assert without(third_party(package), declared()) == {}


def test_what_the_package_declares_is_pinned() -> None:
    assert declared() <= set(pins())


def test_every_pin_says_why() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if "==" in line and not re.search(r"  # .+\.$", line)] == []


def room(parts: tuple[str, ...]) -> str:
    """The room that a module of grader belongs to; "" for grader itself."""
    return parts[1].removesuffix(".py") if len(parts) > 1 else ""


def forbidden(importer: str, imported: str) -> bool:
    """Whether a module of the room `importer` must not import from the room `imported`."""
    if importer == imported or importer in KNOW_ALL or imported in {"", "__init__"}:
        return False
    if importer == STANDALONE or imported in KNOW_ALL:
        return True
    if imported == STANDALONE:
        return False
    return LAYERS.index(imported) > LAYERS.index(importer)


def test_a_room_imports_only_rooms_to_its_left() -> None:
    wrong = []
    for path in SOURCES:
        importer = room(path.relative_to(ROOT).parts)
        if importer == "__init__":
            continue
        for module in imported_modules(path):
            parts = tuple(module.split("."))
            # `from grader import __version__` names no room
            known = (PACKAGE / room(parts)).is_dir() or (PACKAGE / f"{room(parts)}.py").exists()
            if parts[0] == "grader" and known and forbidden(importer, room(parts)):
                wrong.append(f"{relative(path)} imports {module}")
    assert wrong == []


def test_every_room_has_its_place() -> None:
    names = {
        path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.name[0] not in "._"
    }
    sources = {name for name in names if any((PACKAGE / name).rglob("*.py"))}
    sources |= {path.stem for path in PACKAGE.glob("*.py")}
    assert sources - {*LAYERS, STANDALONE, *KNOW_ALL, "__init__"} == set()


@pytest.mark.parametrize(
    ("importer", "imported", "expected"),
    [
        ("release", "intake", True),
        ("intake", "release", False),
        ("split", "cli", True),
        ("cli", "report", False),
        ("checking", "errors", True),
        ("audit", "checking", False),
        ("course", "errors", False),
        ("errors", "course", True),
    ],
)
def test_the_import_rule_itself(importer: str, imported: str, expected: bool) -> None:
    assert forbidden(importer, imported) is expected


def test_no_file_of_the_grader_is_too_long() -> None:
    text = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".html", ".css", ".js"}]
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in text}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    return {target for line in phony for target in line.split()} - {"FORCE"}


def mentioned_targets(text: str) -> set[str]:
    """Targets in commands: spans of code and lines of shell that begin with make (or sudo make)."""
    commands = re.findall(r"^[ \t]*(?:\$ )?((?:sudo )?make\b.*)$", text, re.MULTILINE)
    commands += re.findall(r"`((?:sudo )?make\b[^`]*)`", text)
    words = (re.split(r"#|&&|;|\|", command)[0].split() for command in commands)
    return {
        word
        for line in words
        for word in line[line.index("make") + 1 :]
        if re.fullmatch(r"[a-z][a-z-]*", word)
    }


def test_help_lists_every_target() -> None:
    environment = {**os.environ, "MAKEFLAGS": "", "MFLAGS": ""}
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    listed = set(re.findall(r"^  ([a-z-]+) +\S", shown, re.MULTILINE))
    assert listed == make_targets()
    assert listed >= {"course", "book", "test", "lint", "bench", "clean", "help"}


def test_finding_targets_in_text() -> None:
    text = "Run `make test ARGS=-x` to make sure.\n```\n$ make course  # takes long\n```\nmake\n"
    assert mentioned_targets(text) == {"test", "course"}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_only_targets_that_exist(name: str) -> None:
    assert mentioned_targets((ROOT / name).read_text("utf-8")) <= make_targets()


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load(request.param.read_text("utf-8"))


def test_there_are_workflows() -> None:
    assert {path.name for path in WORKFLOWS} >= {"book.yml", "gpu.yml", "canary.yml"}


def test_a_workflow_asks_for_little_and_ends(workflow: Any) -> None:
    # YAML 1.1 reads the key `on` as true
    assert workflow[True], "it never starts"
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert 0 < job["timeout-minutes"] <= 360


def test_a_workflow_runs_only_what_exists(workflow: Any) -> None:
    for name, job in workflow["jobs"].items():
        assert {
            *([job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", []))
        } <= (set(workflow["jobs"]) - {name})
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[\w-]+/[\w./-]+@(v\d+|[0-9a-f]{40})", step.get("uses", "a/b@v1"))
            assert mentioned_targets(step.get("run", "")) <= make_targets()
            for script in re.findall(r"^\.\S+/run$", step.get("run", ""), re.MULTILINE):
                assert os.access(ROOT / script, os.X_OK)


def test_only_the_gpu_workflow_uses_the_gpu_runner() -> None:
    for path in WORKFLOWS:
        content = yaml.safe_load(path.read_text("utf-8"))
        own = [job for job in content["jobs"].values() if "self-hosted" in job["runs-on"]]
        assert bool(own) == (path.name == "gpu.yml")
        # code from a pull request must not reach a machine of ours
        assert not own or set(content[True]) == {"workflow_dispatch", "schedule"}


@pytest.mark.parametrize(
    "pattern",
    [
        r"(^|[^A-Za-z0-9_.<>~*-])/(work|root|farm)/",
        # PyTorch's index of builds for the processor is told to readers; no other host is named
        r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|proxy\.golang\.org"
        r"|download\.pytorch\.org(?!/whl/cpu\b)",
    ],
    ids=["machine paths", "registry hosts"],
)
def test_no_tracked_file_names_a_machine(pattern: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git clone, so there are no tracked files")
    # safe.directory: a clone that another user made is still only read here
    command = ["git", "-c", f"safe.directory={ROOT}", "grep", "-nIP", pattern]
    here = relative(Path(__file__))
    found = subprocess.run(
        [*command, "--", ".", f":!{here}"], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode in {0, 1}, found.stderr
    assert found.stdout == ""


def test_importing_the_grader_compiles_no_grammar() -> None:
    code = "import sys, grader.farm.grade, nbformat; print('lark' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "False", "rfc3987_syntax was imported, which takes a second"
