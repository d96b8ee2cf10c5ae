"""What is handed in is no notebook at all, but a compressed file with the name of one."""

import gzip

CATEGORY = "notebook bombs"
LONG = True


def tamper(notebook):
    """A gigabyte of zeros once unpacked is small here."""
    return gzip.compress(bytes(10_000_000))
