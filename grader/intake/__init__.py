"""From an untrusted file to a clean notebook. Nothing that a student sent is run here.

`clean_notebook` is pure: bytes in, a notebook and a list of problems out. `read_submission` reads
a student's folder within size limits; `unpack_bundle` takes in a folder or zip of many.
"""

from grader.intake.bundle import Unpacked, unpack_bundle
from grader.intake.clean import CleanNotebook, clean_notebook
from grader.intake.inspect import Inspection, inspect_submissions, nothing_handed_in
from grader.intake.submission import SubmittedFiles, read_submission

__all__ = [
    "CleanNotebook",
    "Inspection",
    "SubmittedFiles",
    "Unpacked",
    "clean_notebook",
    "inspect_submissions",
    "nothing_handed_in",
    "read_submission",
    "unpack_bundle",
]
