"""What a sandbox may see, as plain data, and the bubblewrap command line that enforces it.

Everything here is a pure function of a policy and of facts about the machine (`host.Host`), so
the command line can be tested as text. Bubblewrap starts from an empty file system and shows
only what the command names: the system's `/usr`, the Python installation, and the work folder.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath

from grader.course import Limits
from grader.errors import SandboxError
from grader.sandbox import inside
from grader.sandbox.host import SANDBOX_UID, Host, interpreter_links

HOME = "/home/student"
INSIDE = "/run/grader_sandbox"  # where a sandbox shows the folder inside/
USER_ID = 1000  # inside; outside it is the caller's own, or SANDBOX_UID where the caller is root
PASSWD = f"student:x:{USER_ID}:{USER_ID}:student:{HOME}:/bin/sh\n"
GROUP = f"student:x:{USER_ID}:\n"
ROOT_SIZE = 16 * 2**20  # of the root tmpfs; it holds mount points only
EXCHANGE = Path("/usr/local/share/nbgrader")
"""Where nbgrader's exchange lies by default: among it what others handed in."""
SETTINGS = ("etc/jupyter", "local/etc/jupyter")
"""Below a Python installation: an administrator's settings, the address of a gradebook for one."""
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")


@dataclass(frozen=True)
class DataFile:
    """A file copied into the work folder before the kernel starts.

    Args:
        source: the file on this machine.
        target: where it lies below the work folder, with forward slashes.
    """

    source: Path
    target: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.target)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise SandboxError(
                f"A data file cannot be placed at {self.target!r}: "
                "name a path below the work folder, without '..'."
            )


@dataclass(frozen=True)
class Bind:
    """A file or folder of this machine shown read-only, for data too large to copy."""

    source: Path
    target: Path


def interpreter_roots() -> tuple[Path, ...]:
    """The folders that the running Python is made of: its environment and its installation."""
    prefixes = [Path(sys.prefix), Path(sys.base_prefix)]
    prefixes += [Path(sys.executable).resolve().parent.parent]
    prefixes += [prefix.resolve() for prefix in prefixes]
    return tuple(dict.fromkeys(prefixes))


@dataclass(frozen=True)
class SandboxPolicy:
    """What one kernel may see and use; only instructor configuration fills it in.

    Args:
        limits: what the kernel may use.
        roots: folders shown read-only at their own path, besides `/usr`.
        hidden: folders that must stay out of sight even where a root contains them.
        files: copied into the work folder, which is also the home of the sandboxed user.
        binds: further files or folders shown read-only.
        preload: modules that a zygote has imported by the time the kernel starts, see `warm`;
            None for a kernel that starts cold.
        devices: device nodes passed through, such as `host.cuda_devices()`.
        environment: further variables; nothing is inherited from the caller.
        python: the interpreter that runs the kernel; it lies in one of the roots or in `/usr`.

    Raises:
        SandboxError: a root would show a whole home, a hidden folder, or the whole machine.
    """

    limits: Limits = field(default_factory=Limits)
    roots: tuple[Path, ...] = field(default_factory=interpreter_roots)
    hidden: tuple[Path, ...] = field(default_factory=lambda: (Path.home(),))
    files: tuple[DataFile, ...] = ()
    binds: tuple[Bind, ...] = ()
    preload: tuple[str, ...] | None = None
    devices: tuple[Path, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    python: Path = field(default_factory=lambda: Path(sys.executable))

    def __post_init__(self) -> None:
        shown = (Path("/usr"), *self.roots)
        secret = [*self.hidden, EXCHANGE, *(root / name for root in shown for name in SETTINGS)]
        hidden = dict.fromkeys(folder.resolve() for folder in secret if folder.is_dir())
        object.__setattr__(self, "hidden", tuple(hidden))
        for root in self.roots:
            if root == Path("/") or root.resolve() in hidden or not root.is_absolute():
                raise SandboxError(
                    f"The sandbox cannot show {root} to student code: it holds more than a Python "
                    "installation; run the grader from a virtual environment of its own."
                )


@dataclass(frozen=True)
class Descriptors:
    """Open file descriptors that bubblewrap reads from or writes to.

    `file_bytes` is what the files hold together; they do not count against the disk limit.
    """

    info: int
    passwd: int
    group: int
    files: tuple[int, ...] = ()
    seccomp: int | None = None
    file_bytes: int = 0

    def numbers(self) -> list[int]:
        """All of them."""
        optional = [] if self.seccomp is None else [self.seccomp]
        return [self.info, self.passwd, self.group, *self.files, *optional]


def environment(policy: SandboxPolicy) -> dict[str, str]:
    """The complete environment of a sandboxed kernel."""
    cpus = str(policy.limits.cpus)
    return {
        "PATH": f"{policy.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",  # noqa: S108 -- the sandbox's own tmpfs
        # tools leave their own files in /tmp, so that a student's folder holds the student's
        "IPYTHONDIR": "/tmp/.ipython",  # noqa: S108
        "MPLCONFIGDIR": "/tmp/.matplotlib",  # noqa: S108
        "XDG_CACHE_HOME": "/tmp/.cache",  # noqa: S108
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        **{f"{library}_NUM_THREADS": cpus for library in THREADS},
        **dict(policy.environment),
    }


def python_command(policy: SandboxPolicy, module: str, *arguments: str) -> list[str]:
    """What runs `main` of a module of the folder inside/ in the sandbox."""
    folder, name = INSIDE.rsplit("/", 1)
    start = f"import sys; sys.path[0] = {folder!r}; from {name}.{module} import main; main()"
    return [str(policy.python), "-c", start, *arguments]


def command_line(
    policy: SandboxPolicy,
    host: Host,
    descriptors: Descriptors,
    command: Sequence[str],
    *,
    nested: bool = False,
) -> list[str]:
    """The whole argument list that runs `command` (paths as seen inside) in the sandbox.

    Where the caller is root, a private mount namespace first binds each source to a place that
    every user can reach, then all privileges are dropped; bubblewrap itself never runs as root,
    since root inside would be root of the machine.

    Args:
        nested: the command makes namespaces of its own, as a zygote does.
    """
    sources = [bind.source for bind in shown(policy)]
    staged = {source: f"{host.staging}/{number}" for number, source in enumerate(sources)}
    reach = staged.__getitem__ if host.privileged else str
    arguments = _bubblewrap(policy, host, descriptors, command, reach)
    if nested and "--disable-userns" in arguments:
        arguments.remove("--disable-userns")
    return [*_drop_root(staged, host.staging), *arguments] if host.privileged else arguments


def shown(policy: SandboxPolicy) -> list[Bind]:
    """Every file and folder of this machine, besides the system's, that the sandbox shows."""
    own = Bind(Path(inside.__file__).parent, Path(INSIDE))
    return [*(Bind(root, root) for root in policy.roots), own, *policy.binds]


def _drop_root(staged: dict[Path, str], staging: str) -> list[str]:
    steps = [f"mount -t tmpfs -o mode=755 none {staging}"]
    for source, place in staged.items():
        quoted = shlex.quote(str(source))
        steps.append(f"if [ -d {quoted} ]; then mkdir {place}; else touch {place}; fi")
        steps.append(f"mount --rbind {quoted} {place}")
    identity = f"--reuid={SANDBOX_UID} --regid={SANDBOX_UID} --clear-groups"
    steps.append(f'exec setpriv {identity} --no-new-privs "$@"')
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "; ".join(steps), "sh"]


def _bubblewrap(
    policy: SandboxPolicy,
    host: Host,
    descriptors: Descriptors,
    command: Sequence[str],
    reach: Callable[[Path], str],
) -> list[str]:
    limits = policy.limits
    masks = _masks(policy)
    return [
        host.bwrap,
        *("--unshare-user", "--unshare-all", "--uid", str(USER_ID), "--gid", str(USER_ID)),
        *(["--disable-userns"] if "--disable-userns" in host.options else []),
        *("--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL"),
        *("--size", str(ROOT_SIZE), "--tmpfs", "/"),
        *_system(host),
        *("--proc", "/proc", "--dev", "/dev"),
        *_tmpfs("/dev/shm", limits.disk, "1777"),  # noqa: S108 -- the sandbox's own
        *_tmpfs("/tmp", limits.disk, "1777"),  # noqa: S108
        *_visible(policy, masks, reach),
        *_flatten(["--dev-bind", str(node), str(node)] for node in policy.devices),
        *("--file", str(descriptors.passwd), "/etc/passwd"),
        *("--file", str(descriptors.group), "/etc/group"),
        *_tmpfs(HOME, limits.disk + descriptors.file_bytes, "0700"),
        *_flatten(
            ["--file", str(descriptor), f"{HOME}/{file.target}"]
            for file, descriptor in zip(policy.files, descriptors.files, strict=True)
        ),
        *_flatten(["--remount-ro", str(path)] for path in ["/", "/dev", *masks]),
        *(["--seccomp", str(descriptors.seccomp)] if descriptors.seccomp is not None else []),
        *("--info-fd", str(descriptors.info), "--clearenv"),
        *_flatten(["--setenv", name, value] for name, value in environment(policy).items()),
        *("--chdir", HOME, "--", *command),
    ]


def _system(host: Host) -> list[str]:
    shown = ["/usr", *host.folders, *host.etc]
    return [
        *_flatten(["--ro-bind", path, path] for path in shown),
        *_flatten(["--symlink", target, name] for target, name in host.links),
    ]


def _tmpfs(path: str, size: int, permissions: str) -> list[str]:
    return ["--perms", permissions, "--size", str(size), "--tmpfs", path]


def _masks(policy: SandboxPolicy) -> list[Path]:
    """Where a hidden folder would show through a root; each is covered by an empty folder."""
    roots = [Path("/usr"), *policy.roots]
    return sorted(
        {
            root / hidden.relative_to(root.resolve())
            for root in roots
            for hidden in policy.hidden
            if root.resolve() in hidden.parents
        }
    )


def _visible(policy: SandboxPolicy, masks: list[Path], reach: Callable[[Path], str]) -> list[str]:
    """Roots, binds, links and masks, outer before inner, so that none covers a deeper one."""
    steps = [
        (bind.target, ["--ro-bind", reach(bind.source), str(bind.target)]) for bind in shown(policy)
    ]
    steps += [(mask, ["--tmpfs", str(mask)]) for mask in masks]
    inside = [Path("/usr"), *policy.roots]
    steps += [
        (Path(link), ["--symlink", target, link])
        for target, link in interpreter_links(policy.python)
        if not any(root in Path(link).parents for root in inside)
    ]
    return _flatten(step for _, step in sorted(steps, key=lambda step: len(step[0].parts)))


def _flatten(groups: Iterable[Sequence[str]]) -> list[str]:
    return list(chain.from_iterable(groups))
