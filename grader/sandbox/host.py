"""What this machine offers a sandbox: bubblewrap and its options, and the shape of the system."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxUnavailable

SANDBOX_UID = 61100  # of the range that no distribution assigns (systemd's UIDS-GIDS)
NEEDED_OPTIONS = frozenset({"--size", "--perms", "--info-fd", "--remount-ro", "--seccomp"})
WITHOUT_IT = (
    "or pass `--sandbox none`, with which student code can read the solutions, other students' "
    "work and your files, use the network, and outlive its limits"
)
_TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("ld.so.cache", "localtime", "fonts", "alternatives")
_STAGING = ("/mnt", "/media", "/srv", "/opt")


@dataclass(frozen=True)
class Host:
    """Facts about the machine that the command line depends on.

    Args:
        bwrap: path of the bubblewrap executable.
        options: its long options, such as "--disable-userns".
        privileged: the caller is root, so privileges must be dropped first.
        links: top-level symbolic links of a merged-/usr system, as (target, name).
        folders: top-level system folders that are no links.
        etc: the few entries of /etc that programs need and that hold no secret.
        staging: an existing folder to mount over, used where privileged.
    """

    bwrap: str
    options: frozenset[str]
    privileged: bool
    links: tuple[tuple[str, str], ...]
    folders: tuple[str, ...]
    etc: tuple[str, ...]
    staging: str


@functools.cache
def examine_host() -> Host:
    """Look at the machine once.

    Raises:
        SandboxUnavailable: there is no bubblewrap here, or it is too old.
    """
    bwrap = shutil.which("bwrap")
    if not sys.platform.startswith("linux") or bwrap is None:
        remedy = "install the package bubblewrap"
        if not sys.platform.startswith("linux"):
            remedy = f"grade on Linux (or in WSL), since {platform.system()} has no bubblewrap"
        raise SandboxUnavailable(f"Student code cannot be isolated here: {remedy}, {WITHOUT_IT}.")
    usage = subprocess.run([bwrap, "--help"], capture_output=True, text=True, check=False)
    options = frozenset(re.findall(r"--[a-z][a-z0-9-]+", usage.stdout + usage.stderr))
    if missing := NEEDED_OPTIONS - options:
        raise SandboxUnavailable(
            f"Student code cannot be isolated here: {bwrap} is too old (it lacks "
            f"{', '.join(sorted(missing))}); install bubblewrap 0.6 or newer, {WITHOUT_IT}."
        )
    top = [Path("/", name) for name in _TOP_LEVEL]
    return Host(
        bwrap=bwrap,
        options=options,
        privileged=os.geteuid() == 0,
        links=tuple((os.readlink(path), str(path)) for path in top if path.is_symlink()),
        folders=tuple(str(path) for path in top if path.is_dir() and not path.is_symlink()),
        etc=tuple(f"/etc/{name}" for name in _ETC if Path("/etc", name).exists()),
        staging=next((folder for folder in _STAGING if _free(folder)), _STAGING[0]),
    )


def _free(folder: str) -> bool:
    """Whether mounting over `folder` hides no part of the running Python."""
    used = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()}
    return Path(folder).is_dir() and not any(Path(folder) in path.parents for path in used)


def interpreter_links(python: Path) -> tuple[tuple[str, str], ...]:
    """The chain of symbolic links from `python` to the real executable, as (target, link)."""
    links: list[tuple[str, str]] = []
    while python.is_symlink() and len(links) < 16:
        target = os.readlink(python)
        links.append((target, str(python)))
        python = Path(os.path.normpath(python.parent / target))
    return tuple(links)


def counts_processes_per_namespace() -> bool:
    """Whether RLIMIT_NPROC inside a user namespace counts that namespace only (Linux 5.14)."""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return found is not None and (int(found[1]), int(found[2])) >= (5, 14)


def cuda_devices() -> tuple[Path, ...]:
    """Device nodes that CUDA needs; empty where there is no NVIDIA GPU."""
    return tuple(path for path in sorted(Path("/dev").glob("nvidia*")) if path.is_char_device())
