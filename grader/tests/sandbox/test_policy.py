"""Policies and command lines as plain data; nothing here starts a sandbox."""

from __future__ import annotations

import pickle
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from grader.course import Limits
from grader.errors import SandboxError, SandboxUnavailable
from grader.sandbox import host, kernelspec
from grader.sandbox.bubblewrap import (
    Bind,
    DataFile,
    Descriptors,
    SandboxPolicy,
    command_line,
    environment,
)
from grader.sandbox.host import NEEDED_OPTIONS, Host, examine_host, interpreter_links
from grader.sandbox.kernelspec import SandboxMode, open_kernel

HOST = Host(
    bwrap="/usr/bin/bwrap",
    options=NEEDED_OPTIONS | {"--disable-userns"},
    privileged=False,
    links=(("usr/bin", "/bin"),),
    folders=("/lib",),
    etc=("/etc/localtime",),
    staging="/mnt",
)
FDS = Descriptors(info=3, passwd=5, group=6)


@pytest.fixture
def policy(tmp_path: Path) -> SandboxPolicy:
    """A policy on paths that no test shares with this machine's own Python."""
    return SandboxPolicy(
        limits=Limits(disk=1000, cpus=2),
        roots=(tmp_path / "env", tmp_path),
        hidden=(),
        python=tmp_path / "env" / "bin" / "python",
    )


def _has(arguments: list[str], *part: str) -> bool:
    return any(tuple(arguments[i : i + len(part)]) == part for i in range(len(arguments)))


def test_command_starts_from_nothing(policy: SandboxPolicy) -> None:
    arguments = command_line(policy, HOST, FDS, ["python", "x.py"])
    assert arguments[0] == "/usr/bin/bwrap"
    for option in ("--unshare-all", "--new-session", "--die-with-parent", "--clearenv"):
        assert option in arguments
    assert _has(arguments, "--cap-drop", "ALL")
    assert _has(arguments, "--remount-ro", "/")
    assert _has(arguments, "--symlink", "usr/bin", "/bin")
    assert _has(arguments, "--ro-bind", "/lib", "/lib")
    assert _has(arguments, "--perms", "0700", "--size", "1000", "--tmpfs", "/home/student")
    assert arguments[-3:] == ["--", "python", "x.py"]
    assert "--bind" not in arguments, "nothing of this machine is writable"
    assert "--share-net" not in arguments


def test_outer_folders_are_mounted_before_inner_ones(policy: SandboxPolicy, tmp_path: Path) -> None:
    arguments = command_line(policy, HOST, FDS, ["x"])
    assert arguments.index(str(tmp_path)) < arguments.index(str(tmp_path / "env"))


def test_options_follow_the_machine(policy: SandboxPolicy) -> None:
    assert "--disable-userns" in command_line(policy, HOST, FDS, ["x"])
    plain = replace(HOST, options=NEEDED_OPTIONS)
    assert "--disable-userns" not in command_line(policy, plain, FDS, ["x"])
    assert "--seccomp" not in command_line(policy, HOST, FDS, ["x"])
    assert _has(command_line(policy, HOST, replace(FDS, seccomp=9), ["x"]), "--seccomp", "9")


def test_root_drops_its_privileges_first(policy: SandboxPolicy, tmp_path: Path) -> None:
    spaced = replace(policy, binds=(Bind(tmp_path / "a 'b", Path("/data")),))
    arguments = command_line(spaced, replace(HOST, privileged=True), FDS, ["x"])
    script, inner = (
        arguments[arguments.index("-ec") + 1],
        arguments[arguments.index("/usr/bin/bwrap") :],
    )
    assert arguments[:2] == ["unshare", "--mount"]
    assert "--reuid=61100" in script
    assert "--clear-groups --no-new-privs" in script
    assert _has(inner, "--ro-bind", "/mnt/1", str(tmp_path))
    assert _has(inner, "--ro-bind", "/mnt/3", "/data")
    assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


def test_files_are_placed_in_the_work_folder(policy: SandboxPolicy, tmp_path: Path) -> None:
    given = replace(policy, files=(DataFile(tmp_path / "a.csv", "sub/a.csv"),))
    arguments = command_line(given, HOST, replace(FDS, files=(8,), file_bytes=500), ["x"])
    assert _has(arguments, "--file", "8", "/home/student/sub/a.csv")
    assert _has(arguments, "--size", "1500", "--tmpfs", "/home/student")


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "a/../../x", ""])
def test_files_cannot_be_placed_elsewhere(target: str) -> None:
    with pytest.raises(SandboxError, match="below the work folder"):
        DataFile(Path("x"), target)


@pytest.mark.parametrize("root", [Path("/"), Path.home(), Path("relative")])
def test_broad_roots_are_refused(root: Path) -> None:
    with pytest.raises(SandboxError, match="cannot show"):
        SandboxPolicy(roots=(root,))


def test_hidden_folder_may_hold_a_root_but_not_be_one(tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    venv.mkdir()
    assert SandboxPolicy(roots=(venv,), hidden=(tmp_path,)).roots == (venv,)
    with pytest.raises(SandboxError, match="cannot show"):
        SandboxPolicy(roots=(tmp_path,), hidden=(tmp_path,))


def test_hidden_folder_in_a_root_is_covered(policy: SandboxPolicy, tmp_path: Path) -> None:
    course = tmp_path / "course"
    course.mkdir()
    arguments = command_line(replace(policy, hidden=(course,)), HOST, FDS, ["x"])
    assert _has(arguments, "--tmpfs", str(course))
    assert _has(arguments, "--remount-ro", str(course))


def test_hidden_folder_is_covered_under_every_name_of_a_root(
    policy: SandboxPolicy, tmp_path: Path
) -> None:
    real, alias = tmp_path / "real", tmp_path / "alias"
    (real / "course").mkdir(parents=True)
    alias.symlink_to(real)
    given = replace(policy, roots=(alias,), hidden=(alias / "course",))
    assert _has(command_line(given, HOST, FDS, ["x"]), "--tmpfs", str(alias / "course"))


def test_environment_is_complete(policy: SandboxPolicy) -> None:
    variables = environment(replace(policy, environment=(("LANG", "ko_KR.UTF-8"),)))
    assert variables["OMP_NUM_THREADS"] == "2"
    assert variables["LANG"] == "ko_KR.UTF-8"
    assert variables["HOME"] == "/home/student"


def test_links_to_the_interpreter_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "b").symlink_to("real")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    assert interpreter_links(tmp_path / "a") == (
        (str(tmp_path / "b"), str(tmp_path / "a")),
        ("real", str(tmp_path / "b")),
    )


@pytest.fixture
def fresh_host() -> None:
    """Forget what is known about this machine, before and after."""
    examine_host.cache_clear()
    yield
    examine_host.cache_clear()


@pytest.mark.usefixtures("fresh_host")
@pytest.mark.parametrize("obstacle", ["missing", "old", "other system"])
def test_missing_bubblewrap_is_one_sentence(
    obstacle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if obstacle == "missing":
        monkeypatch.setattr(host.shutil, "which", lambda _: None)
    elif obstacle == "old":
        old = tmp_path / "bwrap"
        old.write_text("#!/bin/sh\necho '--tmpfs DEST  Mount new tmpfs on DEST'\n")
        old.chmod(0o755)
        monkeypatch.setattr(host.shutil, "which", lambda _: str(old))
    else:
        monkeypatch.setattr(host.sys, "platform", "darwin")
        monkeypatch.setattr(host.platform, "system", lambda: "Darwin")
    with (
        pytest.raises(SandboxUnavailable) as caught,
        open_kernel(SandboxMode.BUBBLEWRAP, SandboxPolicy()),
    ):
        pass
    sentence = str(caught.value)
    assert "--sandbox none" in sentence
    assert "\n" not in sentence
    assert str(pickle.loads(pickle.dumps(caught.value))) == sentence


def test_plain_mode_needs_no_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Host:
        raise AssertionError("plain kernels must not ask for bubblewrap")

    monkeypatch.setattr(kernelspec, "examine_host", fail)
    with open_kernel(SandboxMode.NONE, SandboxPolicy()) as manager:
        assert manager.death is None
        assert manager.peak_memory == 0
