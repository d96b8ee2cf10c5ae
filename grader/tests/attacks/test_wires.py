"""What an attack on the wire is refused for is what it tries, and without that it goes on."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import Any

import numpy as np
import pytest
import torch

from grader.split.bridge import decoding, tester, wire
from grader.split.bridge.errors import AnswerGone
from grader.split.bridge.files import StudentsFiles
from grader.split.bridge.peer import Peer
from grader.split.bridge.serving import GuardedOperations
from grader.split.bridge.wire import Caps, Channel, ChannelClosed
from grader.tests.attacks.catalogue import HELPERS, load_attacks

WIRES = {attack.name: attack for attack in load_attacks(every=True) if attack.category == "wire"}
REASONS = {
    "wire-absurd-lengths": "a frame over the limits",
    "wire-binary": "a frame over the limits",
    "wire-changed-arguments": "a change to nothing",
    "wire-colliding-keys": "keys that collide",
    "wire-deep": "nodes nested too deep",
    "wire-duplicates": "a reply to another question",
    "wire-foreign-names": "a name that may not pass",
    "wire-forged-errors": "an exception that was never raised",
    "wire-fraction": "a malformed node 'x'",
    "wire-lying-class": "a malformed description",
    "wire-lying-lengths": "a frame that took too long",
    "wire-objects-in-header": "a JSON object or constant in a header",
    "wire-shapes": "a buffer that does not fit its shape",
    "wire-slow": "a frame that took too long",
    "wire-tensor-links": "a malformed key",
    "wire-wide": "too many nodes",
}
"""Why the reader closes the channel."""
SOON = {("wire-slow", "0.4"): "0.02", ("wire-colliding-keys", "32_000"): "2_000"}
"""Words of an attack that would take long where nothing stops it, and what stands for them here."""


def conversation(name: str, caps: Caps) -> str:
    """Why a conversation with one of the attacks was closed, or "" where it goes on."""
    attack = WIRES[name]
    ((cell, source),) = attack.cells.items()
    for (which, old), new in SOON.items():
        source = source.replace(old, new) if which == name else source
    replies: list[Any] = []
    names: dict[str, Any] = {"np": np, "torch": torch, "loot": lambda text: None}
    exec("".join(dict.fromkeys(text for call, text in HELPERS.items() if call in source)), names)
    names |= {"hijack": replies.append, "loot": lambda text: None}
    exec(source, names)
    ours, theirs = socket.socketpair()
    channel = Channel(theirs)

    def serve() -> None:
        with contextlib.suppress(ChannelClosed, OSError, StopIteration):
            while True:
                replies[0](theirs, *channel.receive())

    thread = threading.Thread(target=serve)
    thread.start()
    test: dict[str, Any] = {"__name__": "__main__"}
    crossing = tester.TesterCrossing(test, StudentsFiles(test))
    peer = Peer(Channel(ours, caps), crossing, GuardedOperations(crossing).handlers())
    crossing.connect(peer)
    try:
        for _ in range(2):
            found = peer.ask("name", cell)
            if type(found) is tuple and found and callable(found[0]):
                found[0](np.zeros(3))
    except AnswerGone as gone:
        return str(gone).rpartition(": ")[2] if name != "wire-fraction" else str(gone)
    finally:
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)
        thread.join()
        ours.close()
        theirs.close()
    return ""


@pytest.mark.parametrize("name", REASONS)
def test_it_is_refused_for_what_it_tries(name: str) -> None:
    assert REASONS[name] in conversation(name, Caps(seconds=1.0))


LARGE = Caps(header=2**40, buffers=2**40, total=2**80, seconds=1.0)
LIFTED = {
    "wire-absurd-lengths": (None, "", None, LARGE),
    "wire-binary": (None, "", None, LARGE),
    "wire-colliding-keys": (decoding, "MAX_COLLISIONS", 10**9, Caps()),
    "wire-deep": (decoding, "MAX_DEPTH", 10**6, Caps()),
    "wire-objects-in-header": (wire, "_parse", json.loads, Caps()),
    "wire-slow": (None, "", None, Caps(seconds=60.0)),
    "wire-wide": (decoding, "MAX_NODES", 10**9, Caps()),
}
"""The guards that are a number or a function of their own: where each stands, and another value."""


@pytest.mark.parametrize("name", LIFTED)
def test_without_its_guard_it_is_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, value, caps = LIFTED[name]
    if module is not None:
        monkeypatch.setattr(module, attribute, value)
    assert REASONS[name] not in conversation(name, caps)


def test_every_attack_that_takes_the_bridges_place_is_among_them() -> None:
    others = {"wire-silence", "wire-flood-of-notes", "wire-forged-status", "wire-replay"}
    takes = {name for name, found in WIRES.items() if "hijack(" in "".join(found.cells.values())}
    assert takes == REASONS.keys() | others, "these break no rule of the protocol"
