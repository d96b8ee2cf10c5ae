"""Plain data between the kernels: it arrives as it was, and nothing else is read."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import json
import math
import pathlib
import sys
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.split.bridge.decoding import Decoder
from grader.split.bridge.values import (
    MAX_COLLISIONS,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_KEYS,
    MAX_NODES,
    CannotCross,
    Encoder,
)
from grader.split.bridge.wire import WireError, parse_header


def refuse(node: object, _: object) -> Any:
    raise CannotCross(f"{type(node).__name__} has no plain form")


def unknown(node: list[Any], _: Decoder) -> Any:
    raise WireError(f"a node of no known kind {node[0]!r}")


def crossed(value: Any) -> Any:
    """`value` as the other side gets it, by way of JSON."""
    encoder = Encoder(refuse)
    node = encoder.encode(value)
    text = json.dumps([node], allow_nan=False).encode()
    decoder = Decoder([bytearray(found) for found in map(bytes, encoder.buffers)], unknown)
    found = decoder.decode(parse_header(text)[0])
    decoder.finish()
    return found


def read(node: Any, *buffers: bytes) -> Any:
    """What a hostile sender's node and buffers are read as."""
    decoder = Decoder([bytearray(found) for found in buffers], unknown)
    found = decoder.decode(node)
    decoder.finish()
    return found


def same(a: Any, b: Any) -> bool:
    """Equal in type and value, all the way down; NaN is NaN, and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, complex):
        return repr(a) == repr(b)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple | collections.deque):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return bool(a == b)


texts = st.text() | st.text(st.characters(), max_size=5)
hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**300), 2**300)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | texts
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(datetime.UTC))
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([..., NotImplemented, int, list, type(None), range(3), range(9, 0, -2)])
    | st.builds(pathlib.Path, st.text("abc/.", min_size=1)),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
dtypes = hnp.scalar_dtypes() | hnp.unicode_string_dtypes() | hnp.byte_string_dtypes()
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=4))
fields = hnp.array_dtypes(hnp.scalar_dtypes(), allow_subarrays=False, max_size=3)
values = st.recursive(
    hashable
    | st.floats()
    | st.complex_numbers()
    | st.sets(hashable, max_size=4)
    | st.binary().map(bytearray)
    | arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4).map(collections.OrderedDict)
        | st.lists(inner, max_size=4).map(collections.deque)
        | st.dictionaries(texts, inner, max_size=3).map(lambda d: collections.defaultdict(list, d))
        | st.builds(slice, st.integers(), st.none() | st.integers(), st.integers())
    ),
    max_leaves=10,
)


@given(values)
def test_plain_data_arrives_as_it_was(value: Any) -> None:
    assert same(crossed(value), value)


@given(hnp.arrays(fields, hnp.array_shapes(min_dims=0, min_side=0, max_side=3)))
def test_arrays_of_fields_arrive_as_they_were(value: Any) -> None:
    found = crossed(value)
    assert found.dtype.names == value.dtype.names
    assert found.shape == value.shape
    assert all(found[name].tobytes() == value[name].tobytes() for name in value.dtype.names)


@given(dtypes.flatmap(lambda dtype: hnp.arrays(dtype, 1)))
def test_scalars_of_numpy_keep_their_dtype(one: Any) -> None:
    assert same(crossed(one[0]), one[0])


@pytest.mark.parametrize(
    "value",
    [
        collections.Counter("abca"),
        collections.deque([1, 2, 3], maxlen=3),
        collections.defaultdict(None, a=1),
        np.float32,
        np.dtype("<M8[ns]"),
        np.array([1, "a", None, [2]], dtype=object),
        np.array(None, dtype=object),
        np.zeros((0, 3), dtype=object),
        fractions.Fraction(-3, 7),
        decimal.Decimal("NaN"),
        pathlib.PurePosixPath("a/b"),
        uuid.UUID(int=5),
        -(2**62),
        2**62,
        16 ** (MAX_DIGITS - 2) - 1,
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_further_plain_data(value: Any) -> None:
    found = crossed(value)
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        assert found.shape == value.shape
        assert found.tolist() == value.tolist()
    else:
        assert str(found) == str(value) if not isinstance(value, int) else found == value
    assert getattr(found, "maxlen", None) == getattr(value, "maxlen", None)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("writeable", [True, False])
def test_an_array_keeps_its_order_and_whether_it_may_be_written(
    order: Any, writeable: bool
) -> None:
    value = np.arange(12.0).reshape(3, 4).copy(order=order)
    value.flags.writeable = writeable
    found = crossed(value)
    assert found.flags.f_contiguous == (order == "F")
    assert found.flags.writeable is writeable
    assert found.flags.owndata
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24).reshape(4, 6)[::2, ::-3],
        np.broadcast_to(np.arange(3), (2, 3)),
        np.arange(6).reshape(2, 3).T,
        np.arange(3, dtype=">i4"),
    ],
    ids=["strided", "broadcast", "transposed", "big-endian"],
)
def test_views_arrive_with_their_values(value: Any) -> None:
    np.testing.assert_array_equal(crossed(value), value)
    assert crossed(value).dtype == value.dtype


def test_what_is_mentioned_twice_is_one_object() -> None:
    inner: list[Any] = [1]
    shared = np.zeros(2)
    outer = crossed({"a": inner, "b": (inner, shared), "c": [shared, set(), inner]})
    assert outer["a"] is outer["b"][0] is outer["c"][2]
    assert outer["b"][1] is outer["c"][0]
    assert crossed([1, 1.0, True, "", b"", 2**99]) == [1, 1.0, True, "", b"", 2**99]


def test_cycles_arrive_as_cycles() -> None:
    knot: list[Any] = []
    knot.append({"self": knot, "deque": collections.deque([knot])})
    holder = np.empty(2, dtype=object)
    holder[0] = knot
    holder[1] = holder
    found = crossed(holder)
    assert found[1] is found
    assert found[0][0]["self"] is found[0] is found[0][0]["deque"][0]


def test_both_sides_number_alike() -> None:
    value = [{1, 2}, {"k": [np.zeros(1), bytearray(b"x")]}, collections.deque([[], ()]), (), "a"]
    encoder = Encoder(refuse)
    node = encoder.encode(value)
    decoder = Decoder([bytearray(found) for found in map(bytes, encoder.buffers)], unknown)
    decoder.decode(node)
    assert list(map(type, decoder.objects)) == list(map(type, encoder.objects))
    assert len(decoder.objects) == 8


def test_objects_known_from_before_are_mentioned_only() -> None:
    known = [[1], {"a": 2}]
    encoder = Encoder(refuse, known)
    assert encoder.encode((known[1], [known[0]])) == ["t", ["r", 1], ["l", ["r", 0]]]
    theirs = [[1], {"a": 2}]
    decoder = Decoder([], unknown, theirs)
    assert decoder.decode(["r", 1]) is theirs[1]


def test_contents_are_written_out_once_more_under_their_old_number() -> None:
    value: list[Any] = [1]
    encoder = Encoder(refuse, [value])
    value += [value, 2]
    node = encoder.contents(value)
    ours: list[Any] = [1]
    decoder = Decoder([], unknown, [ours])
    found = decoder.contents(node)
    assert found[1] is ours
    assert found[::2] == [1, 2]
    assert decoder.objects == [ours]


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        np.array([1 + 0j]).dtype.type.mro,
        [lambda: None],
        np.ma.masked_array([1], [True]),
        np.zeros(2, dtype="V3"),
        np.zeros(2, dtype=[("a", "f8", (2,))]),
        np.zeros(2, dtype=[("a", object)]),
        16**MAX_DIGITS,
        type("Mine", (list,), {})([1]),
        type("Number", (int,), {})(1),
        sys,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_plain_form_is_not_sent_as_if_it_had(value: Any) -> None:
    with pytest.raises(CannotCross):
        crossed(value)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_depth_is_bounded_on_both_sides() -> None:
    deep = nested(MAX_DEPTH - 5)
    assert same(crossed(deep), deep)
    with pytest.raises(CannotCross, match="deep"):
        crossed(nested(MAX_DEPTH))
    node: list[Any] = ["l"]
    for _ in range(MAX_DEPTH + 1):
        node = ["l", node]
    with pytest.raises(WireError, match="deep"):
        read(node)


def test_the_number_of_nodes_is_bounded() -> None:
    assert len(read(["l", *[0] * (MAX_NODES - 1)])) == MAX_NODES - 1
    with pytest.raises(WireError, match="nodes"):
        read(["l", *[0] * MAX_NODES])


@pytest.mark.parametrize("tag", ["s", "F", "d"])
def test_the_number_of_keys_is_bounded(tag: str) -> None:
    keys = list(range(MAX_KEYS + 1))
    node = [tag, *([part for key in keys for part in (key, 0)] if tag == "d" else keys)]
    with pytest.raises(WireError, match="keys"):
        read(node)


@pytest.mark.parametrize("tag", ["s", "F", "d"])
def test_keys_that_collide_are_refused_before_a_table_is_made(tag: str) -> None:
    """A few honest keys do not hide the many that make it crawl."""
    modulus = sys.hash_info.modulus
    bad = [["i", hex(modulus * at)] for at in range(1, MAX_COLLISIONS + 2)]
    keys = [*range(10 * MAX_COLLISIONS), *bad]
    node = [tag, *([part for key in keys for part in (key, 0)] if tag == "d" else keys)]
    with pytest.raises(WireError, match="collide"):
        read(node)


def test_honest_keys_do_not_collide() -> None:
    """Hashes of such fractions agree in their low bits."""
    grid = {at / 1024: at for at in range(1025)}
    assert crossed(grid) == grid
    points = {(x, y) for x in range(-20, 20) for y in range(-20, 20)}
    assert crossed(points) == points


def test_bytes_that_mean_more_than_true_mean_true() -> None:
    found = read(["a", "|b1", [3], "Cw", 0], bytes([0, 1, 255]))
    assert np.count_nonzero(found) == found.view("u1").sum() == 2
    assert read(["n", "|b1", 0], bytes([7])).tobytes() == b"\1"
    rows = read(["av", ["a", "|b1", "b", "|u1"], [2], "Cw", 0], bytes([9, 9, 0, 9]))
    assert rows.tobytes() == bytes([1, 9, 0, 9])


HOSTILE: dict[str, tuple[Any, ...]] = {
    "no_tag": ([],),
    "tag_is_a_number": ([1],),
    "tag_is_a_list": ([["l"]],),
    "unknown_tag": (["pickle", "cos\nsystem"],),
    "an_object": ({"a": 1},),
    "long_integer": (2**62,),
    "infinite": (float("inf"),),
    "not_a_number": (float("nan"),),
    "float_text": (["f", "1.5"],),
    "float_list": (["f", []],),
    "digits": (["i", "0x" + "f" * MAX_DIGITS],),
    "digits_are_no_text": (["i", 5],),
    "digits_of_something_else": (["i", "0xzz"],),
    "reference_to_nothing": (["r", 0],),
    "reference_backwards": (["r", -1],),
    "reference_is_true": (["l", ["r", True]],),
    "reference_is_a_float": (["l", ["r", 0.0]],),
    "reference_and_more": (["l", ["r", 0, 0]],),
    "set_of_lists": (["s", ["l"]],),
    "dict_of_lists": (["d", ["l"], 1],),
    "dict_of_a_set_of_itself": (["s", ["r", 0]],),
    "key_without_value": (["d", 1],),
    "factory_is_no_function": (["dd", 5],),
    "no_factory": (["dd"],),
    "deque_of_a_negative_length": (["q", -1],),
    "deque_without_length": (["q"],),
    "complex_of_text": (["c", "1", "2"],),
    "complex_of_three": (["c", 1.0, 2.0, 3.0],),
    "range_of_floats": (["R", 1.0, 2, 3],),
    "range_that_stands_still": (["R", 1, 2, 0],),
    "date": (["x", "date", "2024-13-01"],),
    "text_of_no_kind": (["x", "module", "os"],),
    "text_is_no_text": (["x", "path", 5],),
    "fraction_over_nothing": (["x", "fraction", "1/0"],),
    "fraction_with_an_exponent": (["x", "fraction", "1e999999999"],),
    "fraction_of_three": (["x", "fraction", "1/2/3"],),
    "decimal_of_words": (["x", "decimal", "many"],),
    "timedelta": (["td", 10**10, 0, 0],),
    "constant": (["k", "__import__"],),
    "constant_is_a_list": (["k", []],),
    "type": (["ty", "eval"],),
    "type_of_numpys": (["nt", "load"],),
    "type_of_numpys_by_path": (["nt", "random.Generator"],),
    "buffer_that_is_not_there": (["b", 0],),
    "buffer_backwards": (["b", -1], b"x"),
    "buffer_true": (["b", True], b"", b"x"),
    "buffer_used_twice": (["t", ["b", 0], ["b", 0]], b"x"),
    "buffer_not_used": (["t"], b"x"),
    "buffer_not_used_and_empty": (["t"], b""),
    "array_too_small": (["a", "<f8", [2], "Cw", 0], bytes(15)),
    "array_too_large": (["a", "<f8", [2], "Cw", 0], bytes(17)),
    "array_of_objects": (["a", "|O", [1], "Cw", 0], bytes(8)),
    "array_of_voids": (["a", "|V8", [1], "Cw", 0], bytes(8)),
    "array_of_fields": (["a", "<f8,<f8", [1], "Cw", 0], bytes(16)),
    "array_of_arrays": (["a", "(2,)f8", [1], "Cw", 0], bytes(16)),
    "dtype_of_no_size": (["a", "<U0", [2**39, 2**39], "Cw", 0], b""),
    "dtype_of_a_huge_size": (["a", "<U2147483647", [0], "Cw", 0], b""),
    "dtype_is_a_list": (["a", ["<f8"], [0], "Cw", 0], b""),
    "dtype_is_a_word": (["a", "float64", [0], "Cw", 0], b""),
    "shape_backwards": (["a", "<f8", [-1, -1], "Cw", 0], bytes(8)),
    "shape_of_floats": (["a", "<f8", [1.0], "Cw", 0], bytes(8)),
    "shape_of_truths": (["a", "<f8", [True], "Cw", 0], bytes(8)),
    "shape_is_a_number": (["a", "<f8", 1, "Cw", 0], bytes(8)),
    "shape_that_overflows": (["a", "<f8", [2**39, 2**39, 2**39, 0], "Cw", 0], b""),
    "shape_of_many": (["a", "<f8", [1] * 33, "Cw", 0], bytes(8)),
    "flags": (["a", "<f8", [1], "Xw", 0], bytes(8)),
    "flags_are_a_list": (["a", "<f8", [1], ["C", "w"], 0], bytes(8)),
    "array_and_more": (["a", "<f8", [1], "Cw", 0, 0], bytes(8)),
    "fields_of_objects": (["av", ["a", "|O"], [1], "Cw", 0], bytes(8)),
    "fields_of_one_name": (["av", ["a", "<f8", "a", "<f8"], [1], "Cw", 0], bytes(16)),
    "fields_without_names": (["av", [], [1], "Cw", 0], b""),
    "fields_that_overlap": (["av", ["a", "<f8", "b"], [1], "Cw", 0], bytes(8)),
    "object_array_too_small": (["ao", [3], "Cw", 1, 2],),
    "object_array_huge": (["ao", [2**39, 2**39], "Cw"],),
    "scalar_too_large": (["n", "<f8", 0], bytes(16)),
    "scalar_of_no_character": (["n", "<U1", 0], b"\xff\xff\xff\xff"),
    "array_of_no_character": (["a", ">U2", [1], "Fw", 0], b"\0\0\0a\0\x11\0\0"),
    "field_of_no_character": (["av", ["a", "<U1"], [1], "Cw", 0], b"\0\0\x11\0"),
    "scalar_is_an_object": (["n", "|O", 0], bytes(8)),
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=list(HOSTILE))
def test_what_no_encoder_writes_is_refused(frame: tuple[Any, ...]) -> None:
    with pytest.raises(WireError):
        read(*frame)


def test_a_number_that_json_reads_as_infinite_is_refused() -> None:
    with pytest.raises(WireError, match="finite"):
        read(parse_header(b"[1e999]")[0])
    assert math.isinf(crossed(math.inf))
