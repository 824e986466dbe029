"""A flow whose tasks run on remote hosts, and what a test does with its runs.

Tasks tell a referee on this machine when they begin and end, and ask it whether they may go on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dockerflow.client import Flow, Run
from tests.faults.referee import IN_A_FLOW, Referee
from tests.hosts.fixtures import RemoteHost

WIDTH, BLOCK = 4, 1_000_000

# A task prints until it may go on. One with an even number takes being cut off for that, too, and ends while it is.
FLOW = (
    IN_A_FLOW
    + """
from dockerflow import FlowSpec, conda_base, current, step

@conda_base(python="3.11")
class Far(FlowSpec):
    @step
    def start(self):
        tell("start")
        self.xs = list(range(WIDTH))
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        tell("work", self.input)
        self.lines = 0
        while True:
            print(self.input, self.lines, flush=True)
            self.lines += 1
            answer = asked("/gate")
            if answer == "open" or (answer is None and self.input % 2 == 0):
                break
            time.sleep(0.02 * WIDTH)
        for _ in range(500):
            print(self.input, self.lines)
            self.lines += 1
        self.block = bytes([self.input]) * BLOCK
        if answer:
            tell("worked", self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        tell("join")
        self.lines = [task.lines for task in inputs]
        self.blocks = [len(task.block) for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        tell("end")
"""
)


def works(width: int = WIDTH) -> set[str]:
    """What the tasks of the foreach tell when they begin."""
    return {f"work {number}" for number in range(width)}


def once(width: int = WIDTH) -> Counter[str]:
    """What is told as often in a run without faults."""
    return Counter(["start", *works(width), "join", "end"])


# How long anything may take that is waited for, in seconds.
PATIENCE = 200.0

LOOK_EVERY = 0.1


@dataclass
class Command:
    """A command of a user's that runs, and what it has said."""

    process: subprocess.Popen[bytes]
    output: Path

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def ended(self) -> int:
        return self.process.wait(PATIENCE)

    def must_succeed(self) -> None:
        assert self.ended() == 0, self.said()


@dataclass
class Scene:
    """A folder for the flow, whose store is a bucket, and hosts that are in the user's configuration."""

    folder: Path
    referee: Referee
    hosts: list[RemoteHost]
    running: ExitStack
    width: int = WIDTH

    def __post_init__(self) -> None:
        urls = self.referee.urls([host.s3_endpoint_host for host in self.hosts])
        (self.folder / "flow.py").write_text(f"REFEREES = {urls}\nWIDTH, BLOCK = {self.width}, {BLOCK}\n{FLOW}")

    def start(self, *words: str, **settings: str) -> Command:
        """A command that works on these hosts."""
        output = self.folder / f"{words[0]}.log"
        names = ",".join(host.name for host in self.hosts)
        program = str(Path(sys.executable).with_name("dockerflow"))
        with output.open("wb") as file:
            process = subprocess.Popen(
                [program, *words, "flow.py", "--host", names, "--max-workers", str(self.width)],
                cwd=self.folder,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.running.callback(process.wait)
        self.running.callback(process.kill)
        return Command(process, output)

    def start_and_hear_all_work(self, **settings: str) -> Command:
        """A run all of whose tasks of `work` have begun, and wait."""
        command = self.start("run", **settings)
        self.hear(command, *works(self.width))
        return command

    def hear(self, command: Command, *words: str) -> None:
        """Wait until tasks of a command have told all of these."""
        deadline = time.monotonic() + PATIENCE
        while not self.referee.wait(set(words).issubset, LOOK_EVERY):
            told = f"heard {self.referee.words()} of\n{command.said()}"
            assert command.process.poll() is None, told
            assert time.monotonic() < deadline, told

    def begun(self) -> Counter[str]:
        """What has begun, and how often."""
        return Counter({words: count for words, count in self.referee.words().items() if "worked" not in words})

    def containers(self) -> list[str]:
        """What of a run there is on the hosts, by their engines and not by the way that may be cut."""
        return [each["Names"][0] for host in self.hosts for each in host.client.api.containers(all=True)]

    def check_nothing_is_left(self, command: Command) -> None:
        """An engine removes a container by itself, a moment after its end."""
        wait_until(lambda: self.containers() == [], command, ended=True)


def check(run: Run) -> None:
    """No result and no line of a run is missing, and none there twice."""
    assert run.successful
    assert set(run["join"].task.data.blocks) == {BLOCK}
    printed = {task.index: task.stdout for task in run["work"]}
    lines = dict(enumerate(run["join"].task.data.lines))
    assert printed == {number: said(number, count) for number, count in lines.items()}


def said(number: int, count: int) -> str:
    """What a task prints in so many lines."""
    return "".join(f"{number} {line}\n" for line in range(count))


def attempts(run: Run) -> list[int]:
    """How many each task of `work` had, by its index."""
    return [task.current_attempt + 1 for task in sorted(run["work"], key=lambda task: task.index)]


def latest() -> Run:
    run = Flow("Far").latest_run
    assert run is not None
    return run


def wait_until(holds: Callable[[], bool], command: Command, ended: bool = False) -> None:
    """While a command runs, or after it has `ended`."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert ended or command.process.poll() is None, command.said()
        assert time.monotonic() < deadline, command.said()
        time.sleep(LOOK_EVERY)
