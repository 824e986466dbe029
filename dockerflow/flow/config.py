"""`Config`: a value of the flow that is known before anything else of it, so that decorators can use it.

In a class body `config.train.cpu` is an expression, which options of decorators and parameters may have; on a running
flow the same attribute is the config's value, read-only. Where the value comes from is in `config_values`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import Any, Iterator, List, NoReturn, Optional, Tuple

from dockerflow.flow.config_value import ConfigValue
from dockerflow.flow.definition import ConfigDefinition
from dockerflow.flow.expressions import Expression
from dockerflow.flow.options import option_meant
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Config", "Written", "written"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")

_OPTIONS = ("default", "default_value", "help", "required", "parser", "plain")


@dataclass(frozen=True)
class Written:
    """A config as it stands in the source. `default` is a path, `default_value` a text or a dictionary, or functions
    of a context that give one.
    """

    name: Any
    default: Any
    default_value: Any
    help: Optional[str]
    required: bool
    parser: Any
    plain: bool
    unknown: Tuple[str, ...]
    file: str
    line: int
    attribute: str = ""

    def definition(self) -> ConfigDefinition:
        return ConfigDefinition(self.attribute, str(self.name), self.required, self.help or "", self.plain, self.line)

    def faults(self) -> List[Tuple[str, Optional[str]]]:
        """What is wrong with the definition: messages with their hints."""
        found: List[Tuple[str, Optional[str]]] = []
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            found.append((f"the name of a config is `{self.name!r}`; expected letters, digits, `-` and `_`", None))
        if self.default is not None and self.default_value is not None:
            hint = "`default` is the path of a file, `default_value` the value itself"
            found.append((f"config `{self.name}` has both `default` and `default_value`", hint))
        for option in self.unknown:
            found.append((f"config `{self.name}` has an unknown option `{option}`", option_meant(option, _OPTIONS)))
        return found

    def shown(self, value: Any) -> Any:
        """What a step sees of the value that was stored."""
        return value if value is None or self.plain else ConfigValue(value)


class Config:
    """A configuration of the flow: the content of a file, `--config NAME PATH`, or `--config-value NAME JSON`.

    `default` is the path of a file (from the working directory), `default_value` a JSON text or a dictionary; either
    may be a function of a context that has `flow_name`, `user_name` and `parameter_name`. `parser`, a function or its
    dotted name, makes a dictionary of the text if it is no JSON. With `plain` the value stays what the parser makes of
    it, or the text. `required`: without any default one must be given.
    """

    def __init__(  # noqa: PLR0913 - the options are Metaflow's
        self,
        name: str,
        default: Any = None,
        default_value: Any = None,
        help: Optional[str] = None,
        required: Optional[bool] = None,
        parser: Any = None,
        plain: bool = False,
        **unknown: Any,
    ) -> None:
        unknown.pop("show_default", None)
        frame = sys._getframe(1)
        at = frame.f_code.co_filename, frame.f_lineno
        given = (name, default, default_value, help, bool(required), parser, bool(plain), tuple(unknown))
        # What is kept has two underscores: every other attribute is a key of the config.
        vars(self).update(name=name, __written__=Written(*given, *at))

    def __set_name__(self, owner: Any, attribute: str) -> None:
        vars(self)["__written__"] = replace(written(self), attribute=attribute)

    def __get__(self, flow: Any, owner: Any = None) -> Any:
        return self if flow is None else flow._parameter(written(self).attribute, written(self).shown)

    def __set__(self, flow: Any, value: Any) -> NoReturn:
        raise AttributeError(f"`{written(self).attribute}` is a config and cannot be changed in a step")

    def __getattr__(self, name: str) -> Expression:
        return getattr(self._expression(), name)  # type: ignore[no-any-return]

    def __getitem__(self, key: Any) -> Expression:
        return self._expression()[key]

    def keys(self) -> List[str]:
        """For `**config`."""
        return self._expression().keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def _expression(self) -> Expression:
        return Expression(str(written(self).name), {})


def written(config: Config) -> Written:
    return vars(config)["__written__"]  # type: ignore[no-any-return]
