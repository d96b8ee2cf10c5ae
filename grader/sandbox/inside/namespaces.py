"""The system calls by which a fork of a zygote shuts itself off from all others."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.mount.argtypes = [*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p]
_syscall = ctypes.PyDLL(None, use_errno=True).syscall  # keeps the lock of the interpreter
_syscall.argtypes = [ctypes.c_long, ctypes.c_char_p, ctypes.c_size_t]
_syscall.restype = ctypes.c_long

# linux/sched.h: mount, cgroup, uts, ipc, user, pid and network namespace
_NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000
_CLONE3 = 435  # on every architecture
_CLONE_ARGUMENTS = struct.Struct("8Q")  # flags, three addresses, signal, stack, its size, tls
# linux/mount.h
_NOSUID, _NODEV, _NOEXEC, _BIND, _RECURSIVE, _SLAVE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 19
# linux/prctl.h
_SET_DUMPABLE, _SET_SECCOMP, _DROP_BOUND, _NO_NEW_PRIVILEGES = 4, 22, 24, 38
_FILTER = 2  # of PR_SET_SECCOMP
_CAPABILITY_VERSION = 0x20080522
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # of a network interface
_INTERFACE = struct.Struct("16sh")


def fork() -> int:
    """Fork; the child is process 1 of new namespaces of every kind. Returns as `os.fork`.

    One fork instead of two with `unshare`, each of which copies the page tables. Python's and C's
    own hooks do not run in the child: it must be the only thread, and may make system calls, and
    `os.fork`, after which all is as usual.
    """
    arguments = _CLONE_ARGUMENTS.pack(_NAMESPACES, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    pid: int = _syscall(_CLONE3, arguments, len(arguments))
    _check("clone3", min(pid, 0))
    return pid


def own(user: int, group: int) -> None:
    """Be the same user in the new user namespace as before, and no other."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def cover(tmpfs: dict[str, tuple[int, str]], kept: list[str]) -> None:
    """Put file systems of its own over everything that the zygote's other forks can see.

    Args:
        tmpfs: bytes and permissions (octal digits) of each folder that becomes an empty one.
        kept: files and folders below those that stay in sight, with what is mounted on them.
    """
    held = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in kept}
    _mount("none", "/", None, _RECURSIVE | _SLAVE)
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    terminals = "newinstance,ptmxmode=0666,mode=620"
    _mount("devpts", "/dev/pts", "devpts", _NOSUID | _NOEXEC, terminals)
    for folder, (size, mode) in tmpfs.items():
        _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"size={size},mode={mode}")
    for path, descriptor in held.items():
        source = f"/proc/self/fd/{descriptor}"
        if os.path.isdir(source):
            os.makedirs(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT, 0o600))
        _mount(source, path, None, _BIND | _RECURSIVE)
        os.close(descriptor)


def raise_loopback() -> None:
    """Switch on the only network interface there is, which libzmq wants to see."""
    with socket.socket() as any_socket:
        asked = fcntl.ioctl(any_socket, _GET_FLAGS, _INTERFACE.pack(b"lo", 0) + bytes(22))
        flags = _INTERFACE.unpack_from(asked)[1] | _UP
        fcntl.ioctl(any_socket, _SET_FLAGS, _INTERFACE.pack(b"lo", flags) + bytes(22))


def forbid_namespaces() -> None:
    """Let nobody in here make a user namespace, by which all other kinds are reached."""
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def drop_capabilities() -> None:
    """Give up for good what the new user namespace has granted."""
    _prctl(_NO_NEW_PRIVILEGES, 1)
    for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        _prctl(_DROP_BOUND, capability)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _check("capset", _libc.capset(header, bytes(24)))


def set_dumpable(value: bool) -> None:
    """Whether processes of the same user may look into this one."""
    _prctl(_SET_DUMPABLE, int(value))


def filter_calls(program: bytes) -> None:
    """Install a compiled seccomp filter, for this process and what it starts."""
    buffer = ctypes.create_string_buffer(program, len(program))
    instructions = len(program) // 8
    described = struct.pack("HxxxxxxP", instructions, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(described, len(described))
    _prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(holder))


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    encoded = None if kind is None else kind.encode()
    result = _libc.mount(source.encode(), target.encode(), encoded, flags, options.encode())
    _check(f"mount {target}", result)


def _prctl(option: int, *arguments: int) -> None:
    padded = [*arguments, 0, 0, 0][:4]
    _check(f"prctl {option}", _libc.prctl(option, *padded, *[0] * (4 - len(padded))))


def _check(call: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
