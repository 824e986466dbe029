"""What is finished late behaves as what the standard library makes at once."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dockerflow
from dockerflow import lazy_dataclasses

Decorator = Callable[..., Any]


@pytest.fixture(params=[dataclasses.dataclass, lazy_dataclasses.dataclass], ids=["standard", "lazy"])
def dataclass(request: pytest.FixtureRequest) -> Decorator:
    decorator: Decorator = request.param
    return decorator


@pytest.fixture
def point(dataclass: Decorator) -> Any:
    @dataclass(frozen=True)
    class Point:
        kind: ClassVar[str] = "point"
        x: int
        y: int = 0
        tags: list[str] = field(default_factory=list, compare=False)
        secret: str = field(default="", repr=False)

        @cached_property
        def sum(self) -> int:
            return self.x + self.y

    return Point


def test_values_are_given_by_place_and_by_name_and_defaults_fill_up(point: Any) -> None:
    assert vars(point(1, secret="s")) == {"x": 1, "y": 0, "tags": [], "secret": "s"}
    assert point(1).tags is not point(1).tags


@pytest.mark.parametrize("wrong", [lambda p: p(), lambda p: p(1, 2, [], "", 5), lambda p: p(1, z=3)])
def test_a_value_too_few_or_too_many_is_refused(point: Any, wrong: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        wrong(point)


def test_equal_values_are_equal_and_have_one_hash(dataclass: Decorator) -> None:
    @dataclass(frozen=True)
    class Pair:
        x: int
        y: str = field(default="", compare=False)

    assert Pair(1, "a") == Pair(1, "b") != Pair(2, "a")
    assert {Pair(1, "a"): 5}[Pair(1, "b")] == 5
    assert Pair(1) != (1,)


def test_classes_without_fields_are_equal_by_class(dataclass: Decorator) -> None:
    @dataclass(frozen=True)
    class Nothing:
        pass

    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())


def test_a_text_shows_what_may_be_shown(point: Any) -> None:
    assert repr(point(1, secret="s")).endswith("Point(x=1, y=0, tags=[])")


def test_frozen_values_stay_what_they_are(point: Any) -> None:
    value = point(1)
    with pytest.raises(FrozenInstanceError):
        value.x = 2
    with pytest.raises(FrozenInstanceError):
        del value.x
    assert value.sum == 1  # a property that is computed once may still be kept


def test_values_that_are_not_frozen_can_be_set_and_have_no_hash(dataclass: Decorator) -> None:
    @dataclass
    class Count:
        number: int = 0

    count = Count()
    count.number += 1
    assert count == Count(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_what_the_class_says_itself_is_left(dataclass: Decorator) -> None:
    @dataclass(frozen=True)
    class Own:
        x: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    assert (Own(1) == Own(2), hash(Own(1)), repr(Own(1))) == (True, 7, "own")


def test_what_comes_after_the_values_is_done(dataclass: Decorator) -> None:
    @dataclass(frozen=True)
    class Checked:
        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError("negative")

    with pytest.raises(ValueError, match="negative"):
        Checked(-1)


def test_fields_that_are_not_given_are_made_or_set_afterwards(dataclass: Decorator) -> None:
    @dataclass
    class Made:
        x: int
        y: int = 1
        double: int = field(init=False)
        parts: list[int] = field(init=False, default_factory=list)
        fixed: int = field(init=False, default=3)

        def __post_init__(self) -> None:
            self.double = 2 * self.x

    made = Made(4)
    assert (made.double, made.parts, made.fixed) == (8, [], 3)
    with pytest.raises(TypeError, match="__init__"):
        Made(4, 1, 8)


def test_derived_classes_have_the_fields_of_both(dataclass: Decorator) -> None:
    @dataclass(frozen=True)
    class Base:
        x: int

    @dataclass(frozen=True)
    class Derived(Base):
        y: int = 2

    class Plain(Derived):
        pass

    assert [each.name for each in fields(Derived)] == ["x", "y"]
    assert Derived(1) == Derived(1, 2) != Base(1)
    assert Plain(1) == Plain(1) != Derived(1)
    plain: Any = Plain(1)
    plain.other = 3  # who derives a class that is none of these may keep more
    with pytest.raises(FrozenInstanceError):
        plain.y = 3


def test_the_standard_functions_know_the_fields(point: Any) -> None:
    assert is_dataclass(point)
    assert [each.name for each in fields(point)] == ["x", "y", "tags", "secret"]
    assert replace(point(1), y=4) == point(1, 4)
    assert asdict(point(1)) == {"x": 1, "y": 0, "tags": [], "secret": ""}


def test_patterns_know_the_fields_of_a_value(point: Any) -> None:
    match point(1, 2):
        case point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("no match")


@lazy_dataclasses.dataclass(frozen=True)
class Copied:
    x: int
    y: tuple[int, ...] = ()


def test_copies_are_equal_also_of_a_class_that_had_no_instance_yet() -> None:
    value = Copied(1, (2,))
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    unpickle = f"import pickle, sys; value = pickle.loads({pickle.dumps(value)!r}); print(value, value == value)"
    said = subprocess.run([sys.executable, "-c", unpickle], capture_output=True, text=True, check=False)
    assert said.stdout == f"{value} True\n", said.stderr


def test_a_class_is_finished_once_when_many_threads_begin_with_it() -> None:
    made = []

    def make() -> None:
        together.wait()
        made.append((cls(1), cls.__init__))

    for _ in range(20):

        @lazy_dataclasses.dataclass(frozen=True)
        class cls:  # noqa: N801
            x: int

        together, made[:] = threading.Barrier(4), []
        threads = [threading.Thread(target=make) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(made) == 4
        assert {value.x for value, _ in made} == {1}
        assert {initializer for _, initializer in made} == {cls.__init__}


def test_a_class_that_nobody_uses_is_not_finished() -> None:
    @lazy_dataclasses.dataclass(frozen=True)
    class Unused:
        x: int

    before = Unused.__init__
    Unused(1)
    assert before is not Unused.__init__


def test_what_contains_itself_has_a_text(dataclass: Decorator) -> None:
    @dataclass
    class Node:
        next: Any = None

    node = Node()
    node.next = node
    assert repr(node).endswith("Node(next=...)")


def test_a_value_is_equal_to_itself_however_many_fields_it_has() -> None:
    @lazy_dataclasses.dataclass(frozen=True)
    class One:
        x: float

    @lazy_dataclasses.dataclass(frozen=True)
    class Two(One):
        y: int = 0

    nan = float("nan")  # to the standard one, that depends on Python's version
    assert (One(nan), Two(nan)) == (One(nan), Two(nan))


_values = st.sampled_from([0, 1, "a", (), None])
_options = st.fixed_dictionaries(
    {},
    optional={
        "default": _values,
        "default_factory": st.just(list),
        "init": st.booleans(),
        "compare": st.booleans(),
        "repr": st.booleans(),
    },
).filter(lambda options: not {"default", "default_factory"} <= options.keys())
_bodies = st.dictionaries(st.sampled_from("abcde"), _options, max_size=4)


def _in_order(body: dict[str, dict[str, Any]], inherited: dict[str, dict[str, Any]]) -> bool:
    """Whether no field that must be given comes after one that need not be."""
    given = [each for each in {**inherited, **body}.values() if each.get("init", True)]
    optional = ["default" in each or "default_factory" in each for each in given]
    return optional == sorted(optional)


@st.composite
def _lines(draw: st.DrawFn) -> list[dict[str, dict[str, Any]]]:
    """What each class of a line of derived classes adds."""
    bodies: list[dict[str, dict[str, Any]]] = []
    inherited: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, 3))):
        known = dict(inherited)
        bodies.append(draw(_bodies.filter(lambda body, known=known: _in_order(body, known))))  # type: ignore[misc]
        inherited.update(bodies[-1])
    return bodies


def _made(decorator: Decorator, bodies: list[dict[str, dict[str, Any]]], frozen: bool) -> list[Any]:
    made: list[Any] = [object]
    for number, body in enumerate(bodies):
        attributes = {name: field(**options) for name, options in body.items()}
        names = {"__annotations__": dict.fromkeys(body, "object"), "__qualname__": f"C{number}"}
        made.append(decorator(frozen=frozen)(type(f"C{number}", (made[-1],), {**attributes, **names})))
    return made[1:]


def _told(action: Callable[[], Any]) -> Any:
    """What comes of it, in a form that does not name the class."""
    try:
        return action()
    except (TypeError, AttributeError, ValueError) as error:
        return type(error), str(error)


def _seen(cls: Any, other: Any, values: list[Any], named: dict[str, Any]) -> list[Any]:
    """All that can be seen of an instance, and how it compares to one of a class beside it in the line."""
    one = _told(lambda: cls(*values, **named))
    if isinstance(one, tuple):
        return [one]
    same, name = cls(*values, **named), next(iter(named), "a")
    return [
        *(dict(vars(one)), _told(lambda: repr(one)), one == values),
        *(_told(lambda: one == one), _told(lambda: one == same), _told(lambda: one != same)),
        *(_told(lambda: one == other()), _told(lambda: hash(one) == hash(same)), cls.__hash__ is None),
        _told(lambda: vars(replace(one, **named))),
        *(_told(lambda: asdict(one)), is_dataclass(cls), cls.__match_args__),
        [(each.name, each.init, each.repr, each.compare, each.default) for each in fields(cls)],
        *(_told(lambda: vars(copy.copy(one))), _told(lambda: setattr(one, name, 5)), _told(lambda: delattr(one, name))),
        *(_told(lambda: setattr(one, "z", 5)), vars(one)),
    ]


@given(
    _lines(),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 2),
    st.lists(_values, max_size=3),
    st.dictionaries(st.sampled_from("abcdef"), _values, max_size=2),
)
def test_a_generated_class_behaves_as_the_standard_one(
    bodies: list[dict[str, dict[str, Any]]],
    frozen: bool,
    which: int,
    other: int,
    values: list[Any],
    named: dict[str, Any],
) -> None:
    seen = []
    for decorator in (dataclasses.dataclass, lazy_dataclasses.dataclass):
        classes = _made(decorator, bodies, frozen)
        seen.append(_seen(classes[which % len(classes)], classes[other % len(classes)], values, named))
    assert seen[0] == seen[1]


def test_every_class_of_values_can_be_finished() -> None:
    root = Path(dockerflow.__file__).parent
    found = []
    for file in root.rglob("*.py"):
        if "from dockerflow.lazy_dataclasses import dataclass" in file.read_text():
            name = ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
            classes = [each for each in vars(import_module(name)).values() if isinstance(each, type)]
            found += [each for each in classes if each.__module__ == name and "__dataclass_fields__" in vars(each)]
    lazy_dataclasses.finish(*found)
    assert len(found) > 200


FORKED = """
import dataclasses, os, signal, threading
from dockerflow import lazy_dataclasses

@lazy_dataclasses.dataclass(frozen=True)
class Slow:
    x: int

@lazy_dataclasses.dataclass(frozen=True)
class Other:
    x: int

finish, begun, go_on = lazy_dataclasses._finish, threading.Event(), threading.Event()

def slowly(cls, frozen):
    if cls is Slow:
        begun.set()
        go_on.wait()
    finish(cls, frozen)

lazy_dataclasses._finish = slowly
thread = threading.Thread(target=Slow, args=(1,))
thread.start()
begun.wait()
threading.Timer(0.2, go_on.set).start()
child = os.fork()
if child == 0:
    signal.alarm(60)
    print(Other(1), Slow(2), flush=True)
    os._exit(0)
thread.join()
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_a_class_is_finished_leaves_no_lock_behind() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "Other(x=1) Slow(x=2)\n"), said.stderr
