"""pandas across the boundary: frames, series, indexes and their scalars, by value."""

from __future__ import annotations

import sys
from typing import Any

from .decoding import Decoder
from .values import ARRAY_KINDS, Encoder
from .wire import WireError

_EXTENSIONS = frozenset(("category", "string", "boolean", "Int8", "Int16", "Int32", "Int64")) | {
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float32",
    "Float64",
}


def encode(value: Any, encoder: Encoder) -> Any:
    """The node of something of pandas', or None for what stays on its side."""
    pandas = sys.modules["pandas"]
    kind = type(value)
    if kind in (pandas.DataFrame, pandas.Series):
        encoder.number(value)
        return write(value, encoder)
    if isinstance(value, pandas.Index):
        return _index(value, encoder)
    if value is pandas.NaT or value is pandas.NA or kind in (pandas.Timestamp, pandas.Timedelta):
        text = value.isoformat() if kind in (pandas.Timestamp, pandas.Timedelta) else str(value)
        return ["pt", kind.__name__, text]
    return None


def write(value: Any, encoder: Encoder) -> Any:
    """The node of a frame or series that has its number."""
    pandas = sys.modules["pandas"]
    if type(value) is pandas.Series:
        index = _index(value.index, encoder)
        return ["ps", encoder.encode(value.name), index, _column(value, encoder)]
    columns = [_column(value.iloc[:, at], encoder) for at in range(value.shape[1])]
    return ["pd", _index(value.columns, encoder), _index(value.index, encoder), *columns]


def _index(value: Any, encoder: Encoder) -> Any:
    pandas = sys.modules["pandas"]
    if isinstance(value, pandas.MultiIndex):
        return ["pi", "multi", encoder.encode(list(value.names)), encoder.encode(list(value))]
    name = encoder.encode(value.name)
    if isinstance(value, pandas.RangeIndex):
        return ["pi", "range", name, encoder.encode(range(value.start, value.stop, value.step))]
    return ["pi", "plain", name, _column(value, encoder)]


def _column(value: Any, encoder: Encoder) -> Any:
    """dtype and values; times of a zone and other extensions as objects with their dtype."""
    if getattr(value.dtype, "kind", "O") in ARRAY_KINDS and isinstance(
        value.dtype, sys.modules["numpy"].dtype
    ):
        return ["", encoder.encode(value.to_numpy())]
    name = str(value.dtype)
    return [name if name in _EXTENSIONS else "object", encoder.encode(value.tolist())]


def decode(node: list[Any], decoder: Decoder) -> Any:
    """The inverse of `encode`; raises WireError for what it never writes."""
    import pandas

    tag = node[0]
    if tag == "pt":
        return _scalar(node)
    if tag == "pi":
        return _read_index(node, decoder)
    if tag == "ps":
        place = reserve(decoder)
        name = decoder.decode(node[1])
        index = _read_index(node[2], decoder)
        series = pandas.Series(_values(node[3], decoder), index=index, name=name)
        return settle(decoder, place, series)
    place = reserve(decoder)
    columns = _read_index(node[1], decoder)
    index = _read_index(node[2], decoder)
    values = [_values(column, decoder) for column in node[3:]]
    if len(values) != len(columns) or any(len(found) != len(index) for found in values):
        raise WireError("a frame of another shape")
    frame = pandas.DataFrame(dict(enumerate(values)), index=index)
    frame.columns = columns
    return settle(decoder, place, frame)


def reserve(decoder: Decoder) -> int | None:
    """Take the number that the encoder took before it went inside."""
    count = len(decoder.objects)
    decoder.number(None)
    return count if len(decoder.objects) > count else None


def settle(decoder: Decoder, place: int | None, value: Any) -> Any:
    """Give a value the number that was reserved for it."""
    if place is not None:
        decoder.objects[place] = value
    return value


def _read_index(node: Any, decoder: Decoder) -> Any:
    import pandas

    if type(node) is not list or len(node) != 4 or node[0] != "pi":
        raise WireError("a malformed index")
    _, kind, name, values = node
    name = decoder.decode(name)
    if kind == "multi":
        return pandas.MultiIndex.from_tuples(decoder.decode(values), names=name)
    if kind == "range":
        found = decoder.decode(values)
        if type(found) is not range:
            raise WireError("a malformed index")
        return pandas.RangeIndex(found.start, found.stop, found.step, name=name)
    return pandas.Index(_values(values, decoder), name=name)


def _values(node: Any, decoder: Decoder) -> Any:
    import numpy as np
    import pandas

    if type(node) is not list or len(node) != 2:
        raise WireError("a malformed column")
    name, values = node
    found = decoder.decode(values)
    if name == "" and type(found) is np.ndarray and found.ndim == 1:
        return found
    if name not in (*_EXTENSIONS, "object") or type(found) is not list:
        raise WireError("a malformed column")
    return pandas.array(found, dtype=name) if name != "object" else _objects(found)


def _objects(items: list[Any]) -> Any:
    import numpy as np

    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column


def _scalar(node: list[Any]) -> Any:
    import pandas

    _, kind, text = node
    if type(text) is not str or len(text) > 100:
        raise WireError("a malformed time")
    if kind in ("Timestamp", "Timedelta"):
        return getattr(pandas, kind)(text)
    return pandas.NaT if kind == "NaTType" else pandas.NA
