"""The one boundary of the command: arguments in, an exit code out.

Inside, everything that fails raises; here, and nowhere else, an error becomes text on stderr and a number. Exit codes
are those of `dockerflow.errors`; a mistake of our own is 70, and its traceback goes into a file, never on the screen.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dockerflow.cli import streams
from dockerflow.cli.errors import BUG, show_bug, show_error
from dockerflow.errors import DockerflowError

INTERRUPTED = 130  # 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line (that of this process if None is given) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        streams.accept_any_text()
        code = _carry_out(words)
        sys.stdout.flush()
    except DockerflowError as error:
        _flush()
        show_error(error, sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        streams.discard(sys.stdout)
        return streams.PIPE_CLOSED
    except Exception as error:  # noqa: BLE001  # the last one to see it: whatever arrives here is our mistake
        show_bug(error, sys.stderr)
        return BUG
    return code


def _carry_out(words: list[str]) -> int:
    from dockerflow.cli import app  # inside the boundary: Ctrl-C while importing is caught too

    return app.carry_out(words)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        streams.discard(sys.stdout)
