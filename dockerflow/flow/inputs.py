"""The finished tasks that a join receives.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Sequence

__all__ = ["Inputs"]


class Inputs:
    """A join's inputs, in the order of the split: `inputs[0].x`, `inputs.train.x` by step, or one after the other."""

    def __init__(self, flows: Sequence[Any], steps: Sequence[str]) -> None:
        self._flows = list(flows)
        self._steps = list(steps)

    def __getattr__(self, name: str) -> Any:
        # The last one of that name, as in Metaflow, where all tasks of a foreach have the same.
        for flow, step in zip(reversed(vars(self).get("_flows", ())), reversed(vars(self).get("_steps", ()))):
            if step == name:
                return flow
        steps = ", ".join(f"`{step}`" for step in dict.fromkeys(vars(self).get("_steps", ())))
        raise AttributeError(f"no step `{name}` leads to this join; its inputs come from {steps}")

    def __getitem__(self, index: Any) -> Any:
        return self._flows[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._flows)

    def __len__(self) -> int:
        return len(self._flows)

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self._steps]

    def __repr__(self) -> str:
        return f"<{len(self._flows)} inputs: {', '.join(map(repr, self._flows))}>"

    def __reduce__(self) -> Any:
        raise TypeError("`inputs` cannot be an artifact; keep what is needed of each, as in `[i.x for i in inputs]`")
