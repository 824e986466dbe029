"""Call a user's step, and say as a Failure why it failed.

Whatever the step raises becomes data: its type, its text and its traceback from the user's own line on. What ends the
process instead is for the worker to tell (`ending`). Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, Optional, Tuple

from dockerflow.artifacts.errors import ArtifactError
from dockerflow.errors import DockerflowError
from dockerflow.flow.conda_names import package_of
from dockerflow.flow.definition import Image, Step, Timeout
from dockerflow.flow.errors import TimeoutException
from dockerflow.flow.tracebacks import traceback_of, type_name
from dockerflow.flow.wrapping import call_step
from dockerflow.runtime import time_limit
from dockerflow.store.errors import StoreError
from dockerflow.store.records import Failure

__all__ = ["call", "failure_of", "tell"]

# What a stream raises that the user's code has closed or replaced.
_CLOSED = (AttributeError, OSError, ValueError)


def call(step: Any, arguments: Tuple[Any, ...], defined: Step, seconds: float) -> Optional[Failure]:
    """Run the user's step, for so many `seconds` at most (0: as long as it likes), and return why it failed."""
    try:
        with time_limit.limited(seconds, lambda: _timed_out(defined)):
            call_step(step, arguments)
    except KeyboardInterrupt as error:
        return Failure("signal", "the task was interrupted (SIGINT)", type_name(error), traceback_of(error))
    except SystemExit as error:
        return _exit(error)
    except BaseException as error:  # noqa: BLE001 - the user's code may raise anything
        return failure_of(error, defined)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(*_CLOSED):
                stream.flush()
    return None


def _timed_out(step: Step) -> TimeoutException:
    limit = step.decorator(Timeout) or Timeout()
    given = f"{limit.hours:g} hours, {limit.minutes:g} minutes, {limit.seconds:g} seconds"
    return TimeoutException(f"Step {step.name} timed out after {given}", "give it more time with `@timeout`")


def tell(text: str, stream: str = "stderr") -> None:
    with suppress(*_CLOSED):
        print(text, file=getattr(sys, stream), flush=True)


def _exit(error: SystemExit) -> Failure:
    status = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    said = f": {error.code}" if isinstance(error.code, str) else ""
    return Failure(
        kind="exit",
        message=f"the step left Python with exit status {status}{said}",
        type_name=type_name(error),
        traceback=traceback_of(error),
        hint="end a step with `self.next`, and let it fail by raising an exception",
    )


def failure_of(error: BaseException, step: Step) -> Failure:
    kind = "artifact" if isinstance(error, (ArtifactError, StoreError)) else "exception"
    message = error.message if isinstance(error, DockerflowError) else _text_of(error)
    hint = error.hint if isinstance(error, DockerflowError) else _hint(error, step)
    return Failure(kind, message, type_name(error), traceback_of(error), hint or "")


def _hint(error: BaseException, step: Step) -> Optional[str]:
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] not in sys.modules:
        conda = f'`@conda(libraries={{"{package_of(error.name)}": ""}})`'
        if step.decorator(Image):
            return f"put the library into the step's image, or take it by {conda} in place of `@image`"
        return f"give the step the library: {conda}"
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str) and not os.path.isabs(error.filename):
        ending = os.path.splitext(error.filename)[1]
        along = f", or send it along with `--package-suffixes {ending}`" if ending else ""
        return f"a step begins in an empty folder: give the flow the file as an `IncludeFile`{along}"
    return None


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception of the user whose own text cannot be made
        return f"an exception of type `{type_name(error)}` that has no text"
