"""A hostile answer kernel says anything at all; the test kernel's end raises nothing but its own.

2,000 conversations by default; 120,000 with GRADER_LONG=1.
"""

from __future__ import annotations

import io
import json
import os
import random
import socket
import struct
import traceback
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas
import pytest
import scipy.sparse  # type: ignore[import-untyped]  # SciPy has no types
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.split.bridge.crossing import Crossing
from grader.split.bridge.decoding import _READERS
from grader.split.bridge.errors import AnswerGone, AnswerInterrupted
from grader.split.bridge.peer import Peer, Stop
from grader.split.bridge.reading import RESOLVERS
from grader.split.bridge.serving import GuardedOperations
from grader.split.bridge.values import CannotCross
from grader.split.bridge.wire import Caps, Channel, ChannelClosed, WireError
from grader.tests.split.pairs import EXTRAS, extras

LONG = os.environ.get("GRADER_LONG") == "1"
CONVERSATIONS = 120_000 if LONG else 2_000
CAPS = Caps(header=2**16, buffers=8, total=2**16, seconds=5.0)
ROOM = 2**23  # bytes; far above what a frame of these caps needs, far below what it could announce

TAGS = [*_READERS, *RESOLVERS, "e", "y", "?", "!"]
"""All that either side reads, and those of whole messages."""
WORDS = ["ok", "stop", "error", "interrupted", "<f8", "|b1", "<U1", "|O", "float32", "bool", "cpu"]
WORDS += ["Cw", "Fr", "c", "g", "p", "f", "o", "N", "call", "attr", "special", "step", "describe"]
WORDS += ["method", "set", "vjp", "module", "copy", "__class__", "__len__", "next", "", "date"]
WORDS += [
    "builtins.ValueError",
    "builtins.SystemExit",
    "fraction",
    "1e9",
    "numpy",
    "range",
    "multi",
]
WORDS += ["Card", "Light", "Pile", "Text", "Slotted", "Failure", "helper", "RED", "rank", "csr"]
NUMBERS = [0, 1, 2, 3, -1, 2**31, 2**62, 2**64, 0.0, 1.5, 1e300]


SHARED: dict[str, Any] = {"__name__": "__main__"}
"""What an instructor's cell has defined on both sides."""
exec(
    """
import dataclasses, enum
@dataclasses.dataclass
class Card:
    rank: int
class Light(enum.Enum):
    RED = 1
class Pile(list):
    def top(self): return self[-1]
class Text(str): pass
class Slotted:
    __slots__ = ("rank",)
class Failure(ValueError): pass
def helper(x): return x
""",
    SHARED,
)
CLASSES = {"Card", "Light", "Pile", "Text", "Slotted", "Failure", "helper"}


def _node(rng: random.Random, depth: int) -> Any:
    """A node such as an encoder could have written, and one that it could not."""
    pick = rng.random()
    if depth <= 0 or pick < 0.3:
        return rng.choice([None, True, False, *NUMBERS, *WORDS])
    size = rng.randrange(6)
    inner = [_node(rng, depth - 1) for _ in range(size)]
    return [rng.choice(TAGS), *inner] if pick < 0.95 else inner


def _header(rng: random.Random) -> Any:
    """A message with some of its parts in order."""
    number = rng.choice([1, 1, 1, 2, 3, 0, -1, 2**70, "1"])
    part = rng.choice(["dropped", "shared", "lasting", "gradients", "notes"])
    goes_along = rng.choice([EXTRAS, EXTRAS, extras(**{part: _node(rng, 4)}), _node(rng, 4)])
    nodes = [_node(rng, rng.randrange(1, 6)) for _ in range(rng.randrange(4))]
    if rng.random() < 0.4:
        operations = list(GuardedOperations(_crossing()).handlers())
        return ["?", number, rng.choice([*operations, "begin", 5]), nodes, goes_along]
    status = rng.choice(["ok", "ok", "stop", "error", "interrupted", "", 5])
    changes = [[rng.choice([0, 1, 2, -1]), _node(rng, 3)] for _ in range(rng.choice([0, 0, 1, 2]))]
    result: Any = _node(rng, rng.randrange(1, 7))
    if status == "error" and rng.random() < 0.8:
        names = [rng.choice(WORDS) for _ in range(2)]
        result = ["e", rng.choice(NUMBERS), names, nodes, None, None]
    return ["!", number, status, result, changes, goes_along]


def _frame(header: Any, buffers: list[bytes]) -> bytes:
    text = json.dumps(header).encode()
    lengths = struct.pack(f"!{len(buffers)}Q", *map(len, buffers))
    return struct.pack("!II", len(text), len(buffers)) + lengths + text + b"".join(buffers)


def _buffers(rng: random.Random) -> list[bytes]:
    return [rng.randbytes(rng.choice([0, 1, 2, 4, 8, 16, 24])) for _ in range(rng.randrange(4))]


def _slotted() -> Any:
    found = SHARED["Slotted"]()
    found.rank = 5
    return found


def _valid_frames() -> list[bytes]:
    """Replies and questions as an honest answer kernel sends them."""
    values: list[Any] = [
        [1, 2.5, "three", {"four": (5,)}, {6}, 2**80, float("nan"), 1j],
        np.arange(6.0).reshape(2, 3),
        np.array(["a", None], dtype=object),
        torch.arange(4.0),
        torch.ones(2, requires_grad=True),
        torch.nn.Linear(2, 1),
        len,
        Peer,
        ValueError("no"),
        iter([1]),
        scipy.sparse.eye(2).tocsr(),
        io.StringIO("text"),
        pandas.DataFrame({"a": [1, 2]}),
        SHARED["Card"](3),
        SHARED["Light"].RED,
        SHARED["Pile"]([1]),
        SHARED["Text"]("t"),
        _slotted(),
        SHARED["Failure"]("f"),
        SHARED["helper"],
    ]
    frames = []
    for value in values:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            crossing = Crossing(SHARED, trusts=True, shared=CLASSES)
            peer = Peer(Channel(ours), crossing, {"give": lambda given=value: given})
            crossing.connect(peer)
            peer.serve(["?", 1, "give", [], EXTRAS], [])
            frames.append(theirs.recv(2**16))
    return frames


VALID = _valid_frames()


def _altered(rng: random.Random) -> bytes:
    """An honest frame, some of whose nodes are others."""
    frame = rng.choice(VALID)
    size, count = struct.unpack_from("!II", frame)
    lengths = struct.unpack_from(f"!{count}Q", frame, 8)
    at = 8 + 8 * count
    header = json.loads(frame[at : at + size])
    at += size
    buffers = []
    for length in lengths:
        buffers.append(frame[at : at + length])
        at += length
    for _ in range(rng.randrange(1, 4)):
        places = list(_places(header))
        owner, index = rng.choice(places)
        other, of = rng.choice(places)
        owner[index] = rng.choice([_node(rng, 2), json.loads(json.dumps(other[of]))])
    if buffers and rng.random() < 0.3:
        buffers[rng.randrange(len(buffers))] = rng.randbytes(rng.choice([0, 1, 8, 16]))
    return _frame(header, buffers)


def _places(node: Any) -> Iterator[tuple[list[Any], int]]:
    if type(node) is list:
        for index, inner in enumerate(node):
            yield node, index
            yield from _places(inner)


def _crossing() -> Crossing:
    return Crossing(dict(SHARED), trusts=False, shared=set(CLASSES))


def _hear(said: bytes) -> None:
    """Have the test kernel's end ask, and hear `said`; what comes out is a fault of ours."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        crossing = _crossing()
        peer = Peer(Channel(ours, CAPS), crossing, GuardedOperations(crossing).handlers())
        crossing.connect(peer)
        argument = [np.zeros(2), torch.zeros(2), {}]
        try:
            peer.ask("call", argument, len, random.Random(0))
        except (AnswerGone, AnswerInterrupted, CannotCross, WireError, ChannelClosed, Stop):
            pass
        except Exception as error:
            # an exception of the student's, by name; ours have no place there
            places = traceback.extract_tb(error.__traceback__)
            assert places[-1].name == "_unsettled", places
        except BaseException as error:
            raise AssertionError("what no test may see") from error


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A hostile value may make NumPy warn; that is no exception in a kernel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


long_run = settings(
    max_examples=CONVERSATIONS // 5,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
seeds = st.integers(0, 2**64 - 1).map(random.Random)
edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from("=x+-"), st.integers(0, 255)),
    min_size=1,
    max_size=6,
)


@pytest.mark.timeout(3600 if LONG else 240)
@long_run
@given(st.binary(max_size=200))
def test_bytes_of_no_meaning(said: bytes) -> None:
    _hear(said)


@pytest.mark.timeout(3600 if LONG else 240)
@long_run
@given(st.integers(0, 2**16), st.integers(0, 9), st.binary(max_size=100))
def test_frames_of_any_text(size: int, count: int, rest: bytes) -> None:
    _hear(struct.pack("!II", size, count) + rest)
    _hear(struct.pack("!II", len(rest), 0) + rest)


@pytest.mark.timeout(3600 if LONG else 240)
@long_run
@given(seeds)
def test_messages_of_any_nodes(rng: random.Random) -> None:
    _hear(b"".join(_frame(_header(rng), _buffers(rng)) for _ in range(rng.randrange(1, 4))))


@pytest.mark.timeout(3600 if LONG else 240)
@long_run
@given(seeds)
def test_honest_frames_with_a_few_nodes_changed(rng: random.Random) -> None:
    _hear(_altered(rng))


@pytest.mark.timeout(3600 if LONG else 240)
@long_run
@given(st.lists(st.sampled_from(VALID), min_size=1, max_size=3), edits)
def test_honest_frames_with_a_few_bytes_changed(
    frames: list[bytes], changes: list[tuple[float, str, int]]
) -> None:
    said = bytearray(b"".join(frames))
    for place, what, value in changes:
        at = int(place * len(said))
        if what == "=":
            said[at : at + 1] = bytes([value])
        elif what == "x":
            said[at : at + 1] = bytes([said[at] ^ 1 << value % 8]) if said else b""
        elif what == "+":
            said[at:at] = said[at : at + value]
        else:
            del said[at : at + value % 4]
    _hear(bytes(said))


def test_no_message_costs_memory_beyond_the_caps() -> None:
    rng = random.Random(0)
    _hear(VALID[0])
    tracemalloc.start()
    try:
        for _ in range(CONVERSATIONS // 10):
            said = _altered(rng) if rng.random() < 0.5 else _frame(_header(rng), _buffers(rng))
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            _hear(said)
            assert tracemalloc.get_traced_memory()[1] - before < ROOM, said
    finally:
        tracemalloc.stop()


def test_honest_frames_are_heard() -> None:
    """Otherwise all of the above would be refused for a reason of its own."""
    heard = 0
    for frame in VALID:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(frame)
            theirs.shutdown(socket.SHUT_WR)
            crossing = _crossing()
            peer = Peer(Channel(ours), crossing, {})
            crossing.connect(peer)
            try:
                peer.ask("give")
                heard += 1
            except ValueError as error:
                heard += error.args == ("no",)
            except AnswerGone as gone:  # it wanted to know more of what stays there
                heard += "gone" in str(gone)
    assert heard == len(VALID)
