"""Signals as events of a run."""

from __future__ import annotations

import os
import signal

import pytest

from dockerflow.scheduler.loop import Inbox, Stop
from dockerflow.scheduler.stop_signals import stop_signals


def test_a_closed_terminal_that_is_told_twice_stops_the_run_once() -> None:
    """The shell sends SIGHUP, and so does the kernel when the shell is gone."""
    inbox = Inbox()
    with stop_signals(inbox):
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        assert inbox.get(timeout=0) == (0, Stop("SIGHUP"))
        assert inbox.empty()


def test_a_second_interrupt_does_not_wait() -> None:
    inbox = Inbox()
    with stop_signals(inbox):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert inbox.get(timeout=0) == (0, Stop("Ctrl-C"))
