"""The system calls that student code may not make, as a compiled filter.

A denylist in front of the kernel's less travelled parts: namespaces and mounts, tracing, keys,
BPF, io_uring, exotic socket families; and of inotify, which tells what another process opens, such
as the modules that a hidden test imports. Isolation does not rest on it; namespaces and missing
privileges do that. What is denied fails with an ordinary error, so libraries fall back.
"""

from __future__ import annotations

import errno
import functools
import os
import socket

DENIED = (
    "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime",
    "delete_module", "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
    "init_module", "inotify_init", "inotify_init1", "io_uring_enter", "io_uring_register",
    "io_uring_setup", "ioperm", "iopl",
    "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "memfd_secret",
    "modify_ldt", "mount", "mount_setattr", "move_mount", "msgget", "name_to_handle_at",
    "nfsservctl", "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd",
    "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "quotactl_fd",
    "reboot", "request_key", "setdomainname", "sethostname", "setns", "settimeofday", "shmget",
    "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd", "vhangup",
)  # fmt: skip
# Memory behind an unmapped memfd belongs to no process, so only a cgroup can count it.
DENIED_WITHOUT_CGROUP = ("memfd_create",)
SOCKET_FAMILIES = (socket.AF_UNSPEC, 1, 2, 10, 16)  # unspecified, unix, inet, inet6, netlink
LAST_FAMILY = 16
NAMESPACE_FLAGS = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 1 << 30)
TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


def is_available() -> bool:
    """Whether libseccomp and its Python binding are installed."""
    try:
        import pyseccomp  # noqa: F401 -- importing it is the test
    except (ImportError, RuntimeError, OSError):
        return False
    return True


@functools.cache
def compile_filter(*, memory_is_counted: bool) -> bytes | None:
    """The filter as BPF; None without libseccomp.

    Args:
        memory_is_counted: a cgroup bounds memory, so memory outside any process is counted too.
    """
    if not is_available():
        return None
    import pyseccomp

    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    refused = pyseccomp.ERRNO(errno.EPERM)
    names = DENIED if memory_is_counted else DENIED + DENIED_WITHOUT_CGROUP
    for name in names:
        # an older libseccomp does not know the newest calls
        if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) != -1:
            rules.add_rule(refused, name)
    for flag in NAMESPACE_FLAGS:
        rules.add_rule(refused, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    # clone3 hides its flags in memory, where a filter cannot look; libc falls back to clone
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for request in TERMINAL_INJECTION:
        low = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request)
        rules.add_rule(refused, "ioctl", low)
    # a network namespace does not cover vsock, which reaches a virtual machine's host
    unknown = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    rules.add_rule(unknown, "socket", pyseccomp.Arg(0, pyseccomp.GT, LAST_FAMILY))
    for family in set(range(LAST_FAMILY)) - set(SOCKET_FAMILIES):
        rules.add_rule(unknown, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    with os.fdopen(os.memfd_create("seccomp"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
