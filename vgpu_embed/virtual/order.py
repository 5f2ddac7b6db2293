"""In which order things happen: what a stream has yet to do, and who waits for whom.

What waits for nothing is done at once, by whoever asks for it. Something that has to wait (for a function of the
program's, for a value in memory) keeps back what comes after it; a thread goes on with that as soon as it can. The
threads are made when the first such thing is asked for.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import count

from vgpu_embed._frames import Lock
from vgpu_embed.virtual.answers import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vgpu_embed.virtual.capture import Capture
    from vgpu_embed.virtual.contexts import Context
    from vgpu_embed.virtual.events import Event
    from vgpu_embed.virtual.executable import Executable
    from vgpu_embed.virtual.graphs import Graph, Node, UserObject
    from vgpu_embed.virtual.host import Bell, Host
    from vgpu_embed.virtual.machine import Thread
    from vgpu_embed.virtual.operations import Operation
    from vgpu_embed.virtual.streams import Stream

OPERATING_SYSTEM = 304
NOT_PERMITTED = 800
CAPTURE_UNSUPPORTED = 900
"""CUDA_ERROR_… of cuda.h."""

FIRST_PAUSE, LONGEST_PAUSE = 20e-6, 1e-3
"""Seconds between two looks for what something waits for."""


class Task:
    """Something that a stream has yet to do. One without an operation only waits."""

    __slots__ = ("before", "done", "operation", "stream", "then")

    def __init__(self, stream: Stream, operation: Operation | None) -> None:
        self.stream = stream
        self.operation = operation
        self.before = 0
        """How many tasks have to be done first."""
        self.then: list[Task] = []
        """Those that wait for it."""
        self.done = False


class Worker:
    """A thread that is made when there is work for the first time.

    work  does what there is; returns the seconds after which to look again, None: when it is woken
    """

    def __init__(self, host: Host, work: Callable[[], float | None]) -> None:
        self._host = host
        self._work = work
        self._bell: Bell | None = None

    def wake(self) -> None:
        """There is work. Refuses where no thread can be made; the next time it is tried again."""
        if self._bell is not None:
            self._bell.ring()
            return
        self._bell = self._host.bell()
        try:
            self._host.start(self._run)
        except OSError:
            self._bell = None
            raise Refused(OPERATING_SYSTEM) from None

    def _run(self) -> None:
        bell = self._bell
        try:
            while bell is not None:
                seen = bell.rung
                bell.wait(seen, self._work())
        except BaseException:  # a defect of ours: whoever said so, there is another thread for what comes next
            self._bell = None
            raise


class Order:
    """What a process has of streams, events and graphs, and what is yet to be done.

    streams, events, graphs, nodes, executables, users  those that the program has made, by handle
    legacy    the default stream of each context
    captures  what is being captured
    """

    def __init__(self, host: Host, thread: Thread) -> None:
        self.host = host
        self.thread = thread
        self.streams: dict[int, Stream] = {}
        self.events: dict[int, Event] = {}
        self.graphs: dict[int, Graph] = {}
        self.nodes: dict[int, Node] = {}
        self.executables: dict[int, Executable] = {}
        self.users: dict[int, UserObject] = {}
        self.legacy: dict[Context, Stream] = {}
        self.captures: list[Capture] = []
        self.number = count(1).__next__
        """A number that no stream, capture or graph has had before."""
        self.generation = 0
        """Goes up when an operation may have become inert, or have stopped being so."""
        self.lock = Lock()
        """Held while something is done, so that nothing of one stream happens at the same time as the next."""
        self.last: dict[Stream, Task] = {}
        """The last task of each stream that has something to do."""
        self.gates: dict[Context, list[Task]] = {}
        """What all streams of a context wait for, those that are not there yet too."""
        self._bell: Bell | None = None
        self._functions: deque[Callable[[], object]] = deque()
        self._waiting: list[Task] = []
        self._pause = FIRST_PAUSE
        self._caller = Worker(host, self._call_functions)
        self._watcher = Worker(host, self._look)

    def renew(self) -> None:
        """Operations may have become inert, or have stopped being so."""
        self.generation += 1

    def check_safe(self) -> None:
        """Refuses this thread what no graph would have, if something is captured that it might belong to.

        Functions that are not done in a stream's order ask this: allocating, synchronizing, querying.
        """
        for capture in self.captures:
            if capture.forbids(self.thread):
                capture.break_off(CAPTURE_UNSUPPORTED)

    def do(self, stream: Stream, operation: Operation) -> None:
        """Does it now, or when its turn comes. Raises Refused."""
        if stream.context.error:
            raise Refused(stream.context.error)
        with self.lock:
            before = self.before(stream) if self.last else ()
            if before or operation.waits:
                self.later(stream, operation, before)
            else:
                operation.run()

    def before(self, stream: Stream) -> list[Task]:
        """The tasks that come before whatever this stream is asked to do next.

        The legacy stream and blocking streams of a context wait for each other.
        """
        found = list(self.gates.get(stream.context, ()))
        if stream.is_legacy:
            found += [t for other, t in self.last.items() if other.is_blocking and other.context is stream.context]
        elif stream in self.last:
            found.append(self.last[stream])
        if stream.is_blocking and not stream.is_legacy:
            found += [t for other, t in self.last.items() if other.is_legacy and other.context is stream.context]
        return [task for task in found if not task.done]

    def of(self, context: Context) -> list[Task]:
        """The last tasks of a context's streams. The lock is held."""
        return [task for stream, task in self.last.items() if stream.context is context]

    def hold(self, context: Context, task: Task) -> None:
        """Whatever a context is asked to do next comes after a task. The lock is held."""
        self.gates[context] = [*(one for one in self.gates.get(context, ()) if not one.done), task]

    def later(self, stream: Stream, operation: Operation | None, before: Iterable[Task]) -> None:
        """Makes it the stream's last task, after those tasks. The lock is held. Raises Refused."""
        if operation is not None and operation.parts:
            first, task = self._spread(stream, operation, before)
        else:
            first = task = self._task(stream, operation, before)
        self.last[stream] = task
        if not first.before:
            self._advance([first])

    def _spread(self, stream: Stream, operation: Operation, before: Iterable[Task]) -> tuple[Task, Task]:
        """The first and the last task of an operation that consists of others."""
        previous = operation.previous
        first = self._task(stream, None, [*before, previous] if previous else before)
        made: list[Task] = []
        for part, numbers in operation.parts:
            made.append(self._task(stream, part, [made[number] for number in numbers] or [first]))
        last = operation.previous = self._task(stream, None, [first, *made])
        return first, last

    def _task(self, stream: Stream, operation: Operation | None, before: Iterable[Task]) -> Task:
        """A task after others."""
        task = Task(stream, operation)
        if operation is not None:
            operation.queued(task)
        for other in before:
            if not other.done:
                other.then.append(task)
                task.before += 1
        return task

    def _advance(self, ready: list[Task]) -> None:
        """Does tasks that have nothing to wait for, and those that this lets go. The lock is held."""
        while ready:
            task = ready.pop(0)
            operation = task.operation
            if operation is not None and operation.is_function:
                self.call(partial(self._call, task))
            elif self._tried(task):
                ready += self._finished(task)
            else:
                self._waiting.append(task)
                self._pause = FIRST_PAUSE
                self._watcher.wake()

    def _tried(self, task: Task) -> bool:
        """Does a task, unless it has to wait. What goes wrong breaks the context; nothing is done in a broken one."""
        operation, context = task.operation, task.stream.context
        try:
            if operation is not None and not context.error:
                if not operation.ready():
                    return False
                operation.run()
        except Refused as refused:
            context.error = refused.result
        return True

    def _finished(self, task: Task) -> list[Task]:
        """Takes a task off its stream; those that waited for nothing else."""
        task.done = True
        if self.last.get(task.stream) is task:
            del self.last[task.stream]
        for other in task.then:
            other.before -= 1
        if self._bell:
            self._bell.ring()
        return [other for other in task.then if not other.before]

    # ---- waiting ---------------------------------------------------------------------------------------------------

    def wait(self, tasks: Iterable[Task]) -> None:
        """Returns when these are done. The lock is not held. Refuses a function of the program's: it is in the way."""
        for task in tasks:
            while not task.done:
                if self.thread.is_in_function:
                    raise Refused(NOT_PERMITTED)
                if self._bell is None:
                    self._bell = self.host.bell()
                seen = self._bell.rung
                if not task.done:
                    self._bell.wait(seen)

    def call(self, function: Callable[[], object]) -> None:
        """Calls something that calls a function of the program's, on the thread for that."""
        self._functions.append(function)
        self._caller.wake()

    # ---- threads ---------------------------------------------------------------------------------------------------

    def _call_functions(self) -> None:
        """Calls functions of the program's, one after the other, without the lock: they may wait for other threads."""
        self.thread.is_in_function = True
        self.thread.missing = NOT_PERMITTED
        while self._functions:
            self._functions.popleft()()

    def _call(self, task: Task) -> None:
        """Calls the function of a task."""
        try:
            if task.operation is not None and (task.operation.is_told or not task.stream.context.error):
                task.operation.run()
        finally:
            with self.lock:
                self._advance(self._finished(task))

    def _look(self) -> float | None:
        """Goes on with the tasks whose wait is over."""
        with self.lock:
            waiting, self._waiting = self._waiting, []
            for task in waiting:
                if self._tried(task):
                    self._advance(self._finished(task))
                else:
                    self._waiting.append(task)
            if not self._waiting:
                return None
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return self._pause
