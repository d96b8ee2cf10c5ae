"""The test kernel's end: the instructor's names, and behind them the student's.

The grader speaks to this side over a control socket of its own: before each cell a line of JSON
with what holds for it, after each cell a line with what happened. Both kernels and their channel
are the grader's to start; a new channel arrives over the control socket too.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import json
import re
import socket
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from . import generators
from .asking import believable, further_calls, narrowed, students_functions
from .changes import become
from .child import in_child
from .conveniences import conventional, figures_of
from .crossing import Crossing, visible
from .diagnosing import ALL_TESTS, ONE_TEST, Replays, Suspect, Wrong
from .errors import AnswerGone
from .files import StudentsFiles
from .functions import RemoteFunction
from .instances import is_module
from .lending import fingerprint
from .mirror import Remote, RemoteMeta
from .native import Shown
from .peer import Peer
from .recording import LARGEST, Failed, Recorder, snapshot
from .seeding import GlobalGenerators
from .serving import GuardedOperations
from .shell import leave_python_alone, take_over
from .telling import quotable
from .undoing import Keepsakes
from .values import CannotCross, Encoder
from .wire import Channel, WireError, read_line

_PRINTED = 2**22  # characters
_LATE = 5.0  # seconds after which a diagnosis that should have ended is ended
# printed, printed as errors, warnings, files, changes, names that stand for something else now
_NOTES = (str, str, list, list, list, list)


class StudentNames(dict[str, Any]):
    """The test kernel's namespace: a name that is not in it is looked for in the answer kernel.

    Args:
        names: what the kernel has defined so far.
        tester: asks the answer kernel.
    """

    def __init__(self, names: dict[str, Any], tester: Tester) -> None:
        super().__init__(names)
        self._tester = tester

    def __missing__(self, name: str) -> Any:
        return self._tester.look_up(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (type(name) is str and self._tester.has(name))

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dict, the student's names included."""
        try:
            return self[name]
        except KeyError:
            return default


class TesterCrossing(Crossing):
    """Sends the state of random generators where it changed; prints what the student printed.

    Attributes:
        fetched: the student's objects that this cell has, by name, each with the number of calls
            before it was asked for, and what it looked like.
    """

    def __init__(
        self, namespace: dict[str, Any], files: StudentsFiles, shown: Sequence[Any] = ()
    ) -> None:
        super().__init__(namespace, trusts=False, shared=set())
        self.shown = Shown(namespace, shown)
        self._files = files
        self._sent: dict[str, Any] = {}
        self.generators = GlobalGenerators(namespace, self.telling)
        self.keepsakes, self._learns = Keepsakes(), True
        self.fetched: dict[str, tuple[Any, int, Any]] = {}

    def _object(self, value: Any, encoder: Encoder) -> Any:
        return self.shown.node(value, super()._object(value, encoder))

    def outgoing(self, encoder: Encoder) -> Any:
        """As of any; by now all that the message holds is known."""
        self.shown.finish(self.exports)
        return super().outgoing(encoder)

    def notes(self) -> Any:
        """States of the global generators that were seeded or used since."""
        states = self.generators.moved()
        self._sent.update(states)
        changed = [
            (None, place, value) if isinstance(place, str) else (*place, value)
            for place, value in self.lent.changed()
        ]
        return (states, changed) if states or changed else None

    def before_change(self, value: Any) -> None:
        """Remember what an instructor's value was before the student's code changes it."""
        self.keepsakes.note(value)

    def before_use(self, owner: Any) -> None:
        """Remember the same of all that an instructor's object holds."""
        self.keepsakes.note_all(owner)

    def only_adding(self, kinds: Sequence[type]) -> contextlib.AbstractContextManager[None]:
        """A student's class may be added to what the instructor's classes keep; no more."""
        return self.keepsakes.only_adding(kinds)

    def begin(self, source: str, shared: set[str]) -> None:
        """A cell begins: what earlier ones handed over is let go, but for the instructor's.

        A test's own object lives on while a name stands for it, if students have its class.
        """
        if self._learns:  # what the cell before has made
            self.keepsakes.learn({name: dict.get(self.namespace, name) for name in shared})
            self._learns = False
        self.shared = shared
        self.telling.key = source.encode()
        self.words.clear()
        self.fetched.clear()
        named = {id(value) for value in dict.values(self.namespace)}
        self.exports.keep_only(lambda value: self._lives_on(value, named))
        self.lent.clear()
        self.lasting.clear()
        self.generators.begin()

    def _lives_on(self, value: Any, named: set[int]) -> bool:
        if generators.state_reader(value) is not None or self.keepsakes.reaches(value):
            return True
        kind = type(value)
        plain = isinstance(value, type | Iterator) or (callable(value) and not is_module(value))
        known = kind.__module__ != "__main__" or self.is_instructors(kind)
        return id(value) in named and known and not plain

    def end(self, *, test: bool) -> None:
        """A cell has ended: the instructor's data is what it was, or what a cell of theirs made."""
        self.keepsakes.restore()
        if not test:
            self.shown.settle()
            self.generators.settle()
            self._learns = True

    def take_sent(self) -> dict[str, Any]:
        """States of global generators that were sent since this was last asked."""
        sent, self._sent = self._sent, {}
        return sent

    def read_notes(self, notes: Any) -> None:
        """Print, warn and write files as the student's code did."""
        if type(notes) is not tuple or tuple(map(type, notes)) != _NOTES:
            raise WireError("malformed notes")
        out, err, warned, files, changed, rebound = notes
        for owner, name, value in changed:
            self._take_change(owner, name, value)
        for name in rebound:
            if type(name) is not str:
                raise WireError("a malformed name")
            self.fetched.pop(name, None)
        sys.stdout.write(out[:_PRINTED])
        sys.stderr.write(err[:_PRINTED])
        self._files.put(files)
        for entry in warned[:100]:
            category, message = entry
            kind = getattr(builtins, str(category), None)
            if not (isinstance(kind, type) and issubclass(kind, Warning)):
                kind = UserWarning
            warnings.warn(str(message)[:_PRINTED], kind, stacklevel=2)

    def _take_change(self, owner: Any, name: Any, value: Any) -> None:
        """Do to an attribute of a notebook's own object what the student's code did to its copy."""
        ours = any(kind.__module__ == "__main__" for kind in type(owner).__mro__)
        ours = ours and self.exports.number_of(owner) > 0  # else it was never handed over
        now = getattr(owner, name, None) if ours and visible(name) else None
        known = now is not None and type(now) is type(value) and fingerprint(now) is not None
        if known and not self.holds_foreign(value):
            self.before_change(now)
            become(now, value)


class Tester:
    """Runs in the test kernel from its start to its end.

    Args:
        control: to the grader.
        shell: IPython's shell.
    """

    def __init__(self, control: socket.socket, shell: Any) -> None:
        self._control = control
        self._shell = shell
        self.names = StudentNames(shell.user_ns, self)
        self.peer: Peer | None = None
        self._crossing: TesterCrossing | None = None
        self._reserved: set[str] = set()
        self._owned: set[str] = set()
        self._active = False
        self._classes: set[str] | None = None
        self._shown: list[Any] = []
        self._files = StudentsFiles(self.names)
        self._recorder: Recorder | None = None
        self._test = ""
        self._source = ""
        self._failed: dict[str, Failed] = {}
        self._room = LARGEST
        self._catalogue: dict[str, Any] | None = None
        self._diagnoses: dict[str, str] = {}
        take_over(shell, self.names)
        leave_python_alone(shell)
        shell.events.register("pre_run_cell", self.begin)
        shell.events.register("post_run_cell", self.end)

    def begin(self, info: Any) -> None:
        """Called before each cell: read what the grader says about it."""
        order = json.loads(read_line(self._control))
        self._catalogue = order["diagnose"]
        if self._catalogue is not None:
            return
        self._shown += order["shown"]
        if order["connect"]:
            _, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
            self._connect(socket.socket(fileno=descriptors[0]))
        self._files.begin()
        self._reserved = set(order["reserved"])
        self._owned = set(order["owned"])
        self._classes = None if order["classes"] is None else set(order["classes"])
        for name in self._owned:
            dict.pop(self.names, name, None)
        self._test, self._source = order["test"], info.raw_cell
        if self.peer is not None and self._crossing is not None:
            if not self.peer.channel.closed:
                self.peer.broken = None
            self.peer.forget()
            self._crossing.overrides = order["overrides"]
            assigned = (name for name in order["overrides"] or () if name.startswith("."))
            self._crossing.instances.assigned.update(name[1:] for name in assigned)
            self._crossing.expected = self._classes
            self._crossing.begin(self._source, set(order["shared"]))
            if not self._test:
                self._crossing.instances.learn(self._source)
            if "torch" in sys.modules:
                self._crossing.tensors.forget()
            figures_of(self)
            # not yet: the answer kernel may be running the same cell at this moment
            self.peer.before_next = functools.partial(
                self.peer.ask, "begin", order["shared"], self._files.own()
            )
            self.peer.calls = 0
        if self._recorder is not None:
            self._recorder.start(order["watched"])
        self._active = True

    def end(self, result: Any) -> None:
        """Called after each cell: say what happened, and keep what a failed test asked."""
        self._active = False
        with contextlib.suppress(Exception):  # whatever it is, the grader waits for a line
            self._keep(failed=not result.success)
        if self._crossing is not None:
            self._crossing.end(test=bool(self._test))
        broken = self.peer.broken if self.peer is not None else None
        told = {
            "broken": type(broken).__name__ if broken is not None else "",
            "why": str(broken)[:500] if broken is not None else "",
            "diagnoses": self._diagnoses,
            "quotable": quotable(result.error_in_exec, self.names),
        }
        self._control.sendall(json.dumps(told).encode() + b"\n")

    def _keep(self, *, failed: bool) -> None:
        """What a failed test asked is needed once more when all tests have ended."""
        calls = self._recorder.take() if self._recorder is not None else []
        size = sum(call.size for call in calls)
        if self._test and calls and failed and size <= self._room:
            self._room -= size
            self._failed[self._test] = Failed(calls, snapshot(self.names), self._source)

    def diagnose(self) -> None:
        """Find the wrong answers of the catalogue that agree with what failed tests were given."""
        catalogue, self._catalogue = self._catalogue or {"tests": []}, None
        waiting = [test for test in catalogue["tests"] if test in self._failed]
        deadline = time.monotonic() + ALL_TESTS
        while waiting and time.monotonic() < deadline:
            work = functools.partial(self._diagnoses_of, waiting, catalogue, deadline)
            said = in_child(work, ONE_TEST + _LATE)
            self._diagnoses.update(zip(waiting, said, strict=False))
            waiting = waiting[len(said) + 1 :]  # the one after the last said is what ended it
            if self.peer is not None:  # nobody knows where that one left the conversation
                self.peer.broken = AnswerGone("there is nobody to ask")

    def _diagnoses_of(
        self, tests: list[str], catalogue: dict[str, Any], deadline: float
    ) -> Iterator[str]:
        """Runs in a child process, which alone speaks to the answer kernel from then on."""
        wrong = [Wrong(*entry) for entry in catalogue["wrong"]]
        for test in tests:
            failed = self._failed[test]
            self.names.update(failed.names)
            replays = Replays(min(ONE_TEST, deadline - time.monotonic()))
            reference = dict(self.names)
            for cell in catalogue["reference"]:
                replays.define(cell, reference)
            suspects = replays.suspects(failed.calls, reference, wrong)
            if not believable(suspects):
                suspects = self._asked_more(suspects, reference, failed, replays)
            yield suspects[0].name if suspects else ""

    def _asked_more(
        self,
        suspects: list[Suspect],
        reference: dict[str, Any],
        failed: Failed,
        replays: Replays,
    ) -> list[Suspect]:
        """Those of the suspects that what else the test would ask leaves, if it can be asked."""
        functions = {each.function for each in suspects}
        peer = self.peer
        students = {} if peer is None else students_functions(peer, functions, replays)
        if students.keys() != functions:
            return suspects
        known = Counter(call.function for call in failed.calls if call.function in functions)
        code = compile(self._shell.transform_cell(failed.source), "<test>", "exec")
        further = further_calls(known, reference, code, replays)
        told = None if self._crossing is None else self._crossing.telling.told
        return narrowed(suspects, further, students, replays, told)

    def look_up(self, name: str) -> Any:
        """The student's object of this name.

        Raises:
            KeyError: the name is not the student's to define, or the student has not.
        """
        if not self._may_ask(name) or self.peer is None or self._crossing is None:
            raise KeyError(name)
        fetched = self._crossing.fetched
        known = fetched.get(name)
        if known is not None and (known[1] == self.peer.calls or _is_steady(known[0])):
            return known[0]
        try:
            found = self.peer.ask("name", name)
        except CannotCross:  # as any module says
            module = None if name in self._owned else conventional(name)
            if module is None:
                raise
            dict.__setitem__(self.names, name, module)
            return module
        if type(found) is not tuple or len(found) > 1:
            raise WireError("a malformed name")
        if not found:
            raise KeyError(name)
        value = found[0]
        if isinstance(value, RemoteMeta):
            value = self._as_class(name, value)
        looks = fingerprint(value, inside=True)
        if known is not None and looks is not None and known[2] == looks:
            value = known[0]  # the student has not changed it; the test may have
        if type(value) is RemoteFunction and self._recorder is not None:
            self._recorder.watch(name, value)
        fetched[name] = (value, self.peer.calls, looks)
        self._crossing.lent.note(name, value)
        return value

    def _as_class(self, name: str, found: Any) -> Any:
        """A class under a name where one is expected; elsewhere it is only called.

        What a test makes with a class that it asked for may answer comparisons itself: that is
        what is tested. An object that stands where a number should must not.
        """
        if self._classes is None or name in self._classes:
            type.__setattr__(found, "_asked_for", True)
            return found
        return RemoteFunction.of_class(found, name)

    def has(self, name: str) -> bool:
        """Whether the student has defined a name."""
        return self._may_ask(name) and self.peer is not None and self.peer.ask("has", name) is True

    def figure(self, what: str) -> Any:
        """The student's current figure or axes, if there is one."""
        found = () if self.peer is None else self.peer.ask("figures", what)
        return found[0] if type(found) is tuple and found else None

    def _may_ask(self, name: str) -> bool:
        if not self._active or name in self._owned:
            return self._active
        return (
            name not in self._reserved
            and not name.startswith("__")
            and not hasattr(builtins, name)
            and name.isidentifier()
            and not _IPYTHON.fullmatch(name)
        )

    def _connect(self, connection: socket.socket) -> None:
        crossing = TesterCrossing(self.names, self._files, self._shown)
        peer = Peer(Channel(connection), crossing, GuardedOperations(crossing).handlers())
        crossing.connect(peer)
        self.peer, self._crossing = peer, crossing
        self._recorder = Recorder(
            lambda value: crossing.mirrors.number_of(value) is not None,
            crossing.take_sent,
            crossing.telling.told,
        )


def _is_steady(value: Any) -> bool:
    """Whether it stays what it is until the answer kernel says that its name was bound anew."""
    kind = type(value)  # mirrors say something else when they are asked
    return kind in (RemoteFunction, RemoteMeta, *_SCALARS) or issubclass(kind, Remote)


_SCALARS = (bool, int, float, complex, str, bytes, type(None))
_IPYTHON = re.compile(r"In|Out|get_ipython|exit|quit|open|_+|_(i+|\d+|i\d+|[iod]h)")
"""Names that IPython keeps in every namespace."""


def start(descriptor: int, shell: Any, imports: list[str]) -> Tester:
    """Begin: the control socket has this number, and these lines are run first."""
    tester = shell._grader = Tester(socket.socket(fileno=descriptor), shell)
    # ipykernel waits after each cell for what C code has printed; no outcome depends on that
    shell.kernel._execute_sleep = 0
    for line in imports:
        with contextlib.suppress(Exception):  # the cell that it comes from says it
            exec(line, tester.names)  # noqa: S102 -- the instructor's
    return tester
