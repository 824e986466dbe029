"""Flows made from a number: the same number gives the same flow, on every machine and Python.

A flow is a chain of blocks: steps, splits, foreaches, switches and loops, each holding chains of its own, and every
split and foreach has its join. Each step does a few things out of `FEATURES`, which say what they may rely on, so that
a flow is always valid; one step may fail, in one of the ways of `FAILURES`. Everything is deterministic: what a join
makes of its inputs does not depend on which of them was first.
"""

from __future__ import annotations

import itertools
import random
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from tests.differential.case import Case

DEPTH = 2
MOST_STEPS = 9

HEAD = """\
# Run with --size {size}
import os
import signal
import sys
import threading
import time

from dockerflow import FlowSpec, Parameter, catch, current, retry, step, timeout
from dockerflow.exception import MetaflowException


class Seed{seed}(FlowSpec):
    \"\"\"Generated from the seed {seed}.\"\"\"

    size = Parameter("size", default=1)
    limit = {limit}
"""

TAIL = """


if __name__ == "__main__":
    Seed{seed}()
"""

VALUES = (
    "None",
    "self.n",
    "[self.n, str(self.n)]",
    "{'n': self.n, 2: ()}",
    "'é' * (self.n % 5)",
    "b'\\x00'",
    "self.n / 7",
)


@dataclass(frozen=True)
class Place:
    """Where a step stands: whether in a foreach whose item it is sure to see."""

    item: bool = False


@dataclass
class Written:
    """One step as it will stand in the file."""

    name: str
    body: list[str]
    following: str
    join: bool = False
    decorators: list[str] = field(default_factory=list)
    may_be_caught: bool = True  # where it goes does not depend on what it computes
    in_foreach: bool = False

    def __str__(self) -> str:
        signature = "self, inputs" if self.join else "self"
        lines = [*self.decorators, "@step", f"def {self.name}({signature}):"]
        inside = [*self.body, self.following] if self.following else self.body
        return textwrap.indent("\n".join([*lines, *(f"    {line}" for line in inside)]), "    ")


class Maker:
    """Writes one flow."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.numbers = itertools.count(1)
        self.steps: list[Written] = []

    def flow(self) -> Case:
        first = self.chain("end", DEPTH, Place())
        start = ["self.trail = ['start']", f"self.n = self.size + {self.random.randrange(50)}", "self.box = {}"]
        end = ["self.seen = (self.n, len(self.trail))", "print('end', self.trail)"]
        self.steps = [
            Written("start", start, f"self.next(self.{first})"),
            *reversed(self.steps),
            Written("end", end, ""),
        ]
        if self.random.random() < 0.6:
            self.random.choice(FAILURES)(self)
        head = HEAD.format(seed=self.seed, size=self.random.randrange(9), limit=self.random.randrange(9))
        text = "\n".join([head, "\n\n".join(map(str, self.steps))])
        return Case(f"seed_{self.seed}", text + TAIL.format(seed=self.seed))

    # Blocks: each adds its steps, the last of which goes to `after`, and returns the name of its first.

    def chain(self, after: str, depth: int, place: Place) -> str:
        """Behind a block that may have a join in it, the item of the foreach around is no longer to be had."""
        count = self.random.choice((1, 1, 2, 3) if depth == DEPTH else (1, 1, 2))
        for number in reversed(range(count)):
            after = self.block(after, depth, place if number == 0 else Place())
        return after

    def block(self, after: str, depth: int, place: Place) -> str:
        small = depth == 0 or len(self.steps) > MOST_STEPS
        kinds = [self.step] if small else [self.step, self.split, self.foreach, self.foreach, self.switch, self.loop]
        return self.random.choice(kinds)(after, depth, place)

    def step(self, after: str, depth: int, place: Place) -> str:
        return self.add("work", f"self.next(self.{after})", place)

    def split(self, after: str, depth: int, place: Place) -> str:
        join = self.join(after, place)
        ways = [self.chain(join, depth - 1, place) for _ in range(self.random.choice((2, 2, 3)))]
        return self.add("split", f"self.next({', '.join(f'self.{way}' for way in ways)})", place)

    def foreach(self, after: str, depth: int, place: Place) -> str:
        join = self.join(after, place)
        each = self.chain(join, depth - 1, Place(item=True))
        items = self.random.choice(
            ("[self.n, 'two']", "range(self.n % 3 + 1)", "'abc'", "(None, (1, 2), {'k': self.n})")
        )
        name = self.add("many", "", place)
        made = self.steps[-1]
        made.body.append(f"self.items_of_{name} = {items}")
        made.following, made.may_be_caught = f"self.next(self.{each}, foreach='items_of_{name}')", False
        return name

    def switch(self, after: str, depth: int, place: Place) -> str:
        meeting = self.add("meet", f"self.next(self.{after})", Place())
        ways = [self.chain(meeting, depth - 1, place) for _ in range(2)]
        name = self.add("switch", "", place)
        made = self.steps[-1]
        made.body.append(f"self.way_of_{name} = 'odd' if self.n % 2 else 'even'")
        cases = f"{{'odd': self.{ways[0]}, 'even': self.{ways[1]}}}"
        made.following, made.may_be_caught = f"self.next({cases}, condition='way_of_{name}')", False
        return name

    def loop(self, after: str, depth: int, place: Place) -> str:
        out = self.add("out", f"self.next(self.{after})", place)
        name = self.add("loop", "", place)
        made = self.steps[-1]
        rounds = self.random.choice((1, 2, 3))
        made.body += [
            f"self.rounds_of_{name} = getattr(self, 'rounds_of_{name}', 0) + 1",
            f"self.more_of_{name} = self.rounds_of_{name} < {rounds}",
        ]
        cases = f"{{True: self.{name}, False: self.{out}}}"
        made.following, made.may_be_caught = f"self.next({cases}, condition='more_of_{name}')", False
        return name

    def join(self, after: str, place: Place) -> str:
        name = f"join_{next(self.numbers)}"
        body = [
            "ordered = sorted(inputs, key=lambda one: one.trail)",
            f"self.trail = [*(name for one in ordered for name in one.trail), '{name}']",
            "self.n = sum(one.n for one in inputs) % 1009",
            "self.box = {name: value for one in ordered for name, value in one.box.items()}",
            *self.random.choice(MERGES)(name),
        ]
        self.steps.append(Written(name, body, f"self.next(self.{after})", join=True, in_foreach=place.item))
        return name

    def add(self, kind: str, following: str, place: Place) -> str:
        name = f"{kind}_{next(self.numbers)}"
        body = [f"self.trail = [*self.trail, '{name}']"]
        possible = [make for make, needs_item in FEATURES if place.item or not needs_item]
        for make in self.random.sample(possible, self.random.choice((1, 2, 3))):
            body += make(self, name)
        self.steps.append(Written(name, body, following, in_foreach=place.item))
        return name


def _value(maker: Maker, name: str) -> list[str]:
    return [f"self.value_of_{name} = {maker.random.choice(VALUES)}"]


def _count(maker: Maker, name: str) -> list[str]:
    return [f"self.n = (self.n * {maker.random.randrange(2, 9)} + self.size) % 1009"]


def _printed(maker: Maker, name: str) -> list[str]:
    stream = maker.random.choice(("", ", file=sys.stderr"))
    return [f"print('{name}', self.n, current.step_name{stream})"]


def _mutated(maker: Maker, name: str) -> list[str]:
    return [f"self.box['{name}'] = len(self.trail)"]


def _deleted(maker: Maker, name: str) -> list[str]:
    return [f"self.short = '{name}'", "del self.short"]


def _seen(maker: Maker, name: str) -> list[str]:
    others = [step.name for step in maker.steps] or ["start"]
    names = [f"value_of_{other}" for other in maker.random.sample(others, min(3, len(others)))]
    return [f"self.has_{name} = [hasattr(self, name) for name in {names}]"]


def _constant(maker: Maker, name: str) -> list[str]:
    return [f"self.bounded_{name} = min(self.limit, self.n, self.size)"]


def _current(maker: Maker, name: str) -> list[str]:
    return [f"self.told_{name} = (current.flow_name, current.step_name, current.retry_count, current.username)"]


def _item(maker: Maker, name: str) -> list[str]:
    return [f"self.item_{name} = (self.index, self.input)"]


def _index(maker: Maker, name: str) -> list[str]:
    return ["self.n += self.index"]


def _depth(maker: Maker, name: str) -> list[str]:
    return [f"self.depth_{name} = [(index, size) for index, size, _ in self.foreach_stack()]"]


# What a step may do, and whether it needs the item of a foreach.
FEATURES: tuple[tuple[Callable[[Maker, str], list[str]], bool], ...] = (
    (_value, False),
    (_count, False),
    (_count, False),
    (_printed, False),
    (_mutated, False),
    (_deleted, False),
    (_seen, False),
    (_constant, False),
    (_current, False),
    (_depth, False),
    (_item, True),
    (_index, True),
)


def _no_merge(name: str) -> list[str]:
    return []


def _merge_all(name: str) -> list[str]:
    tried = ["try:", "    self.merge_artifacts(inputs)", f"    self.merged_{name} = True"]
    return [*tried, "except MetaflowException:", f"    self.merged_{name} = False"]


def _merge_some(name: str) -> list[str]:
    tried = ["try:", "    self.merge_artifacts(inputs, include=['box', 'short', 'value_of_work_1'])"]
    return [*tried, "except MetaflowException:", f"    self.had_{name} = hasattr(self, 'value_of_work_1')"]


def _merge_without(name: str) -> list[str]:
    tried = ["try:", "    self.merge_artifacts(inputs, exclude=['short', 'way', 'trail'])"]
    return [*tried, "except MetaflowException:", f"    self.refused_{name} = sorted({{one.n for one in inputs}})"]


MERGES: tuple[Callable[[str], list[str]], ...] = (_no_merge, _merge_all, _merge_some, _merge_without)


# Failures: each changes one step.


def _condition(maker: Maker, made: Written) -> str:
    return "self.index == 0 and " if made.in_foreach and maker.random.random() < 0.5 else ""


def _chosen(maker: Maker, caught: bool = False) -> Written:
    return maker.random.choice([made for made in maker.steps if made.may_be_caught or not caught])


def _fails_once(maker: Maker) -> None:
    made = _chosen(maker)
    made.decorators = [f"@retry(times={maker.random.choice((1, 2))}, minutes_between_retries=0)"]
    how = maker.random.choice(("raise OSError('not yet')", "os.kill(os.getpid(), signal.SIGKILL)"))
    made.body += [f"if {_condition(maker, made)}current.retry_count == 0:", f"    {how}"]


def _is_caught(maker: Maker) -> None:
    made = _chosen(maker, caught=True)
    made.decorators = [f"@catch(var='failed_{made.name}', print_exception={maker.random.random() < 0.5})"]
    if maker.random.random() < 0.3:
        made.decorators.append("@retry(times=1, minutes_between_retries=0)")
    made.body += [f"if {_condition(maker, made)}self.n >= 0:", "    raise KeyError('caught')"]


def _is_late(maker: Maker) -> None:
    made = _chosen(maker, caught=True)
    made.decorators = ["@catch(var='late', print_exception=False)", "@timeout(seconds=1)"]
    made.body += [f"if {_condition(maker, made)}self.n >= 0:", "    time.sleep(100)"]


def _fails(maker: Maker) -> None:
    made = _chosen(maker)
    if maker.random.random() < 0.3:
        made.decorators = ["@retry(times=1, minutes_between_retries=0)"]
    how = maker.random.choice(("raise ValueError('over', self.n)", "sys.exit(3)", "self.lock = threading.Lock()"))
    made.body += [f"if {_condition(maker, made)}self.n >= 0:", f"    {how}"]


FAILURES = (_fails_once, _fails_once, _is_caught, _is_caught, _is_late, _fails)


def flow(seed: int) -> Case:
    """The flow of a seed."""
    return Maker(seed).flow()


def flows(seed: int, count: int) -> list[Case]:
    """Flows of seeds in a row, beginning with the one given."""
    return [flow(number) for number in range(seed, seed + count)]


def of_today() -> int:
    """A seed that is another one each day: 20261123000, and as many after it as one likes."""
    return int(date.today().strftime("%Y%m%d")) * 1000
