"""What a flow is given when it is run: `Parameter` and `IncludeFile`.

In a class body they describe a parameter; on a running flow the same attribute is its value, read-only. How a text
from the command line becomes a value is in `parameters`; a definition that cannot work is noted and reported with the
flow's other problems.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import importlib
import re
import sys
from copy import copy
from typing import Any, Callable, List, Mapping, Optional, Tuple

from dockerflow.flow.definition import ParameterDefinition
from dockerflow.flow.errors import StepError
from dockerflow.flow.options import option_meant

__all__ = ["IncludeFile", "JSONType", "JSONTypeClass", "Parameter"]

# A parameter of such a name could not be given, or not on Metaflow. In lower case, with dashes.
RESERVED = frozenset(
    [
        "decospecs",
        "help",
        "max-log-size",
        "max-num-splits",
        "max-workers",
        "namespace",
        "obj",
        "params",
        "run-id",
        "run-id-file",
        "runner-attribute-file",
        "tag",
        "tags",
        "task-id",
        "user-namespace",
        "with",
    ]
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


class JSONTypeClass:
    """The type of a parameter whose text is JSON; `JSONType` is one."""

    def __repr__(self) -> str:
        return "JSONType"


JSONType = JSONTypeClass()

_KINDS = {str: "str", int: "int", float: "float", bool: "bool", dict: "json", list: "json"}


class Parameter:
    """A value of the flow that is given when it is run, as `--name VALUE`.

    `type` is one of `str`, `int`, `float`, `bool`, `JSONType`; without it, the type of `default`, or `str`.
    `default` may be a function of one argument, called at launch with a context that has `flow_name`, `user_name` and
    `parameter_name`. With `separator`, the text is split into a list.
    """

    _OPTIONS: Tuple[str, ...] = ("default", "type", "help", "required", "show_default", "separator", "hidden")

    def __init__(
        self,
        name: str,
        default: Any = None,
        type: Any = None,
        help: Optional[str] = None,
        required: Optional[bool] = None,
        show_default: Optional[bool] = None,
        **options: Any,
    ) -> None:
        frame = sys._getframe(1)
        while frame.f_code.co_filename == __file__ and frame.f_back is not None:  # called by a subclass's constructor
            frame = frame.f_back
        self.file, self.line = frame.f_code.co_filename, frame.f_lineno
        named = {"default": default, "type": type, "help": help, "required": required, "show_default": show_default}
        self.name, self.attribute = name, ""
        # What has a name of its own here stands before what `**config.options` says.
        self.written = {**options, **{option: value for option, value in named.items() if value is not None}}
        self._take(self.written)

    def _take(self, options: Mapping[str, Any]) -> None:
        self.default, self.type, self.help = options.get("default"), options.get("type"), options.get("help")
        self.separator, self.hidden = options.get("separator"), options.get("hidden") is True
        self.shows_default = options.get("show_default") is not False
        self.required = bool(options.get("required")) and self.default is None
        self.unknown = tuple(option for option in options if option not in self._OPTIONS)

    def taking(self, options: Mapping[str, Any]) -> Any:
        """The same parameter with these for the options that it was written with."""
        found = copy(self)
        found._take(options)
        return found

    def __set_name__(self, owner: Any, attribute: str) -> None:
        self.attribute = attribute

    @property
    def kind(self) -> str:
        return _KINDS.get(self._type(), "json")

    def definition(self) -> ParameterDefinition:
        return ParameterDefinition(
            attribute=self.attribute,
            name=str(self.name),
            kind=self.kind,
            required=self.required,
            default=self.default,
            help=self.help or "",
            line=self.line,
            hidden=self.hidden,
            shows_default=self.shows_default,
        )

    def faults(self) -> List[Tuple[str, Optional[str]]]:
        """What is wrong with the definition: messages with their hints."""
        found: List[Tuple[str, Optional[str]]] = []
        known = isinstance(self.name, str) and _NAME.match(self.name)
        if not known:
            found.append((f"the name of a parameter is `{self.name!r}`; expected letters, digits, `-` and `_`", None))
        elif self.name.lower().replace("_", "-") in RESERVED:
            hint = "give it another name; the attribute may keep its own"
            found.append(
                (f"parameter `{self.name}` has a reserved name: `--{self.name}` is an option of the run", hint)
            )
        if not (isinstance(self._type(), JSONTypeClass) or self._type() in _KINDS):
            expected = "`str`, `int`, `float`, `bool` or `JSONType`"
            found.append((f"the type of parameter `{self.name}` is `{self._type()!r}`; expected {expected}", None))
        for option in self.unknown:
            hint = option_meant(option, self._OPTIONS)
            found.append((f"parameter `{self.name}` has an unknown option `{option}`", hint))
        if self.separator is not None and self.kind != "str":
            found.append((f"parameter `{self.name}` has a `separator` but is no `str`", "leave one of the two out"))
        return found

    def loaded(self, value: Any) -> Any:
        """What a step sees of the value that was stored."""
        return value

    def _type(self) -> Any:
        if self.type is not None:
            return self.type
        return str if self.default is None or callable(self.default) else type(self.default)

    def __get__(self, flow: Any, owner: Any = None) -> Any:
        return self if flow is None else flow._parameter(self.attribute, self.loaded)

    def __set__(self, flow: Any, value: Any) -> None:
        raise AttributeError(
            f"`{self.attribute}` is a parameter and cannot be changed; store the new value under another name"
        )

    def __getitem__(self, key: Any) -> Any:  # so that a type checker accepts `self.parameter["key"]`
        raise TypeError(f"parameter `{self.name}` has a value only while the flow runs")


class IncludeFile(Parameter):
    """The content of a file that is named when the flow is run, as `--name PATH`, and read at that moment.

    A text (`is_text`, decoded with `encoding`) or bytes. `default` is a path, or a function that gives one.
    `parser`, a function or its dotted name, turns the content into what a step sees, inside the step.
    """

    _OPTIONS = (*Parameter._OPTIONS, "is_text", "encoding", "parser")

    def __init__(
        self,
        name: str,
        required: Optional[bool] = None,
        is_text: Optional[bool] = None,
        encoding: Optional[str] = None,
        help: Optional[str] = None,
        parser: Any = None,
        **options: Any,
    ) -> None:
        named = {"is_text": is_text, "encoding": encoding, "parser": parser}
        options.update((option, value) for option, value in named.items() if value is not None)
        super().__init__(name, required=required, help=help, **options)

    def _take(self, options: Mapping[str, Any]) -> None:
        super()._take(options)
        self.type = None
        self.is_text = options.get("is_text") is not False
        self.encoding = options.get("encoding") or "utf-8"
        self.parser = options.get("parser")

    @property
    def kind(self) -> str:
        return "file"

    def faults(self) -> List[Tuple[str, Optional[str]]]:
        found = super().faults()
        try:
            "".encode(self.encoding)
        except (LookupError, TypeError):
            found.append(
                (f"parameter `{self.name}` has an unknown encoding `{self.encoding}`", "try `utf-8` or `latin-1`")
            )
        return found

    def loaded(self, value: Any) -> Any:
        return value if value is None or self.parser is None else _function(self.parser)(value)


def _function(parser: Any) -> Callable[[Any], Any]:
    if callable(parser):
        return parser  # type: ignore[no-any-return]
    module, _, name = str(parser).rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError, ValueError) as error:
        message = f"the parser `{parser}` of a parameter cannot be imported: {error}"
        raise StepError(message, "name it as `module.function`") from error
