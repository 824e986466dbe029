"""The one boundary of the command: arguments in, an exit code out.

Inside, everything that fails raises; here, and nowhere else, an error becomes text on stderr and a number. Exit codes
are those of `dockerflow.errors`; a mistake of our own is 70, and its traceback goes into a file, never on the screen.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from dockerflow.cli import streams
from dockerflow.cli.errors import BUG, HUNG_UP, INTERRUPTED, TERMINATED, NotPermittedError, show_bug, show_error
from dockerflow.config import misspelt_variables
from dockerflow.errors import DockerflowError
from dockerflow.flow.metaflow_names import in_place_of_metaflow

# How many objects more there are before the collector looks for those that nobody refers to: importing what a run needs
# makes some seventy thousand which stay, and looking at them takes a part of the time until the run begins.
COLLECT_EVERY = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line (that of this process if None is given) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _carry_out(words))


def guarded(command: Callable[[], int]) -> int:
    """The exit code of a command. What it raises is told as the command line's user should see it."""
    gc.set_threshold(COLLECT_EVERY)
    atexit.register(gc.freeze)  # a process that ends need not look through all that it has
    try:
        streams.accept_any_text()
        for name, meant in misspelt_variables():
            print(f"warning: nothing reads the variable {name}; did you mean {meant}?", file=sys.stderr)
        # Also for what a flow does when it is launched: functions as defaults.
        with _terminable(), in_place_of_metaflow():
            code = command()
        sys.stdout.flush()
    except DockerflowError as error:
        _flush()
        show_error(error, sys.stderr)
        return _left(error.exit_code)
    except PermissionError as error:
        if error.filename is None:
            show_bug(error, sys.stderr)
            return _left(BUG)
        _flush()
        show_error(NotPermittedError(error), sys.stderr)
        return _left(NotPermittedError.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Terminated as error:
        code = error.code
    except BrokenPipeError:
        streams.discard(sys.stdout)
        return streams.PIPE_CLOSED
    except Exception as error:  # noqa: BLE001  # the last one to see it: whatever arrives here is our mistake
        show_bug(error, sys.stderr)
        return BUG
    if code in (INTERRUPTED, TERMINATED, HUNG_UP):
        streams.forget_unread(sys.stdout)
        return _left(code)
    return code


def _carry_out(words: list[str]) -> int:
    from dockerflow.cli import app  # inside the boundary: Ctrl-C while importing is caught too

    return app.carry_out(words)


class Terminated(BaseException):
    """A signal to end came. Raised where the main thread is, so that everything on the way out puts itself in order."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


_CODES = {signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind like Ctrl-C does. A run that has begun has a handler of its own, which stops it
    first. A SIGHUP that is ignored stays so, as `nohup` wants it."""

    def terminate(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:  # of a terminal that is closed both the shell and the kernel tell
            signal.signal(number, signal.SIG_IGN)
        raise Terminated(_CODES[signal.Signals(number)])

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [signal.SIGTERM, *([signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else [])]
    before = {number: signal.signal(number, terminate) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _left(code: int) -> int:
    """Do not wait for threads that still solve or build: nobody wants what they make, and all they write is atomic."""
    if threading.active_count() > 1:
        _flush()
        os._exit(code)
    return code


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        if not streams.is_gone(error):
            raise
        streams.discard(sys.stdout)
