"""`dataclass` as `dataclasses` has it, for classes that are made at every start of a command and of a worker.

The standard one compiles six methods for each class, which took a quarter of the time until a run begins: some two
hundred classes are imported, and half of them never have an instance. Here a class is finished when it has its first
instance, or when somebody asks for its fields, and only its `__init__` is compiled; the other methods are the same
functions for all classes. To type checkers, and to `replace`, `fields` and `asdict`, both kinds are one.

What nobody needs here is left to the standard one: options other than `frozen`, a class's own `__init__`, fields that
are given by name only or hashed otherwise than compared, and values that are there for `__init__` alone. What is
derived from a class of this kind is of this kind. A mistake in a class's fields is told when the class is finished, and
patterns know their places from then on. Standard library only, Python 3.7: workers import this.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Callable, Dict, List

# A class is finished once, whatever thread comes first. It may have to wait for the class that it is derived from.
_FINISHING = threading.RLock()

# A fork waits for the thread that finishes a class: in the child there would be nobody to release the lock.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_FINISHING.acquire, after_in_parent=_FINISHING.release, after_in_child=_FINISHING.release
    )

# The default of a parameter whose value is made by a factory.
_MADE = object()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, *, frozen=False):
        """With and without parentheses, as the standard one."""
        return _begun(cls, frozen) if cls is not None else lambda cls: _begun(cls, frozen)


def finish(*classes: type) -> None:
    """Before a fork, so that no child does it for itself."""
    for cls in classes:
        dataclasses.fields(cls)


class _Unfinished:
    """An attribute of a class which is there as soon as somebody asks for it."""

    def __init__(self, cls: type, name: str, finish: Callable[[], None]) -> None:
        self._cls, self._name, self._finish = cls, name, finish

    def __get__(self, instance: object, owner: type) -> Any:
        self._finish()
        return self._cls.__dict__[self._name]


def _begun(cls: Any, frozen: bool) -> Any:
    """The class with all that needs no knowledge of its fields."""

    def finish() -> None:
        with _FINISHING:
            if cls.__dict__["__init__"] is unfinished:
                _finish(cls, frozen)

    def unfinished(self: Any, *values: Any, **given: Any) -> None:
        finish()
        cls.__init__(self, *values, **given)

    own = dict(cls.__dict__)
    methods: Dict[str, Any] = {"__repr__": _repr, "__eq__": _equal}
    if frozen:
        methods.update(__setattr__=_setter(cls), __delattr__=_deleter(cls))
    for name, method in methods.items():
        if name not in own:
            setattr(cls, name, method)
    # As in the standard one: who says what is equal but not what the hash is has, for Python, set that to None.
    if own.get("__hash__") is None:
        cls.__hash__ = _hash if frozen else None
    cls.__init__ = unfinished
    for name in ("__dataclass_fields__", "_compared"):
        setattr(cls, name, _Unfinished(cls, name, finish))
    return cls


def _finish(cls: Any, frozen: bool) -> None:
    documented = cls.__doc__
    cls.__doc__ = documented or cls.__name__  # otherwise one is made of the signature, which takes longer than the rest
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    cls.__doc__ = documented
    compared = [field.name for field in dataclasses.fields(cls) if field.compare]
    cls._compared = attrgetter(*compared or ["__class__"])  # those without any are equal by class
    cls.__init__ = _initializer(cls, frozen)


def _initializer(cls: type, frozen: bool) -> Callable[..., None]:
    """What nobody else can make: Python itself tells of a missing value, and of one too many."""
    there: Dict[str, Any] = {"_set": object.__setattr__, "_MADE": _MADE}
    parameters: List[str] = ["self"]
    lines: List[str] = []
    for field in dataclasses.fields(cls):
        name = value = field.name
        parameter = name
        if field.default is not dataclasses.MISSING:
            there[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            there[f"_make_{name}"] = field.default_factory
            parameter, value = f"{name}=_MADE", f"_make_{name}() if {name} is _MADE else {name}"
            value = f"_make_{name}()" if not field.init else value
        if field.init:
            parameters.append(parameter)
        elif field.default_factory is dataclasses.MISSING:
            continue  # the class has its default, or `__post_init__` sets it
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"]), there)
    made: Callable[..., None] = there["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made


@recursive_repr("...")
def _repr(self: Any) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _equal(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    compared = self._compared
    return (compared(self),) == (compared(other),)  # also of a single field, a value is equal to itself: NaN


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _setter(cls: Any) -> Callable[[Any, str, Any], None]:
    def set_attribute(self: Any, name: str, value: Any) -> None:
        _require_other(self, cls, name, "assign to")
        super(cls, self).__setattr__(name, value)

    return set_attribute


def _deleter(cls: Any) -> Callable[[Any, str], None]:
    def delete_attribute(self: Any, name: str) -> None:
        _require_other(self, cls, name, "delete")
        super(cls, self).__delattr__(name)

    return delete_attribute


def _require_other(self: Any, cls: Any, name: str, what: str) -> None:
    """Classes that are derived from a frozen one may have attributes of their own."""
    if type(self) is cls or name in cls.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot {what} field {name!r}")
