"""The value of a `Config`: a dictionary that cannot be changed, with its keys as attributes too.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
from typing import Any, Dict, Iterable, List, Mapping, NoReturn, Tuple

__all__ = ["ConfigValue", "plain"]


class ConfigValue(Dict[Any, Any]):
    """`config.train.epochs` or `config["train"]["epochs"]`; dictionaries inside, in lists too, are values like it.

    It is a dictionary: `json.dumps`, `**config.options` and `==` work. `to_dict` gives one that can be changed.
    """

    def __init__(self, data: Mapping[Any, Any]) -> None:
        super().__init__({key: _wrapped(value) for key, value in data.items()})

    @classmethod
    def fromkeys(cls, iterable: Iterable[Any], value: Any = None) -> ConfigValue:
        return cls(dict.fromkeys(iterable, value))

    def to_dict(self) -> Dict[Any, Any]:
        """An ordinary dictionary of the same content, at every level."""
        return {key: plain(value) for key, value in self.items()}

    def copy(self) -> ConfigValue:
        return ConfigValue(self)

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        near = difflib.get_close_matches(name, [key for key in self if isinstance(key, str)], 1)
        has = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(f'`{key}`' for key in self) or 'nothing'}"
        raise AttributeError(f"the config has no `{name}`: {has}")

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str) and key.isidentifier())]

    def __copy__(self) -> ConfigValue:
        return self.copy()

    def __reduce__(self) -> Tuple[Any, ...]:
        return ConfigValue, (self.to_dict(),)

    def _unchangeable(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a config cannot be changed in a flow; `to_dict()` gives a dictionary that can be")

    __setattr__ = __delattr__ = __setitem__ = __delitem__ = _unchangeable
    clear = update = setdefault = pop = popitem = __ior__ = _unchangeable


def plain(value: Any) -> Any:
    """A value with ordinary dictionaries in place of config values."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(plain(each) for each in value)
    return value


def _wrapped(value: Any) -> Any:
    if isinstance(value, Mapping) and not isinstance(value, ConfigValue):
        return ConfigValue(value)
    if type(value) in (list, tuple, set):
        return type(value)(_wrapped(each) for each in value)
    return value
