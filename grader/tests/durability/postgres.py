"""A PostgreSQL server of a test's own, on a socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_USERS = ("postgres", "nobody")
"""Whom the server runs as where the tests run as root, which PostgreSQL refuses."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them off PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


class Server:
    """One server. `stop` loses what is not committed, as a power cut would.

    Args:
        programs: where `initdb` and `pg_ctl` are.
        folder: for its data and its socket; a socket's path must be short.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._numbers = count(1)
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            user = next(known[name] for name in _USERS if name in known)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "--auth=trust", "--username=grader", "--no-sync", "--locale=C", "-E", "UTF8"
        )

    def new_database(self) -> str:
        """Makes an empty database; its SQLAlchemy URL, with a password that nobody may see."""
        name = f"course{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://grader:secret@/{name}?host={self._folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        """End it at once."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def count(self, url: str, what: str) -> int:
        """Rows of a table."""
        database = url.split("/")[3].split("?")[0]
        with psycopg.connect(self._address(database)) as connection:
            row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        assert row is not None
        return int(row[0])

    def _address(self, database: str) -> str:
        return f"host={self._folder} user=grader dbname={database}"

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *options]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            timeout=120,
            **self._user,
        )


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """A running server, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="grader-pg-"))
    running = Server(programs, folder)
    running.start()
    try:
        yield running
    finally:
        with suppress(subprocess.CalledProcessError):  # a test left it stopped
            running.stop()
        shutil.rmtree(folder)
