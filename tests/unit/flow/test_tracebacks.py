"""What of an exception is shown to the user."""

from __future__ import annotations

from dockerflow.flow.errors import FlowError
from dockerflow.flow.tracebacks import traceback_of


def test_error_of_ours_without_a_frame_of_the_users_is_one_line() -> None:
    assert traceback_of(FlowError("what is wrong", "what to do")) == "dockerflow.flow.errors.FlowError: what is wrong"


def test_error_of_ours_begins_where_the_users_code_meets_us() -> None:
    try:
        raise FlowError("what is wrong")
    except FlowError as error:
        first, frame, *_ = traceback_of(error).splitlines()
    assert first == "Traceback (most recent call last):"
    assert frame.endswith("in test_error_of_ours_begins_where_the_users_code_meets_us")
