"""Frames between the kernels: whole ones arrive, and every other is refused before it costs."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.split.bridge.wire import (
    Caps,
    Channel,
    ChannelClosed,
    WireError,
    pack,
    parse_header,
    read_line,
)

SMALL = Caps(header=1000, buffers=4, total=5000, seconds=5.0)
SLOW = Caps(seconds=0.2)

scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
finite = scalars.filter(lambda value: value not in (float("inf"), float("-inf")))
headers = st.lists(st.recursive(finite, lambda inner: st.lists(inner, max_size=4), max_leaves=12))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def raw(header: bytes, *buffers: bytes) -> bytes:
    """A frame, whatever its header says."""
    lengths = struct.pack(f"!{len(buffers)}Q", *map(len, buffers))
    return struct.pack("!II", len(header), len(buffers)) + lengths + header + b"".join(buffers)


@given(headers, st.lists(st.binary(max_size=50), max_size=4))
def test_a_frame_arrives_as_it_was_sent(header: list[object], buffers: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(ours).send(header, list(buffers))
        assert Channel(theirs).receive() == (header, [bytearray(found) for found in buffers])


def test_frames_of_any_size_arrive_in_order(pair: tuple[socket.socket, socket.socket]) -> None:
    sizes = [0, 1, 2**20, 5 * 2**20, 3]
    sender = Channel(pair[0])
    thread = threading.Thread(
        target=lambda: [sender.send([size], [bytes([size % 7]) * size]) for size in sizes]
    )
    thread.start()
    receiver = Channel(pair[1])
    for size in sizes:
        header, (buffer,) = receiver.receive()
        assert header == [size]
        assert buffer == bytes([size % 7]) * size
    thread.join()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{}",
        b"[{}]",
        b'[["l", {"a": 1}]]',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"1",
        b'"text"',
        b"null",
        b"[1",
        b"[1] [2]",
        b"\xff\xfe[\x00",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" + b"9" * 5000 + b"]",
    ],
    ids=lambda text: text[:20].decode("latin-1"),
)
def test_a_header_is_a_json_array_of_numbers_texts_and_arrays(header: bytes) -> None:
    with pytest.raises(WireError):
        parse_header(header)


def test_a_number_too_large_for_a_float_is_no_way_around_the_constants() -> None:
    # json reads 1e999 as infinity; what reads values refuses it there (see test_values)
    assert parse_header(b"[1e999]") == [float("inf")]


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("!II", 1001, 0),
        struct.pack("!II", 2, 5),
        struct.pack("!IIQ", 2, 1, 5001),
        struct.pack("!II4Q", 2, 4, 2**63, 2**63, 2**63, 2**63),
        struct.pack("!II2Q", 2, 2, 2500, 2501),
        struct.pack("!II", 2**32 - 1, 2**32 - 1),
    ],
    ids=["header", "buffers", "buffer", "overflow", "sum", "all"],
)
def test_a_frame_over_the_limits_is_refused_by_its_first_bytes(
    pair: tuple[socket.socket, socket.socket], frame: bytes
) -> None:
    pair[0].sendall(frame)  # nothing else ever comes, and nothing is waited for
    channel = Channel(pair[1], SMALL)
    with pytest.raises(WireError, match="over the limits"):
        channel.receive()
    assert channel.closed


def test_announced_bytes_that_never_come_cost_no_memory(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(struct.pack("!II2Q", 2**24, 2, 2**27, 2**27))
    pair[0].shutdown(socket.SHUT_WR)
    tracemalloc.start()
    try:
        with pytest.raises(ChannelClosed):
            Channel(pair[1]).receive()
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sent", [b"\0", raw(b"[1]", b"abc")[:-1], raw(b"[1]")[:10]])
def test_a_frame_that_stops_is_refused_in_time(
    pair: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    pair[0].sendall(sent)
    channel = Channel(pair[1], SLOW)
    with pytest.raises(WireError, match="too long"):
        channel.receive()
    with pytest.raises(ChannelClosed):
        channel.receive()


def test_a_frame_that_trickles_is_refused_in_time(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """Each byte comes soon after the last; the whole has one deadline."""
    done = threading.Event()

    def trickle() -> None:
        frame = raw(b"[1]", bytes(10_000))
        for at in range(len(frame)):
            try:
                pair[0].sendall(frame[at : at + 1])
            except OSError:
                return
            if done.wait(0.02):
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    with pytest.raises(WireError, match="too long"):
        Channel(pair[1], SLOW).receive()
    done.set()
    thread.join()


@pytest.mark.parametrize("cut", range(1, len(raw(b"[1]", b"ab"))))
def test_a_frame_cut_short_by_a_death_is_the_end(
    pair: tuple[socket.socket, socket.socket], cut: int
) -> None:
    pair[0].sendall(raw(b"[1]", b"ab")[:cut])
    pair[0].close()
    channel = Channel(pair[1])
    with pytest.raises(ChannelClosed):
        channel.receive()
    assert channel.closed


def test_after_a_violation_the_channel_is_closed_for_good(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(raw(b"{}") + raw(b"[1]"))
    channel = Channel(pair[1])
    with pytest.raises(WireError):
        channel.receive()
    with pytest.raises(ChannelClosed):
        channel.receive()
    with pytest.raises(ChannelClosed):
        channel.send([1], [])


@pytest.mark.parametrize(
    ("header", "buffers"),
    [(["x" * 1000], []), ([], [b""] * 5), ([], [bytes(5001)]), ([float("nan")], [])],
)
def test_what_is_too_large_or_no_json_is_not_sent(
    pair: tuple[socket.socket, socket.socket], header: list[object], buffers: list[bytes]
) -> None:
    channel = Channel(pair[0], SMALL)
    with pytest.raises(ValueError, match=r"too large|JSON"):
        channel.send(header, buffers)
    channel.send(["still", "open"], [])
    assert Channel(pair[1]).receive() == (["still", "open"], [])


def test_a_send_to_nobody_is_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    channel = Channel(pair[0])
    with pytest.raises(ChannelClosed):
        channel.send([1], [bytes(100)])
    assert channel.closed


def test_a_header_has_no_spare_characters() -> None:
    (first,) = pack([1, ["l", 2]], [], Caps())
    assert first[8:] == json.dumps([1, ["l", 2]], separators=(",", ":")).encode()


def test_a_line_is_read_and_nothing_after_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"first\nsecond")
        with open(os.devnull) as file:
            theirs.sendall(b" half\n")
            socket.send_fds(theirs, [b"c"], [file.fileno()])
        assert read_line(ours) == b"first\n"
        assert read_line(ours) == b"second half\n"
        content, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        assert content == b"c"
        assert len(descriptors) == 1
        os.close(descriptors[0])
        theirs.sendall(b"x" * 100)
        with pytest.raises(ConnectionError):
            read_line(ours, 50)
        theirs.close()
        with pytest.raises(ConnectionError):
            read_line(ours)
