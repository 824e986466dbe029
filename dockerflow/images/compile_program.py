"""The program that compiles modules in a container, where it is started with `python -c`: it imports nothing of ours.

It runs under the environment's own Python, any from 3.7 on. Modules come in by stdin, each with a number, its path and
its text, and go out by stdout, each with its number and the content of its `.pyc`, in the order in which they are
ready; a module that does not compile goes out empty. `compile_session` is the other side.

**The same text gives the same bytes, whatever the process has compiled before.** With an older Python, what a code
object is marshalled to depends on which of its strings something else refers to as well, which is another matter in
every process; so all of them are referred to meanwhile. A set of constants is marshalled in its order before Python
3.11, which depends on the hashes of its members: those of strings are fixed by `PYTHONHASHSEED`; with a member whose
hash is its address there is no `.pyc`.
"""

from __future__ import annotations

import contextlib
import marshal
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import threading
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType

TYPE_CHECKING = False  # as `typing` has it, which takes time to import
if TYPE_CHECKING:
    from typing import IO, Any

JOB = struct.Struct(">III")  # number, bytes of the path, bytes of the text
RESULT = struct.Struct(">II")  # number, bytes of the `.pyc`
END = 0xFFFFFFFF  # the number that ends the input

UNCHECKED_HASH = (1).to_bytes(4, "little")

# More processes than this want more memory than they save time.
MOST_WORKERS = 16

# No module needs more to be compiled: where so much can be had, memory has not run out.
ROOM = 1 << 29

# How deep a module may be nested depends on it, so it is the same whatever the engine gives; this is what most do.
STACK = 8 << 20

# Sets are marshalled sorted from here on.
SORTED_SETS = sys.version_info >= (3, 11)


def marshalled(name: str) -> bytes:
    return marshal.dumps(compile(name + " = 1", "", "exec"))


# Newer Pythons marshal every interned string as one that is shared; older ones only if something refers to it now.
PROBE = " ".join(["nothing", "else", "has", "this"]).replace(" ", "_")  # not as one constant, which would be shared
WITHOUT_REFERENCE = marshalled(PROBE)
REFERENCE = sys.intern(PROBE)
SHARED_STRINGS = marshalled(PROBE) == WITHOUT_REFERENCE

# Two processes must not be made at once: the second would keep the first one's connection open.
MAKING = threading.Lock()


class UnstableError(Exception):
    """The bytecode of a module would not be the same the next time."""


def compiled(path: str, text: bytes) -> bytes:
    """The content of the module's `.pyc`, of the unchecked-hash kind (PEP 552); empty if there can be none."""
    try:
        code = compile(text, path, "exec", dont_inherit=True)
        kept: list[str] = []
        if not (SHARED_STRINGS and SORTED_SETS):
            hold(code, kept, False)
        return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(text) + marshal.dumps(code)
    except MemoryError:
        # Said of text that is nested too deep, too, which will not compile the next time either.
        if not has_room():
            die_of_want()
        return b""
    except Exception:  # noqa: BLE001 - the parser and the compiler raise many, and none may end the others' work
        return b""


def die_of_want() -> None:
    """As by the kernel, which does not let a process hear of it in most cases; `Worker.replace` sees both."""
    os.kill(os.getpid(), signal.SIGKILL)


def has_room() -> bool:
    try:
        mmap.mmap(-1, ROOM).close()
    except (OSError, MemoryError):
        return False
    return True


def hold(value: Any, kept: list[str], in_set: bool) -> None:
    """Refer to all strings in a constant, so that each is marshalled as one that is shared."""
    kind = type(value)
    if kind is str:
        kept.append(value)
    elif kind is CodeType:
        kept += value.co_names
        kept += value.co_varnames
        kept += value.co_freevars
        kept += value.co_cellvars
        kept += (value.co_name, value.co_filename, getattr(value, "co_qualname", ""))
        for one in value.co_consts:
            hold(one, kept, False)
    elif kind is tuple or kind is frozenset:
        for one in value:
            hold(one, kept, in_set or kind is frozenset)
    elif kind is slice:
        hold((value.start, value.stop, value.step), kept, in_set)
    elif in_set and not SORTED_SETS and (value is None or value is Ellipsis):
        raise UnstableError


def work(jobs: socket.socket) -> None:
    """A worker process: one module after another, until there are no more."""
    with jobs.makefile("rwb") as stream:
        while True:
            head = stream.read(JOB.size)
            if len(head) < JOB.size:
                return
            number, path, text = JOB.unpack(head)
            name = os.fsdecode(stream.read(path))
            data = compiled(name, stream.read(text))
            stream.write(RESULT.pack(number, len(data)) + data)
            stream.flush()


class Worker:
    """A process that compiles. One that dies of a module is replaced, and the module has no bytecode."""

    pid: int

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        with MAKING:
            ours, theirs = socket.socketpair()
            self.pid = os.fork()
            if self.pid == 0:
                ours.close()
                try:
                    work(theirs)
                except MemoryError:
                    die_of_want()
                finally:
                    os._exit(0)
            theirs.close()
        self.stream: Any = ours.makefile("rwb")
        ours.close()

    def result(self, job: bytes) -> bytes:
        """What comes out for a module."""
        try:
            self.stream.write(job)
            self.stream.flush()
            head = self.stream.read(RESULT.size)
            size = RESULT.unpack(head)[1]
            data = self.stream.read(size)
            if len(data) == size:
                return bytes(head + data)
        except (OSError, struct.error):
            pass
        return self.replace(job)

    def replace(self, job: bytes) -> bytes:
        number, path, _ = JOB.unpack(job[: JOB.size])
        if os.waitpid(self.pid, 0)[1] == signal.SIGKILL:
            # By the kernel, or itself, for want of memory. What is missing must not pass for what cannot be compiled.
            name = job[JOB.size : JOB.size + path]
            os.write(2, b"killed, most likely because memory ran out: " + name + b"\n")
            os._exit(1)
        with contextlib.suppress(OSError):  # what it did not take
            self.stream.close()
        self.start()
        return RESULT.pack(number, 0)


class Input:
    """The modules, handed out one at a time to whoever asks."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.guard = threading.Lock()
        self.ended = False

    def next(self) -> bytes | None:
        with self.guard:
            head = b"" if self.ended else self.stream.read(JOB.size)
            if len(head) < JOB.size or JOB.unpack(head)[0] == END:
                self.ended = True
                return None
            _, path, text = JOB.unpack(head)
            return head + self.stream.read(path + text)


def fix_stack() -> None:
    """Of this process, of its workers, and of those that are made in threads."""
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    stack = STACK if most == resource.RLIM_INFINITY else min(STACK, most)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, most))
    threading.stack_size(stack)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not fill the disk
    fix_stack()
    count = min(len(os.sched_getaffinity(0)), MOST_WORKERS)
    workers = [Worker() for _ in range(count)]
    source, target, guard = Input(sys.stdin.buffer), sys.stdout.buffer, threading.Lock()

    def serve(worker: Worker) -> None:
        for job in iter(source.next, None):
            result = worker.result(job)
            with guard:
                target.write(result)
                target.flush()

    threads = [threading.Thread(target=serve, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever waits for an end of what was sent hears it now; workers end with their input.
    os._exit(0)


if __name__ == "__main__":
    main()
