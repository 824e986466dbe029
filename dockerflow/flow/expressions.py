"""What is written of a config before its value is known: `config.train.cpu`, `config_expr("…")`, `**config.options`.

A class body is executed before the flow is known that it belongs to, and a decorator above a class before the class
has any config. So these stand for values, are taken up as options of decorators and parameters, and are replaced by
what they mean when the flow is complete (`completing`).

Standard library only, Python 3.7.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

from dockerflow.flow.config_value import plain
from dockerflow.flow.errors import ExpressionError

__all__ = ["Expression", "config_expr", "has_expression", "resolved", "unpacked"]

# `f(**expression)` passes one option whose name begins so, with the expression as its value.
_UNPACK = "_dockerflow_unpacked_"

Values = Mapping[str, Any]


class Expression:
    """Stands for an expression's value: attributes and items of it are expressions again."""

    def __init__(self, text: str, names: Mapping[str, Any], path: Tuple[Any, ...] = ()) -> None:
        self._text, self._names, self._path = text, names, path

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):
            raise AttributeError(name)
        return Expression(self._text, self._names, (*self._path, name))

    def __getitem__(self, key: Any) -> Expression:
        if isinstance(key, str) and key.startswith(_UNPACK):
            return self
        return Expression(self._text, self._names, (*self._path, key))

    def keys(self) -> List[str]:
        return [f"{_UNPACK}{id(self)}"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __repr__(self) -> str:
        return self._text + "".join(f".{key}" if _is_name(key) else f"[{key!r}]" for key in self._path)


def config_expr(expr: str) -> Expression:
    """The value of a Python expression over the flow's configs, by their names, where it is used as an option.

    `@resources(cpu=config_expr("config.cores * 2"))`; the names of the module that it is written in can be used, too.
    """
    return Expression(expr, sys._getframe(1).f_globals)


def has_expression(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_expression(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple, set)):
        return any(has_expression(each) for each in value)
    return isinstance(value, Expression)


def unpacked(options: Mapping[str, Any], values: Values, keep: bool = False) -> Dict[str, Any]:
    """Options with every expression replaced; with `keep`, config values stay what they are inside."""
    found: Dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(name, str) and name.startswith(_UNPACK):
            found.update(_mapping(value, values, keep))
        else:
            found[name] = resolved(value, values, keep)
    return found


def resolved(value: Any, values: Values, keep: bool = False) -> Any:
    """A value with every expression inside replaced. Raises ExpressionError for one that has no value."""
    if isinstance(value, Expression):
        found = _value_of(value, values)
        return found if keep else plain(found)
    if type(value) is dict:
        return unpacked({resolved(key, values, keep): each for key, each in value.items()}, values, keep)
    if type(value) in (list, tuple, set):
        return type(value)(resolved(each, values, keep) for each in value)
    return value


def _mapping(expression: Any, values: Values, keep: bool) -> Mapping[str, Any]:
    found = resolved(expression, values, keep)
    if not isinstance(found, Mapping):
        raise ExpressionError(f"`**{expression!r}` is `{found!r}`; expected a dictionary of options")
    return found


def _value_of(expression: Expression, values: Values) -> Any:
    text, names, path = expression._text, expression._names, expression._path
    value: Any = None
    try:
        value = eval(text, {**names, **values})
        for key in path:
            name = resolved(key, values)
            value = getattr(value, name) if _is_name(name) and not isinstance(value, Mapping) else value[name]
    except KeyError as error:
        missing = error.args[0]
        hint = f"there is {_listed(value)}" if isinstance(value, Mapping) else None
        raise ExpressionError(f"`{expression!r}` has no value: there is no `{missing}`", hint) from error
    except Exception as error:
        what = f"`{expression!r}` has no value: {type(error).__name__}: {error}"
        raise ExpressionError(what, _has(values) if isinstance(error, NameError) else None) from error
    return value


def _has(values: Values) -> str:
    return f"the flow's configs are {_listed(values)}" if values else "the flow has no config"


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier()
