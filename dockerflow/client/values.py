"""A task's artifacts with a dot: `task.data.x` is a value, `task.artifacts.x` the artifact that holds it."""

from __future__ import annotations

from typing import Any, Callable, Iterator, List, Mapping

from dockerflow.client.artifact import Artifact
from dockerflow.client.errors import not_found


class Values:
    """Something for each artifact of a task, by name; made when it is asked for."""

    def __init__(self, where: str, artifacts: Mapping[str, Artifact], get: Callable[[Artifact], Any]) -> None:
        self._where, self._artifacts, self._get = where, artifacts, get

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._artifacts:
            raise not_found("artifact", name, self._where, self._artifacts)
        return self._get(self._artifacts[name])

    def __contains__(self, name: object) -> bool:
        return name in self._artifacts

    def __iter__(self) -> Iterator[Any]:
        return (self._get(artifact) for artifact in self._artifacts.values())

    def __len__(self) -> int:
        return len(self._artifacts)

    def __dir__(self) -> List[str]:
        return [*self._artifacts, *object.__dir__(self)]

    def __repr__(self) -> str:
        return f"<{self._where}: {', '.join(self._artifacts)}>"
