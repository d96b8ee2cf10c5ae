"""SciPy's sparse matrices across the boundary, by value."""

from __future__ import annotations

import sys
from typing import Any

from .decoding import Decoder
from .tables import reserve, settle
from .values import ARRAY_KINDS, CannotCross, Encoder
from .wire import WireError

_FORMATS = frozenset({"bsr", "coo", "csc", "csr", "dia", "dok", "lil"})
_LONGEST = 2**20  # rows or columns: some formats take memory for each


def encode(value: Any, encoder: Encoder) -> Any:
    """The node of a sparse matrix, or None for anything else."""
    scipy = sys.modules["scipy.sparse"]
    if not scipy.issparse(value) or not type(value).__module__.startswith("scipy.sparse"):
        return None
    if value.ndim != 2 or value.dtype.kind not in ARRAY_KINDS or max(value.shape) > _LONGEST:
        raise CannotCross(f"a sparse matrix of shape {value.shape} and dtype {value.dtype}")
    encoder.number(value)
    return write(value, encoder)


def write(value: Any, encoder: Encoder) -> Any:
    """The node of one that has its number: its entries by row and column."""
    entries = value.tocoo()
    kind = "array" if isinstance(value, sys.modules["scipy.sparse"].sparray) else "matrix"
    parts = map(encoder.encode, (entries.data, entries.row, entries.col))
    return ["sp", value.format, kind, list(value.shape), *parts]


def decode(node: list[Any], decoder: Decoder) -> Any:
    """The inverse of `encode`; raises WireError for what it never writes."""
    import numpy as np
    import scipy.sparse  # type: ignore[import-untyped]  # SciPy has no types

    _, layout, kind, shape, *parts = node
    sizes = type(shape) is list and len(shape) == 2 and all(type(n) is int for n in shape)
    if layout not in _FORMATS or kind not in ("array", "matrix") or not sizes:
        raise WireError("a malformed sparse matrix")
    if not all(0 <= n <= _LONGEST for n in shape):
        raise WireError("a sparse matrix of such a shape")
    place = reserve(decoder)
    data, row, col = (decoder.decode(part) for part in parts)
    if any(type(part) is not np.ndarray or part.ndim != 1 for part in (data, row, col)):
        raise WireError("a malformed sparse matrix")
    if row.dtype.kind != "i" or col.dtype.kind != "i" or data.dtype.kind not in "biufc":
        raise WireError("a malformed sparse matrix")
    if layout in ("bsr", "dia"):  # which fill in zeros, as many as the places of the entries allow
        layout = "csr"
    made = scipy.sparse.coo_array if kind == "array" else scipy.sparse.coo_matrix
    return settle(decoder, place, made((data, (row, col)), shape=tuple(shape)).asformat(layout))
