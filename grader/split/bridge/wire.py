"""Frames on a socket: a JSON header and raw buffers, checked before anything is allocated.

A frame is `!II` (bytes of the header, number of buffers), a `!Q` for the length of each buffer,
the header (JSON: numbers, strings and arrays, no objects), and the buffers. Whoever sends
anything else has broken the protocol, and the channel closes for good.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

_PREFIX = struct.Struct("!II")
_CHUNK = 2**20
_AHEAD = 2**16
_LONGEST_LINE = 2**20


class WireError(Exception):
    """The other side broke the protocol; nothing more may be read from it."""


class ChannelClosed(Exception):
    """The other side is gone."""


@dataclass(frozen=True)
class Caps:
    """Bounds on one frame. Sizes in bytes, time in seconds from its first byte to its last."""

    header: int = 16 * 2**20
    buffers: int = 4096
    total: int = 256 * 2**20
    seconds: float = 20.0


def pack(header: list[Any], buffers: list[Any], caps: Caps) -> list[Any]:
    """The pieces of one frame.

    Raises:
        ValueError: it is larger than `caps` allow, or holds a number that is none in JSON.
    """
    text = _write(header).encode()
    views = [b if type(b) is bytes else memoryview(b).cast("B") for b in buffers]
    lengths = list(map(len, views))
    if len(text) > caps.header or len(views) > caps.buffers or sum(lengths) > caps.total:
        size = (len(text) + sum(lengths)) // 2**20
        raise ValueError(f"a value of {size} MiB is too large to pass between the kernels")
    prefix = _PREFIX.pack(len(text), len(views)) + struct.pack(f"!{len(views)}Q", *lengths)
    return [prefix + text, *views]


_write = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


def parse_header(text: bytes | bytearray) -> list[Any]:
    """The header of a frame.

    Raises:
        WireError: it is no JSON array, holds an object, or a number that is none.
    """
    try:
        header = _parse(text.decode())
    except (ValueError, RecursionError) as error:
        raise WireError(f"a header that is no JSON ({type(error).__name__})") from None
    if type(header) is not list:
        raise WireError("a header that is no array")
    return header


def _refuse(found: Any) -> Any:
    raise WireError("a JSON object or constant in a header")


_parse = json.JSONDecoder(object_pairs_hook=_refuse, parse_constant=_refuse).decode


def read_line(connection: socket.socket, limit: int = _LONGEST_LINE) -> bytes:
    """The next line on a control socket, and nothing of what follows it.

    Args:
        connection: a stream socket that blocks.
        limit: bytes that a line may have.

    Raises:
        ConnectionError: the other side is gone, or its line is too long.
    """
    line = b""
    while not line.endswith(b"\n"):
        ahead = connection.recv(4096, socket.MSG_PEEK)  # a descriptor may come after the line
        line += connection.recv(ahead.find(b"\n") + 1 or len(ahead))
        if not ahead or len(line) > limit:
            raise ConnectionError("the other side is gone, or its line is too long")
    return line


class Channel:
    """One end of the socket pair; frames go out whole and come in whole.

    Args:
        connection: a connected stream socket, owned from here on.
        caps: bounds on what may come in, and go out.
    """

    def __init__(self, connection: socket.socket, caps: Caps | None = None) -> None:
        self.caps = caps or Caps()
        self.closed = False
        self._socket = connection
        self._socket.setblocking(True)
        self._ahead = bytearray()  # what has been read, and
        self._used = 0  # how much of it was taken

    @property
    def pending(self) -> bool:
        """Whether bytes of a next frame have been read already."""
        return len(self._ahead) > self._used and not self.closed

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close for good."""
        self.closed = True
        self._socket.close()

    def send(self, header: list[Any], buffers: list[Any]) -> None:
        """Send one frame.

        Raises:
            ValueError: it is too large; nothing was sent.
            ChannelClosed: the other side is gone, or does not read.
        """
        pieces = pack(header, buffers, self.caps)
        if self.closed:
            raise ChannelClosed
        if sum(map(len, pieces)) < _AHEAD:  # one call, and the other side wakes up once
            pieces = [b"".join(pieces)]
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except OSError:
            self.close()
            raise ChannelClosed from None
        except BaseException:
            self.close()  # half a frame is out, so no other can follow
            raise

    def receive(self) -> tuple[list[Any], list[bytearray]]:
        """Wait for a frame, as long as it takes, and read it within `caps.seconds`.

        Raises:
            WireError: it was malformed or slow; the channel is closed.
            ChannelClosed: the other side is gone.
        """
        if self.closed:
            raise ChannelClosed
        try:
            if not self.pending:
                self._ahead, self._used = bytearray(self._first()), 0
            return self._receive(time.monotonic() + self.caps.seconds)
        except BaseException:
            self.close()  # what is left of the frame has no beginning
            raise

    def _first(self) -> bytes:
        """The first bytes of a frame, whenever they come."""
        try:
            part = self._socket.recv(_AHEAD)
        except OSError:
            part = b""
        if not part:
            raise ChannelClosed
        return part

    def _receive(self, deadline: float) -> tuple[list[Any], list[bytearray]]:
        size, count = _PREFIX.unpack(self._read(_PREFIX.size, deadline))
        if size > self.caps.header or count > self.caps.buffers:
            raise WireError("a frame over the limits")
        lengths = struct.unpack(f"!{count}Q", self._read(8 * count, deadline)) if count else ()
        if sum(lengths) > self.caps.total:
            raise WireError("a frame over the limits")
        text = self._read(size, deadline)
        return parse_header(text), [self._read(length, deadline) for length in lengths]

    def _read(self, size: int, deadline: float) -> bytearray:
        """Take `size` bytes; memory grows only with what has really arrived."""
        end = self._used + size
        if len(self._ahead) < end:
            del self._ahead[: self._used]
            self._used, end = 0, size
            while (missing := size - len(self._ahead)) > 0:
                # a small frame comes in one call, a large one without a byte too many
                wanted = _AHEAD if size < _AHEAD else min(missing, _CHUNK)
                self._ahead += self._more(wanted, deadline)
            if len(self._ahead) == size:
                data, self._ahead = self._ahead, bytearray()
                return data
        data = self._ahead[self._used : end]
        self._used = end
        return data

    def _more(self, size: int, deadline: float) -> bytes:
        """The next bytes, `size` at most."""
        while (left := deadline - time.monotonic()) > 0:
            try:
                part = self._socket.recv(size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                select.select([self._socket], [], [], left)
                continue
            except OSError:
                part = b""
            if not part:
                raise ChannelClosed
            return part
        raise WireError("a frame that took too long")
