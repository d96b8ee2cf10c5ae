"""What lies around a grading run and could be reached: secrets, a listener, other people's work."""

from __future__ import annotations

import hashlib
import os
import secrets
import selectors
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from grader.tests.attacks.catalogue import Surroundings
from grader.tests.attacks.target import WORDS

ENVIRONMENT = {"GRADING_TOKEN": WORDS["environment"]}
_INPUTS = ("nbgrader_config.py", "source", "release", "submitted")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")


class Listener:
    """Takes TCP connections and datagrams on this machine, and remembers what they said."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._tcp.getsockname()[1])
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self.name = f"listener-{self.port}"
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind(f"\0{self.name}")
        self._unix.listen()
        self._awake, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._wake.close()
        self._thread.join(10)
        for end in (self._tcp, self._udp, self._unix, self._awake):
            end.close()

    def _listen(self) -> None:
        with selectors.DefaultSelector() as ready:
            for end in (self._tcp, self._udp, self._unix, self._awake):
                ready.register(end, selectors.EVENT_READ)
            while True:
                calls = [key.fileobj for key, _ in ready.select()]
                for end in calls:
                    if end is not self._awake:
                        with suppress(OSError):
                            self.heard.append(self._hear(end))
                if calls == [self._awake]:
                    return

    def _hear(self, end: object) -> str:
        if end is self._udp:
            return self._udp.recv(200).decode("utf-8", "replace")
        caller, _ = (self._tcp if end is self._tcp else self._unix).accept()
        with caller:
            caller.settimeout(2)
            return caller.recv(200).decode("utf-8", "replace") or "somebody"


@contextmanager
def surroundings(course: Path, home: Path) -> Iterator[tuple[Surroundings, Listener]]:
    """Plant what may not be reached, and listen, for as long as the block runs."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "secret.txt").write_text(WORDS["home"], encoding="utf-8")
    listener = Listener()
    try:
        sign = f"left-behind-{secrets.token_hex(4)}-"
        yield Surroundings(course, home, listener.port, listener.name, sign), listener
    finally:
        listener.close()


def fingerprint(course: Path, home: Path) -> dict[str, str]:
    """A hash of each file that a run has no business to change, by path."""
    found = {}
    for top in (*(course / name for name in _INPUTS), home):
        files = [top] if top.is_file() else []
        # a tree that is deeper than a path may be is left at that
        for folder, _, names in os.walk(top):
            files += [Path(folder, name) for name in names]
        for path in files:
            if not _is_cache(path.relative_to(top)) and stat.S_ISREG(path.lstat().st_mode):
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _is_cache(path: Path) -> bool:
    """What programs keep in a home without anybody's doing."""
    return bool({".cache", ".ipython", ".local", ".config", ".nv"} & set(path.parts[:1]))


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The files that came, went or changed."""
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def left_behind(around: Surroundings) -> list[str]:
    """Processes and files that bear this run's sign, each with its command line or path."""
    course, home, sign = around.course, around.home, around.sign
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if any(word.startswith(sign) for word in words):
                found.append(f"process {process.pid}: {' '.join(words)[-200:]}")
    submissions = course / "submitted"
    for top in (course, home):
        for folder, names, files in os.walk(top):
            if folder == str(submissions):
                names.clear()
                continue
            found += [f"{folder}/{name}" for name in (*names, *files) if sign in name]
    for top in {*_TEMPORARY, tempfile.gettempdir()}:
        with suppress(OSError):
            found += [f"{top}/{name}" for name in os.listdir(top) if sign in name]
    return sorted(set(found))
