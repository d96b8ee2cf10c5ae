"""Calls over a channel, nested as deep as functions handed to and fro make them.

Both kernels hold a `Peer`. At any moment one of them works and the other waits in `ask`; while it
waits it serves what the other asks back. Objects that are not plain data stay where they are: the
owner exports them under a number, the other side holds a mirror.
"""

from __future__ import annotations

import abc
import contextlib
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from . import errors
from .decoding import Decoder
from .errors import AnswerGone, AnswerInterrupted
from .values import CannotCross, Encoder
from .wire import Channel, ChannelClosed, WireError

Handler = Callable[..., Any]
_FRAMES = 24  # of Python's stack that a question in a question takes, and a little more
_DEEPEST = 300


class Stop(Exception):
    """An iterator on the other side has ended."""


class Codec(abc.ABC):
    """How a peer writes and reads what is not plain data; `crossing.Crossing` is the one."""

    trusts: bool

    @abc.abstractmethod
    def export(self, value: Any, encoder: Encoder) -> Any:
        """The node of an object that stays here, or of a library's own kind of data."""

    @abc.abstractmethod
    def resolve(self, node: list[Any], decoder: Decoder) -> Any:
        """The value of such a node."""

    @abc.abstractmethod
    def outgoing(self, encoder: Encoder) -> Any:
        """A node that goes with every message, such as tensors that changed."""

    @abc.abstractmethod
    def incoming(self, node: Any, decoder: Decoder) -> None:
        """Take in what `outgoing` of the other side wrote."""

    @abc.abstractmethod
    def perform(self, handler: Callable[..., Any], values: list[Any]) -> Any:
        """Do what this side was asked, under what then holds on the side that asks."""

    @abc.abstractmethod
    def snapshot(self, decoder: Decoder) -> list[Any]:
        """Numbered arguments as they arrived."""

    @abc.abstractmethod
    def changes(self, before: list[Any], encoder: Encoder) -> list[Any]:
        """Those that are not as they were."""

    @abc.abstractmethod
    def change(self, number: int, node: Any, decoder: Decoder) -> None:
        """Do to an argument of ours what was done to its copy."""

    @abc.abstractmethod
    def told(self, error: BaseException) -> tuple[Any, ...]:
        """What the other side may know of an exception of ours, besides its class."""


class Peer:
    """One end of the conversation.

    Args:
        channel: to the other side.
        codec: of what is not plain data.
        handlers: by the name of an operation; the only ones that the other side may ask for.
    """

    def __init__(self, channel: Channel, codec: Codec, handlers: dict[str, Handler]) -> None:
        self.channel = channel
        self.broken: BaseException | None = None
        self.calls = 0
        self.before_next: Callable[[], object] | None = None
        """Called once, before the next question; it may ask itself."""
        self.protected = True
        """An interrupt must wait: a frame is on its way. `interrupted` says that one came."""
        self.interrupted = False
        self.struck = True
        """An interrupt is a real one, not an exception that somebody raises."""
        self._codec = codec
        self._handlers = handlers
        self._sequence = 0
        self._nested = 0
        self._raised: dict[int, BaseException] = {}
        self._last_raised = 0

    def ask(self, operation: str, *values: Any) -> Any:
        """Have the other side do something, and wait for its result.

        Raises:
            AnswerGone: there is no other side any more.
            AnswerInterrupted: it was interrupted.
            CannotCross: an argument cannot pass.
            Exception: what the operation raised, mapped by name.
        """
        if self.before_next is not None:
            hook, self.before_next = self.before_next, None
            hook()
        if self.broken is not None:
            raise self.broken
        if self._nested > _DEEPEST:
            raise RecursionError("maximum recursion depth exceeded in calls between the kernels")
        self.calls += 1
        encoder = Encoder(self._codec.export)
        nodes = [encoder.encode(value) for value in values]
        extras = self._codec.outgoing(encoder)
        self._sequence += 1
        number = self._sequence
        before, self.protected = self.protected, True
        try:
            self._send(["?", number, operation, nodes, extras], encoder)
            while True:
                header, buffers = self.channel.receive()
                if header[:1] == ["?"]:
                    self.serve(header, buffers)
                    continue
                try:
                    status, result = self._read(header, buffers, number, encoder.objects)
                except _SAYS_ITSELF:
                    raise
                except Exception as error:
                    raise _unreadable("a reply", error) from error
                return result if status == "ok" else _unsettled(status, result)
        except WireError as error:
            self.broken = AnswerGone(f"the other side broke the protocol: {error}")
            self.channel.close()
            raise self.broken from None
        except ChannelClosed:
            self.broken = AnswerGone("the other side is gone")
            raise self.broken from None
        except AnswerInterrupted as error:
            self.broken = error  # until the next cell, so that a loop over calls ends
            raise
        except KeyboardInterrupt:
            self.channel.close()  # a reply may still come, to a question that nobody asks
            raise
        finally:
            self.protected = before
            if self.interrupted and not before:
                self.interrupted = False
                raise KeyboardInterrupt

    def forget(self) -> None:
        """A cell has begun: what was raised in earlier ones is raised no more."""
        self._raised.clear()

    def serve(self, header: list[Any], buffers: list[bytearray]) -> None:
        """Answer one question of the other side's.

        Raises:
            WireError: it was malformed.
            ChannelClosed: the other side is gone.
        """
        if len(header) != 5 or type(header[1]) is not int or type(header[3]) is not list:
            raise WireError("a malformed question")
        _, number, operation, nodes, extras = header
        handler = self._handlers.get(operation) if type(operation) is str else None
        if handler is None:
            raise WireError("a question that nobody may ask")
        if operation in OF_ONE and not (self._codec.trusts or _was_handed_over(nodes)):
            raise WireError("a question about what was never handed over")
        decoder = Decoder(buffers, self._codec.resolve)
        try:
            values = [decoder.decode(node) for node in nodes]
            self._codec.incoming(extras, decoder)
            decoder.finish()
            before = self._codec.snapshot(decoder)
        except (CannotCross, Warning) as error:
            self._reply(number, "error", error, [], [])
            return
        except _SAYS_ITSELF:
            raise
        except Exception as error:
            raise _unreadable("a question", error) from error
        try:
            status, result = "ok", self._handle(handler, values)
        except (WireError, ChannelClosed, AnswerGone):
            raise
        except Stop as stop:
            status, result = "stop", stop.args[0] if stop.args else None
        except (KeyboardInterrupt, AnswerInterrupted) as error:
            status, result = ("interrupted", None) if self.struck else ("error", error)
        except BaseException as error:
            status, result = "error", error
        self._reply(number, status, result, decoder.objects, before)

    def _handle(self, handler: Handler, values: list[Any]) -> Any:
        """Do what was asked; here an interrupt may strike."""
        before, self.protected = self.protected, False
        self._nested += 1
        _make_room(_FRAMES)
        try:
            return self._codec.perform(handler, values)
        finally:
            _make_room(-_FRAMES)
            self._nested -= 1
            self.protected = before

    def _reply(
        self, number: int, status: str, result: Any, objects: list[Any], before: list[Any]
    ) -> None:
        encoder = Encoder(self._codec.export, objects)
        try:
            node = self._write_error(result, encoder) if status == "error" else None
            if status in ("ok", "stop"):
                node = encoder.encode(result)
            changes = self._codec.changes(before, encoder)
            extras = self._codec.outgoing(encoder)
            self._send(["!", number, status, node, changes, extras], encoder)
        except (CannotCross, ValueError, RecursionError) as error:
            encoder = Encoder(self._codec.export, objects)
            tells = self._codec.trusts or isinstance(error, CannotCross)
            why = f": {errors.short(error)}" if tells else ""
            sentence = f"the result cannot pass between the kernels{why}"
            node = self._write_error(CannotCross(sentence), encoder)
            extras = self._codec.outgoing(encoder)
            self._send(["!", number, "error", node, [], extras], encoder)

    def _send(self, header: list[Any], encoder: Encoder) -> None:
        self.channel.send(header, encoder.buffers)

    def _read(
        self, header: list[Any], buffers: list[bytearray], number: int, known: list[Any]
    ) -> tuple[str, Any]:
        """The status of a reply and its value, or the exception that it stands for."""
        if len(header) != 6 or header[0] != "!" or header[1] != number:
            raise WireError("a reply to another question")
        _, _, status, node, changes, extras = header
        if status not in ("ok", "stop", "error", "interrupted"):
            raise WireError("a reply of no known status")
        decoder = Decoder(buffers, self._codec.resolve, known)
        result = self._read_error(node, decoder) if status == "error" else decoder.decode(node)
        if type(changes) is not list:
            raise WireError("malformed changes")
        for change in changes:
            if type(change) is not list or len(change) != 2 or type(change[0]) is not int:
                raise WireError("malformed changes")
            if not 0 <= change[0] < len(known):
                raise WireError("a change to nothing")
            self._codec.change(change[0], change[1], decoder)
        self._codec.incoming(extras, decoder)
        decoder.finish()
        return status, result

    def _write_error(self, error: BaseException, encoder: Encoder) -> Any:
        """The node of an exception; one that came from the other side goes back as itself."""
        if (origin := getattr(error, "_origin", None)) is not None:
            return ["y", origin]
        kind = type(error)
        told = self._codec.told(error)
        traceback.clear_frames(error.__traceback__)  # what it holds nobody else has kept
        self._last_raised += 1
        number = self._last_raised
        self._raised[number] = error
        try:
            arguments = [encoder.encode(argument) for argument in told]
        except (CannotCross, ValueError):
            arguments = [errors.short(error)] if self._codec.trusts else []
        cls = encoder.encode(kind) if kind.__module__ == "__main__" else None
        this = encoder.encode(_Holder(error)) if cls is not None else None
        return ["e", number, errors.names_of(kind), arguments, cls, this]

    def _read_error(self, node: Any, decoder: Decoder) -> BaseException:
        if type(node) is list and len(node) == 2 and node[0] == "y":
            if type(node[1]) is not int or not 0 < node[1] <= self._last_raised:
                raise WireError("an exception that was never raised")
            return self._raised.get(node[1]) or CannotCross("an exception of an earlier test")
        if type(node) is not list or len(node) != 6 or node[0] != "e" or type(node[3]) is not list:
            raise WireError("a malformed exception")
        _, number, names, arguments, cls, this = node
        values = tuple(decoder.decode(argument) for argument in arguments)
        kind = decoder.decode(cls)
        held = decoder.decode(this)
        if names and str(names[0]).endswith(".values.CannotCross"):
            return CannotCross(*map(errors.short, values))
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            kind = errors.find(names)
            if kind is RuntimeError and names[:1] != ["builtins.RuntimeError"]:
                what = errors.short(names[0]).rpartition(".")[2] if names else "an exception"
                values = (errors.short(f"{what}: {', '.join(map(str, values))}").rstrip(": "),)
        error = errors.build(kind, values)
        if held is not None:
            error.__dict__["_held"] = held
        if type(number) is int:
            error.__dict__["_origin"] = number
        return error


def _make_room(frames: int) -> None:
    """What a question takes of Python's stack is not taken from functions that call each other."""
    with contextlib.suppress(RecursionError, ValueError):  # somebody has set a very low limit
        sys.setrecursionlimit(sys.getrecursionlimit() + frames)


# What may not cross breaks no protocol, and neither does a warning that a test has made an error.
OF_ONE = frozenset(
    {"call", "method", "attr", "set", "delete", "special", "step", "signature", "copy"}
)
"""Questions about one object, which comes first."""
_SAYS_ITSELF = (WireError, ChannelClosed, CannotCross, Warning)


def _unreadable(what: str, error: Exception) -> WireError:
    """What cannot be read breaks the protocol, whatever exception it leads to."""
    return WireError(f"{what} that cannot be read ({type(error).__name__})")


def _unsettled(status: str, result: Any) -> NoReturn:
    """Raises what a reply that is not "ok" stands for."""
    if status == "stop":
        raise Stop(result)
    if status == "interrupted":
        raise AnswerInterrupted("interrupted at the time limit of the cell")
    raise result


def _was_handed_over(nodes: list[Any]) -> bool:
    """Whether a question is about an object by its number, and not by a name that both know.

    The test kernel has functions, classes and members of the notebook under their names, and makes
    objects of its classes, so that they may be arguments. To use one there, its own code must have
    handed it over. What belongs to the side that asks ("H") is its own affair.
    """
    return bool(nodes) and type(nodes[0]) is list and nodes[0][:1] in (["Y"], ["H"])


class _Holder:
    """Keeps an exception on its own side, for what its attributes say."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
