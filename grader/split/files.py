"""Files that a notebook may read, put where a sandbox can take them from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from grader.sandbox import DataFile


@contextmanager
def place_files(
    submitted: Mapping[str, bytes], instructor: Mapping[str, bytes]
) -> Iterator[tuple[DataFile, ...]]:
    """Files for a sandbox's work folder, for as long as the block runs.

    Args:
        submitted: the student's, by relative path; left out where one stands in the way of
            an instructor's file.
        instructor: the instructor's, by relative path.
    """
    taken = {str(part) for name in instructor for part in (name, *PurePosixPath(name).parents)}
    kept = {
        name: content
        for name, content in submitted.items()
        if name not in taken and not any(str(p) in instructor for p in PurePosixPath(name).parents)
    }
    with tempfile.TemporaryDirectory(prefix="grader-files-") as folder:
        placed = []
        for at, (name, content) in enumerate(sorted({**kept, **instructor}.items())):
            source = Path(folder) / str(at)
            source.write_bytes(content)
            placed.append(DataFile(source, name))
        yield tuple(placed)
